#!/usr/bin/env bash
# quickstart/installed: the README's installation and its line in fstab mount a store, and depfs(8)'s unit is one that systemd
# takes, whose commands serve, end, and serve again after a kill.
# builds: release
[ -n "${OWN_NAMESPACE:-}" ] || OWN_NAMESPACE=1 exec unshare --mount --propagation private bash "$0"
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need cmake mandoc systemd-analyze findmnt
[ -x /sbin/mount.fuse3 ] || skip "/sbin/mount.fuse3 is missing"
[ "$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$BUILD/CMakeCache.txt")" = /usr/local ] ||
	skip "it is built for another place than /usr/local"
mkdir "$WORK/over"
mount -t tmpfs none "$WORK/over"
mkdir "$WORK/over/etc" "$WORK/over/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$WORK/over/etc,workdir=$WORK/over/work" overlay /etc ||
	skip "there is no overlay filesystem"
sbin=$(realpath /sbin)
mkdir "$WORK/over/sbin" "$WORK/over/sbin-work"
mount -t overlay -o "lowerdir=$sbin,upperdir=$WORK/over/sbin,workdir=$WORK/over/sbin-work" overlay "$sbin"
ls "$sbin" >"$WORK/sbin-before"
for folder in /srv /usr/local; do
	mount -t tmpfs none $folder
done
export PATH=/usr/local/bin:/usr/local/sbin:$PATH
unset -f depctl
cleanup_more() { ! mountpoint -q /srv/mail || umount -l /srv/mail; }
free_again() { [ ! -s /srv/mail-store/.depfs/lock ]; }

lines=0
while IFS= read -r line; do
	case $line in
	'#'*) ;;
	/srv/mail-store*) echo "$line" >/etc/fstab ;;
	*)
		eval "${line/install build/install $BUILD}" >"$WORK/out" 2>&1 || fail "the README's '$line' fails: $(cat "$WORK/out")"
		lines=$((lines + 1))
		;;
	esac
done < <(sed -n '/^To keep one/,/^.depfs(8). has/s/^    //p' "$TOP/README.md")
[ $lines -ge 3 ] || fail "only $lines commands were found in the README"
[ "$(grep -c '^/srv/mail-store ' /etc/fstab)" = 1 ] || fail "no line for fstab was found in the README"
assert_eq "$(findmnt -no FSTYPE,SOURCE /srv/mail | tr -s ' ')" "fuse.depfs /srv/mail-store"
assert_eq "$(stat -c %G /srv/mail/.depfs)" compliance
as_member() { setpriv --reuid 4000 --regid 4000 --groups "$(getent group compliance | cut -d: -f3)" "$@"; }
as_member depctl -m /srv/mail status >"$WORK/out"
as_member mkdir /srv/mail/.depfs/policies/draft
as_member rmdir /srv/mail/.depfs/policies/draft
assert_fails_with EACCES setpriv --reuid 4000 --regid 4000 --clear-groups ls /srv/mail/.depfs/policies
mkdir -p /srv/mail/mailbox/anna
echo mail >/srv/mail/mailbox/anna/1
mount -a # what is mounted stays so
depctl -m /srv/mail status >"$WORK/out"
for file in prometheus/depfs.rules.yml grafana/depfs.json; do
	[ -s "/usr/local/share/depfs/$file" ] || fail "$file is not installed"
done
umount /srv/mail
wait_until 20 free_again
for type in depfs fuse.depfs; do # mount(8) finds both
	mount -t $type -o service_key=file:/etc/depfs/mail.key /srv/mail-store /srv/mail
	assert_eq "$(cat /srv/mail/mailbox/anna/1)" mail
	umount /srv/mail
	wait_until 20 free_again
done

unit=/etc/systemd/system/depfs-mail.service
mkdir -p "${unit%/*}"
mandoc -T ascii "$TOP/man/depfs.8" | sed -n $'s/.\b//g; s/^ \\{11\\}//; /^\\[Unit\\]/,/^WantedBy/p' >$unit
systemd-analyze verify $unit >"$WORK/out" 2>&1 || fail "systemd: $(cat "$WORK/out"): $(cat $unit)"
assert_no_match "$(cat "$WORK/out")" "depfs-mail"
command_of() # NAME - as the unit has it, in one line
{
	sed -e ':a' -e '/\\$/N; s/\\\n//; ta' $unit | sed -n "s/^$1=-\{0,1\}//p"
}
serve() # - starts what the unit starts, and waits for its word to the service manager
{
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(60)
while True:
    state = s.recv(1000).decode()
    print(state.replace("\\n", " "), flush=True)' "$WORK/notify" >"$WORK/notified" 2>&1 &
	listener=$!
	PIDS+=("$listener")
	wait_until 20 test -S "$WORK/notify"
	# shellcheck disable=SC2046,SC2091
	NOTIFY_SOCKET=$WORK/notify $(command_of ExecStart) >>"$LOG" 2>&1 </dev/null &
	daemon=$!
	PIDS+=("$daemon")
	wait_until 60 grep -q READY=1 "$WORK/notified"
	assert_eq "$(paste -sd ' ' "$WORK/notified")" "EXTEND_TIMEOUT_USEC=300000000 READY=1" "notified at the start"
	assert_eq "$(cat /srv/mail/mailbox/anna/1)" mail
}
serve
kill -KILL $daemon
wait $daemon 2>/dev/null || true
kill $listener
rm "$WORK/notify"
eval "$(command_of ExecStopPost)"
serve
kill -TERM $daemon
wait $daemon || fail "SIGTERM ends it with status $?"
wait_until 20 grep -q STOPPING=1 "$WORK/notified"
kill $listener
assert_eq "$(sed 1,2d "$WORK/notified" | paste -sd ' ')" "STOPPING=1 EXTEND_TIMEOUT_USEC=300000000 \
EXTEND_TIMEOUT_USEC=300000000 EXTEND_TIMEOUT_USEC=300000000" "notified at the end"
! mountpoint -q /srv/mail || fail "still mounted after SIGTERM"
eval "$(command_of ExecStopPost)" || [ $? = 32 ] # nothing to do

# taken away again
cmake --build "$BUILD" --target uninstall >"$WORK/out" 2>&1 || fail "uninstall: $(cat "$WORK/out")"
assert_eq "$(find /usr/local ! -type d)" "" "left in /usr/local"
assert_eq "$(find /usr/local -path '*depfs*')" "" "left in /usr/local"
assert_eq "$(ls "$sbin")" "$(cat "$WORK/sbin-before")" "$sbin"
[ -s /etc/depfs/mail.key ] && [ -s /srv/mail-store/mailbox/anna/1 ] || fail "the store or its key is gone"
