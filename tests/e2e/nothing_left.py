#!/usr/bin/python3
"""Nothing of a worker outlives it, nothing of `sup` outlives `sup`, nothing leaks into a worker."""

import os
import signal

import procs
from harness import (PYTHON, REUSEADDR, Sup, ask, ask_who, bind_errno, free_port, is_refused,
                     need_bare, run, server, step, unix_paths, wait_answer, wait_until, wait_who)
from reloads import status
from under_load import nginx


def pids_in(path):
    """The pids that a server wrote down, once they are there."""
    wait_until(lambda: os.path.exists(path) and os.path.getsize(path), "the pids are written down")
    with open(path, encoding="utf-8") as file:
        return [int(word) for word in file.read().split()]


def nothing_runs(except_for=()):
    """No descendant of the test lives but those named."""
    return not [pid for pid in procs.descendants_of(os.getpid()) if pid not in except_for]


@step("a killed worker's children, in sessions of their own, with its listener, are gone too")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("leaks_listener.py"), port, t.path("pids"))
    first = int(wait_who(port)["pid"])
    children = pids_in(t.path("pids"))
    assert len(children) == 2 and all(map(procs.alive, children))
    procs.kill_and_wait(first)
    second = int(ask_who(port)["pid"])
    assert second == sup.worker() != first
    assert not any(map(procs.alive, children)), "a child of the killed worker still lives"
    new = pids_in(t.path("pids"))[2:]
    assert sorted([sup.pid, second, *new]) == sorted(procs.descendants_of(os.getpid()))


@step("after sup is stopped no process is left, also of other sessions, and the port is free")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("leaks_listener.py"), port, t.path("pids"))
    wait_who(port)
    pids_in(t.path("pids"))
    assert sup.stop() == 0
    assert nothing_runs(), procs.descendants_of(os.getpid())
    assert is_refused(port)
    assert bind_errno(port, REUSEADDR) == 0, "the port is not free at once"


@step("a QUIT leaves nothing either")
def _(t):
    port = free_port()
    sup = Sup(t, "-n", "2", "-l", str(port), "--", PYTHON, server("activated.py"))
    wait_who(port)
    sup.workers(2)
    sup.stop(signal.SIGQUIT)
    assert nothing_runs(), procs.descendants_of(os.getpid())
    assert bind_errno(port, REUSEADDR) == 0, "the port is not free at once"


@step("a server that daemonises itself is followed to its main process, restarted when that dies")
def _(t):
    port = free_port()
    sup = Sup(t, "--control", t.path("control"), "--", PYTHON, server("daemonises.py"), port)
    main = int(wait_who(port)["pid"])
    sup.wait_for_log(rf"following python3 \(pid {main}\)")
    assert procs.children_of(sup.pid) == [main]
    mark = sup.mark()
    assert ask_who(port)["pid"] == str(main), "it was restarted although it lives"
    assert last_end(t) is None
    procs.kill_and_wait(main)
    second = int(ask_who(port)["pid"])
    assert second != main
    sup.wait_for_log(rf"pid {main}\) was killed by signal 9", since=mark)
    sup.wait_for_log(rf"following python3 \(pid {second}\)")
    assert procs.children_of(sup.pid) == [second]
    assert last_end(t) == "was killed by signal 9 (KILL)", "it is that of the first process"
    assert sup.stop() == 0
    assert nothing_runs(), procs.descendants_of(os.getpid())


@step("the same for one that binds in the background only, beside a helper, with a pid file")
def _(t):
    port = free_port()
    options = ["--late", "--helper", "--pid-file", t.path("pid")]
    sup = Sup(t, "--", PYTHON, server("daemonises.py"), *options, port)
    main = int(wait_who(port)["pid"])
    assert pids_in(t.path("pid")) == [main]
    helper, = set(procs.children_of(sup.pid)) - {main}
    mark = sup.mark()
    procs.kill_and_wait(main)
    second = int(ask_who(port)["pid"])
    sup.wait_for_log(rf"pid {main}\) was killed by signal 9", since=mark)
    assert second != main and not procs.alive(helper)
    helper, = set(procs.children_of(sup.pid)) - {second}
    mark = sup.mark()
    procs.kill_and_wait(helper)
    assert ask_who(port)["pid"] == str(second), "it was ended with its helper"
    assert sup.stop() == 0
    assert nothing_runs(), procs.descendants_of(os.getpid())


