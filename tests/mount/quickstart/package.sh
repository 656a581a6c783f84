#!/usr/bin/env bash
# quickstart/package: 'cpack -G DEB' makes a package without an error by lintian, that installs, mounts by the commands of its
# unit and by mount(8), serves on while it is upgraded, and leaves the store and its key when it is purged.
# builds: release
# timeout: 240
[ -n "${OWN_NAMESPACE:-}" ] || OWN_NAMESPACE=1 exec unshare --mount --propagation private bash "$0"
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
need cpack lintian dpkg-shlibdeps systemd-analyze
unset -f depctl

cpack -G DEB --config "$BUILD/CPackConfig.cmake" -B "$WORK/deb" >"$WORK/out" 2>&1 || fail "cpack: $(cat "$WORK/out")"
deb=$(echo "$WORK"/deb/depfs_*.deb)
lintian --allow-root --fail-on error "$deb" >"$WORK/out" 2>&1 || fail "lintian: $(cat "$WORK/out")"
dpkg-deb -c "$deb" | sed 's/.* \.//' >"$WORK/list"
for file in /usr/sbin/depfs /usr/sbin/mount.depfs /usr/sbin/mkfs.depfs /usr/bin/depctl /usr/lib/systemd/system/depfs@.service \
	/usr/share/depfs/prometheus/depfs.rules.yml /usr/share/bash-completion/completions/depctl \
	/usr/share/zsh/vendor-completions/_depctl /usr/share/fish/vendor_completions.d/depctl.fish \
	/usr/share/man/man7/depfs-changes.7.gz; do
	grep -qxF $file "$WORK/list" || fail "$file is not in the package: $(cat "$WORK/list")"
done

# a copy of this system, in which it is installed
root=$WORK/root
mkdir "$WORK/over" "$root"
mount -t tmpfs none "$WORK/over"
mkdir "$WORK/over/upper" "$WORK/over/work"
mount -t overlay -o "lowerdir=/,upperdir=$WORK/over/upper,workdir=$WORK/over/work" overlay "$root" ||
	skip "there is no overlay filesystem"
for folder in dev proc sys; do
	mount --rbind /$folder "$root/$folder"
done
mount -t tmpfs none "$root/srv" # file handles, which an overlay lacks
mount -t tmpfs none "$root/run"
mount -t tmpfs none "$root/tmp"
cp "$deb" "$root/tmp/depfs.deb"
inside() { chroot "$root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
cleanup_more() { ! mountpoint -q "$root/srv/mail" || umount -l "$root/srv/mail"; }
free_again() { [ ! -s "$root/srv/mail-store/.depfs/lock" ]; }
inside dpkg --force-depends -i /tmp/depfs.deb >"$WORK/out" 2>&1 || fail "dpkg -i: $(cat "$WORK/out")"
assert_match "$(inside depfs --version)" "^depfs [0-9]"

mkdir -p "$root/etc/depfs" "$root/srv/mail"
inside mkfs.depfs --service-key file:/etc/depfs/mail.key /srv/mail-store >/dev/null
cat >"$root/etc/depfs/srv-mail.conf" <<'END'
DEPFS_STORE=/srv/mail-store
DEPFS_OPTIONS=service_key=file:/etc/depfs/mail.key,vaults=/srv/vaults
END

# the unit
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
inside ln -s /usr/lib/systemd/system/depfs@.service /etc/systemd/system/multi-user.target.wants/depfs@srv-mail.service
inside systemd-analyze verify depfs@srv-mail.service >"$WORK/out" 2>&1 || fail "systemd: $(cat "$WORK/out")"
assert_no_match "$(cat "$WORK/out")" "depfs@"
command_of() # NAME - as systemd would run it for depfs@srv-mail.service
{
	sed -n "s/^$1=-\{0,1\}//p" "$root/usr/lib/systemd/system/depfs@.service" | sed 's|%f|/srv/mail|g; s|%i|srv-mail|g'
}
chroot "$root" /bin/sh -c ". /etc/depfs/srv-mail.conf; exec $(command_of ExecStart)" >>"$LOG" 2>&1 </dev/null &
daemon=$!
PIDS+=($daemon)
wait_until 20 mountpoint -q "$root/srv/mail"
mkdir -p "$root/srv/mail/mailbox/anna"
echo mail >"$root/srv/mail/mailbox/anna/1"

# the same again, as an upgrade: the mount is served by the same daemon
inside dpkg --force-depends -i /tmp/depfs.deb >"$WORK/out" 2>&1 || fail "dpkg -i: $(cat "$WORK/out")"
assert_eq "$(cat "$root/srv/mail/mailbox/anna/1")" mail
kill -0 $daemon
kill -TERM $daemon
wait $daemon || fail "SIGTERM ends it with status $?"
inside sh -c "$(command_of ExecStopPost)" || [ $? = 32 ] # nothing to do

# mount(8)
inside mount -t depfs -o service_key=file:/etc/depfs/mail.key,vaults=/srv/vaults /srv/mail-store /srv/mail
assert_eq "$(cat "$root/srv/mail/mailbox/anna/1")" mail
umount "$root/srv/mail"
wait_until 20 free_again

inside dpkg --purge depfs >"$WORK/out" 2>&1 || fail "dpkg --purge: $(cat "$WORK/out")"
assert_match "$(cat "$WORK/out")" "/etc/depfs stays"
while read -r file; do
	[[ $file == */ ]] || [ ! -e "$root$file" ] || fail "$file is left"
done <"$WORK/list"
[ -s "$root/etc/depfs/mail.key" ] && [ -s "$root/srv/mail-store/mailbox/anna/1" ] || fail "a purge took the store or its key"
