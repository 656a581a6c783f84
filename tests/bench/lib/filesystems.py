"""The filesystems that are compared: how each is made, mounted and read off."""

import glob
import gzip
import os
import shlex
import shutil
import subprocess
import time

from scratch import BenchError, is_mounted, run, spawn, stop, unmount

PASSWORD = "depfs-bench"  # guards random bytes in a tmpfs for some seconds
MOUNT_WAIT_S = 30
EXAMPLES = "/usr/share/doc/libfuse3-dev/examples"
# As a service needs it: other users get in, and the kernel checks what they may. It is what depfs
# always does as root, and costs requests: after each change of a folder its mode is asked for again.
OTHER_USERS = ("-o", "allow_other", "-o", "default_permissions")
CPUCLOCK_SCHED = 2  # include/linux/posix-timers.h


class FileSystem:
    """Defaults of one filesystem; a subclass says what differs."""

    name = ""
    encrypts = True
    optional = False  # measured only when named by --only
    settings = ""     # for the foot of the table
    stdin = None      # what the daemon reads at its start

    def __init__(self, context):
        self.context = context

    def missing(self):
        """Why this one cannot run here, or None."""
        program = self.name.partition("-")[0]
        return None if shutil.which(program) else "not installed (compare --install)"

    def prepare(self):
        """Once for each run of the benchmark: what all its stores share."""

    def make(self, store):
        """Turn an empty folder into a store."""

    def command(self, store, mount):
        """The daemon's arguments, in the foreground."""
        raise NotImplementedError

    def after_first_mount(self, mount):
        """What is set up through the mount itself."""

    def environment(self):
        return dict(os.environ)


class Gocryptfs(FileSystem):
    name = "gocryptfs"
    settings = "-allow_other, else defaults (AES-256-GCM in 4 KiB blocks, encrypted names)"
    init_options = ()

    def make(self, store):
        # a cheap scrypt shortens mounting, which is not measured
        run(["gocryptfs", "-init", "-q", "-scryptn", "10", *self.init_options,
             "-extpass", f"echo {PASSWORD}", store])

    def command(self, store, mount):
        return ["gocryptfs", "-fg", "-q", "-allow_other", "-extpass", f"echo {PASSWORD}", store, mount]


class GocryptfsPlainNames(Gocryptfs):
    """Closer to depfs, which leaves names as they are; for a second opinion."""

    name = "gocryptfs-pn"
    optional = True
    settings = "as gocryptfs, with -plaintextnames"
    init_options = ("-plaintextnames",)


class Securefs(FileSystem):
    name = "securefs"
    settings = "--format 4 -o allow_other,default_permissions (AES-128-GCM, 4 KiB blocks)"

    def make(self, store):
        run(["securefs", "create", "--format", "4", "--pass", PASSWORD,
             "--pbkdf", "pkcs5-pbkdf2-hmac-sha256", "-r", "1000", store])

    def command(self, store, mount):
        return ["securefs", "mount", *OTHER_USERS, "--pass", PASSWORD, store, mount]


class Encfs(FileSystem):
    name = "encfs"
    settings = "--standard --public (AES-192-CBC, no authentication of content)"
    stdin = PASSWORD + "\n"

    def make(self, store):
        pass  # made by the first mount

    def command(self, store, mount):
        return ["encfs", "-f", "-S", "--public", "--standard", store, mount]


class Cryfs(FileSystem):
    name = "cryfs"
    settings = "-o allow_other,default_permissions (XChaCha20-Poly1305 in 16 KiB blocks)"
    stdin = PASSWORD + "\n"

    def environment(self):
        return {**os.environ, "CRYFS_FRONTEND": "noninteractive", "CRYFS_NO_UPDATE_CHECK": "true",
                "CRYFS_LOCAL_STATE_DIR": os.path.join(self.context.scratch.path, "cryfs-state")}

    def command(self, store, mount):
        return ["cryfs", "-f", "--allow-replaced-filesystem", store, mount, *OTHER_USERS]


class Passthrough(FileSystem):
    name = "passthrough"
    encrypts = False
    settings = ("libfuse's passthrough_ll -o writeback,cache=always, compiled -O2 (finds inodes in "
                "a list: slower with more files)")

    def missing(self):
        if not self._sources():
            return f"passthrough_ll.c is not shipped in {EXAMPLES} (compare --install)"
        return None if shutil.which("pkg-config") else "pkg-config is not installed"

    @staticmethod
    def _sources():
        return [path for stem in ("passthrough_ll.c", "passthrough_helpers.h")
                for path in glob.glob(f"{EXAMPLES}/{stem}*")]

    def prepare(self):
        folder = self.context.scratch.folder("passthrough-src")
        for path in self._sources():
            opened = gzip.open if path.endswith(".gz") else open
            with opened(path, "rb") as packed:
                name = os.path.basename(path).removesuffix(".gz")
                with open(os.path.join(folder, name), "wb") as plain:
                    plain.write(packed.read())
        flags = run(["pkg-config", "fuse3", "--cflags", "--libs"]).split()
        self.binary = os.path.join(folder, "passthrough_ll")
        run([self.context.compiler, "-O2", "-o", self.binary,
             os.path.join(folder, "passthrough_ll.c"), *flags])

    def command(self, store, mount):
        return [self.binary, "-f", "-o", f"writeback,cache=always,source={store}", mount]