@step("a server that goes on into the background while sup looks for it is found")
def _(t):
    for _ in range(5):
        port = free_port()
        sup = Sup(t, "--", PYTHON, server("daemonises.py"), "--many-files", port)
        main = int(wait_who(port)["pid"])
        sup.wait_for_log(rf"following python3 \(pid {main}\)")
        assert not any("exited" in line for line in sup.said()), sup.said()
        assert sup.stop() == 0


def large(t, *habits):
    """
    Two whose first processes end while those in the middle of their two forks, which have no
    environment any more, still do. With a function for the pid of the last one of a worker.
    """
    sup = Sup(t, "-v", "-n", "2", "--", PYTHON, server("daemonises.py"), "--large", *habits,
              free_port())

    def last(worker, since=0):
        return int(sup.out.wait_for(f"^last of worker {worker} is (.+)$", since=since)[1])
    return sup, last


@step("two that take a while between their forks are followed, and the old ones end in a reload")
def _(t):
    sup, last = large(t)
    old = []
    for _ in range(3):
        lines = len(sup.out.lines)
        if old:
            sup.send(signal.SIGHUP)
        new = [last(worker, lines if old else 0) for worker in (1, 2)]
        for pid in new:
            sup.wait_for_log(rf"following python3 \(pid {pid}\)")
        wait_until(lambda: sorted(procs.children_of(sup.pid)) == sorted(new), "only the new ones run")
        assert not any(map(procs.alive, old)), "an old one serves on"
        old = new
    assert not sup.err.find("failure|with status"), sup.said()
    assert sup.stop() == 0
    assert nothing_runs(), procs.descendants_of(os.getpid())


@step("when the first one failed meanwhile, the last one is ended before the next start")
def _(t):
    sup, last = large(t, "--fail")
    for worker in (1, 2):
        pid = last(worker)
        sup.wait_for_log(rf"worker {worker} \(pid \d+\) exited with status 1")
        assert not procs.alive(pid), "it serves on"
    sup.stop(signal.SIGQUIT)
    assert nothing_runs(), procs.descendants_of(os.getpid())


def last_end(t):
    """How the only worker ended last, as `sup status` says."""
    return status(t)["workers"][0]["last_end"]


def reload_blank(t, *habits):
    """
    Two reloads of a server that has emptied its environment, whose old one is still there when the
    new one goes into the background: the new one is followed, and nothing else is left.
    """
    port = free_port()
    sup = Sup(t, "--stop-signal=WINCH", "--", PYTHON, server("daemonises.py"), "--blank", *habits,
              port)  # it ignores that
    main = int(wait_who(port)["pid"])
    sup.wait_for_log(rf"following python3 \(pid {main}\)")
    assert not [each for each in procs.environment_of(main) if each.startswith("SUP_")]
    for _ in range(2):
        mark = sup.mark()
        sup.send(signal.SIGHUP)
        sup.wait_for_log("went into the background|failure", since=mark)
        procs.kill_and_wait(main)
        sup.wait_for_log("reloaded", since=mark)
        assert not sup.err.find("failure|with status", since=mark), sup.said()
        second = int(ask_who(port)["pid"])
        assert sup.err.find(rf"following python3 \(pid {second}\)", since=mark), sup.said()
        assert sorted(procs.descendants_of(os.getpid())) == sorted([sup.pid, second])
        main = second
    return sup, main, port


@step("one that has emptied its environment is followed in a reload: it is known by what it bound")
def _(t):
    sup, main, port = reload_blank(t, "--late")
    mark = sup.mark()
    procs.kill_and_wait(main)
    second = int(ask_who(port)["pid"])
    sup.wait_for_log(rf"pid {main}\) was killed by signal 9", since=mark)
    sup.wait_for_log(rf"following python3 \(pid {second}\)", since=mark)
    sup.stop(signal.SIGQUIT)
    assert nothing_runs(), procs.descendants_of(os.getpid())


