#!/usr/bin/env bash
# depctl/colours: on a terminal a table has bold headings and coloured states; not in a pipe, not with NO_COLOR, and not in a
# column of names.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
need script
depfs_start_policies
policy_create ready
policy_create Other
mkdir "$MNT/.depfs/policies/failed"
export TERM=xterm
ages() { sed 's/[0-9][0-9]* s /N s /'; } # of the last proof, which moves on
terminal() { script -qec "$BIN/depctl -m $MNT policy list" /dev/null </dev/null | tr -d '\r' | ages; }
pipe=$(depctl policy list | ages)
shown=$(terminal)
[[ $pipe != *$'\e'* ]] || fail "colours in a pipe"
[[ $shown == *$'\e[1mNAME\e[0m'* ]] || fail "no bold heading: $shown"
assert_eq "$(grep -o $'\e\\[32mready' <<<"$shown" | wc -l)" 2 "green states"
assert_eq "$(grep -o $'\e\\[33mdraft' <<<"$shown" | wc -l)" 1 "yellow states"
[[ $shown != *$'\e[31m'* ]] || fail "a name is coloured"
assert_eq "$(sed $'s/\e\\[[0-9]*m//g' <<<"$shown")" "$pipe" "the text, and its columns"
assert_eq "$(NO_COLOR=1 terminal)" "$pipe" "with NO_COLOR"
assert_eq "$(TERM=dumb terminal)" "$pipe" "on a dumb terminal"
[[ $(NO_COLOR='' terminal) == *$'\e[1m'* ]] || fail "an empty NO_COLOR counts"
rmdir "$MNT/.depfs/policies/failed"
depfs_umount