class Depfs(FileSystem):
    name = "depfs"

    def __init__(self, context):
        super().__init__(context)
        self.policy = context.options.policy
        self.extra = context.options.depfs_options
        self.settings = "AES-256-GCM in 4 KiB blocks, plain names, files in mailbox/u1/ under " + (
            "a policy of two local vaults" if self.policy else "the service key")
        if self.extra:
            self.settings += f", -o {self.extra}"

    def missing(self):
        if os.access(self.context.options.depfs, os.X_OK):
            return None
        return f"no program {self.context.options.depfs} (build it, or name it by --depfs)"

    def tool(self, name):
        beside = os.path.join(os.path.dirname(os.path.abspath(self.context.options.depfs)), name)
        return beside if os.access(beside, os.X_OK) else name

    def prepare(self):
        self.vaults = self.context.scratch.folder("vaults")
        self.key = os.path.join(self.context.scratch.path, "service.key")
        if self.policy:
            self.make_root_keys()

    def make_root_keys(self):
        for no in (1, 2):
            run([self.tool("depctl"), "key", "create", f"local://v{no}/keys/k{no}",
                 "--vaults", self.vaults])

    def make(self, store):
        if os.path.exists(self.key):
            os.unlink(self.key)
        run([self.tool("mkfs.depfs"), "--service-key", f"file:{self.key}", store])

    def command(self, store, mount):
        options = f"service_key=file:{self.key},vaults={self.vaults}"
        if self.extra:
            options += f",{self.extra}"
        return [self.context.options.depfs, store, mount, "-f", "-o", options]

    def after_first_mount(self, mount):
        if not self.policy:
            return
        depctl = [self.tool("depctl"), "-m", mount]
        run([*depctl, "policy", "create", "P", "local://v1/keys/k1", "local://v2/keys/k2"])
        run([*depctl, "assign", "P"])


ALL = (Depfs, Passthrough, Gocryptfs, GocryptfsPlainNames, Securefs, Encfs, Cryfs)


class Mounted:
    """One filesystem on one fresh store; `cold()` leaves neither the kernel nor
    the daemon anything to remember."""

    def __init__(self, system, context):
        self.system = system
        self.context = context
        self.store = context.scratch.folder("store")
        self.mount = os.path.join(context.scratch.path, "mount")
        os.makedirs(self.mount, exist_ok=True)
        self.daemon = None
        self.log = None

    def __enter__(self):
        try:
            self.system.make(self.store)
            self._start()
            self.system.after_first_mount(self.mount)
            os.makedirs(self.work(), exist_ok=True)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *exc):
        self._stop()
        shutil.rmtree(self.store, ignore_errors=True)

    def work(self):
        """Where the files lie: for depfs a mailbox, for the others just as deep."""
        return os.path.join(self.mount, "mailbox", "u1")

    def cold(self):
        """Unmount, drop dentries and inodes (drop_caches 2), mount with a new daemon."""
        self._stop()
        try:
            with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as knob:
                knob.write("2\n")
        except OSError as error:
            self.context.note(f"drop_caches refused ({error.strerror}): cold means remounted only")
        self._start()

    def cpu_s(self):
        """User and system seconds of the daemon so far, all its threads, ended ones too.

        The kernel's clock of the process (clock_getcpuclockid(3)): the sum that
        /proc/PID/stat shows, but not rounded to hundredths.
        """
        return time.clock_gettime((~self.daemon.pid << 3) | CPUCLOCK_SCHED)

    def _start(self):
        argv = self.system.command(self.store, self.mount)
        # pylint: disable=consider-using-with
        self.log = open(os.path.join(self.context.scratch.path, "daemon.log"), "w+",
                        encoding="utf-8", errors="replace")
        self.daemon = spawn(argv, env=self.system.environment(), text=True, stdout=self.log,
                            stderr=subprocess.STDOUT, stdin=subprocess.PIPE)
        self._answer_prompts()
        self._await_mount(argv)
        if self.context.options.readahead:
            self._set_readahead(self.context.options.readahead)

    def _answer_prompts(self):
        try:
            self.daemon.stdin.write(self.system.stdin or "")
            self.daemon.stdin.close()
        except BrokenPipeError:
            pass  # it ended already; _await_mount says why

    def _await_mount(self, argv):
        deadline = time.monotonic() + MOUNT_WAIT_S
        while not is_mounted(self.mount):
            if self.daemon.poll() is not None:
                raise BenchError(f"{self.system.name} ended at its start with "
                                 f"{self.daemon.returncode}: {self._last_words()} "
                                 f"[{shlex.join(argv)}]")
            if time.monotonic() > deadline:
                raise BenchError(f"{self.system.name}: not mounted after {MOUNT_WAIT_S} s")
            time.sleep(0.005)
        os.statvfs(self.mount)  # waits until the daemon has answered INIT
        time.sleep(0.1)         # depfs raises read-ahead and drops rights after mounting

    def _set_readahead(self, kib):
        dev = os.stat(self.mount).st_dev
        path = f"/sys/class/bdi/{os.major(dev)}:{os.minor(dev)}/read_ahead_kb"
        with open(path, "w", encoding="ascii") as knob:
            knob.write(f"{kib}\n")

    def _last_words(self):
        self.log.seek(0)
        lines = self.log.read().strip().splitlines()
        return lines[-1] if lines else "no output"

    def _stop(self):
        if self.daemon and self.daemon.poll() is not None and is_mounted(self.mount):
            self.context.note(f"{self.system.name} ended while mounted, with "
                              f"{self.daemon.returncode}: {self._last_words()}")
        unmount(self.mount)
        if self.daemon:
            stop(self.daemon)
            self.daemon = None
        if self.log:
            self.log.close()
            self.log = None
