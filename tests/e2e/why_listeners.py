#!/usr/bin/python3
"""`sup why` names who keeps an address: listeners in all conditions, and sockets that only bound it.

Each is asked about as root and as an ordinary user, who sees less and is told so.
"""

import os
import random
import resource
import signal
import socket

import procs
from asking import (IS_ROOT, Holder, ask_why, in_flight, listener, run_why, wait_stopped)
from harness import (NOBODY, PYTHON, Skip, Sup, free_port, need, need_bare, need_root, run, server,
                     step, wait_until, wait_who)

LISTENS = """
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
ready()
forever()
"""


@step("a port that nobody has is free, for TCP and for UDP")
def _(t):
    port = free_port()
    for user in (False, True):
        answer = ask_why(t, port, user=user)
        assert answer.status == 0
        assert answer.first_line == f"{port} is free, for TCP and for UDP.", answer.screen
        assert [part["protocol"] for part in answer.data["answers"]] == ["tcp", "udp"]


@step("a listener: the process, its command, its user, since when, its queue, and how to end it")
def _(t):
    port = free_port()
    holder = Holder(t, LISTENS, port)
    with socket.create_connection(("127.0.0.1", port)):
        answer = ask_why(t, port)
    assert answer.causes() == ["listener"]
    assert answer.pids() == [holder.pid]
    assert answer.first_line == (f"{port} (tcp) is not free: python3 (pid {holder.pid}) listens on "
                                 f"127.0.0.1:{port}.")
    sock = answer.part("tcp")["sockets"][0]
    assert (sock["queue"], sock["queue_limit"]) == (1, 128), sock
    assert sock["holders"][0]["uid"] == os.geteuid()
    assert sock["holders"][0]["command"].startswith("/usr/bin/python3 -c"), sock
    assert f"kill {holder.pid}" in answer.remedies()[0], answer.remedies()
    assert answer.part("udp")["free"], "UDP is another matter"
    started = sock["holders"][0]["since_usec"] / 1e6
    assert abs(started - os.stat(f"/proc/{holder.pid}").st_mtime) < 5, started


@step("a listener of another user: that there is one, of whom, and that root could see more")
def _(t):
    need_root("a listener of another user")
    port = free_port()
    holder = Holder(t, LISTENS, port)
    answer = ask_why(t, port, user=True)
    assert answer.causes() == ["listener"]
    assert answer.pids() == []
    assert str(holder.pid) not in answer.screen
    assert answer.part("tcp")["sockets"][0]["uid"] == 0
    assert "root" in answer.told("unseen") and "as root" in answer.remedies()[0]


@step("an ordinary user sees a listener of one's own")
def _(t):
    port = free_port()
    holder = Holder(t, LISTENS, port, user=True)
    answer = ask_why(t, f"127.0.0.1:{port}", user=True)
    assert answer.causes() == ["listener"] and answer.pids() == [holder.pid]
    assert not answer.told("unseen")


@step("only what overlaps is in the way: another local address is free")
def _(t):
    port = free_port()
    with listener(port):
        for address, status in ((f"127.0.0.1:{port}", 1), (f"0.0.0.0:{port}", 1), (port, 1),
                                (f"[::]:{port}", 1), (f"127.0.0.2:{port}", 0),
                                (f"[::1]:{port}", 0), (f"[::]:{port},v6only", 0),
                                (f"udp:{port}", 0), (port + 1, 0)):
            assert ask_why(t, address).status == status, address


@step("[::] also takes IPv4, and sup why says that")
def _(t):
    port = free_port()
    with socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True):
        for user in (False, True):
            answer = ask_why(t, f"127.0.0.1:{port}", user=user)
            assert answer.causes() == ["listener"]
            assert f"[::]:{port}, which takes IPv4 as well" in answer.first_line
            assert "IPV6_V6ONLY" in answer.told("remedies")
    with socket.create_server(("::", port), family=socket.AF_INET6):  # v6only
        assert ask_why(t, f"127.0.0.1:{port}").status == 0


