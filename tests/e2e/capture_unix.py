#!/usr/bin/python3
"""Capture: unix sockets, by path and abstract."""

import os
import signal
import socket
import stat

import procs
from harness import (PYTHON, Sup, ask_who, connect, free_port, is_refused, need_root, read_all, run,
                     server, step, wait_until, wait_who)
from reloads import verb


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def wait_other(path, before):
    """Waits for the answer of another process than that one; its pid."""
    def other():
        pid = wait_who(path).get("pid")  # waits in the queue: no client comes and goes
        return pid if pid != before else None
    return wait_until(other, "another one answers", 20)


def ask_packet(path):
    """The first word of the answer to a seqpacket connection; None where nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(10)
        try:
            client.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        return client.recv(1000).decode().split()[0]


@step("a server that unlinks its path before it binds it gets the held socket, nobody is refused")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "--", PYTHON, server("unix_path.py"), path)
    for _ in range(3):
        assert wait_who(path)["pid"] == str(sup.kill_worker())
        clients = [connect(path) for _ in range(10)]
        answers = {read_all(client).split()[0] for client in clients}
        assert answers == {f"pid={sup.worker()}"}, answers


@step("the path is linked again when somebody removes it")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "--", PYTHON, server("unix_path.py"), path)
    wait_who(path)
    for _ in range(2):
        os.unlink(path)
        wait_until(lambda: os.path.exists(path), "the path is there again", 5)
        assert ask_who(path)["pid"] == str(sup.worker())


@step("the same for a path named with -l, which an activated server never binds")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "-l", path, "--", PYTHON, server("activated.py"))
    wait_who(path)
    os.unlink(path)
    wait_until(lambda: os.path.exists(path), "the path is there again", 5)
    assert ask_who(path)["pid"] == str(sup.kill_worker())
    ask_who(path)


@step("the mode that the server gave its path stays after a restart and after a removal")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "--", PYTHON, server("unix_path.py"), path, "0620")
    wait_who(path)
    assert mode_of(path) == 0o620
    sup.kill_worker()
    ask_who(path)
    assert mode_of(path) == 0o620
    os.unlink(path)
    wait_until(lambda: os.path.exists(path), "the path is there again", 5)
    assert mode_of(path) == 0o620


@step("a path named with -l is 0600 unless said, and has the owner that was said")
def _(t):
    private, public = t.path("private"), t.path("public")
    sup = Sup(t, "-l", private, "-l", f"{public},mode=0666", "--", PYTHON, server("activated.py"))
    wait_who(public)
    assert mode_of(private) == 0o600
    assert mode_of(public) == 0o666
    assert sup.stop() == 0
    assert not os.path.exists(private) and not os.path.exists(public)


@step("at the end the path is removed, and nothing stays beside it")
def _(t):
    os.mkdir(t.path("run"))
    path = t.path("run/socket")
    sup = Sup(t, "--", PYTHON, server("unix_path.py"), path)
    wait_who(path)
    sup.kill_worker()
    ask_who(path)
    assert sup.stop() == 0
    assert os.listdir(t.path("run")) == []


@step("an ordinary user's server keeps its path in the same way")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "--", PYTHON, server("unix_path.py"), path, user=True)
    assert wait_who(path)["pid"] == str(sup.kill_worker())
    ask_who(path)
    os.unlink(path)
    wait_until(lambda: os.path.exists(path), "the path is there again", 5)
    ask_who(path)
    assert sup.stop() == 0
    assert not os.path.exists(path)


@step("a path relative to the directory of the server")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "--", PYTHON, server("unix_path.py"), "socket")
    assert wait_who(path)["pid"] == str(sup.kill_worker())
    ask_who(path)
    assert sup.stop() == 0
    assert not os.path.exists(path)


@step("one path in two spellings is one place: -l names it, the server binds it, as it likes")
def _(t):
    os.mkdir(t.path("real"))
    os.symlink("real", t.path("link"))
    for named, bound in (("real/a", "./real/a"), ("real//b", "link/b"), ("link/c", "real/../real/c")):
        sup = Sup(t, "-l", t.path(named), "--", PYTHON, server("unix_path.py"), bound)
        for _ in range(2):
            assert wait_who(t.path(named))["pid"] == str(sup.kill_worker())
        assert not [line for line in sup.said() if "holding" in line], sup.said()
        sup.stop()
    sup = Sup(t, "-l", "./d", "--", PYTHON, server("unix_path.py"), "d")
    assert wait_who(t.path("d"))["pid"] == str(sup.worker())
    assert not [line for line in sup.said() if "holding" in line], sup.said()


@step("a server that binds beside its path and renames keeps the name that it gave")
def _(t):
    os.mkdir(t.path("run"))
    path = t.path("run/socket")
    sup = Sup(t, "--", PYTHON, server("unix_path.py"), "--beside", path)
    for _ in range(3):
        assert wait_who(path)["pid"] == str(sup.worker())
        sup.kill_worker()
        clients = [connect(path) for _ in range(10)]
        answers = {read_all(client).split()[0] for client in clients}
        assert answers == {f"pid={sup.worker()}"}, answers
    os.unlink(path)
    wait_until(lambda: os.path.exists(path), "the path is there again", 5)
    ask_who(path)
    assert sup.stop() == 0
    assert os.listdir(t.path("run")) == []


@step("a server that asks first whether somebody listens on its path is restarted all the same")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "--", PYTHON, server("asks_first.py"), path)
    for _ in range(3):
        assert wait_who(path)["pid"] == str(sup.kill_worker())
        client = wait_until(lambda: None if is_refused(path) else connect(path), "it is there")
        assert read_all(client).split()[0] == f"pid={sup.worker()}"
    gave_up = [line for line in sup.said() if "exited with status 78" in line]
    assert len(gave_up) == 1, sup.said()
    wait_who(path)
    assert sup.stop() == 0
    assert not os.path.exists(path)


@step("so is one that listens on a port before it asks; its path is not back before it has asked")
def _(t):
    path, port = t.path("socket"), free_port()
    sup = Sup(t, "--", PYTHON, server("asks_first.py"), path, port)
    for _ in range(3):
        assert wait_who(path)["pid"] == wait_who(port)["pid"] == str(sup.kill_worker())
        assert wait_who(path)["pid"] == wait_who(port)["pid"] == str(sup.worker())
    gave_up = [line for line in sup.said() if "exited with status 78" in line]
    assert len(gave_up) == 1, sup.said()
    assert sup.stop() == 0
    assert not os.path.exists(path)


@step("so is one behind a wrapper that ends with status 0, and one that gives up by abort()")
def _(t):
    path, port = t.path("socket"), free_port()
    for command, end in ((["sh", "-c", '"$@"; exit 0', "sh", PYTHON, server("asks_first.py")], "status 0"),
                         ([PYTHON, server("asks_first.py"), "--aborts"], "signal 6")):
        sup = Sup(t, "--", *command, path, port)
        before = wait_who(path)["pid"]
        for _ in range(3):
            sup.kill_worker()
            before = wait_other(path, before)
            assert wait_who(port)["pid"] == before
        assert len([line for line in sup.said() if end in line]) == 1, sup.said()
        assert sup.stop() == 0


@step("one that only looks whether its path is there comes back at its third start, and when it has "
      "done so twice, at its first")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "--control", t.path("control"), "--", PYTHON, server("asks_first.py"), "--looks", path)
    before = wait_who(path)["pid"]
    for n_failed in (2, 3, 3):
        sup.kill_worker()
        before = wait_other(path, before)
        assert len([line for line in sup.said() if "status 78" in line]) == n_failed, sup.said()
    assert verb(t, "restart")[0] == 0
    assert wait_other(path, before)
    assert len([line for line in sup.said() if "status 78" in line]) == 3, sup.said()
    assert sup.stop() == 0
    assert not os.path.exists(path)


@step("a serial reload of such a server, or of one behind a wrapper, tries the new worker once more")
def _(t):
    need_root("the network of the story is its own")
    path = t.path("socket")
    looks = [PYTHON, server("asks_first.py"), "--looks", path]
    wrapped = ["sh", "-c", '"$@" & trap "kill $!; exit 0" TERM; wait; exit 0', "sh",
               PYTHON, server("asks_first.py"), path]
    for command in looks, wrapped:
        sup = Sup(t, "--control", t.path("control"), "--reload=serial", "--", *command)
        wait_who(path)
        for generation in "234":
            code, said = verb(t, "reload")
            assert code == 0, said
            assert wait_who(path)["generation"] == generation
        assert sup.stop() == 0


# Says whether its path is there; is no server yet at the starts that FAIL names, from 1 on.
SAYS = """echo >>"$1"; n=$(wc -l <"$1"); test -e "$2" && echo there || echo gone
case " $FAIL " in *" $n "*) exit 1;; esac
shift 2; exec "$@" """


def says(t, path, fail):
    return Sup(t, "--backoff-max=20ms", "--env", f"FAIL={fail}", "--", "sh", "-c", SAYS, "sh",
               t.path("starts"), path, PYTHON, server("unix_path.py"), path)


@step("what cannot even be run has not looked at the path: it is there, and there is no second try")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "--control", t.path("control"), "--reload=serial", "--", "sh", "-c", SAYS, "sh",
              t.path("starts"), path, PYTHON, server("unix_path.py"), path)
    wait_who(path)
    for generation in range(3):
        code, said = verb(t, "reload", "--", t.path("nothing-here"))
        assert code == 1 and "could not be started" in said, said
        assert wait_who(path)["generation"] == "1", generation
    assert sup.stop() == 0
    assert sup.out.until_end() == ["gone"] + 3 * ["there"], sup.out.lines
    assert len([line for line in sup.err.until_end() if "cannot run" in line]) == 3, sup.said()


# The shell itself waits, at a FIFO: a process of its own would be left behind when it is killed.
GATE = 'test ! -p "$0" || read _ <"$0"; exec "$@"'


def open_gate(fifo):
    """Lets all go on that wait, and all that come."""
    keeper = os.open(fifo, os.O_RDWR)
    os.unlink(fifo)
    os.close(keeper)


@step("the path of a server that is killed before it binds it is always there, also in a serial reload")
def _(t):
    path, hold = t.path("socket"), t.path("hold")
    sup = Sup(t, "--backoff-max=20ms", "--control", t.path("control"), "--reload=serial", "--",
              "sh", "-c", GATE, hold, PYTHON, server("unix_path.py"), path)
    wait_who(path)
    os.mkfifo(hold)
    clients = []
    for kind in (signal.SIGKILL, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGKILL):
        os.kill(before := sup.worker(), kind)
        sup.next_worker(before)
        clients.append(connect(path))
    open_gate(hold)
    for client in clients:
        assert read_all(client)
    os.mkfifo(hold)
    before = sup.worker()
    sup.send(signal.SIGHUP)
    for _ in range(2):
        sup.next_worker(before)
        os.kill(before := sup.worker(), signal.SIGKILL)
        clients.append(connect(path))
    open_gate(hold)
    assert read_all(clients[-1]) and read_all(clients[-2])


@step("the same when it is killed below a shell, which tells so with its status")
def _(t):
    path, hold = t.path("socket"), t.path("hold")
    sup = Sup(t, "--backoff-max=20ms", "--", "sh", "-c", '"$@"; exit $?', "sh",
              "sh", "-c", GATE, hold, PYTHON, server("unix_path.py"), path)
    wait_who(path)
    os.mkfifo(hold)
    clients = []
    for _ in range(4):
        before = sup.worker()
        child, = wait_until(lambda: procs.children_of(before), "the shell starts it", 10)
        os.kill(child, signal.SIGKILL)
        sup.next_worker(before)
        clients.append(connect(path))
    open_gate(hold)
    for client in clients:
        assert read_all(client)


@step("the path of a server that fails for another reason is away at a few starts only")
def _(t):
    path = t.path("socket")
    sup = says(t, path, " ".join(map(str, range(2, 18))))
    wait_who(path)
    sup.kill_worker()
    wait_who(path)
    wait_until(lambda: len(sup.out.lines) == 18, "it was started for the 18th time", 20)
    away = [number for number, line in enumerate(sup.out.lines, 1) if line == "gone"]
    assert away == [1, 4, 9, 14], sup.out.lines
    assert sup.stop() == 0


@step("one that served when its path was away by chance has it at all its later starts")
def _(t):
    path = t.path("socket")
    sup = says(t, path, "2 3")
    before = wait_who(path)["pid"]
    for _ in range(3):
        sup.kill_worker()
        before = wait_other(path, before)
    assert sup.out.lines == ["gone", "there", "there", "gone", "there", "there"], sup.out.lines
    assert sup.stop() == 0


@step("the second of two workers removes the path that the first has just bound: both serve, and it is held")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "--", PYTHON, server("shuts_down.py"), "--told", path)
    sup.out.wait_for("bound")
    first = sup.worker()
    sup.send(signal.SIGTTIN)
    second, = set(sup.workers(2)) - {first}
    wait_until(lambda: not os.path.exists(path), "the second one has removed it")
    os.kill(first, signal.SIGUSR1)
    wait_until(lambda: sup.out.lines.count("bound") == 2, "the second one binds it")
    os.kill(second, signal.SIGUSR1)
    wait_until(lambda: sup.out.lines.count("ready") == 2, "both listen")
    seen = set()
    wait_until(lambda: seen.add(ask_who(path)["pid"]) or seen == {str(first), str(second)},
               "both serve")
    procs.kill_and_wait(first)
    procs.kill_and_wait(second)
    assert not is_refused(path)
    assert not sup.err.find("not held"), sup.err.lines


@step("a seqpacket socket is held as well; -l names one, and a datagram socket, that are bound")
def _(t):
    path, named = t.path("packets"), t.path("named")
    for sup in (Sup(t, "--", PYTHON, server("unix_path.py"), "--seqpacket", path),
                Sup(t, "-l", f"seqpacket:{named}", "--",
                    PYTHON, server("unix_path.py"), "--seqpacket", named)):
        where = path if sup.args[0] == "--" else named
        wait_until(lambda where=where: ask_packet(where), "it answers")
        for _ in range(2):
            old = sup.kill_worker()
            assert ask_packet(where) == f"pid={sup.next_worker(old)}"
        assert sup.stop() == 0
        assert not os.path.exists(where)


@step("a datagram socket named with -l, also with what waits in it, goes to a server that binds it")
def _(t):
    path = t.path("datagrams")
    sup = Sup(t, "-l", f"dgram:{path}", "--", PYTHON, server("unix_datagrams.py"), path)
    sup.wait_for_log("listening on")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.connect(path)
        client.send(b"first")
        sup.out.wait_for("got first")
        sup.kill_worker()
        client.send(b"while it was dead")
        sup.out.wait_for("got while it was dead")


@step("an abstract socket is held as well")
def _(t):
    name = f"@sup-e2e-{os.getpid()}-{free_port()}"
    sup = Sup(t, "--", PYTHON, server("unix_path.py"), name)
    assert wait_who(name)["pid"] == str(sup.kill_worker())
    ask_who(name)
    assert sup.stop() == 0
    assert is_refused(name)


run()
