"""A JVM that outlives the script that started it, known by its pid file. Part of ./kafka."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time

from jars import Failure, find_java, read, write

STOP_SECONDS = 30


def start_time(pid):
    """When the process started, or None if there is none: a pid alone may be used again."""
    try:
        fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except (FileNotFoundError, ProcessLookupError):
        pass
    if os.path.exists("/proc/self/stat"):
        return None
    done = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)],
                          capture_output=True, text=True)
    stat, _, started = done.stdout.strip().partition(" ")
    return None if done.returncode != 0 or stat.startswith("Z") else started.strip()


LIBC = ctypes.CDLL(None)
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def die_with_parent():
    with contextlib.suppress(AttributeError):
        LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG; Linux only


@contextlib.contextmanager
def signals_held():
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


class Process:
    """A JVM whose files lie in one folder: log, and pid with "PID START-TIME"."""

    def __init__(self, folder):
        self.folder = folder
        self.name = os.path.basename(folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def spawn(self, home, extra_flags, args, tied):
        log_level = os.environ.get("KFK_KAFKA_LOG", "warn")
        command = [find_java(), "@" + os.path.join(home, "java.args"), "-Xmx384m",
                   "-Dorg.slf4j.simpleLogger.defaultLogLevel=" + log_level, *extra_flags, *args]

        def in_child():
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            if tied:
                die_with_parent()

        # No process may exist that no pid file tells of.
        with open(self.path("log"), "a") as log, signals_held():
            child = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=log, start_new_session=True, preexec_fn=in_child)
            write(self.path("pid"), f"{child.pid} {start_time(child.pid)}\n")
        CHILDREN[child.pid] = child

    def pid(self):
        """None when it does not run (any more)."""
        try:
            pid, _, started = read(self.path("pid")).strip().partition(" ")
        except FileNotFoundError:
            return None
        if int(pid) in CHILDREN:
            CHILDREN[int(pid)].poll()
        return int(pid) if start_time(int(pid)) == started else None

    def signal(self, signum):
        pid = self.pid()
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)

    def wait_gone(self, seconds):
        deadline = time.monotonic() + seconds
        while self.pid():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def kill(self):
        self.signal(signal.SIGKILL)
        if not self.wait_gone(STOP_SECONDS):
            raise Failure(f"{self.name} (pid {self.pid()}) does not end")

    def terminate(self):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if not self.wait_gone(STOP_SECONDS):
            self.kill()

    def log(self):
        with contextlib.suppress(FileNotFoundError):
            return read(self.path("log"))
        return ""


CHILDREN = {}
