# tests/lib/lib.sh - what mount tests share. A test sources it first:
#
#   #!/usr/bin/env bash
#   # posix/append: one sentence: the claim, and why it matters.
#   # builds: release asan          only these builds (default: see default_builds in run.sh)
#   # timeout: 300                  seconds (default 120)
#   # cases: small large            run once with each word as $1
#   . "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
#   depfs_start
#
# Every test has a private folder $WORK, removed afterwards with everything that was mounted or
# started: on success, failure and SIGTERM. Any command that fails ends the test. tests/README.md
# shows which helper is for what. Variables:
#   BIN     the programs under test          STORE, MNT   the store and its mount
#   KEY     the service key's file           VAULTS       folder of the local vaults
#   K1, K2  ids of two root keys             LOG          what the daemon says
# Set before sourcing: BACKING=disk puts the store on the disk's filesystem, not on a tmpfs.
# VAULTS_KIND=azure has the root keys in the fake of Azure Key Vault, see azure.sh; a test with a
# line "# vaults: local azure" is run with both, "# vaults: local azure-long" with both by --long.
# DEPFS_TEST_PLAIN=1 mounts no depfs but binds the folder itself: shows that a test is right about
# an ordinary filesystem.
# shellcheck shell=bash
set -eEu -o pipefail
LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$LIB/../.." && pwd)
BUILD=${DEPFS_BUILD:-$TOP/build}
KIND=${DEPFS_BUILD_KIND:-release}
PLAIN=${DEPFS_TEST_PLAIN:-0}
BIN=$BUILD/bin
LONG=${DEPFS_LONG:-0}
export LC_ALL=C.UTF-8 PYTHONPATH=$LIB PYTHONDONTWRITEBYTECODE=1
export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=second_deadlock_stack=1:history_size=4
unset DEPFS_MOUNT DEPFS_VAULTS # the caller's own mount is not ours to touch
unset SSL_CERT_FILE DEPFS_CA_FILE # each daemon would read all of that at its start
umask 022
ulimit -c 0

DAEMON_PID=
PIDS=()  # ended by cleanup, newest first
LOOPS=() # detached by cleanup

. "$LIB/proc.sh"
. "$LIB/assert.sh"
. "$LIB/mount.sh"
VAULTS_KIND=${DEPFS_TEST_VAULTS:-${VAULTS_KIND:-local}}
if [ "$VAULTS_KIND" = azure ]; then
	. "$LIB/azure.sh" # its vault() and vault_at() stand in for mount.sh's
	azure_namespace "$0" "$@"
fi

WORK=$(mktemp -d /tmp/depfs-test.XXXXXX)
chmod 755 "$WORK"
trap 'on_error "${BASH_SOURCE[0]##*/}" "$LINENO" "$BASH_COMMAND"' ERR
trap 'cleanup $?' EXIT
trap 'exit 143' TERM INT HUP

[ "$(id -u)" = 0 ] || skip "needs root"
STORE=$WORK/back/store
MNT=$WORK/mnt
KEY=$WORK/service.key
VAULTS=$WORK/vaults
LOG=$WORK/depfs.log
K1=$(key_at v1 k1)
K2=$(key_at v2 k2)
mkdir "$WORK/back" "$MNT"
if [ "${BACKING:-tmpfs}" = tmpfs ]; then
	mount -t tmpfs -o size=6g,mode=755 depfs-test "$WORK/back"
fi
if [ "$VAULTS_KIND" = azure ]; then
	azure_network
	azure_start
fi
