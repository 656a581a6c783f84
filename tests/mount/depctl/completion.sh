#!/usr/bin/env bash
# depctl/completion: bash offers commands, policies with blanks in their names, mailboxes and keys.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/depctl.sh"
depfs_start_policies
policy_create "NAM Policy"
policy_create "EUR Policy"
mkdir -p "$MNT/mailbox/ann" "$MNT/mailbox/bob smith"

# offered WANTED WORD... - what bash offers for the last word, as it would be typed, one a line
offered()
{
	local wanted=$1 got

	shift
	got=$(
		set +eEu
		trap - ERR
		unset -f depctl
		PATH=$BIN:$PATH DEPFS_VAULTS=$VAULTS
		[ -n "${NO_MOUNT:-}" ] || export DEPFS_MOUNT=$MNT
		export DEPFS_VAULTS PATH
		. "$TOP/tools/completion/depctl.bash"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_depctl
		printf '%s\n' "${COMPREPLY[@]}"
	)
	assert_eq "$got" "$wanted" "offered for '${*: -1}' in '$*'"
}

offered status depctl st
offered $'assign\nassignment' depctl assi
offered $'refresh\nremove\nrename\nreplace-keys' depctl policy re
offered '--force' depctl policy remove P --f
offered '--html' depctl coverage --ht
offered $'EUR\\ Policy\nNAM\\ Policy' depctl policy show ''
offered 'NAM\ Policy' depctl policy show nam
offered 'NAM\ Policy' depctl policy show 'NAM\ P'
offered "'EUR Policy'" depctl policy refresh "'eur p"
offered '"EUR Policy"' depctl assign '"EUR'
offered '' depctl policy create ''
offered "$K1"$'\n'"$K2" depctl policy create X local
offered "$K2" depctl policy replace-keys X "$K1" local://v2
offered "$K2" depctl key rotate local://v2
offered $'ann\nbob\\ smith' depctl mailbox show ''
offered 'bob\ smith' depctl --json mailbox assign b
offered $'EUR\\ Policy\nNAM\\ Policy' depctl mailbox assign ann ''
offered $'--description\n--dry-run' depctl policy create X "$K1" "$K2" --d
offered $'mailbox\nmulti-workload' depctl policy create X "$K1" "$K2" --kind ''
offered $'New-M365DataAtRestEncryptionPolicy\nNew-DataEncryptionPolicy' depctl new
offered $'-Refresh\n-Replace' depctl Set-M365DataAtRestEncryptionPolicy -Re
offered 'NAM\ Policy' depctl Get-M365DataAtRestEncryptionPolicy -Identity NAM
offered --verify depctl events --ver
offered mailbox/ depctl coverage mail
offered $'mailbox/ann/\nmailbox/bob smith/' depctl renew mailbox/ # readline quotes file names
offered '' depctl coverage /etc/host # readline's own answer
NO_MOUNT=1 offered 'NAM\ Policy' depctl -m "$MNT" policy show NAM
offered '' depctl policy show nothing-begins-so
