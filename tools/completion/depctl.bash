# tools/completion/depctl.bash - bash completion for depctl: commands, and from the mount policies,
# mailboxes and local keys.
# shellcheck shell=bash

# Words that are options of depctl itself, in front of its command or behind it.
_depctl_globals='-m --mount --json --vaults --help'

_depctl_cmdlets='New-M365DataAtRestEncryptionPolicy Set-M365DataAtRestEncryptionPolicy
	Get-M365DataAtRestEncryptionPolicy Set-M365DataAtRestEncryptionPolicyAssignment
	Get-M365DataAtRestEncryptionPolicyAssignment New-DataEncryptionPolicy
	Set-DataEncryptionPolicy Get-DataEncryptionPolicy Set-Mailbox'

# _depctl_unquote WORD - what the shell would make of a word that is still being typed
_depctl_unquote()
{
	local word=$1

	case $word in
	\'*) word=${word#\'} word=${word%\'} ;;
	\"*) word=${word#\"} word=${word%\"} ;;
	*) word=${word//\\/} ;;
	esac
	printf '%s' "$word"
}

# _depctl_names NAME... - offers those names that begin as the current word does, in any case.
# Names have blanks: each is quoted as the word that is being typed is.
_depctl_names()
{
	local name word quote=
	word=$(_depctl_unquote "$cur")
	word=${word,,}
	case $cur in
	\'* | \"*) quote=${cur:0:1} ;;
	esac
	for name in "$@"; do
		[[ ${name,,} == "$word"* ]] || continue
		if [ -n "$quote" ]; then
			COMPREPLY+=("$quote$name$quote")
		else
			COMPREPLY+=("$(printf '%q' "$name")")
		fi
	done
}

_depctl_words() # "WORD WORD ..."
{
	local word

	for word in $1; do
		[[ ${word,,} == "${cur,,}"* ]] && COMPREPLY+=("$word")
	done
}

# _depctl_mount - the mount that the command line means: as depctl(1) chooses it
_depctl_mount()
{
	local i mount=${DEPFS_MOUNT:-}

	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		-m | --mount) mount=$(_depctl_unquote "${words[i + 1]}") ;;
		--mount=*) mount=$(_depctl_unquote "${words[i]#*=}") ;;
		esac
	done
	if [ -z "$mount" ]; then
		mount=$(awk '$3 == "fuse.depfs" { print $2; exit }' /proc/self/mounts 2>/dev/null)
		mount=$(printf '%b' "${mount//\\0/\\00}") # \040 as mounts writes it
	fi
	printf '%s' "$mount"
}

_depctl_folder() # policies|mailboxes|jobs - names of the folders there
{
	local mount path names=()

	mount=$(_depctl_mount)
	[ -n "$mount" ] || return 0
	for path in "$mount/.depfs/$1"/*/; do
		[ -d "$path" ] || continue
		path=${path%/}
		names+=("${path##*/}")
	done
	_depctl_names "${names[@]}"
}

# _depctl_keys - key ids of the local vaults. The colon divides words for readline, so what stands
# before the last one is cut off from each answer.
_depctl_keys()
{
	local i key vaults=${DEPFS_VAULTS:-/var/lib/depfs/vaults}

	for ((i = 1; i < cword; i++)); do
		[ "${words[i]}" = --vaults ] && vaults=$(_depctl_unquote "${words[i + 1]}")
	done
	while read -r key; do
		[[ $key == "$cur"* ]] && COMPREPLY+=("$key")
	done < <("${words[0]}" --vaults "$vaults" key list --json 2>/dev/null |
		grep -o '"id": *"[^"]*"' | sed 's,.*"\(local://[^/]*/keys/[^/"]*\).*,\1,')
	if declare -F __ltrim_colon_completions >/dev/null; then
		__ltrim_colon_completions "$cur"
	fi
}

_depctl_policy() # NTH-OPERAND
{
	case $verb:$1 in
	create:1 | list:* | rename:2 | describe:2) ;;
	create:* | replace-keys:[23]) _depctl_keys ;;
	*:1) _depctl_folder policies ;;
	esac
	[[ $verb == create && $cur == -* ]] && _depctl_words '--kind --description'
	[[ $verb == remove && $cur == -* ]] && _depctl_words '--force'
	[[ $verb == purge && $cur == -* ]] && _depctl_words '--reason --contact --confirm'
}

