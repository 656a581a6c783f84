#!/usr/bin/env bash
# depctl/shells: zsh and fish offer the commands and options that 'depctl help' lists, policies with blanks in their names,
# mailboxes and keys.
# builds: release
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
need zsh fish
depfs_start_policies
policy_create "NAM Policy"
policy_create "EUR Policy"
mkdir -p "$MNT/mailbox/ann" "$MNT/mailbox/bob smith"
export HOME=$WORK DEPFS_MOUNT=$MNT DEPFS_VAULTS=$VAULTS PATH=$BIN:$PATH
unset -f depctl

in_fish() # LINE
{
	fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$TOP/tools/completion/depctl.fish" "$1" | cut -f 1
}

# compadd, which takes the answers, is a function here; zsh keeps those that begin as the word does.
in_zsh() # LINE
{
	DEPCTL_COMPLETION_TEST=1 zsh -f -c '
		source $1
		compadd() { shift 3; print -rl -- "$@" }
		_files() { }
		words=("${(@z)2}")
		[[ $2 != *" " ]] || words+=("")
		CURRENT=$#words
		typed=${(Q)words[CURRENT]}
		_depctl | while read -r name; do
			[[ ${name:l} != ${typed:l}* ]] || print -r -- $name
		done' zsh "$TOP/tools/completion/depctl.zsh" "$1"
}

offered() # LINE NAME...
{
	local line=$1 wanted shell

	wanted=$(printf '%s\n' "${@:2}" | sort)
	for shell in zsh fish; do
		assert_eq "$(in_$shell "$line" | sort)" "$wanted" "offered by $shell behind '$line'"
	done
}
offered "depctl st" status
offered "depctl assi" assign assignment
offered "depctl policy re" refresh remove rename replace-keys
offered "depctl policy remove P --f" --force
offered "depctl policy show " "EUR Policy" "NAM Policy"
offered "depctl -m $MNT policy show N" "NAM Policy"
offered "depctl mailbox show " ann "bob smith"
offered "depctl mailbox assign ann E" "EUR Policy"
offered "depctl assign E" "EUR Policy"
offered "depctl policy refresh N" "NAM Policy"
offered "depctl policy create X local" "$K1" "$K2"
offered "depctl policy create X $K1 $K2 --kind " mailbox multi-workload
offered "depctl New-M" New-M365DataAtRestEncryptionPolicy
offered "depctl Set-Mailbox -Identity b" "bob smith"
offered "depctl Set-Mailbox -Identity ann -DataEncryptionPolicy N" "NAM Policy"
DEPFS_MOUNT='' offered "depctl -m $MNT mailbox show a" ann
