"""What a process and its children cost: CPU seconds, peak memory, and what else ran beside them."""
import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass


class Wrong(Exception):
    """A program failed, or gave another answer than the truth: its cost then means nothing."""


@dataclass
class Cost:
    cpu_s: float  # user and system time of the process and of all children it waited for
    wall_s: float
    peak_mib: float  # resident memory; never less than this driver's own, about 15 MiB
    others: float  # share of the machine that other programs had meanwhile, 0 to 1
    out: str  # standard output


def run(argv, codes=(0,)):
    """Runs a command once. Its standard error goes to a file and is shown when it fails."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        busy, begin = busy_seconds(), time.monotonic()
        child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall, busy = time.monotonic() - begin, busy_seconds() - busy
        text, complaint = (read_again(f) for f in (out, err))
    if child.returncode not in codes:
        raise Wrong(f"{' '.join(map(str, argv))}\nended with {child.returncode}: {text[-500:]}{complaint[-2000:]}")
    cpu = used.ru_utime + used.ru_stime
    others = max(0.0, busy - cpu) / (wall * os.cpu_count())
    return Cost(cpu, wall, used.ru_maxrss / 1024, min(1.0, others), text)


def read_again(file):
    file.seek(0)
    return file.read().decode(errors="replace")


def busy_seconds():
    """CPU seconds that all programs together have used, and those that the host took away."""
    with open("/proc/stat", encoding="ascii") as f:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def median(costs, field="cpu_s"):
    return statistics.median(getattr(c, field) for c in costs)


def spread(costs):
    """Median, and the least and the most where there were several runs."""
    cpu = sorted(c.cpu_s for c in costs)
    digits = 3 if cpu[-1] < 1 else 2
    middle = f"{statistics.median(cpu):.{digits}f}"
    return middle if len(cpu) == 1 else f"{middle} ({cpu[0]:.{digits}f}–{cpu[-1]:.{digits}f})"


def ratio(peer, ours):
    """How many times as much the peer needs."""
    return f"{median(peer) / median(ours):.1f}×"


def table(head, rows):
    line = lambda cells: "| " + " | ".join(map(str, cells)) + " |"
    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, rows)])


def count(number):
    return f"{number:,}"