_depctl_cmdlet()
{
	case ${prev,,} in
	-identity)
		case ${words[command]} in
		[Ss]et-Mailbox) _depctl_folder mailboxes ;;
		*) _depctl_folder policies ;;
		esac
		;;
	-dataencryptionpolicy) _depctl_folder policies ;;
	-azurekeyids) _depctl_keys ;;
	-enabled) _depctl_words 'true false' ;;
	*)
		case ${words[command]} in
		[Nn]ew-*) _depctl_words '-Name -AzureKeyIDs -Description -Enabled -WhatIf -Confirm' ;;
		[Ss]et-*Assignment) _depctl_words '-DataEncryptionPolicy -WhatIf -Confirm' ;;
		[Ss]et-Mailbox) _depctl_words '-Identity -DataEncryptionPolicy -WhatIf -Confirm' ;;
		[Ss]et-Data*)
			_depctl_words '-Identity -Name -Description -Enabled -Refresh -Replace
				-AzureKeyIDs -PermanentDataPurgeRequested -PermanentDataPurgeReason
				-PermanentDataPurgeContact -WhatIf -Confirm'
			;;
		[Ss]et-*)
			_depctl_words '-Identity -Name -Description -Enabled -Refresh -Replace
				-AzureKeyIDs -WhatIf -Confirm'
			;;
		[Gg]et-*Assignment) ;;
		[Gg]et-*) _depctl_words '-Identity' ;;
		esac
		;;
	esac
}

# Offers for the @nth word behind the command; the verb of a command that has verbs is the first.
_depctl_command()
{
	local nth=$((cword - command)) verb=${words[command + 1]:-}

	case ${words[command]}:$nth in
	policy:1)
		_depctl_words 'list show create enable disable refresh rotate check purge remove rename describe replace-keys'
		;;
	policy:*) _depctl_policy $((nth - 1)) ;;
	mailbox:1) _depctl_words 'assign unassign show list' ;;
	job:1) _depctl_words 'list show watch failed pause resume cancel retry rate' ;;
	job:2) [ "$verb" = list ] || _depctl_folder jobs ;;
	mailbox:2) [ "$verb" = list ] || _depctl_folder mailboxes ;;
	mailbox:3) [ "$verb" = assign ] && _depctl_folder policies ;;
	assign:1) _depctl_folder policies ;;
	coverage:*)
		_depctl_words '--scan --html'
		[[ $cur == -* ]] || _depctl_paths
		;;
	events:*) _depctl_words '-f --follow --verify --key --service-key' ;;
	key:1)
		_depctl_words 'create list show check rotate enable disable deny allow delete recover fault'
		;;
	key:2) _depctl_keys ;;
	doctor:1) _depctl_keys ;;
	key:3) [ "$verb" = fault ] && _depctl_words 'transient damaged not-found denied slow none' ;;
	inspect:*) _depctl_files ;;
	renew:1) _depctl_paths ;;
	help:1) _depctl_words 'status policy assign unassign assignment mailbox job renew scan coverage events inspect key doctor' ;;
	[NSGnsg]et-* | [Nn]ew-*) _depctl_cmdlet ;;
	esac
	[[ $cur == -* && ${words[command]} != *-* ]] && _depctl_words "$_depctl_globals"
}

_depctl_files()
{
	compopt -o filenames -o default 2>/dev/null
}

# _depctl_paths - files and folders of the mount: from its top, unless one stands in it
_depctl_paths()
{
	local mount path paths

	mount=$(_depctl_mount)
	if [[ -z $mount || $cur == [/~]* || $PWD/ == "$mount"/* ]]; then
		_depctl_files
		return
	fi
	compopt -o filenames -o nospace 2>/dev/null # from here readline does not see a folder
	mapfile -t paths < <(cd "$mount" 2>/dev/null && compgen -f -- "$(_depctl_unquote "$cur")" | sort)
	for path in "${paths[@]}"; do
		[[ -d $mount/$path ]] && path+=/
		COMPREPLY+=("$path")
	done
}

_depctl()
{
	local cur prev words cword command=0 i

	COMPREPLY=()
	if declare -F _get_comp_words_by_ref >/dev/null; then
		_get_comp_words_by_ref -n : cur prev words cword
	else
		cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
		words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
	fi
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		-m | --mount | --vaults) i=$((i + 1)) ;;
		-*) ;;
		*)
			command=$i
			break
			;;
		esac
	done
	case $prev in
	-m | --mount | --vaults)
		_depctl_files
		return
		;;
	--kind)
		_depctl_words 'mailbox multi-workload'
		return
		;;
	esac
	if [ $command = 0 ]; then
		_depctl_words "status policy assign unassign assignment mailbox job renew scan coverage events inspect key doctor help
			$_depctl_cmdlets $_depctl_globals --version"
		return
	fi
	_depctl_command
	return 0
}

complete -F _depctl depctl
