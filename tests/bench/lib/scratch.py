"""A private place to measure in, which leaves nothing behind.

The process moves into a mount namespace of its own before it mounts anything,
and every daemon asks the kernel for SIGKILL when its parent dies: even after
kill -9 of the benchmark no mount, no daemon and no tmpfs remains, only an empty
folder.  The orderly way out (unmount, wait, end by pid, unmount the tmpfs) is taken all the same.
"""

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import tempfile

CLONE_NEWNS = 0x00020000
PR_SET_PDEATHSIG = 1
STOP_WAIT_S = 20  # CryFS and EncFS write back what they hold when unmounted

_libc = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """Why a measurement is impossible: one sentence, shown to the user."""


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # passthrough_ll holds one descriptor for each inode it knows
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def spawn(argv, **kwargs):
    """Start a program that a ^C at the terminal does not reach: we end it in order."""
    return subprocess.Popen(argv, preexec_fn=_die_with_parent, start_new_session=True, **kwargs)


def _kill(proc):
    proc.kill()
    try:
        proc.wait(5)
    except subprocess.TimeoutExpired:
        pass  # stuck in a dead mount; ends when that is unmounted


def run(argv, timeout=60, text_in=None, env=None, cwd=None):
    """Run a program to its end; its output, or BenchError with its complaint."""
    proc = spawn(argv, env=env, cwd=cwd, text=True, stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = proc.communicate(text_in, timeout)
    except subprocess.TimeoutExpired:
        _kill(proc)
        raise BenchError(f"{os.path.basename(argv[0])}: no end after {timeout} s") from None
    except BaseException:  # ^C: end the child before the clean-up unmounts below it
        _kill(proc)
        raise
    if proc.returncode != 0:
        message = (err.strip() or out.strip() or "nothing").splitlines()[-1]
        raise BenchError(f"{os.path.basename(argv[0])}: exit {proc.returncode}: {message}")
    return out


def _mount_fields():
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        return [line.split() for line in table]


def is_mounted(path):
    return any(fields[4] == path for fields in _mount_fields())


def unmount(path):
    """Unmount, by force where needed; quiet when nothing is mounted there."""
    for argv in (["umount", path], ["fusermount3", "-u", path], ["umount", "-l", path]):
        if not is_mounted(path):
            return
        subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def stop(proc):
    """Wait for a daemon whose mount is gone; end it by its own pid if it lingers."""
    for ask in (lambda: None, proc.terminate, proc.kill):
        ask()
        try:
            return proc.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            continue
    return None


class Scratch:
    """A tmpfs of our own; `with Scratch() as scratch:` and use scratch.path."""

    def __init__(self):
        self.path = None
        self.isolated = False

    def __enter__(self):
        self.isolated = _libc.unshare(CLONE_NEWNS) == 0
        if self.isolated:
            run(["mount", "--make-rprivate", "/"])
        self.path = tempfile.mkdtemp(prefix="depfs-bench.")
        try:
            run(["mount", "-t", "tmpfs", "-o", "size=80%,mode=0700", "depfs-bench", self.path])
        except BaseException:
            os.rmdir(self.path)
            raise
        return self

    def __exit__(self, *exc):
        # deepest first, so that a filesystem is gone before what it lies on
        inside = [f[4] for f in _mount_fields() if f[4].startswith(self.path + "/")]
        for path in sorted(inside, reverse=True):
            unmount(path)
        unmount(self.path)
        if not is_mounted(self.path):
            os.rmdir(self.path)

    def folder(self, name):
        """An empty folder of that name."""
        path = os.path.join(self.path, name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        os.mkdir(path, 0o700)
        return path