@step("the same for one that binds before it goes into the background: no other worker can have it")
def _(t):
    sup, _, _ = reload_blank(t)
    sup.stop(signal.SIGQUIT)
    assert nothing_runs(), procs.descendants_of(os.getpid())


@step("what one leaves behind that made its session late is ended, in a reload too")
def _(t):
    port = free_port()
    sup = Sup(t, "--stop-signal=WINCH", "--", PYTHON, server("daemonises.py"), "--blank",
              "--late-session", port)
    main = int(wait_who(port)["pid"])
    sup.wait_for_log(rf"following python3 \(pid {main}\)")
    mark = sup.mark()
    sup.send(signal.SIGHUP)
    sup.wait_for_log("went into the background|failure", since=mark)
    procs.send(main, signal.SIGUSR1)
    helper = int(sup.out.wait_for(rf"^session {main} (\d+)")[1])
    procs.kill_and_wait(main)
    sup.wait_for_log("reloaded", since=mark)
    assert not procs.alive(helper), "the helper of the old one still lives"
    second = int(ask_who(port)["pid"])
    assert procs.children_of(sup.pid) == [second]
    sup.stop(signal.SIGQUIT)
    assert nothing_runs(), procs.descendants_of(os.getpid())


def two_blank(t, between):
    """Two that have emptied their environments, whose first processes end at the same moment."""
    port = free_port()
    sup = Sup(t, "-v", "-n", "2", "--", PYTHON, server("daemonises.py"), "--blank", "--late",
              "--hold", port)
    first = [int(sup.wait_for_log(rf"worker {n} started as pid (\d+)")[1]) for n in (1, 2)]
    for pid in first:
        sup.out.wait_for(f"^background {pid}$")
    between(sup)
    sup.send(signal.SIGSTOP)
    for pid in first:
        procs.send(pid, signal.SIGUSR1)
    wait_until(lambda: not any(map(procs.alive, first)), "the first processes have ended")
    sup.send(signal.SIGCONT)
    second = [int(sup.wait_for_log(rf"\(pid {pid}\) went into .* python3 \(pid (\d+)\)")[1])
              for pid in first]
    assert sorted(second) == sorted(procs.children_of(sup.pid)), (first, second)
    assert not sup.err.find("failure|with status"), sup.said()
    assert sup.stop() == 0
    assert nothing_runs(), procs.descendants_of(os.getpid())


@step("two such at once are known apart by what they bound, also by a sup that was upgraded since")
def _(t):
    def upgrade(sup):
        sup.send(signal.SIGUSR2)
        sup.wait_for_log("^sup: upgraded")
    two_blank(t, lambda sup: None)
    two_blank(t, upgrade)


def background_nginx(t, *options):
    """nginx without "daemon off", and its port."""
    port = free_port()
    command = nginx(t, port)
    with open(t.path("nginx.conf"), encoding="utf-8") as file:
        t.write("nginx.conf", file.read().replace("daemon off;", ""))
    return Sup(t, *options, *command), port


@step("nginx that goes into the background, and writes its title over its environment, is reloaded")
def _(t):
    sup, port = background_nginx(t, "--stop-signal=WINCH")  # its workers end, its master does not
    followed = "following nginx \\(pid (\\d+)\\)"
    main = int(sup.wait_for_log(followed)[1])
    for _ in range(5):
        mark = sup.mark()
        sup.send(signal.SIGHUP)
        second = int(sup.wait_for_log(followed, since=mark)[1])
        procs.kill_and_wait(main)
        sup.wait_for_log("reloaded", since=mark)
        assert not sup.err.find("failure|with status", since=mark), sup.said()
        assert procs.children_of(sup.pid) == [second], (second, procs.children_of(sup.pid))
        assert "hello from nginx" in ask(port, b"GET / HTTP/1.0\r\n\r\n")
        main = second
    sup.stop(signal.SIGQUIT)
    assert nothing_runs(), procs.descendants_of(os.getpid())


