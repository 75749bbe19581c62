#!/usr/bin/python3
"""Capture: what servers do with the names of their unix sockets works as it does without sup."""

import os
import signal
import stat

from harness import (PYTHON, Sup, ask_who, connect, read_all, run, server,
                     step, wait_until, wait_who)


def start(t, habit, *options, user=False, name="socket"):
    """sup above a server with this habit, and the path that clients know, alone in a directory; with
    user=True the server may write there, but not remove it.
    """
    os.mkdir(t.path("run"))
    if user:
        os.chmod(t.path("run"), 0o777)
        os.chown(t.dir, os.geteuid(), os.getegid())
        os.chmod(t.dir, 0o555)
        t.defer(os.chmod, t.dir, 0o755)
    path = t.path(f"run/{name}")
    return Sup(t, *options, "--", PYTHON, server("unix_names.py"), habit, path, user=user), path


def names(t):
    """What is in the directory, but for sup's own link."""
    return sorted(set(os.listdir(t.path("run"))) - {".socket.sup", ".socket2.sup"})


def answers(path, pid):
    """Whether this process answers; False also where nobody listens, or hangs up."""
    try:
        return ask_who(path, timeout=2)["pid"] == str(pid)
    except (FileNotFoundError, ConnectionError, TimeoutError):
        return False


def all_answer(sup, path, count):
    """Wait until all workers answer, so that nothing of their start is still to come."""
    seen = set()

    def look():
        waiting = [connect(path) for _ in range(20)]
        seen.update(int(read_all(client).split()[0][4:]) for client in waiting)
        return set(sup.workers(count)) <= seen
    wait_until(look, f"{count} workers answer")


def next_serves(sup, path, clients=0):
    """Kill the worker: the one that is started then serves, also those who came meanwhile."""
    old = sup.kill_worker()
    waiting = [connect(path) for _ in range(clients)]
    new = sup.next_worker(old)
    got = {read_all(client).split()[0] for client in waiting}
    assert got <= {f"pid={new}"}, got
    wait_until(lambda: answers(path, new), f"{new} answers", 5)


def reload(sup, path):
    """Reload: the next generation serves, and the old one is gone."""
    mark = sup.mark()
    generation = int(ask_who(path)["generation"])
    sup.send(signal.SIGHUP)
    sup.wait_for_log("reloaded in", 10, mark)
    assert int(ask_who(path)["generation"]) == generation + 1


def ends_clean(t, sup):
    assert sup.stop() == 0
    assert not os.path.exists(t.path("run")) or os.listdir(t.path("run")) == []


@step("a server that renames its socket before it listens keeps it under the name that it gave")
def _(t):
    sup, path = start(t, "early")
    wait_who(path)
    for _ in range(3):
        next_serves(sup, path, clients=10)
        wait_until(lambda: names(t) == ["socket"], "no other name stays")
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o620
    sup.err.wait_for(f"holding {path} ")
    os.unlink(path)
    wait_until(lambda: os.path.exists(path), "the path is there again", 5)
    ends_clean(t, sup)


@step("the same with its pid in the first name, and the old socket under another one meanwhile")
def _(t):
    sup, path = start(t, "early-pid")
    wait_who(path)
    for _ in range(3):
        next_serves(sup, path, clients=10)
        wait_until(lambda: names(t) == ["socket"], "no other name stays")
    ends_clean(t, sup)


@step("a server that binds a name with its pid, listens, and renames gets the held socket as well")
def _(t):
    sup, path = start(t, "pid")
    wait_who(path)
    wait_until(lambda: sorted(os.listdir(t.path("run"))) == [".socket.sup", "socket"],
               "the link is called after the name that it gave")
    for _ in range(3):
        next_serves(sup, path, clients=10)
        wait_until(lambda: names(t) == ["socket"], "no other name stays")
    ends_clean(t, sup)


