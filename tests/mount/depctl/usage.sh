#!/usr/bin/env bash
# depctl/usage: a wrong command line ends with 2, one sentence and how it is typed; what later
# versions bring is not there; the mount is found or asked for.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
depfs_start_policies
policy_create P

refused 2 "a command is missing" depctl
for word in rotate remove purge restore frobnicate; do
	refused 2 "there is no command '$word'" depctl $word
done
refused 2 "policy erase: there is no such command" depctl policy erase P
refused 2 "key erase: there is no such command" depctl key erase $K1
refused 2 "policy remove: --all: no such option" depctl policy remove P --all
refused 2 "--reason is missing" depctl policy purge P
refused 2 "--contact is missing" depctl policy purge P --reason R
refused 2 "a command is missing" depctl policy
refused 2 "wrong number of arguments" depctl policy create X $K1
refused 2 "wrong number of arguments" depctl policy show
refused 2 "a name with blanks needs quotes" depctl policy show P P
refused 2 "wrong number of arguments, 1 instead of 0" depctl policy list P
depctl policy show 2>&1 | grep -q "needs quotes" && fail "a hint at quotes where nothing was typed"
refused 2 "wrong number of arguments" depctl policy replace-keys P $K1
refused 2 "mailbox or multi-workload" depctl policy create X $K1 $K2 --kind other
refused 2 "--bogus" depctl policy create X $K1 $K2 --bogus
refused 2 "--kind: its value is missing" depctl policy create X $K1 $K2 --kind
refused 2 "coverage: --html: its value is missing" depctl coverage --html
refused 2 "events: --key: its value is missing" depctl events --verify --key
refused 2 "key create: --size: its value is missing" depctl key create $K1 --size
refused 2 "key create: --sizes: no such option" depctl key create $K1 --sizes
refused 2 "key create: a key id is missing" depctl key create
refused 2 "slow: how many milliseconds is missing" depctl key fault local://v1/keys/k1 slow
refused 2 "scan: it takes no arguments, not 'now'" depctl scan now
refused 2 "wrong number of arguments" depctl assign
refused 2 "there is no command 'asign'; did you mean 'assign'?" depctl asign P
refused 2 "there is no command 'polciy'; did you mean 'policy'?" depctl polciy list
refused 2 "policy creat: there is no such command; did you mean 'create'?" depctl policy creat P
refused 2 "wrong number of arguments" depctl unassign P
refused 2 "wrong number of arguments" depctl assignment P
refused 2 "no such option" depctl assign --forced P
refused 2 "a command is missing" depctl mailbox
refused 2 "wrong number of arguments" depctl mailbox assign u1
refused 2 "mailbox move: there is no such command" depctl mailbox move u1
refused 2 "it takes no arguments" depctl status now
refused 2 "now: only --verify takes this" depctl events now
refused 2 "no such option" depctl events --tail
refused 2 "no end to verify" depctl events -f --verify
refused 2 "one file is needed" depctl inspect
refused 2 "one file is needed" depctl inspect a b
refused 2 "--bogus: unknown option" depctl --bogus
refused 2 "there is no command 'nonsense'" depctl help nonsense

says "policy create NAME KEY1 KEY2" depctl help
says "usage: depctl policy create NAME KEY1 KEY2" depctl help policy create
says "usage: depctl policy create NAME KEY1 KEY2" depctl policy create --help
says "usage: depctl mailbox assign [--force] [--dry-run] ID P" depctl mailbox --help
assert_eq "$(depctl key rotate --help | grep -c usage:)" 1 "usage lines of one command of depctl key"
says "usage: depctl Get-M365DataAtRestEncryptionPolicy [-Identity P]" \
	depctl get-m365dataatrestencryptionpolicy --help
says "[-Identity P]" depctl Get-M365DataAtRestEncryptionPolicy '-?'
says "depctl " depctl --version

# the mount: named in front, behind, by the environment, or wrongly
ctl=$BIN/depctl
says "mount: $MNT" "$ctl" -m "$MNT" status
says "mount: $MNT" "$ctl" status --mount="$MNT"
says "mount: $MNT" env DEPFS_MOUNT="$MNT" "$ctl" status
refused 2 "-m needs a value" "$ctl" status -m
refused 1 "/tmp is not a depfs mount" "$ctl" -m /tmp status
refused 1 "is it the store itself?" "$ctl" -m "$STORE" status
refused 1 "$WORK/missing: No such file" "$ctl" -m "$WORK/missing" status
refused 1 "$ctl is not a depfs mount" "$ctl" -m "$ctl" status

# without a name: the only mount there is, in a namespace that shows no others
alone()
{
	unshare -m sh -c "
		awk '\$3 == \"fuse.depfs\" && \$2 != \"$MNT\" { print \$2 }' /proc/self/mounts |
			while read -r m; do umount -l \"\$m\"; done
		$1"
}
says "mount: $MNT" alone "'$ctl' status"
mkdir "$WORK/bind mount"
says "mount: $MNT" alone "mount --bind '$MNT' '$WORK/bind mount'; '$ctl' status"
refused 1 "there is no depfs mount here" alone "umount -l '$MNT'; exec '$ctl' status"

# other users get one sentence, and nothing else
chmod 711 "$MNT" # else the sentence is about the mode
refused 1 "only its owner and its admin group" setpriv --reuid=65534 --regid=65534 --clear-groups \
	"$ctl" -m "$MNT" status

# a daemon that has died
depfs_start_two()
{
	kill -KILL "$DAEMON_PID"
	wait "$DAEMON_PID" 2>/dev/null || true
	DAEMON_PID=
}
depfs_start_two
refused 1 "its daemon has ended" depctl status
umount -l "$MNT"
assert_eq "$(depctl -V)" "$(depctl --version)"

# each program says its version, and the commit that it was built from
commit=
[ ! -e "$TOP/.git" ] || ! git -c "safe.directory=*" -C "$TOP" rev-parse HEAD >"$WORK/out" 2>&1 ||
	commit=' \(commit [0-9a-f]{12}(-dirty)?\)'
for program in depctl depfs mkfs.depfs mount.depfs; do
	assert_match "$("$BIN/$program" --version)" "^$program [0-9.]+$commit$"
done
