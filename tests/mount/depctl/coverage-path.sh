#!/usr/bin/env bash
# depctl/coverage-path: `depctl coverage PATH` counts what `depctl inspect` shows of each file
# below PATH, no more and no less, whatever the last scan found; a PATH of which there is nothing
# to count is refused with the reason.
# vaults: local azure
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/jobs.sh"
. "$LIB/depctl.sh"
ADMIN=12556
depfs_start_policies "admin_gid=$ADMIN"
policy_create P
policy_create "Board members" --kind mailbox
mkdir -p "$MNT"/mailbox/{a,b,none} "$MNT"/{chat,planner,edm/empty}
echo old >"$MNT/chat/old"
echo loose >"$MNT/loose"
depctl assign P >/dev/null
depctl mailbox assign b "Board members" >/dev/null
job_done
for i in 1 2 3; do
	printf '%01000d' 0 >"$MNT/mailbox/a/$i"
	echo new >"$MNT/chat/new$i"
done
depctl scan >/dev/null
job_done
scan=$(newest_job)
policy_create Q
depctl assign Q >/dev/null # what is in chat/ stays under P
job_done
depctl policy rotate Q >/dev/null
job_done
ln "$MNT/mailbox/a/1" "$MNT/mailbox/a/again"
mkdir -p "$MNT/mailbox/a/sub" "$MNT/mailbox/b/x/y"
: >"$MNT/mailbox/a/sub/nothing"
echo "for the board" >"$MNT/mailbox/b/x/y/1"
head -c 300000 /dev/zero >"$MNT/mailbox/b/x/big"
echo plan >"$MNT/planner/1"
echo newer >"$MNT/chat/newer"
ln -s ../b "$MNT/mailbox/a/link"
mkfifo "$MNT/mailbox/a/pipe"
# still open, so that the kernel may keep what was written
background python3 -c '
import sys, time
f = open(sys.argv[1], "wb", 0)
f.write(b"12345")
time.sleep(100)' "$MNT/mailbox/a/sub/open"
writer=$!
wait_until 10 [ -s "$MNT/mailbox/a/sub/open" ] || fail "nothing was written"

# inspected PATH - from the headers of all files below: workload, policy, generation, files, bytes
inspected()
{
	sync -f "$MNT"
	find "$STORE/$1" -path "$STORE/.depfs" -prune -o -type f -printf '%i %P\n' | sort -u -k 1,1 |
		while read -r _ name; do
			where=${1:+$1${name:+/}}$name
			"$BIN/depctl" inspect "$STORE/$where" |
				awk -v where="$where" '
				/^policy id:/ { id = $3 } /^generation:/ { gen = $2 } /^size:/ { size = $2 }
				END {
					if (id ~ /^[0-]*$/) { id = "none"; gen = 0 } # the service key
					n = split(where, part, "/")
					top = n > 1 && part[1] ~ /^(mailbox|signals|chat|edm)$/ ? part[1] : "other"
					print top, id, gen, size
				}'
		done | awk '{ n[$1 " " $2 " " $3]++; b[$1 " " $2 " " $3] += $4 }
			END { for (k in n) print k, n[k], b[k] }' | sort
}

# counted [PATH] - the same by the command
counted()
{
	depctl --json coverage "$@" </dev/null | python3 -c '
import json, sys
for w in json.load(sys.stdin)["workloads"]:
    for k in w["keys"]:
        print(w["workload"], k["policy_id"] or "none", k["generation"] or 0, k["files"], k["bytes"])' | sort
}

agree() # FILES PATH
{
	local got wanted

	got=$(counted "${2:-.}")
	wanted=$(inspected "$2")
	assert_eq "$got" "$wanted" "coverage of '$2'"
	assert_eq "$(awk '{ n += $4 } END { print n + 0 }' <<<"$got")" "$1" "files below '$2'"
}

agree 5 chat
agree 5 mailbox/a # four of them new, one by a second name
agree 2 mailbox/a/sub
agree 2 mailbox/b
agree 2 mailbox/b/x
agree 7 mailbox
agree 1 planner
agree 14 ""
end_process $writer
assert_eq "$(counted chat | wc -l)" 3 "rows of chat/"

# PATH as people type it; one file
assert_eq "$(counted "$MNT/mailbox/a/")" "$(counted mailbox/a)"
assert_eq "$(counted ./mailbox//a/../a)" "$(counted mailbox/a)"
assert_eq "$(counted mailbox/a/link)" "$(counted mailbox/b)"
assert_eq "$(cd "$MNT/mailbox" && counted a)" "$(counted mailbox/a)"
assert_eq "$(cd "$MNT/mailbox/a" && counted .)" "$(counted mailbox/a)"
agree 1 mailbox/b/x/big
agree 1 loose
json_holds 'j["files"] == 1 and j["bytes"] == 300000 and j["mailboxes"] == 1' depctl --json coverage mailbox/b/x/big
json_holds 'j["folder"] == "mailbox/a" and j["job"] is None and j["mailboxes"] == 1' depctl --json coverage mailbox/a
json_holds 'j["folder"] == "." and j["mailboxes"] == 3' depctl --json coverage "$MNT"
json_holds 'j["mailboxes"] == 0' depctl --json coverage chat
says "in mailbox/a: 5 files, 2.9 KiB, in 1 mailbox" depctl coverage mailbox/a
says "100.0%  Board members, generation 1: 2 files, 293.0 KiB" depctl coverage mailbox/b
says "in mailbox/none: 0 files, 0 B, in 1 mailbox
no file is there" depctl coverage mailbox/none
says "no file is there" depctl coverage edm/empty
says "written" depctl coverage --html "$WORK/part.html" mailbox/a
assert_match "$(cat "$WORK/part.html")" "<dt>Folder</dt><dd>mailbox/a</dd>"
assert_no_match "$(cat "$WORK/part.html")" "By job"

# the last scan is what it was, and another agrees with what was counted here
json_holds "j['job'] == $scan and j['files'] == 8 and j['folder'] is None" depctl --json coverage
everything=$(counted .)
depctl coverage --scan >/dev/null
assert_eq "$(counted)" "$everything" "what a scan counts"

# a damaged header is in no row
printf X | dd of="$STORE/chat/old" bs=1 conv=notrunc status=none
json_holds 'j["files"] == 4 and j["unreadable"] == 1' depctl --json coverage chat
says "not in these counts: 1 of unreadable header" depctl coverage chat
says "0 files, 0 B, in 0 mailboxes
not in these counts: 1" depctl coverage chat/old

refused 1 "mailbox/no: No such file" depctl coverage mailbox/no
refused 1 "loose/x: Not a directory" depctl coverage loose/x
refused 1 "'$STORE' is not below $MNT" depctl coverage "$STORE"
refused 1 "is not below" depctl coverage ../../..
refused 1 "'mailbox/a/pipe' is neither a file nor a folder" depctl coverage mailbox/a/pipe
refused 1 "control files are not stored" depctl coverage .depfs/jobs
chmod 711 "$MNT" "$MNT/mailbox/a" && chmod 700 "$MNT/mailbox/b"
refused 1 "mailbox/b, where the headers are: Permission denied" \
	setpriv --reuid 12555 --regid $ADMIN --clear-groups "$BIN/depctl" -m "$MNT" coverage mailbox
refused 2 "--scan counts everything" depctl coverage --scan chat
refused 2 "PATH is empty" depctl coverage ""
refused 2 "'y' is too much" depctl coverage chat y
depfs_umount
