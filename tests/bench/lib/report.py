"""From samples to the table, the verdict by the goals of tests/README.md and the JSON file."""

import json
import platform
import statistics

from measure import MIB

CPU_ROWS = ("seqw1", "seqr1", "seqw4", "seqr4")
CPU_FACTOR = 1.3  # tests/README.md, Benchmarks


class Results:
    """Samples by filesystem and row; a row that failed has no samples."""

    def __init__(self, systems, rows):
        self.systems = systems
        self.rows = rows
        self.samples = {(s.name, r.key): [] for s in systems for r in rows}

    def add(self, system, row, sample):
        self.samples[system.name, row.key].append(sample)

    def rates(self, name, key):
        return [s.rate for s in self.samples.get((name, key), [])]

    def median(self, name, key):
        rates = self.rates(name, key)
        return statistics.median(rates) if rates else None

    def cpu(self, name, key, which):
        values = [getattr(s, which) for s in self.samples.get((name, key), [])]
        return statistics.median(values) if values else None

    def best_peer(self, key):
        """(rate, name) of the fastest encrypting peer, or None."""
        peers = [(self.median(s.name, key), s.name) for s in self.systems
                 if s.encrypts and s.name != "depfs" and self.rates(s.name, key)]
        return max(peers) if peers else None

    def complete(self, rounds):
        return all(len(found) == rounds for found in self.samples.values())

    def mark(self, key):
        """What stands behind a row in which depfs is not ahead."""
        mine = self.median("depfs", key)
        if mine is None:
            return ""
        first = self.median("gocryptfs", key)
        if first is not None and mine < first:
            overlap = max(self.rates("depfs", key)) >= min(self.rates("gocryptfs", key))
            return "<== gocryptfs" + (" (spreads overlap)" if overlap else "")
        best = self.best_peer(key)
        if best and mine < best[0]:
            return f"<-- {best[1]}"
        return ""


def _number(value, digits=0):
    return "-" if value is None else f"{value:,.{digits}f}"


def _ratio(value, base):
    return "-" if value is None or not base else f"{value / base:.2f}"


def _micro(seconds):
    return "-" if seconds is None else f"{seconds * 1e6:,.0f}"


def _detail(results, row):
    """One row: a line for each filesystem."""
    mine = results.median("depfs", row.key)
    lines = [f"{row.title} ({row.unit})  {results.mark(row.key)}".rstrip(),
             f"  {'':14}{'median':>10}{'min..max':>20}{'depfs/it':>10}"
             f"{'daemon us/' + row.cpu_unit:>15}{'machine us/' + row.cpu_unit:>15}"]
    for system in results.systems:
        name, rates = system.name, results.rates(system.name, row.key)
        if not rates:
            lines.append(f"  {name:14}{'failed':>10}")
            continue
        spread = f"{_number(min(rates))}..{_number(max(rates))}"
        lines.append(f"  {name:14}{_number(results.median(name, row.key)):>10}{spread:>20}"
                     f"{_ratio(mine, results.median(name, row.key)):>10}"
                     f"{_micro(results.cpu(name, row.key, 'daemon_cpu')):>15}"
                     f"{_micro(results.cpu(name, row.key, 'machine_cpu')):>15}")
    return lines


def _overview(results):
    """The medians at a glance, one line a row."""
    names = [s.name for s in results.systems]
    lines = [f"{'median':32}" + "".join(f"{name:>13}" for name in names)
             + f"{'/best peer':>12}{'/passthr.':>10}"]
    for row in results.rows:
        mine, best = results.median("depfs", row.key), results.best_peer(row.key)
        lines.append((f"{row.title + ', ' + row.unit:32}"
                      + "".join(f"{_number(results.median(n, row.key)):>13}" for n in names)
                      + f"{_ratio(mine, best and best[0]):>12}"
                      + f"{_ratio(mine, results.median('passthrough', row.key)):>10}"
                      + f"  {results.mark(row.key)}").rstrip())
    return lines


def _cpu_goal(results, aes_rate):
    """Processor time against CPU_FACTOR x (passthrough + AES), for the sequential rows."""
    aes = MIB / aes_rate
    lines = [f"openssl speed aes-256-gcm, 4064 bytes: {aes_rate / 1e6:,.0f} MB/s, "
             f"so AES alone costs {_micro(aes)} us/MiB"]
    for row in results.rows:
        base = results.cpu("passthrough", row.key, "daemon_cpu")
        mine = results.cpu("depfs", row.key, "daemon_cpu")
        if row.key not in CPU_ROWS or base is None or mine is None:
            continue
        limit = CPU_FACTOR * (base + aes)
        verdict = "ok" if mine <= limit else f"<-- over by {(mine / limit - 1) * 100:.0f} %"
        lines.append(f"  {row.title:26} depfs {_micro(mine):>6} us/MiB, goal {CPU_FACTOR} x "
                     f"({_micro(base)} + {_micro(aes)}) = {_micro(limit):>6}  {verdict}")
    return lines


def _foot(results, context):
    opt = context.options
    readahead = f"set to {opt.readahead} KiB for all" if opt.readahead else "as each sets it"
    lines = [f"{opt.rounds} rounds in rotating order over tmpfs, {platform.release()}, "
             f"{context.processors} processors ({context.model}), load average before: "
             f"{context.load_before:.1f}.",
             f"Sequential: {opt.size // MIB} MiB in all, 128 KiB a call; random: all over that "
             f"file, 1/8 read, 1/4 written; {opt.appends} appends; {opt.files} files.",
             "Writes end with fsync inside the measured time. Reads, random writes and file rows "
             f"start cold: {context.cold_words}.",
             "daemon: user + system time of the filesystem's process; machine: all of it, client "
             f"and kernel threads too. Read-ahead: {readahead}.",
             "<-- behind an encrypting peer; <== behind gocryptfs. Settings:"]
    lines += [f"  {s.name:13} {s.settings}" for s in results.systems]
    lines += [f"  {name:13} left out: {why}" for name, why in context.left_out]
    return lines + [f"  note: {note}" for note in context.notes]


def table(results, context):
    blocks = [_detail(results, row) for row in results.rows]
    blocks += [_overview(results), _cpu_goal(results, context.aes_rate), _foot(results, context)]
    return "\n\n".join("\n".join(block) for block in blocks)


def write_json(path, results, context):
    rows = {}
    for row in results.rows:
        best = results.best_peer(row.key)
        rows[row.key] = {
            "title": row.title, "unit": row.unit, "cpu_unit": row.cpu_unit,
            "mark": results.mark(row.key), "best_peer": best and best[1],
            "systems": {s.name: [vars(x) for x in results.samples[s.name, row.key]]
                        for s in results.systems},
            "median": {s.name: results.median(s.name, row.key) for s in results.systems},
        }
    whole = {
        "options": {key: value for key, value in vars(context.options).items() if key != "json"},
        "kernel": platform.release(),
        "processor": context.model,
        "processors": context.processors,
        "load_before": context.load_before,
        "openssl_aes_256_gcm_4064_bytes_per_s": context.aes_rate,
        "settings": {s.name: s.settings for s in results.systems},
        "left_out": dict(context.left_out),
        "notes": context.notes,
        "rows": rows,
    }
    with open(path, "w", encoding="utf-8") as out:
        json.dump(whole, out, indent=1, default=str)
        out.write("\n")
