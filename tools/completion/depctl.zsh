#compdef depctl
# tools/completion/depctl.zsh - zsh completion for depctl: commands and options as 'depctl help' lists
# them, and from the mount policies, mailboxes, jobs and local keys.

# What may follow the words $@: lines of WORD TAB DESCRIPTION, or @policies, @mailboxes, @jobs, @keys.
_depctl_next()
{
	local typed=${(pj:\t:)@}

	depctl help 2>/dev/null | awk -v words="$typed" '
		/^  depctl / {
			n = split($0, t, " "); nb = split(words, b, "\t")
			m = 0; split("", u) # the words that are no options
			for (i = 1; i <= n; i++) {
				if (t[i] !~ /^\[-/) u[++m] = t[i]
				else if (t[i] !~ /\]$/) i++ # and its value
			}
			getline text; sub(/^ +/, "", text)
			literals = u[3] ~ /^[a-z][a-z-]*$/ ? 2 : 1
			for (i = 1; i <= nb; i++)
				if (i <= literals && tolower(b[i]) != tolower(u[i + 1])) next
			if (nb < literals) { if (!seen[u[nb + 2]]++) print u[nb + 2] "\t" (literals > nb + 1 ? "" : text); next }
			w = u[nb + 2]
			if (w == "P") print "@policies"
			if (w == "ID") print "@mailboxes"
			if (w == "N" && u[2] == "job") print "@jobs"
			if (w ~ /^(KEY[12]|URI)$/) print "@keys"
			for (i = 3; i <= n; i++)
				if (t[i] ~ /^\[?-/) { gsub(/[][]/, "", t[i]); print t[i] "\t" }
		}'
}

_depctl()
{
	local mount=${DEPFS_MOUNT:-} word last= skip= line
	local -a before next names

	for word in "${(@)words[2,CURRENT-1]}"; do
		word=${(Q)word}
		if [[ -n $skip ]]; then
			[[ $skip == --vaults ]] || mount=$word
			skip=
			continue
		fi
		case $word in
		-m | --mount | --vaults) skip=$word ;;
		-*) last=${word:l} ;;
		*)
			before+=("$word")
			last=
			;;
		esac
	done
	if [[ -n $skip ]]; then
		_files -/
		return
	fi
	if [[ -z $mount ]]; then
		mount=$(awk '$3 == "fuse.depfs" { print $2; exit }' /proc/self/mounts)
		mount=${mount//\\040/ }
	fi
	case $last in
	-identity) [[ ${before[1]:l} == set-mailbox ]] && next=(@mailboxes) || next=(@policies) ;;
	-dataencryptionpolicy) next=(@policies) ;;
	-azurekeyids) next=(@keys) ;;
	--kind) next=(mailbox multi-workload) ;;
	*) next=("${(@f)$(_depctl_next "${before[@]}")}") ;;
	esac
	case ${before[1]:-} in
	inspect | renew | coverage) _files ;;
	esac
	for line in "${next[@]}"; do
		case $line in
		'') ;;
		@policies | @mailboxes | @jobs) names+=("$mount"/.depfs/${line#@}/*(N/:t)) ;;
		@keys)
			names+=("${(@f)$(depctl key list --json 2>/dev/null |
				grep -o '"id": *"[^"]*"' | sed 's,.*"\(local://[^/]*/keys/[^/"]*\).*,\1,')}")
			;;
		*) names+=("${line%%$'\t'*}") ;;
		esac
	done
	[[ ${words[CURRENT]} != -* || ${#before} == 0 ]] || names+=(-m --json --vaults --help)
	compadd -M 'm:{a-zA-Z}={A-Za-z}' -- "${names[@]}"
}

# Sourced by a test, which calls it by itself, it is only defined.
[[ -n ${DEPCTL_COMPLETION_TEST:-} ]] || _depctl "$@"
