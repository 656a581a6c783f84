#!/usr/bin/env bash
# adversary/open-shared: while a system process holds a file of a revoked policy open, a user's own open of it is
# refused all the same: the content's key being in memory is no permission.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start_policies key_check=1,system_gid=4711
chmod 755 "$MNT"
policy_create P
depctl assign P >/dev/null
mkdir -p "$MNT/chat"
echo secret >"$MNT/chat/f"
chmod 666 "$MNT/chat/f"
vault deny "$K1" >/dev/null
vault deny "$K2" >/dev/null
depfs_remount key_check=1,system_gid=4711

user() { setpriv --reuid 7001 --regid 7001 --clear-groups "$@"; }
# shellcheck disable=SC2016
background setpriv --reuid 7002 --regid 4711 --clear-groups sh -c 'exec 3<"$1"; head -c 3 <&3; : >"$2"; exec sleep 60' - \
	"$MNT/chat/f" "$WORK/holding" >"$WORK/sys.out"
chmod 777 "$WORK"
wait_until 10 test -e "$WORK/holding"
assert_eq "$(cat "$WORK/sys.out")" sec "what the system process reads"
assert_fails_with EKEYREVOKED user cat "$MNT/chat/f"
assert_fails_with EKEYREVOKED user truncate -s 3 "$MNT/chat/f"
assert_fails_with EKEYREVOKED user sh -c "echo more >>'$MNT/chat/f'"
