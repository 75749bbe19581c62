"""Looking at processes through /proc, and ending those that the test is answerable for."""

import ctypes
import os
import signal
import time

PR_SET_CHILD_SUBREAPER = 36

libc = ctypes.CDLL(None, use_errno=True)


def become_subreaper():
    """Orphans become children of the test, so that it can find and end them."""
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def stat(pid):
    """(state, parent's pid) of a process, or None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields[0], int(fields[1])


def alive(pid):
    """True while the process exists and is not just a zombie."""
    now = stat(pid)
    return now is not None and now[0] not in "ZX"


def children_of(pid):
    """The living children of a process, oldest first."""
    return [child for child in every_child(pid) if alive(child)]


def every_child(pid):
    """The children of a process with the zombies among them."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        pass  # it ended meanwhile
    return sorted(found)


def descendants_of(pid):
    """All living descendants of a process."""
    found = every_child(pid)
    for process in found:  # grows meanwhile
        found += every_child(process)
    return [process for process in found if alive(process)]


def status_field(pid, name):
    """One line of /proc/PID/status, e.g. SigBlk."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key == name:
                return value.strip()
    raise KeyError(name)


def fds_of(pid):
    """{number: target} of the open files of a process."""
    table = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            table[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            pass  # closed meanwhile
    return table


def socket_inodes(pid):
    return {int(target[8:-1]) for target in fds_of(pid).values() if target.startswith("socket:[")}


def name_of(pid):
    """The name of the program; before its exec a worker still has that of sup."""
    with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        return file.read().strip()


def waits_in(pid, function):
    """Whether it sleeps in this kind of kernel function; true also where that is not told."""
    with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
        where = file.read()
    return function in where or where == "0" and stat(pid)[0] == "S"


def environment_of(pid):
    """The environment a process was started with."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        entries = file.read().decode(errors="replace").split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def kill_and_wait(pid, deadline=10):
    """SIGKILLs a process and returns when it can accept nothing any more."""
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + deadline
    while alive(pid):
        if time.monotonic() > end:
            raise AssertionError(f"process {pid} still lives {deadline} s after SIGKILL")
        time.sleep(0.001)


def stop_and_wait(pids, deadline=5):
    """SIGSTOPs processes and returns when none of them runs any more."""
    for pid in pids:
        send(pid, signal.SIGSTOP)
    end = time.monotonic() + deadline
    while any((stat(pid) or "Z")[0] not in "TtZX" for pid in pids):
        if time.monotonic() > end:
            raise AssertionError(f"not stopped within {deadline} s: {pids}")
        time.sleep(0.001)


def reap_strangers():
    """Collects orphans that ended as our children."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def kill_descendants(deadline):
    """Ends everything that descends from this process."""
    end = time.monotonic() + deadline
    while True:
        left = descendants_of(os.getpid())
        for pid in left:
            send(pid, signal.SIGKILL)
        reap_strangers()
        if not left:
            return
        if time.monotonic() > end:
            raise AssertionError(f"cannot be killed: {left}")
        time.sleep(0.01)
