# tests/lib/packages.sh - the Debian packages that building and testing depfs needs, and how they
# get installed. Read by tests/run.sh and tools/quickstart.sh; the one place that lists them.
# shellcheck shell=bash

PACKAGES_BUILD=(gcc libc6-dev cmake ninja-build pkg-config fuse3 libfuse3-dev libssl-dev
	liblmdb-dev libcurl4-openssl-dev libjansson-dev libseccomp-dev libcap-ng-dev)

# Compilers and checkers, then what the mount tests run on top of a mount. libclang-rt holds
# clang's sanitizers and libFuzzer, which clang only recommends.
PACKAGES_TEST=(clang libclang-rt-14-dev clang-format mandoc libcmocka-dev python3
	python3-cryptography python3-lmdb python3-venv curl git e2fsprogs mount util-linux iproute2
	procps psmisc attr acl tar rsync sqlite3 libsqlite3-0 gdb fio openssl dovecot-imapd dovecot-lmtpd
	faketime prometheus prometheus-node-exporter systemd)

packages_missing() # NAME...
{
	local name

	for name in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
			printf '%s\n' "$name"
	done
}

# packages_install NAME... - installs what is missing and nothing else. Services that a package
# brings are not started: tests run their own private ones.
packages_install()
{
	local missing policy=/usr/sbin/policy-rc.d own_policy=0 log r=0

	mapfile -t missing < <(packages_missing "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "these Debian packages are missing and only root may install them:" \
			"${missing[*]}" >&2
		return 1
	fi
	echo "installing: ${missing[*]}"
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
		own_policy=1
	fi
	log=$(mktemp)
	{
		DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 update &&
			DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install \
				-y --no-install-recommends "${missing[@]}"
	} >"$log" 2>&1 </dev/null || r=$?
	[ $own_policy = 0 ] || rm -f "$policy"
	if [ $r != 0 ]; then
		tail -n 20 "$log" >&2
		echo "apt-get could not install the packages above" >&2
	fi
	rm -f "$log"
	return $r
}
