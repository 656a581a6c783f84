#!/usr/bin/env bash
# tools/quickstart.sh - installs what depfs is built from, builds it, and runs its main job with local vaults:
# a store, a mount, a policy for the tenant, a mail written and read back. Running it again is harmless.
#
#   sudo tools/quickstart.sh [FOLDER]            FOLDER: /var/lib/depfs-quickstart
#   sudo tools/quickstart.sh --remove [FOLDER]   unmounts and deletes FOLDER
# shellcheck shell=bash
set -euo pipefail
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BIN=$TOP/build/bin
POLICY="EUR Policy"
MARK=.made-by-depfs-quickstart # nothing without it is ever deleted

say() { printf '\n== %s\n' "$*"; }
give_up() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }

remove=0
for arg; do
	case $arg in
	-h | --help) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
	--remove) remove=1 ;;
	-*) give_up "unknown argument $arg; see --help" ;;
	*) [ -z "${dir:-}" ] || give_up "one folder is enough: $arg"; dir=$arg ;;
	esac
done
[ "$(id -u)" = 0 ] || give_up "root is needed: sudo tools/quickstart.sh"
dir=$(realpath -m "${dir:-/var/lib/depfs-quickstart}")
mnt=$dir/mnt
export DEPFS_MOUNT=$mnt DEPFS_VAULTS=$dir/vaults

take_down()
{
	if mountpoint -q "$mnt"; then
		umount "$mnt" || give_up "$mnt is in use; close what uses it and try again"
	fi
	[ -e "$dir/$MARK" ] || give_up "$dir was not made by quickstart; nothing is deleted"
	# the daemon closes the store a moment after the unmount
	for _ in $(seq 100); do
		[ -s "$dir/store/.depfs/lock" ] || break
		sleep 0.1
	done
	rm -rf "$dir"
	echo "removed $dir"
}

build()
{
	# shellcheck source=../tests/lib/packages.sh
	. "$TOP/tests/lib/packages.sh"
	packages_install "${PACKAGES_BUILD[@]}"
	cmake -S "$TOP" -B "$TOP/build" -G Ninja >"$dir/build.log" 2>&1 &&
		cmake --build "$TOP/build" >>"$dir/build.log" 2>&1 ||
		{ tail -n 20 "$dir/build.log" >&2; give_up "building failed; the whole log is $dir/build.log"; }
}

have_key() { "$BIN/depctl" key show "$1" >/dev/null 2>&1; }

make_store()
{
	local key

	for key in local://vault-a/keys/root local://vault-b/keys/root; do
		have_key "$key" || "$BIN/depctl" key create "$key" 2>/dev/null
	done
	[ -e "$dir/store/.depfs/format" ] ||
		"$BIN/mkfs.depfs" --service-key "file:$dir/service.key" "$dir/store"
}

mount_store()
{
	if mountpoint -q "$mnt"; then
		echo "already mounted at $mnt"
	else
		"$BIN/depfs" "$dir/store" "$mnt" -o "service_key=file:$dir/service.key,vaults=$dir/vaults"
		echo "mounted at $mnt"
	fi
}

make_policy()
{
	[ -d "$mnt/.depfs/policies/$POLICY" ] ||
		"$BIN/depctl" policy create "$POLICY" local://vault-a/keys/root local://vault-b/keys/root
	"$BIN/depctl" assign "$POLICY"
}

try_it()
{
	local mail=mailbox/alice/1.eml

	mkdir -p "$mnt/mailbox/alice"
	printf 'From: bob\nTo: alice\nSubject: hello\n\nA mail that only its owner can read.\n' >"$mnt/$mail"
	sync "$mnt/$mail"
	echo "read back through the mount:"
	sed 's/^/    /' "$mnt/$mail"
	! grep -q 'only its owner' "$dir/store/$mail" || give_up "the mail lies in the store in the clear"
	echo "the same bytes in the store:"
	tail -c +257 "$dir/store/$mail" | head -c 48 | od -A n -t x1 | sed 's/^/   /'
	echo "the file's header, which needs no key:"
	"$BIN/depctl" inspect "$dir/store/$mail" | grep -E '^(policy id|generation|size|blocks):' | sed 's/^/    /'
}

what_next()
{
	cat <<END

== what to try next
    export PATH=$BIN:\$PATH DEPFS_MOUNT=$mnt DEPFS_VAULTS=$dir/vaults
    depctl status                                     # the whole store at a glance
    depctl policy show "$POLICY"
    depctl key rotate local://vault-a/keys/root       # a new version of a root key ...
    depctl policy refresh "$POLICY"                 # ... and the policy takes it
    depctl Get-M365DataAtRestEncryptionPolicy         # the same as Customer Key spells it
    cat $mnt/.depfs/README   # steering by files
    depctl events -f                                  # what happens, as it happens
    sudo tools/quickstart.sh --remove $dir   # take all of this down
END
}

if [ $remove = 1 ]; then
	take_down
	exit 0
fi
if [ -d "$dir" ] && [ ! -e "$dir/$MARK" ] && [ -n "$(ls -A "$dir")" ]; then
	give_up "$dir exists and was not made by quickstart; name another folder"
fi
mkdir -p "$dir"
chmod 755 "$dir"
: >"$dir/$MARK"
say "packages and build"
build
if grep -q " $mnt fuse" /proc/self/mounts && ! head -c 1 "$mnt/.depfs/README" >/dev/null 2>&1; then
	umount -l "$mnt" # its daemon was killed; the kernel may still answer a stat from its cache
fi
mkdir -p "$mnt" "$dir/vaults"
say "two local vaults, a store, its service key"
make_store
say "mount"
mount_store
say "a policy for the whole tenant"
make_policy
say "a mail"
try_it
what_next
