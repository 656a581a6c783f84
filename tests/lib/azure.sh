# tests/lib/azure.sh - the fake vault for mount tests. lib.sh sources it when a test says
# VAULTS_KIND=azure before, or run.sh does for a test with a "# vaults: local azure" line.
#
# The test then runs in mount and network namespaces of its own: its /etc/hosts gives the
# clouds' real names loopback addresses, 169.254.169.254 is the fake's, nothing else is reachable.
# So depfs and Microsoft's SDK run with the ids, suffixes and ports of production, and no secret can
# leave the machine. The fake is started, K1 and K2 are keys in two of its vaults, and the
# credential of its default app stands in the environment.
#   fake ACT...     an act of tests/lib/fakevault/control.py
#   V1, V2, LOGIN   names of the hosts
# shellcheck shell=bash

PYTHON=/usr/bin/python3 # the distribution's, whatever comes first in PATH

# azure_namespace SCRIPT [ARG...] - comes back only inside the namespaces
azure_namespace()
{
	[ "${DEPFS_TEST_NAMESPACE:-}" != "$$" ] || return 0
	[ "$(id -u)" = 0 ] || { echo "skip: needs root" && exit 77; }
	unshare -m -n true 2>/dev/null || { echo "skip: no mount or network namespaces" && exit 77; }
	DEPFS_TEST_NAMESPACE=$$ exec unshare -m -n --propagation slave bash "$@"
}

# Where mounts are private, as in many containers, the copy of another test's mount that came along
# would keep it, and so its daemon, after that test has taken it away.
azure_let_go()
{
	local target

	OWN=$WORK/ awk '($3 == "fuse.depfs" || index($2, "/tmp/depfs-test.") == 1) &&
		index($2, ENVIRON["OWN"]) != 1 { print $2 }' /proc/self/mounts |
		sort -r | while read -r target; do
		# \040 as the table spells a blank; gone by itself is fine
		umount -l "$(printf '%b' "${target//\\0/\\00}")" 2>/dev/null || true
	done
}

azure_network()
{
	azure_let_go
	ip link set lo up
	ip addr add 169.254.169.254/32 dev lo
	mkdir "$WORK/fake"
	"$PYTHON" -m fakevault hosts >"$WORK/fake/hosts"
	: >"$WORK/fake/resolv.conf" # no name server: what /etc/hosts does not know fails at once
	printf 'hosts: files dns\npasswd: files\ngroup: files\n' >"$WORK/fake/nsswitch.conf"
	local name

	for name in hosts resolv.conf nsswitch.conf; do
		mount --bind "$WORK/fake/$name" "$(realpath "/etc/$name")"
	done
	mount -t tmpfs -o mode=755 fake-arc /var/opt # where Azure Arc keeps its tokens
}

fake()
{
	"$PYTHON" -m fakevault "$@"
}

azure_start()
{
	export FAKEVAULT_DIR=$WORK/fake
	"$PYTHON" -m fakevault serve "$FAKEVAULT_DIR" >"$WORK/fakevault.log" 2>&1 </dev/null &
	FAKE_PID=$!
	PIDS+=("$FAKE_PID")
	wait_until 30 fake ping || fail "the fake vault does not answer"
	# for depfs and for Microsoft's SDK
	export SSL_CERT_FILE=$FAKEVAULT_DIR/ca.pem REQUESTS_CA_BUNDLE=$FAKEVAULT_DIR/ca.pem
	azure_credential secret
}

# azure_credential secret|none - sets the environment's credential, and takes away what the caller's
# environment says about others and about proxies
azure_credential()
{
	local name

	for name in {http,https,all,no}_proxy {HTTP,HTTPS,ALL,NO}_PROXY "${!AZURE_@}" \
		"${!IDENTITY_@}" "${!MSI_@}" IMDS_ENDPOINT; do
		unset "$name"
	done
	[ "$1" = secret ] || return 0
	export AZURE_TENANT_ID=$TENANT AZURE_CLIENT_ID=$CLIENT AZURE_CLIENT_SECRET=$SECRET
}

# vault ACT KEY... - what `depctl key` does for local vaults, here done to the fake's
vault()
{
	local act=$1 words=()

	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--expires | --type | --ops | --bits)
			words+=("${1#--}=$2")
			shift
			;;
		*) words+=("$1") ;;
		esac
		shift
	done
	[ "$act" != fault ] || act=outcome
	fake "$act" "${words[@]}"
}

vault_at() # VAULT
{
	echo "https://$1.vault.azure.net"
}

V1=v1.vault.azure.net V2=v2.vault.azure.net LOGIN=login.microsoftonline.com
TENANT=11111111-aaaa-4aaa-8aaa-111111111111 CLIENT=33333333-cccc-4ccc-8ccc-333333333333
SECRET=fake~SECRET-of.the-default_app
ADMIN=44444444-dddd-4ddd-8ddd-444444444444 ADMIN_SECRET=fake~SECRET-of.the-admin_app
