# tests/lib/packages.sh - the Debian packages that building and testing depfs needs, and how they
# get installed. Read by tests/run.sh and tools/quickstart.sh; the one place that lists them.
# shellcheck shell=bash

PACKAGES_BUILD=(gcc libc6-dev cmake ninja-build pkg-config fuse3 libfuse3-dev libssl-dev
	liblmdb-dev libcurl4-openssl-dev libjansson-dev libseccomp-dev libcap-ng-dev)

# What a test needs besides: the packages of each group whose name its own name begins with, so for
# mount/mail/dovecot those of "mount" and "mount/mail". "mount-azure" is for the tests that run.sh
# repeats with the fake of Azure Key Vault. libclang-rt holds clang's sanitizers and libFuzzer, which
# clang only recommends.
declare -A PACKAGES_OF=(
	[build/clang]="clang"
	[build/fuzz]="clang libclang-rt-14-dev"
	[lint/clang-format]="clang-format"
	[lint/man]="mandoc"
	[lint/rooms]="python3"
	[lint/circles]="binutils python3"
	[lint/citations]="git python3"
	[lint/words]="git python3"
	[unit]="libcmocka-dev"
	[mount]="python3 mount util-linux procps"
	[mount/adversary]="rsync tar"
	[mount/apps]="acl attr git libsqlite3-0 rsync sqlite3 tar"
	[mount/audit]="python3-cryptography python3-lmdb"
	[mount/azure]="curl iproute2 openssl python3-cryptography python3-lmdb python3-venv"
	[mount/backup]="rsync tar"
	[mount/crash]="e2fsprogs faketime"
	[mount/depctl/shells]="fish zsh"
	[mount/format]="python3-cryptography python3-lmdb tar"
	[mount/jobs]="attr python3-cryptography python3-lmdb"
	[mount/mail]="dovecot-imapd dovecot-lmtpd"
	[mount/metrics]="prometheus prometheus-node-exporter"
	[mount/policy]="acl rsync tar"
	[mount/posix]="acl"
	[mount/quickstart]="mandoc systemd"
	[mount/quickstart/package]="dpkg-dev fakeroot lintian"
	[mount/revoke]="python3-cryptography python3-lmdb"
	[mount/secrets]="e2fsprogs python3-cryptography python3-lmdb"
	[mount/unprivileged]="attr"
	[mount-azure]="iproute2 python3-cryptography"
	[bench]="fio openssl python3"
)

packages_of() # TEST...
{
	local name group

	for name in "$@"; do
		for group in "${!PACKAGES_OF[@]}"; do
			[[ $name/ != "$group"/* ]] || printf '%s\n' ${PACKAGES_OF[$group]}
		done
	done | sort -u
}

packages_missing() # NAME...
{
	comm -13 <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
		sed -n 's/ installed$//p' | sort) <(printf '%s\n' "$@" | sort -u)
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