@step("a server that forked: all that have the listener, and the first of them is to be ended")
def _(t):
    port = free_port()
    holder = Holder(t, """
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        listener.accept()
    children.append(child)
ready(*children)
forever()
""", port)
    children = list(map(int, holder.words))
    answer = ask_why(t, port)
    assert sorted(answer.pids()) == sorted([holder.pid, *children])
    assert f"pid {holder.pid}" in answer.first_line
    assert answer.remedies()[0] == f"end pid {holder.pid}: kill {holder.pid}"


@step("a leaked descriptor: a child that inherited the listener of a server that has ended")
def _(t):
    port = free_port()
    for user in (False, True):
        holder = Holder(t, """
import subprocess
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
os.set_inheritable(listener.fileno(), True)
child = subprocess.Popen(["sleep", "1000"], close_fds=False)
ready(child.pid)
forever()
""", port, user=user)
        child = int(holder.words[0])
        wait_until(lambda child=child: procs.name_of(child) == "sleep", "the child runs sleep")
        assert ask_why(t, port, user=user).causes() == ["listener"], "the server still lives"
        holder.end()
        wait_until(lambda child=child: procs.stat(child)[1] == os.getpid(), "it is an orphan")
        answer = ask_why(t, port, user=user)
        assert answer.causes() == ["inherited-listener"] and answer.pids() == [child]
        assert not answer.part("tcp")["causes"][0]["certain"]
        assert "SOCK_CLOEXEC" in answer.told("inferred")
        assert f"kill {child}" in answer.remedies()[0]
        procs.kill_and_wait(child)
        procs.reap_strangers()


@step("a leaked descriptor where parent and child are of one session: its group has lost its leader")
def _(t):
    port = free_port()
    holder = Holder(t, """
import ctypes
import subprocess
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
read_fd, write_fd = os.pipe()
server = os.fork()
if not server:
    os.setpgid(0, 0)
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    os.set_inheritable(listener.fileno(), True)
    child = subprocess.Popen(["sleep", "1000"], close_fds=False)
    os.write(write_fd, b"%d" % child.pid)
    os._exit(0)
os.waitpid(server, 0)
ready(os.read(read_fd, 100).decode())
forever()
""", port)
    child = int(holder.words[0])
    wait_until(lambda: procs.waits_in(child, "nanosleep"), "the child runs sleep")
    assert procs.stat(child)[1] == holder.pid
    assert ask_why(t, port).causes() == ["inherited-listener"]
    procs.kill_and_wait(child)


@step("a server that went into the background is not taken for a leaked descriptor")
def _(t):
    port = free_port()
    holder = Holder(t, """
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
child = os.fork()
if child == 0:
    listener.accept()
ready(child)
""", port)
    child = int(holder.words[0])
    holder.process.wait()
    wait_until(lambda: procs.stat(child)[0] == "S", "the server waits for a client")
    answer = ask_why(t, port)
    assert answer.causes() == ["listener"] and answer.pids() == [child]


@step("a stopped server still has its port: fg, or kill it")
def _(t):
    port = free_port()
    for user in (False, True):
        holder = Holder(t, LISTENS, port, user=user)
        os.kill(holder.pid, signal.SIGSTOP)
        wait_stopped(holder.pid)
        answer = ask_why(t, port, user=user)
        assert answer.causes() == ["stopped-holder"] and answer.pids() == [holder.pid]
        assert "stopped" in answer.first_line
        assert f"kill -CONT {holder.pid}" in answer.remedies()[0], answer.remedies()
        assert f"kill -KILL {holder.pid}" in answer.remedies()[1], answer.remedies()
        holder.end()


FAT = """
import mmap, resource
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
memory = mmap.mmap(-1, int(sys.argv[2]) << 20)
memory.madvise(15)  # MADV_NOHUGEPAGE: so that its end takes a while
memory.madvise(23)  # MADV_POPULATE_WRITE
""" + LISTENS


def starve(pid):
    """Leaves a process the time that nobody else wants, with and without autogroups (sched(7))."""
    os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
    if os.path.exists(f"/proc/{pid}/autogroup"):
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as file:
            file.write("19")