@step("several workers with their pid in the first name share the socket that has the public one")
def _(t):
    sup, path = start(t, "early-pid", "-n", 2)
    wait_who(path)
    all_answer(sup, path, 2)
    for _ in range(2):
        for pid in sup.workers(2):
            os.kill(pid, signal.SIGKILL)
        client = connect(path)
        assert read_all(client).split()[0][4:] in map(str, sup.workers(2))
        all_answer(sup, path, 2)  # one that is killed before leaves names of its own, as without sup
    assert names(t) == ["socket"], os.listdir(t.path("run"))
    ends_clean(t, sup)


@step("workers that end before they rename what they were given under a name leave none")
def _(t):
    sup, path = start(t, "early-pid-dies", "-n", 2)
    wait_who(path)
    all_answer(sup, path, 2)
    t.write("die", "")
    mark = sup.mark()
    for pid in sup.workers(2):
        os.kill(pid, signal.SIGKILL)
    for worker in (1, 2):
        sup.wait_for_log(f"worker {worker} .*was killed by .*failure [3-9] in a row", since=mark)
    os.unlink(t.path("die"))
    all_answer(sup, path, 2)
    assert names(t) == ["socket"], os.listdir(t.path("run"))
    ends_clean(t, sup)


@step("a server that renames its socket and at once binds the name before finds that free each time")
def _(t):
    sup, path = start(t, "to-and-fro")
    wait_who(path)
    wait_until(lambda: sorted(os.listdir(t.path("run"))) == [".socket.sup", "socket"],
               "no other name stays")
    assert len([line for line in sup.said() if "holding" in line]) == 1, sup.said()
    ends_clean(t, sup)


@step("two sockets that are bound under one name and renamed do not get into each other's way")
def _(t):
    sup, path = start(t, "one-for-two")
    for place in (path, path + "2"):
        wait_who(place)
    for _ in range(3):
        next_serves(sup, path, clients=3)
        assert [wait_who(place)["listener"] for place in (path, path + "2")] == ["0", "1"]
        wait_until(lambda: names(t) == ["socket", "socket2"], "no other name stays")
    ends_clean(t, sup)


@step("workers that bind one name and rename it wait for each other")
def _(t):
    sup, path = start(t, "early-late", "-n", 2)
    wait_who(path)
    all_answer(sup, path, 2)
    t.write("wait", "")
    mark = sup.mark()
    pids = sup.workers(2)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: "".join(sup.err.lines[mark:]).count("binds") == 2, "both bind")
    os.unlink(t.path("wait"))
    all_answer(sup, path, 2)
    assert not sup.err.find("Traceback", mark), sup.err.lines
    assert names(t) == ["socket"], os.listdir(t.path("run"))
    ends_clean(t, sup)


@step("servers that rename what they bind are reloaded in each way")
def _(t):
    for habit in ("early", "early-pid", "pid", "one-for-two"):
        for options in ((), ("--drain=connections",), ("--reload=serial",)):
            sup, path = start(t, habit, *options)
            wait_who(path)
            for _ in range(2):
                reload(sup, path)
            next_serves(sup, path, clients=3)
            wait_until(lambda: not [name for name in os.listdir(t.path("run")) if "." in name[1:]
                                    and ".sup" not in name], "no other name stays")
            ends_clean(t, sup)
            os.rmdir(t.path("run"))


@step("an upgrade of sup knows the names")
def _(t):
    sup, path = start(t, "early-pid")
    wait_who(path)
    for _ in range(2):
        mark = sup.mark()
        sup.send(signal.SIGUSR2)
        sup.wait_for_log("upgraded to", since=mark)
        next_serves(sup, path, clients=3)
    ends_clean(t, sup)


@step("a server that gives its socket the name by a hard link is started again and again")
def _(t):
    sup, path = start(t, "link")
    wait_who(path)
    for _ in range(3):
        next_serves(sup, path, clients=3)
    os.unlink(path)
    ends_clean(t, sup)


@step("the same with its pid in the first name")
def _(t):
    sup, path = start(t, "link-pid")
    wait_who(path)
    for _ in range(3):
        next_serves(sup, path)
    os.unlink(path)
    ends_clean(t, sup)


