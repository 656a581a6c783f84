#!/usr/bin/env bash
# revoke/slow-vault: while the vaults of two policies hang, in key_check and under a program's fsync, another policy's denial is noticed and carried out, also on the file whose pages wait for the slow vault, and a third policy's reader goes on.
# vaults: local azure
# timeout: 200
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/revoke.sh"
revoke_start vault_timeout=30 # a slow vault answers in time
for key in s1 t1; do vault create "$(key_at v3 $key)" >/dev/null; done
for key in s2 t2; do vault create "$(key_at v4 $key)" >/dev/null; done
depctl policy create S "$(key_at v3 s1)" "$(key_at v4 s2)" --kind mailbox >/dev/null
depctl policy create T "$(key_at v3 t1)" "$(key_at v4 t2)" --kind mailbox >/dev/null
mkdir "$MNT/mailbox/s" "$MNT/mailbox/m"
control mailboxes/s/policy S
control mailboxes/m/policy P
head -c 20000 /dev/urandom >"$WORK/data"
for box in p q s m; do cp "$WORK/data" "$MNT/mailbox/$box/f"; done
depfs_remount key_check=1,vault_timeout=30
cmp "$WORK/data" "$MNT/mailbox/s/f" # S is open, so it is checked; T is not
exec 5<>"$MNT/mailbox/m/f" 6<"$MNT/mailbox/p/f"
head -c 10 <&6 >/dev/null
for key in s1 t1; do vault fault "$(key_at v3 $key)" slow 10000 >/dev/null; done
for key in s2 t2; do vault fault "$(key_at v4 $key)" slow 10000 >/dev/null; done
printf 'new start' >&5 # a dirty page; from now on it is due to go under T
control mailboxes/m/policy "T force" # its vaults would be asked first
background sync -d "$MNT/mailbox/m/f" 2>/dev/null
fsync=$!
waits() { [ "$(sed -n 's/^requests waiting: *//p' "$MNT/.depfs/status")" -ge 1 ]; }
wait_until 20 waits || fail "no request waits for the slow vaults"
background dd if="$MNT/mailbox/q/f" of=/dev/null iflag=direct bs=4096 count=2 status=none
began=$(date +%s%3N)
p_deny
reads=0
until revocation_is_done P 1; do
	cmp "$WORK/data" "$MNT/mailbox/q/f"
	reads=$((reads + 1))
	[ $reads -lt 5000 ] || fail "P's revocation does not arrive: $(cat "$MNT/.depfs/policies/P/status")"
done
echo "P revoked after $(($(date +%s%3N) - began)) ms, while Q was read $reads times"
[ $reads -ge 1 ] || fail "Q was not read meanwhile"
[ "$(events '"event":"key-open"' | grep -c '"policy":"T"' || true)" = 0 ] || fail "the slow vaults had answered"
assert_eq "$(status_of S state)" ready "S while its check hangs"
assert_eq "$(status_of P "last revocation lost")" "0 bytes"
assert_fails_with EKEYREVOKED cat "$MNT/mailbox/p/f"
! head -c 10 <&6 >/dev/null 2>&1 || fail "an open handle of P reads"
cmp "$WORK/data" "$MNT/mailbox/s/f" # open from before
for key in s1 t1; do vault fault "$(key_at v3 $key)" none >/dev/null; done
for key in s2 t2; do vault fault "$(key_at v4 $key)" none >/dev/null; done
p_allow
wait $fsync || true
back() { [ "$(head -c 9 "$MNT/mailbox/m/f")" = "new start" ]; }
wait_until 60 back || fail "the page that waited is lost"
assert_eq "$(tail -c +10 "$MNT/mailbox/m/f" | cmp - <(tail -c +10 "$WORK/data") && echo same)" same
exec 5<&- 6<&-
depfs_umount
