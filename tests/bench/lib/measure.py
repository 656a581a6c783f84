"""The eleven rates of the benchmark, one function each.

A row takes a mounted filesystem to the state the row starts from (files in
place, caches cold where it matters), then measures one program's work.
"""

import contextlib
import json
import os
import re
import signal
import time
from dataclasses import dataclass, field

from scratch import BenchError, run, spawn

FIO_LIMIT_S = 300
PERF_START_S = 0.5
KIB, MIB = 1 << 10, 1 << 20
SMALL_FILE = 8 * KIB
CLK_TCK = os.sysconf("SC_CLK_TCK")


@dataclass
class Sample:
    """One row, once: the rate, and processor seconds for each MiB or each operation."""

    rate: float
    daemon_cpu: float
    machine_cpu: float


@dataclass(frozen=True)
class Row:
    key: str
    title: str
    unit: str
    cpu_unit: str  # "MiB", or "op" where no content is moved
    measure: object = field(compare=False)


def _busy_s():
    """Processor seconds of the whole machine so far, but for idle, I/O wait and steal."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _idle, _iowait, irq, softirq = map(int, stat.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / CLK_TCK


class Bench:
    """What the rows share while one filesystem has its turn."""

    def __init__(self, mounted, context):
        self.mounted = mounted
        self.context = context
        self.options = context.options

    # -- one measured program -------------------------------------------------

    def _clocked(self, work):
        """Do the work; what it returned, and daemon and machine seconds spent on it."""
        with self._recorded():
            daemon, machine = self.mounted.cpu_s(), _busy_s()
            done = work()
        return done, self.mounted.cpu_s() - daemon, _busy_s() - machine

    @contextlib.contextmanager
    def _recorded(self):
        """With --perf: perf record of the daemon, of the measured part alone."""
        if not self.options.perf:
            yield
            return
        perf = spawn(["perf", "record", "-q", "-g", "-p", str(self.mounted.daemon.pid),
                      "-o", self.options.perf])
        time.sleep(PERF_START_S)
        try:
            yield
        finally:
            perf.send_signal(signal.SIGINT)
            perf.wait(30)

    def _fio(self, name, *arguments):
        """One fio job group on this mount; its JSON part for reads or writes."""
        # random bytes, not rewritten between writes: the client's share stays small
        out = run(["fio", f"--name={name}", f"--directory={self.mounted.work()}",
                   "--filename_format=$jobname.$jobnum", "--ioengine=psync", "--thread",
                   "--group_reporting", "--fallocate=none", "--scramble_buffers=0",
                   "--randrepeat=1", "--output-format=json", *arguments], FIO_LIMIT_S)
        job = json.loads(out[out.index("{"):])["jobs"][0]
        if job["error"]:
            raise BenchError(f"fio {name}: {os.strerror(job['error'])}")
        return max(job["read"], job["write"], key=lambda part: part["io_bytes"])

    def _bandwidth(self, name, *arguments):
        part, daemon, machine = self._clocked(lambda: self._fio(name, *arguments))
        mib = part["io_bytes"] / MIB
        return Sample(part["bw_bytes"] / MIB, daemon / mib, machine / mib)

    def _iops(self, cpu_unit, name, *arguments):
        part, daemon, machine = self._clocked(lambda: self._fio(name, *arguments))
        amount = part["io_bytes"] / MIB if cpu_unit == "MiB" else part["total_ios"]
        return Sample(part["iops"], daemon / amount, machine / amount)

    # -- fio rows -------------------------------------------------------------

    def _sequential(self, direction, jobs):
        closing = ["--end_fsync=1"] if direction == "write" else []
        return [f"seq{jobs}", f"--rw={direction}", "--bs=128k", f"--numjobs={jobs}",
                f"--size={self.options.size // jobs}", *closing]

    def _large_file(self, jobs=1):
        """The files that reading and overwriting rows find, then cold caches."""
        if not os.path.exists(os.path.join(self.mounted.work(), f"seq{jobs}.0")):
            self._fio(*self._sequential("write", jobs))
        self.mounted.cold()

    def seq_write(self, jobs):
        return self._bandwidth(*self._sequential("write", jobs))

    def seq_read(self, jobs):
        self._large_file(jobs)
        return self._bandwidth(*self._sequential("read", jobs))

    def _random(self, direction, share):
        """4 KiB at a time, no block twice, all over the one-job file."""
        size = self.options.size
        return ["seq1", f"--rw=rand{direction}", "--bs=4k", f"--size={size}",
                f"--io_size={max(size // share // 4096, 1) * 4096}"]

    def rand_read(self):
        self._large_file()
        return self._iops("MiB", *self._random("read", 8))

    def rand_write(self):
        self._large_file()
        return self._iops("MiB", *self._random("write", 4), "--end_fsync=1")

    def append(self):
        count = self.options.appends
        return self._iops("op", "append", "--rw=write", "--bs=1k", f"--size={count * KIB}",
                          "--fdatasync=1")

    # -- small files ----------------------------------------------------------

    def _small(self, verb):
        out = run([self.context.smallfiles, verb, self._small_folder(),
                   str(self.options.files), str(SMALL_FILE)], FIO_LIMIT_S)
        count, seconds = out.split()
        return int(count), float(seconds)

    def _small_folder(self):
        return os.path.join(self.mounted.work(), "mails")

    def small_files(self, verb, cpu_unit):
        if verb == "create":
            os.mkdir(self._small_folder())
        elif not os.path.exists(self._small_folder()):
            os.mkdir(self._small_folder())
            self._small("create")
        self.mounted.cold()
        (count, seconds), daemon, machine = self._clocked(lambda: self._small(verb))
        amount = count * SMALL_FILE / MIB if cpu_unit == "MiB" else count
        return Sample(count / seconds, daemon / amount, machine / amount)


ROWS = (
    Row("seqw1", "sequential write, 1 job", "MiB/s", "MiB", lambda b: b.seq_write(1)),
    Row("seqr1", "sequential read, 1 job", "MiB/s", "MiB", lambda b: b.seq_read(1)),
    Row("seqw4", "sequential write, 4 jobs", "MiB/s", "MiB", lambda b: b.seq_write(4)),
    Row("seqr4", "sequential read, 4 jobs", "MiB/s", "MiB", lambda b: b.seq_read(4)),
    Row("randr", "random 4 KiB read", "IOPS", "MiB", Bench.rand_read),
    Row("randw", "random 4 KiB write", "IOPS", "MiB", Bench.rand_write),
    Row("append", "append 1 KiB + fdatasync", "op/s", "op", Bench.append),
    Row("create", "create 8 KiB files", "op/s", "MiB", lambda b: b.small_files("create", "MiB")),
    Row("stat", "stat 8 KiB files", "op/s", "op", lambda b: b.small_files("stat", "op")),
    Row("read", "read 8 KiB files", "op/s", "MiB", lambda b: b.small_files("read", "MiB")),
    Row("delete", "delete 8 KiB files", "op/s", "op", lambda b: b.small_files("delete", "op")),
)


def measure_row(bench, row):
    sample = row.measure(bench)
    if sample.rate <= 0:
        raise BenchError(f"{row.key}: no rate came out")
    return sample


def openssl_aes_rate():
    """Bytes a second of AES-256-GCM on 4064-byte pieces, one thread, by openssl speed."""
    out = run(["openssl", "speed", "-evp", "aes-256-gcm", "-bytes", "4064", "-seconds", "2"])
    figure = re.search(r"^AES-256-GCM\s+([\d.]+)k", out, re.IGNORECASE | re.MULTILINE)
    if not figure:
        raise BenchError("openssl speed printed no rate")
    return float(figure.group(1)) * 1000