def catch_ending(t, number, megabytes, is_ending, state):
    """Asks while a fat server ends, and returns what the answer was when it was caught in this state.
    It may be too quick for that: so it has to share a processor with the question, and gets little of
    it, and several are ended.
    """
    port = free_port()
    t.defer(os.sched_setaffinity, 0, os.sched_getaffinity(0))
    os.sched_setaffinity(0, {random.choice(list(os.sched_getaffinity(0)))})
    for _ in range(30):
        holder = Holder(t, FAT, port, megabytes)
        starve(holder.pid)
        os.kill(holder.pid, number)
        try:
            wait_until(lambda pid=holder.pid: is_ending(pid) or not procs.alive(pid), "it ends")
            screen = run_why(f"tcp:{port}")
            while "is free" not in screen.stdout:
                if f"(pid {holder.pid}) {state} and has not let go of 127.0.0.1:{port}" \
                        in screen.stdout:
                    assert screen.returncode == 1, screen
                    return screen.stdout
                screen = run_why(f"tcp:{port}")
        finally:
            holder.process.wait()
    raise Skip("a process of this size ends too quickly here")


@step("a server that was killed and has not ended yet: wait for its end")
def _(t):
    screen = catch_ending(t, signal.SIGKILL, 1024, lambda pid: True, "is ending")
    assert "to do: wait for its end" in screen and "waitpid" in screen, screen


@step("a server that dumps core has its port until that is done")
def _(t):
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
        raise Skip("the size of core dumps is limited here")
    with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
        if file.read()[0] in "|/@":
            raise Skip("core dumps go elsewhere on this machine")
    screen = catch_ending(t, signal.SIGABRT, 256, lambda pid: procs.status_field(
        pid, "CoreDumping") == "1" if procs.alive(pid) else False, "writes its core dump")
    assert "to do: wait for its end" in screen, screen


@step("a listener that no process has: it is on its way in a message")
def _(t):
    port = free_port()
    kept = in_flight(listener(port))
    for user in (False, True):
        answer = ask_why(t, f"127.0.0.1:{port}", user=user)
        assert answer.causes() == ["listener"] and answer.pids() == []
        assert answer.part("tcp")["sockets"][0]["uid"] == os.geteuid()
        said = answer.told("unseen")
        assert ("message" in said) == (IS_ROOT and not user), said
        assert ("root" in said) == (not IS_ROOT or user), said
    for sock in kept:
        sock.close()


@step("a listener of another pid namespace: root does not see whose it is, and says so")
def _(t):
    need_root("a pid namespace")
    need("unshare")
    port = free_port()
    Holder(t, LISTENS, port)
    answer = ask_why(t, port, prefix=["unshare", "--pid", "--fork", "--mount-proc", "--"])
    assert answer.causes() == ["listener"] and answer.pids() == []
    assert "pid namespace" in answer.told("unseen")
    assert "not seen from here" in answer.first_line


@step("a socket that is bound and does not listen, which ss and netstat do not show")
def _(t):
    port = free_port()
    code = """
sock = socket.socket()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.argv[2]))
sock.bind(("127.0.0.1", int(sys.argv[1])))
ready()
forever()
"""
    for user in (False, True):
        for reuseaddr in (0, 1):
            holder = Holder(t, code, port, reuseaddr, user=user)
            answer = ask_why(t, port, user=user)
            assert answer.causes() == ["bound-not-listening"], answer.causes()
            assert answer.pids() == [holder.pid]
            assert "without listening" in answer.first_line
            assert f"kill {holder.pid}" in answer.remedies()[0], answer.remedies()
            answer = ask_why(t, "--reuseaddr", port, user=user)
            assert answer.status == (0 if reuseaddr else 1)
            assert not reuseaddr or "first to call listen()" in answer.told("inferred")
            holder.end()


