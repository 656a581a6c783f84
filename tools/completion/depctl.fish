# tools/completion/depctl.fish - fish completion for depctl: commands and options as 'depctl help' lists
# them, and from the mount policies, mailboxes, jobs and local keys.

# What may follow the words $argv: lines of WORD TAB DESCRIPTION, or @policies, @mailboxes, @jobs, @keys.
function __depctl_next
    set -l words (string join \t -- $argv)
    depctl help 2>/dev/null | awk -v words="$words" '
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
end

function __depctl_complete
    set -l mount $DEPFS_MOUNT
    set -l before
    set -l last
    set -l skip
    for word in (commandline -opc)[2..]
        switch "$skip$word"
            case '-m*' '--mount*'
                test -n "$skip"; and set mount $word; and set skip; or set skip $word
                continue
            case '--vaults*'
                test -n "$skip"; and set skip; or set skip $word
                continue
            case '-*'
                set last (string lower -- $word)
                continue
        end
        set -a before $word
        set last
    end
    if test -z "$mount"
        set mount (string unescape -- (awk '$3 == "fuse.depfs" { print $2; exit }' /proc/self/mounts | string replace -a '\\040' ' '))
    end
    set -l next (__depctl_next $before)
    switch "$last"
        case -identity
            string match -qi set-mailbox -- $before[1]; and set next @mailboxes; or set next @policies
        case -dataencryptionpolicy
            set next @policies
        case -azurekeyids
            set next @keys
        case --kind
            set next mailbox multi-workload
    end
    for line in $next
        switch $line
            case @policies @mailboxes @jobs
                for folder in $mount/.depfs/(string sub -s 2 $line)/*/
                    path basename $folder
                end
            case @keys
                depctl key list --json 2>/dev/null | string match -rg '"id": *"(local://[^/]*/keys/[^/"]*)'
            case '*'
                echo $line
        end
    end
end

complete -c depctl -f -a '(__depctl_complete)'
complete -c depctl -s m -l mount -x -a '(__fish_complete_directories)' -d 'the mount'
complete -c depctl -l json -d 'print JSON'
complete -c depctl -l vaults -x -a '(__fish_complete_directories)' -d 'folder of local vaults'
complete -c depctl -n '__fish_seen_subcommand_from inspect renew coverage' -F
