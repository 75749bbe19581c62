"""The frame of a story: steps that read as prose, told in TAP, each with its own surroundings.

    @step("a server that is killed answers again")
    def _(t):
        ...
    run()

A step passes when its function returns, and fails when it raises. Whatever a step started is gone
when the next one begins: `t.defer()` registers what must be undone, and every process that descends
from the test is killed, also one that left its session, since the test is a subreaper.
"""

import atexit
import fcntl
import functools
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

import network
import procs
from network import PATIENCE

NOBODY = 65534
HERE = os.path.dirname(os.path.abspath(__file__))
TOP_SRCDIR = os.path.abspath(os.environ.get("top_srcdir") or os.path.join(HERE, "..", ".."))
TOP_BUILDDIR = os.path.abspath(os.environ.get("top_builddir") or os.path.join(HERE, "..", ".."))

STEP_SECONDS = 600  # no step takes longer, unless it says so with may_take()
_steps = []
_hung = []  # the steps that did: a thread of theirs may still be there


class Hang(Exception):
    """Raised in the middle of a step that takes too long."""


class Skip(Exception):
    """Raised by a step that cannot be told on this machine; the text is the reason."""


class Step:
    """What a running step may use: a directory of its own, and a list of what to undo."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="sup-e2e-", dir="/tmp")
        self._undo = []
        self._reports = []
        self._n_ports = 0
        if os.geteuid() == 0:
            os.chown(self.dir, NOBODY, NOBODY)

    def defer(self, function, *args):
        self._undo.append((function, args))

    def on_failure(self, report):
        """Registers a function whose lines are printed if the step fails."""
        self._reports.append(report)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def report(self):
        for report in self._reports:
            for line in report():
                diag(line)

    def close(self):
        for function, args in reversed(self._undo):
            function(*args)
        procs.kill_descendants(10 * PATIENCE)
        shutil.rmtree(self.dir, ignore_errors=True)


def diag(text):
    for line in str(text).splitlines():
        print("#", line, flush=True)


def wait_until(condition, what, deadline=10):
    """Returns the first true value of condition(); looks every 10 ms, gives up at the deadline."""
    end = time.monotonic() + deadline * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"still not so after {deadline * PATIENCE:.0f} s: {what}")
        time.sleep(0.01)


def may_take(seconds):
    """The step that runs is ended after so many seconds from now on: what takes longer hangs."""
    signal.alarm(int(seconds * PATIENCE))


def _hangs(*_):
    raise Hang("the step takes too long")


def take_load_slot():
    """Waits until this is one of three stories at the most that put the machine under load, since they
    share a small one; until the process ends.
    """
    files = [open(os.path.join(HERE, name), "rb") for name in ("load.py", "clients.py", "kills.py")]

    def take():
        for file in files:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return file
            except BlockingIOError:
                pass
        return None

    may_take(3000)
    atexit.register(files.clear)  # they stay open, and so locked, for as long as the process lives
    wait_until(take, "its turn to put the machine under load", 1500)


def for_everybody(path):
    """The path, or that of a copy, where an ordinary user can reach it also in root's home."""
    above = path
    while above != "/" and os.stat(above).st_mode & 0o001:
        above = os.path.dirname(above)
    if above == "/" or os.geteuid() != 0:
        return path
    shelter = tempfile.mkdtemp(prefix="sup-e2e-", dir="/tmp")
    atexit.register(shutil.rmtree, shelter, ignore_errors=True)
    os.chmod(shelter, 0o755)
    copy = os.path.join(shelter, os.path.basename(path))
    return shutil.copytree(path, copy) if os.path.isdir(path) else shutil.copy(path, copy)


def server(name):
    """The path of a program under tests/servers."""
    return os.path.join(_servers(), name)


def without(calls):
    """What to put before a program so that it runs as on another kernel; see without.py."""
    return [sys.executable, os.path.join(HERE, "without.py"), calls]


@functools.cache
def _servers():
    return for_everybody(os.path.join(os.path.dirname(HERE), "servers"))


def required():
    return os.environ.get("SUP_TEST_REQUIRE") == "1"


def find_program(*names):
    """The first of the programs that is installed, or None."""
    search = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    for name in names:
        found = shutil.which(name, path=search)
        if found:
            return found
    return None


def need(*names):
    """The program's path; without it the step is skipped, or fails where all must be told."""
    found = find_program(*names)
    if not found:
        raise Skip(f"{names[0]} is not installed")
    return found


def need_root(why):
    if os.geteuid() != 0:
        raise Skip(f"needs root: {why}")


def need_bare(why):
    """Skips a step that cannot be told of a sup that runs below something else, as valgrind."""
    if os.environ.get("SUP_WRAPPER"):
        raise Skip(f"not below a wrapper: {why}")


def step(sentence):
    def register(function):
        _steps.append((sentence, function))
        return function
    return register


def _tell(number, sentence, function):
    t = Step()
    begin = time.monotonic()
    try:
        may_take(STEP_SECONDS)
        function(t)
    except Skip as skip:
        passed = not required()
        print("ok" if passed else "not ok", number, "-", sentence,
              f"# SKIP {skip}" if passed else f"({skip})", flush=True)
    except Exception as failure:  # a story goes on after a step that failed, whatever the failure
        passed = False
        if isinstance(failure, Hang):
            _hung.append(sentence)
        print("not ok", number, "-", sentence, flush=True)
        diag(traceback.format_exc(limit=-3))
        t.report()
    else:
        passed = True
        print("ok", number, "-", sentence, f"({time.monotonic() - begin:.1f} s)", flush=True)
    finally:
        signal.alarm(0)
        t.close()
    return passed


def _heed_signals():
    """Undo what `sh -c 'make check &'` or nohup did: what is started here is to be ended by signals."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def run():
    """Tells all steps of the file in order and ends the process."""
    _heed_signals()
    sys.stdout.reconfigure(line_buffering=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGALRM, _hangs)
    network.enter_own_namespace()
    procs.become_subreaper()
    print(f"1..{len(_steps)}")
    results = [_tell(number, *a_step) for number, a_step in enumerate(_steps, 1)]
    if _hung:  # not by sys.exit(), which waits for threads
        atexit._run_exitfuncs()  # pylint: disable=protected-access
        os._exit(1)
    sys.exit(0 if all(results) else 1)