@step("nginx that goes into the background by itself is followed, with its workers, and restarted")
def _(t):
    sup, port = background_nginx(t)
    wait_answer(port, b"GET / HTTP/1.0\r\n\r\n")
    wait_until(lambda: os.path.exists(t.path("nginx.pid")), "nginx has written its pid")
    main, = pids_in(t.path("nginx.pid"))
    sup.wait_for_log(rf"following nginx \(pid {main}\)")
    assert procs.children_of(sup.pid) == [main]
    procs.kill_and_wait(main)

    def answers():
        try:
            return "hello from nginx" in ask(port, b"GET / HTTP/1.0\r\n\r\n")
        except ConnectionResetError:  # one of the old workers had accepted it, and was ended
            return False

    wait_until(answers, "nginx answers again")
    assert sup.stop() == 0
    assert nothing_runs(), procs.descendants_of(os.getpid())


@step("what a graceful stop left behind is asked to stop once, and has its time")
def _(t):
    sup = Sup(t, "--", "sh", "-c", f"{PYTHON} {server('says_stop.py')} & sleep 0.5 & "
              f"{PYTHON} {server('says_stop.py')} & wait")
    wait_until(lambda: sup.out.lines.count("ready") == 2, "both run")
    assert sup.stop() == 0
    assert sorted(sup.out.until_end()) == ["asked", "asked", "ended", "ended", "ready", "ready"]


@step("unix paths are removed at the end, and no other file stays beside them")
def _(t):
    os.mkdir(t.path("run"))
    named, bound = t.path("run/named"), t.path("run/bound")
    sup = Sup(t, "-l", named, "--", PYTHON, server("unix_path.py"), bound)
    wait_who(bound)
    assert os.path.exists(named)
    assert sup.stop() == 0
    assert os.listdir(t.path("run")) == []
    assert not [path for path in unix_paths() if path.startswith(t.dir)]


@step("the files of a worker are exactly 0, 1, 2 and its listeners, whatever sup itself inherited")
def _(t):
    stray = [os.open("/dev/null", os.O_RDONLY) for _ in range(3)]
    high = os.dup2(stray[0], 200)
    for fd in [*stray, high]:
        t.defer(os.close, fd)
    ports = free_port(), free_port()
    sup = Sup(t, "-l", str(ports[0]), "-l", str(ports[1]), "--", "/bin/sleep", "1000",
              pass_fds=[*stray, high])
    worker = sup.sleeping_worker()
    fds = procs.fds_of(worker)
    assert sorted(fds) == [0, 1, 2, 3, 4], fds
    assert all(fds[fd].startswith("socket:") for fd in (3, 4)), fds


@step("a sup whose 0, 1 and 2 are closed has workers with /dev/null there, and nothing else")
def _(t):
    need_bare("what is below sup opens files where none are")
    sup = Sup(t, "-l", f"127.0.0.1:{free_port()}", "--", "/bin/sleep", "1000",
              prefix=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
    fds = procs.fds_of(sup.sleeping_worker())
    assert sorted(fds) == [0, 1, 2, 3], fds
    assert [fds[fd] for fd in (0, 1, 2)] == ["/dev/null"] * 3, fds


@step("with capture alone a worker has 0, 1 and 2 and what it opens itself")
def _(t):
    sup = Sup(t, "--", "/bin/sleep", "1000")
    worker = sup.sleeping_worker()
    assert sorted(procs.fds_of(worker)) == [0, 1, 2], procs.fds_of(worker)


@step("signals that sup's own parent blocked or ignored are neither for a worker")
def _(t):
    def block_and_ignore():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGHUP, signal.SIGCHLD])
        for number in (signal.SIGPIPE, signal.SIGUSR1, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    sup = Sup(t, "--", "/bin/sleep", "1000", preexec_fn=block_and_ignore)
    worker = sup.sleeping_worker()
    for field in ("SigBlk", "SigIgn"):
        value = int(procs.status_field(worker, field), 16)
        assert value == 0, f"{field} is {value:#x}"


@step("when sup is SIGKILLed its worker dies with it, and another sup can start at once")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("simple.py"), port)
    wait_who(port)
    sup.process.kill()
    sup.process.wait()
    wait_until(nothing_runs, "the worker is gone", 2)
    second = Sup(t, "--", PYTHON, server("simple.py"), port)
    assert wait_who(port)["pid"] == str(second.worker())


run()
