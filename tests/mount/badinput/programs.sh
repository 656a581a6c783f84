#!/usr/bin/env bash
# badinput/programs: mkfs.depfs and mount.depfs say in one sentence what is wrong and change nothing; depctl says it in its
# first line, with how it is typed below a wrong command line.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/badinput.sh"
depfs_mkfs
vaults_init 2>/dev/null
mkdir "$WORK/full" "$WORK/empty"
touch "$WORK/full/x"

mkfs_refused() # STATUS WORDS ARGUMENT...
{
	refused_by "$1" "^mkfs.depfs: .*$2" "$BIN/mkfs.depfs" "${@:3}"
}

NEW=file:$WORK/new.key
for way in --service-key -k; do
	mkfs_refused 1 "folder $WORK/full is not empty" $way "$NEW" "$WORK/full"
	mkfs_refused 1 "$STORE is a store already" $way "$NEW" "$STORE"
	mkfs_refused 1 "service key file $KEY exists: it is never overwritten" $way "file:$KEY" "$WORK/empty"
	mkfs_refused 1 "service key file $KEY exists: it is never overwritten" $way "file:$KEY" "$WORK/fresh"
	mkfs_refused 2 "$way: its value is missing.*see mkfs.depfs --help" "$WORK/empty" $way
done
mkfs_refused 1 "$STORE is a store already" -k "file:$KEY" "$STORE/"
mkfs_refused 1 "$STORE/mailbox would lie in the store $STORE" -k "$NEW" "$STORE/mailbox"
mkfs_refused 1 "service key file $WORK/empty/new.key would lie inside the store" -k "file:$WORK/empty/new.key" "$WORK/empty"
mkfs_refused 1 "folder $WORK/none of the service key file: No such file" -k "file:$WORK/none/new.key" "$WORK/empty"
mkfs_refused 1 "service key 'new.key' is not of the form file:PATH" -k new.key "$WORK/empty"
mkfs_refused 1 "service key: the path 'new.key' is not absolute" -k file:new.key "$WORK/empty"
mkfs_refused 1 "service key: the path '' is not absolute" -k file: "$WORK/empty"
mkfs_refused 1 "service key: the path '$WORK/' names a folder" -k "file:$WORK/" "$WORK/empty"
mkfs_refused 1 "folder $WORK/none: No such file" -k "$NEW" "$WORK/none/store"
mkfs_refused 1 "$WORK/full/x: Not a directory" -k "$NEW" "$WORK/full/x"
mkfs_refused 1 "$WORK/full/x/y: Not a directory|folder $WORK/full/x: Not a directory" -k "$NEW" "$WORK/full/x/y"
mkfs_refused 1 "the store's path is empty" -k "$NEW" ""
mkfs_refused 2 "STORE is missing"
mkfs_refused 2 "more: one argument too many" -k "$NEW" "$WORK/empty" more
mkfs_refused 2 "--what: unknown option" --what "$WORK/empty"
mkfs_refused 2 "-Q: unknown option" -Q "$WORK/empty"
mkfs_refused 2 "--help=3: it takes no value" --help=3

helper_refused() # STATUS WORDS ARGUMENT...
{
	refused_by "$1" "^(mount.)?depfs: .*$2" "$BIN/mount.depfs" "${@:3}"
}

helper_refused 1 "STORE is missing"
helper_refused 1 "MOUNT is missing" "$STORE"
helper_refused 1 "extra: one argument too many" "$STORE" "$MNT" extra
helper_refused 1 "-q: unknown option" "$STORE" "$MNT" -q
helper_refused 1 "-o: unknown option, or its value is missing" "$STORE" "$MNT" -o
helper_refused 1 "-N is not supported" -N 1 "$STORE" "$MNT"
helper_refused 2 "-o strange: unknown option" "$STORE" "$MNT" -o "$(depfs_options strange)"
helper_refused 1 "mount point $WORK/full is not empty" "$STORE" "$WORK/full" -o "$(depfs_options)"
helper_refused 1 "store $WORK/none: No such file" "$WORK/none" "$MNT" -o "$(depfs_options)"

depctl_refused() # STATUS WORDS ARGUMENT...
{
	run_it "$BIN/depctl" "${@:3}"
	assert_eq "$STATUS" "$1" "exit status of depctl ${*:3}"
	[ ! -s "$WORK/out.log" ] || fail "depctl ${*:3} prints $(cat "$WORK/out.log")"
	assert_match "$(head -n 1 "$WORK/err.log")" "^depctl: .*$2" "what depctl ${*:3} says first"
	[ "$1" = 2 ] || assert_eq "$(wc -l <"$WORK/err.log")" 1 "lines of depctl ${*:3}"
	nothing_came_of depctl "${@:3}"
}

depctl_refused 2 "a command is missing"
depctl_refused 2 "there is no command 'what'" what
depctl_refused 2 "-m needs a value" status -m
depctl_refused 2 "--what: unknown option" --what status
depctl_refused 1 "$WORK/none: No such file" -m "$WORK/none" status
depctl_refused 1 "$WORK/empty is not a depfs mount" -m "$WORK/empty" status
depctl_refused 1 "is it the store itself\?" -m "$STORE" policy list
depctl_refused 1 "$WORK/none: No such file" inspect "$WORK/none"
depctl_refused 1 "$KEY: damaged" inspect "$KEY"
depctl_refused 1 "$WORK/none: No such file" key list --vaults "$WORK/none"
depctl_refused 1 "bad://x: " key create bad://x --vaults "$VAULTS"
depctl_refused 1 "$K1: the vault has a key of that name already" key create "$K1" --vaults "$VAULTS"
depctl_refused 1 "local://v1/keys/none: " key rotate local://v1/keys/none --vaults "$VAULTS"