@step("a listener that was shut down has its port still")
def _(t):
    port = free_port()
    holder = Holder(t, """
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.shutdown(socket.SHUT_RD)
ready()
forever()
""", port)
    answer = ask_why(t, port)
    assert answer.causes() == ["bound-not-listening"] and answer.pids() == [holder.pid]


@step("a SO_REUSEPORT group of one's own can be joined, one of another user cannot, not even by root")
def _(t):
    port = free_port()
    code = """
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen()
ready()
forever()
"""
    holder = Holder(t, code, port, user=True)
    assert ask_why(t, "--reuseport", port, user=True).status == 0
    answer = ask_why(t, port, user=True)
    assert answer.causes() == ["listener"]
    assert "SO_REUSEPORT" in answer.told("remedies"), "it could share"
    if not IS_ROOT:
        return
    answer = ask_why(t, "--reuseport", port)
    assert answer.causes() == ["listener"] and answer.pids() == [holder.pid]
    assert f"group belongs to uid {NOBODY}" in answer.first_line
    assert f"uid {NOBODY}" in answer.remedies()[0] and "root is not exempt" in answer.remedies()[0]
    assert ask_why(t, "--reuseport", "--as-user", "nobody", port).status == 0
    holder.end()
    Holder(t, code, port)
    answer = ask_why(t, "--reuseport", port, user=True)
    assert answer.causes() == ["listener"] and answer.pids() == []


@step("a listener without SO_REUSEPORT cannot be joined by one that has it")
def _(t):
    port = free_port()
    with listener(port):
        answer = ask_why(t, "--reuseport", port)
        assert answer.causes() == ["listener"]
        assert "no SO_REUSEPORT" in answer.told("inferred")


@step("SO_REUSEADDR does not help against a listener")
def _(t):
    port = free_port()
    with listener(port, (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)):
        answer = ask_why(t, "--reuseaddr", port)
        assert answer.causes() == ["listener"]
        assert "SO_REUSEADDR" not in answer.told("remedies")


@step("a UDP socket: who is bound, and nobody's datagrams are taken to find out")
def _(t):
    port = free_port()
    holder = Holder(t, """
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind(("127.0.0.1", int(sys.argv[1])))
ready()
forever()
""", port)
    answer = ask_why(t, port)
    assert answer.causes("udp") == ["datagram-socket"] and answer.pids("udp") == [holder.pid]
    assert answer.first_line.startswith(f"{port} (udp) is not free"), "what is not free comes first"
    assert answer.part("tcp")["free"]
    assert ask_why(t, f"udp:127.0.0.1:{port}").status == 1
    assert ask_why(t, f"127.0.0.1:{port}").status == 0
    assert ask_why(t, "--reuseaddr", f"udp:{port}").status == 0
    if IS_ROOT:
        answer = ask_why(t, "--reuseaddr", f"udp:{port}", user=True)
        assert answer.status == 1 and "cannot be told" in answer.told("inferred")


@step("a port that sup holds: sup is to be ended, not its worker")
def _(t):
    need_bare("sup goes by the name of valgrind")
    port = free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{port}", "--", PYTHON, server("activated.py"))
    wait_who(port)
    answer = ask_why(t, port)
    assert sup.pid in answer.pids() and sup.worker() in answer.pids()
    assert answer.first_line.endswith(f"sup (pid {sup.pid}) listens on 127.0.0.1:{port}.")
    assert f"kill {sup.pid}" in answer.remedies()[0], answer.remedies()


@step("a device that the address is tied to: on another one it is free")
def _(t):
    need_root("SO_BINDTODEVICE to a new interface")
    ip = need("ip")
    port = free_port()
    assert os.system(f"{ip} link add sup0 type veth peer name sup1") == 0
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"sup0")
        sock.bind(("0.0.0.0", port))
        sock.listen()
        assert ask_why(t, f"tcp:{port}").causes() == ["listener"]
        assert ask_why(t, f"0.0.0.0:{port},device=sup0").status == 1
        assert ask_why(t, f"0.0.0.0:{port},device=sup1").status == 0
    os.system(f"{ip} link delete sup0")


run()
