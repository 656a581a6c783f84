#!/usr/bin/env bash
# crash/tampering: the signs of an unfinished write are damage when the last stop was clean: only a crash excuses them.
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/tamper.sh"
tamper_start mailbox/anna/a
truncate -s 30000 "$STORE/mailbox/anna/a" # as if a size hint lagged behind
depfs_mount
refuses_reading mailbox/anna/a
depfs_umount
