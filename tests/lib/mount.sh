# tests/lib/mount.sh - stores, daemons, vaults and policies.
# shellcheck shell=bash

depfs_mkfs() # [OPTION...] - makes $STORE and $KEY
{
	if [ "$PLAIN" = 1 ]; then
		mkdir -p "$STORE"
	else
		[ -x "$BIN/mkfs.depfs" ] || skip "$BIN/mkfs.depfs is not built"
		"$BIN/mkfs.depfs" --service-key "file:$KEY" "$@" "$STORE" >"$WORK/mkfs.log" 2>&1 || {
			cat "$WORK/mkfs.log" >&2
			fail "mkfs.depfs failed"
		}
	fi
}

is_mounted() # [MOUNT]
{
	local target=${1:-$MNT}

	target=${target// /\\040} # as the table of mounts spells a blank
	MOUNT_POINT=$target awk '$2 == ENVIRON["MOUNT_POINT"] { found = 1 } END { exit !found }' \
		/proc/self/mounts
}

mounted_or_ended() # PID MOUNT
{
	is_mounted "$2" || gone "$1"
}

# depfs_options [OPTIONS] - what every mount of a test is given, then the caller's own
depfs_options()
{
	local options="service_key=file:$KEY,vaults=$VAULTS"

	[ "$VAULTS_KIND" != azure ] || options+=",vault_timeout=2"
	[ $# = 0 ] || [ -z "$1" ] || options+=",$1"
	echo "$options"
}

# depfs_mount [OPTIONS] - starts the daemon on $STORE and $MNT and waits until it serves.
# MOUNT_WRAPPER may hold words to put before the program.
depfs_mount()
{
	local options

	if [ "$PLAIN" = 1 ]; then
		mount --bind "$STORE" "$MNT"
		return
	fi
	need_depfs
	options=$(depfs_options "${1:-}")
	# shellcheck disable=SC2086
	${MOUNT_WRAPPER:-} "$BIN/depfs" "$STORE" "$MNT" -f -o "$options" >>"$LOG" 2>&1 </dev/null &
	DAEMON_PID=$!
	PIDS+=("$DAEMON_PID")
	wait_until 60 mounted_or_ended "$DAEMON_PID" "$MNT" || fail "not mounted after a minute"
	if ! is_mounted; then
		wait "$DAEMON_PID" || true
		DAEMON_PID=
		fail "the daemon ended at once"
	fi
	stat "$MNT" >/dev/null # answered once, so it serves
}

# depfs_umount - unmounts and waits for the daemon, which must end well
depfs_umount()
{
	local r=0

	if [ "$PLAIN" = 1 ]; then
		umount "$MNT"
		return
	fi
	fusermount3 -u "$MNT"
	wait "$DAEMON_PID" || r=$?
	DAEMON_PID=
	[ $r = 0 ] || fail "the daemon ended with status $r"
}

depfs_umount_quietly()
{
	fusermount3 -u "$MNT" >/dev/null 2>&1 || umount -l "$MNT" 2>/dev/null
	wait_until 20 gone "$DAEMON_PID" || {
		echo "the daemon had to be killed" >&2
		! is_child "$DAEMON_PID" || kill -KILL "$DAEMON_PID"
	}
	wait "$DAEMON_PID" 2>/dev/null
	DAEMON_PID=
}

# depfs_kill - the daemon dies at once, as in a crash; the mount is taken away
depfs_kill()
{
	if [ "$PLAIN" = 1 ]; then
		umount -l "$MNT"
		return
	fi
	kill -KILL "$DAEMON_PID"
	wait "$DAEMON_PID" 2>/dev/null || true
	DAEMON_PID=
	umount -l "$MNT"
}

# depfs_crash WRITER... - the daemon dies under these processes, which end, and serves again
depfs_crash()
{
	depfs_kill
	wait "$@" || true
	depfs_mount
}

depfs_remount() # [OPTIONS]
{
	depfs_umount
	depfs_mount "${1:-}"
}

# depfs_start [OPTIONS] - a new store without policies, mounted
depfs_start()
{
	depfs_mkfs
	depfs_mount "${1:-}"
}

# depfs_start_policies [OPTIONS] - the same with two vaults and a root key in each
depfs_start_policies()
{
	need_depfs
	depfs_mkfs
	vaults_init
	depfs_mount "${1:-}"
}

depctl()
{
	command "$BIN/depctl" -m "$MNT" "$@"
}

vault() # ACT URI... - depctl key, on the private vaults
{
	command "$BIN/depctl" key "$@" --vaults "$VAULTS"
}

V1=v1 V2=v2 # names of the vaults, as a metric has them

# key_at VAULT NAME - the id of a key, as the vaults of this run spell it
key_at()
{
	echo "$(vault_at "$1")/keys/$2"
}

vault_at() # VAULT
{
	echo "local://$1"
}

vaults_init()
{
	[ -x "$BIN/depctl" ] || skip "$BIN/depctl is not built"
	vault create "$K1" >/dev/null
	vault create "$K2" >/dev/null
}

# policy_create NAME [OPTION...] - over $K1 and $K2; enabled and ready
policy_create()
{
	depctl policy create "$1" "$K1" "$K2" "${@:2}" >/dev/null
}

policy_id() # NAME
{
	cat "$MNT/.depfs/policies/$1/id"
}

# inspect FILE FIELD - a value of the ciphertext header of $STORE/FILE
inspect()
{
	"$BIN/depctl" inspect "$STORE/$1" | sed -n "s/^$2: *//p"
}

# events TEXT - audit events that hold a text
events()
{
	grep -aF -- "$1" "$MNT/.depfs/events" || true
}

# assert_event KIND TEXT - an event of that kind that holds the text comes up within seconds
assert_event()
{
	wait_until 10 has_event "$1" "$2" || fail "no event '$1' with '$2' among:
$(tail -n 12 "$MNT/.depfs/events")"
}

has_event()
{
	grep -aF "\"event\":\"$1\"" "$MNT/.depfs/events" | grep -qaF -- "$2"
}

# control PATH TEXT - one command to a control file, as `echo TEXT >PATH` gives it
control()
{
	printf '%s\n' "$2" >"$MNT/.depfs/$1"
}

# status_of NAME FIELD - a value of a policy's status
status_of()
{
	sed -n "s/^$2: *//p" "$MNT/.depfs/policies/$1/status"
}

# ctl_refused ERRNO WORDS PATH TEXT - a control write fails so, and last_error beside it says the words
ctl_refused()
{
	local dir=$MNT/.depfs/$3

	assert_fails_with "$1" control "$3" "$4"
	assert_match "$(cat "${dir%/*}/last_error")" "$2" "last_error after '$4' to $3"
}