@step("a server that has two names for its socket removes both before it makes them")
def _(t):
    sup, path = start(t, "alias")
    wait_who(path + ".too")
    for _ in range(3):
        next_serves(sup, path, clients=3)
        assert wait_who(path + ".too")["pid"] == str(sup.worker())
    os.unlink(path + ".too")
    ends_clean(t, sup)


@step("a server that moves its old socket out of the way is started again and again")
def _(t):
    sup, path = start(t, "aside")
    wait_who(path)
    for _ in range(3):
        next_serves(sup, path)
    ends_clean(t, sup)


def directory_anew(habit):
    def story(t):
        sup, path = start(t, habit)
        wait_who(path)
        for _ in range(3):
            next_serves(sup, path)
            assert names(t) == ["socket"], os.listdir(t.path("run"))
        assert not [line for line in sup.err.lines if "not empty" in line], sup.err.lines
        ends_clean(t, sup)
    return story


step("a server that makes its directory anew gets a new socket there")(directory_anew("anew"))
step("the same with rm(1)")(directory_anew("rm"))
step("the same where it removes the name first, then the directory")(directory_anew("one-by-one"))


@step("the same with ignored errors")
def _(t):
    directory_anew("emptied")(t)


@step("a server that may not remove its directory and tries to gets the held socket all the same")
def _(t):
    sup, path = start(t, "emptied", user=True)
    wait_who(path)
    for _ in range(3):
        next_serves(sup, path, clients=3)
    assert not sup.err.find("given up|gave up|closed"), sup.said()
    ends_clean(t, sup)


@step("a directory that is not the server's alone is not emptied by its rmdir")
def _(t):
    sup, path = start(t, "one-by-one")
    wait_who(path)
    t.write("run/other", "")
    sup.kill_worker()
    sup.err.wait_for("Directory not empty")
    assert os.path.exists(path)
    os.unlink(t.path("run/other"))
    wait_until(lambda: answers(path, sup.worker()), "it answers")


@step("a directory is not taken from a worker that serves: the reload fails, and the old one stays")
def _(t):
    sup, path = start(t, "one-by-one")
    wait_who(path)
    next_serves(sup, path)  # below the filter that knows all names from now on
    pid = sup.worker()
    sup.send(signal.SIGHUP)
    sup.err.wait_for("Directory not empty")
    sup.wait_for_log("generation 1 stays|failed|kept")
    assert answers(path, pid)


@step("a directory that somebody else has made anew: the server gets a new socket, a line says so")
def _(t):
    sup, path = start(t, "early-pid")
    wait_who(path)
    os.rename(t.path("run"), t.path("away"))
    os.mkdir(t.path("run"))
    next_serves(sup, path)
    sup.err.wait_for(f"closed {path} .*binds a new one")
    next_serves(sup, path, clients=3)
    ends_clean(t, sup)


@step("a name that sup cannot reach: the socket is not held, a line says so, the server runs")
def _(t):
    sup, path = start(t, "proc")
    wait_who(path)
    sup.err.wait_for("/socket is not held over a restart")
    assert not sup.err.find("holding"), sup.said()
    for _ in range(3):
        next_serves(sup, path)
    assert len([line for line in sup.said() if "is not held" in line]) == 1, sup.said()
    assert os.listdir(t.path("run")) == ["socket"]


@step("a server that binds, changes its mind, and binds again")
def _(t):
    sup, path = start(t, "twice")
    for _ in range(4):
        assert wait_who(path)["pid"] == str(sup.worker())
        next_serves(sup, path)
    ends_clean(t, sup)


@step("a server whose socket is of another type after a restart finds its path free")
def _(t):
    sup, path = start(t, "packets")
    wait_who(path)
    t.write("run/socket.packets", "")
    mark = sup.mark()
    sup.kill_worker()
    sup.wait_for_log(f"holding {path} ", since=mark)
    os.unlink(t.path("run/socket.packets"))
    assert not [line for line in sup.err.lines if "in use" in line], sup.err.lines
    ends_clean(t, sup)


run()
