#!/usr/bin/env bash
# badinput/state: records that are damaged in any page, or cut at any length, are refused in one sentence that names the file
# and the way out, with nothing changed; never served wrong, never a crash. A snapshot beside sound records is only replaced.
# vaults: local azure-long
# builds: release asan
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/badinput.sh"
depfs_start_policies
for policy in Tenant Second; do
	policy_create "$policy"
done
control assignment Tenant
mkdir -p "$MNT/mailbox/anna"
echo "the mail" >"$MNT/mailbox/anna/1"
ids=$(policy_id Tenant)$(policy_id Second)
depfs_umount
DOT=$STORE/.depfs
keep_store

all_is_right()
{
	assert_eq "$(cat "$MNT/mailbox/anna/1")" "the mail"
	assert_eq "$(policy_id Tenant)$(policy_id Second)" "$ids"
	assert_match "$(cat "$MNT/.depfs/assignment")" "name: Tenant"
}

# damage FILE PAGE HOW - zero, noise, flip (every bit of one byte) or other (another page of the file)
damage()
{
	python3 - "$@" <<-'END'
		import os, sys
		path, page, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
		with open(path, 'r+b') as f:
		    data = f.read()
		    old = data[page * 4096:(page + 1) * 4096]
		    at = old.rfind(next((b for b in reversed(old) if b), 0).to_bytes(1, 'little'))
		    new = {'zero': bytes(4096), 'noise': os.urandom(4096),
		           'flip': old[:at] + bytes([old[at] ^ 255]) + old[at + 1:],
		           'other': (data + data)[(page + 1) * 4096:(page + 2) * 4096]}[how]
		    f.seek(page * 4096)
		    f.write(new)
	END
}

lengths_of() # FILE - lengths to cut it to
{
	local len

	len=$(stat -c %s "$1")
	echo 0 1 100 4095 4096 4097 8191 8192 12288 $((len / 2)) $((len - 4096)) $((len - 1))
}

# every_damage FILE WORDS [COMMAND] - done to that file of $DOT, each after the command
every_damage()
{
	local file=$1 words=$2 prepare=${3:-true} page how length hows="zero noise flip other"

	[[ $KIND != *san ]] || hows="noise flip" # these builds are slow
	REFUSED=0 SERVED=0
	for ((page = 0; page < $(stat -c %s "$DOT/$file") / 4096; page++)); do
		for how in $hows; do
			$prepare
			damage "$DOT/$file" $page "$how"
			refused_or all_is_right "$words"
		done
	done
	for length in $(lengths_of "$DOT/$file"); do
		$prepare
		truncate -s "$length" "$DOT/$file"
		refused_or all_is_right "$words"
	done
	# pages that are free by now hold nothing, and the two heads stand in for each other
	[ $REFUSED -gt $SERVED ] || fail "$file: $REFUSED refused, $SERVED served"
	[ $REFUSED -ge 20 ] || fail "$file: only $REFUSED refused"
}

every_damage state/data.mdb "store $STORE: .*(state/data.mdb|state:).*; to open the store from .depfs/state.snapshot, move"
every_damage state.snapshot "store $STORE: .*(state.snapshot|state:)" "rm -r $DOT/state"

# the file as a whole
state=$DOT/state/data.mdb
for kind in mkfifo mkdir; do
	rm "$state"
	$kind "$state"
	store_refused "store $STORE: .depfs/state/data.mdb: "
done
rm "$state"
store_refused "store $STORE: .depfs/state/data.mdb: No such file.*move .depfs/state out"
rm -r "$DOT/state"
touch "$DOT/state"
store_refused "store $STORE: .depfs/state/data.mdb: Not a directory.*move .depfs/state out"
rm -r "$DOT/state" "$DOT/state.snapshot"
store_refused "store $STORE: .depfs/state and .depfs/state.snapshot are both missing"
for snapshot in missing damaged; do
	truncate -s 5000 "$state"
	truncate -s 5000 "$DOT/state.snapshot"
	[ $snapshot = damaged ] || rm "$DOT/state.snapshot"
	store_refused "store $STORE: .depfs/state/data.mdb is damaged.* .depfs/state.snapshot, .*, is damaged or missing too"
done

# what the sentence says is a way out
truncate -s 4096 "$state"
mv "$DOT/state" "$WORK/state-aside"
depfs_mount
all_is_right
depfs_umount

# a snapshot beside sound records is replaced, and then good for the day on which it is needed
for snapshot in missing damaged empty; do
	mend_store
	case $snapshot in
	missing) rm "$DOT/state.snapshot" ;;
	damaged) damage "$DOT/state.snapshot" 1 noise ;;
	empty) truncate -s 0 "$DOT/state.snapshot" ;;
	esac
	depfs_mount
	all_is_right
	depfs_umount
	rm -r "$DOT/state"
	depfs_mount
	all_is_right
	depfs_umount
done
