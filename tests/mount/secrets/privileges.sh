#!/usr/bin/env bash
# secrets/privileges: the daemon of a root mount keeps only the capabilities that serving files takes, can gain none
# by executing a program, and leaves no core file.
# It can run no program, open no network socket and mount nothing (tests/unit/test_syscall_filter.c tries the calls).
. "$(dirname "${BASH_SOURCE[0]}")/../../lib/lib.sh"
depfs_start

field() { awk -v k="$1:" '$1 == k { print $2 }' "/proc/$DAEMON_PID/task/$2/status"; }
for task in "/proc/$DAEMON_PID/task/"*; do
	task=${task##*/}
	[ "$(field NoNewPrivs "$task")" = 1 ] || fail "thread $task may gain privileges"
	[ "$(field Seccomp "$task")" = 2 ] || fail "thread $task has no filter of system calls"
	for set in CapEff CapPrm CapBnd; do
		caps=$((16#$(field $set "$task")))
		count=0
		for ((cap = 0; cap < 64; cap++)); do
			count=$((count + (caps >> cap & 1)))
		done
		[ $count -le 12 ] || fail "thread $task has $count capabilities in $set, the README says twelve"
		# net_admin 12, net_raw 13, sys_module 16, sys_rawio 17, sys_ptrace 19, sys_boot 22, sys_time 25, bpf 39
		for cap in 12 13 16 17 19 22 25 39; do
			[ $((caps >> cap & 1)) = 0 ] || fail "thread $task has capability $cap in $set"
		done
	done
done
grep -q 'Max core file size *0 *0' "/proc/$DAEMON_PID/limits"
depfs_umount
