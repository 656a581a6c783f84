# tests/lib/namespace.sh - read before lib.sh by a test in which ordinary users mount: runs the test
# in a mount namespace of its own, where fuse_for_users() may cover /dev/fuse.
# shellcheck shell=bash

[ -n "${OWN_NAMESPACE:-}" ] || OWN_NAMESPACE=1 exec unshare --mount --propagation private bash "$0"

# Debian's udev lets every user open /dev/fuse; a machine without udev gets the same here.
fuse_for_users()
{
	mknod -m 666 "$WORK/fuse" c 10 229
	mount --bind "$WORK/fuse" /dev/fuse
}
