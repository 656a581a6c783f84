#!/usr/bin/env bash
# metrics/exporter: the README's line brings the metrics of two mounts into Prometheus' node exporter, which takes every one of them.
# vaults: local azure
# builds: release
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
. "$LIB/metrics.sh"
exporter=$(command -v prometheus-node-exporter) || skip "prometheus-node-exporter is not installed"
folder=$WORK/textfiles
mkdir "$folder"

# copy_once MOUNT NAME - the command of the README's crontab line, for this mount
copy_once()
{
	local line

	line=$(grep -o 'cd /var/lib/prometheus/node-exporter &&.*' "$TOP/README.md")
	[ -n "$line" ] || fail "the README has no such line"
	grep -qF "$line" "$TOP/man/depfs-metrics.5" || fail "README and manual differ"
	line=${line//\/var\/lib\/prometheus\/node-exporter/$folder}
	line=${line//\/srv\/mail/$1}
	bash -euc "${line//depfs-mail/$2}"
}

depfs_start_policies
policy_create Tenant
control assignment Tenant
mkdir -p "$MNT/mailbox/anna"
echo mail >"$MNT/mailbox/anna/1"
sync -f "$MNT"
copy_once "$MNT" one
first=$DAEMON_PID first_mnt=$MNT
STORE=$WORK/back/second MNT=$WORK/second KEY=$WORK/second.key
mkdir "$MNT"
depfs_start
copy_once "$MNT" two

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$exporter" --web.listen-address="127.0.0.1:$port" --collector.disable-defaults \
	--collector.textfile --collector.textfile.directory="$folder" >"$WORK/exporter.log" 2>&1 &
PIDS+=($!)
fetch()
{
	python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())' \
		"http://127.0.0.1:$port/metrics" >"$WORK/scraped" 2>/dev/null
}
wait_until 20 fetch || fail "no answer: $(cat "$WORK/exporter.log")"
grep -qx 'node_textfile_scrape_error 0' "$WORK/scraped" || fail "refused: $(cat "$WORK/exporter.log")"
for name in one two; do
	# a name and its labels, in whatever order, of each sample
	sed -n '/^[^#]/s/{.*//p' "$folder/$name.prom"
done | sort | uniq -c >"$WORK/wanted"
sed -n '/^depfs_/s/{.*//p' "$WORK/scraped" | sort | uniq -c >"$WORK/got"
diff "$WORK/wanted" "$WORK/got" >&2 || fail "samples were left out"
[ "$(grep -c '^depfs_build_info{' "$WORK/scraped")" = 2 ] || fail "not both mounts"
depfs_umount
DAEMON_PID=$first MNT=$first_mnt
depfs_umount
