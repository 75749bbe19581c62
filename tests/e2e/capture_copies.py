#!/usr/bin/python3
"""Capture: a server that has its socket more than once when it binds it."""

import procs
from harness import (PYTHON, Sup, ask_who, free_port, is_listening, run, server, step, wait_until,
                     wait_who)
from network import listeners


def given_up(sup):
    return [line for line in sup.said() if "cannot be replaced" in line]


@step("copies in the same process are replaced too, each with its own close-on-exec flag")
def _(t):
    for habit in ("dup", "late"):
        port = free_port()
        sup = Sup(t, "--", PYTHON, server("copies_socket.py"), habit, port)
        wait_who(port)
        before = listeners(port)
        for _ in range(2):
            sup.kill_worker()
            assert ask_who(port)["pid"] == str(sup.worker())
        assert listeners(port) == before, "the socket is another one"
        wait_until(lambda sup=sup: len(sup.out.lines) == 3, "all three have told their flags")
        assert set(sup.out.lines) == {f"{port} False True"}, sup.out.lines
        assert not given_up(sup), sup.said()


@step("so are those of the workers of -n, and of one that is given a listener of -l")
def _(t):
    port = free_port()
    for arguments in (["-n", "2"], ["-l", f"127.0.0.1:{port + 1000}"]):
        port = free_port() if arguments[0] == "-n" else port + 1000
        sup = Sup(t, *arguments, "--", PYTHON, server("copies_socket.py"), "dup", port)
        workers = set(map(str, sup.workers(2 if arguments[0] == "-n" else 1)))
        seen = set()
        wait_until(lambda port=port, workers=workers, seen=seen:
                   seen.add(wait_who(port)["pid"]) or seen == workers, "all have answered")
        wait_until(lambda sup=sup, workers=workers: len(sup.out.lines) == len(workers),
                   "all have told their flags")
        assert set(sup.out.lines) == {f"{port} False True"}, sup.out.lines


@step("a copy that another process has cannot be: the server runs as without sup, which says why")
def _(t):
    for habit in ("helper", "prefork", "epoll"):
        port = free_port()
        sup = Sup(t, "--", PYTHON, server("copies_socket.py"), habit, port)
        wait_who(port)
        for _ in range(2):
            mark = sup.mark()
            before = sup.kill_worker()
            sup.wait_for_log("is listening again", since=mark)
            worker = sup.next_worker(before)
            assert int(wait_who(port)["pid"]) in [worker, *procs.descendants_of(worker)]
        wait_until(lambda sup=sup: len(given_up(sup)) == 2, "it is said at each restart")
        if habit != "epoll":
            sup.out.wait_for(str(port))
            assert set(sup.out.lines) == {f"{port} False False"}, sup.out.lines


@step("a child that does not have the socket is not in the way")
def _(t):
    port = free_port()
    command = f"sleep 1000 & exec {PYTHON} {server('simple.py')} {port}"
    sup = Sup(t, "--", "sh", "-c", command)
    wait_who(port)
    before = listeners(port)
    sup.kill_worker()
    assert ask_who(port)["pid"] == str(sup.worker())
    assert listeners(port) == before


@step("a held socket that another worker has is not given up for it: Address already in use")
def _(t):
    port = free_port()
    sup = Sup(t, "-n", "2", "--", PYTHON, server("copies_socket.py"), "helper", port)
    sup.wait_for_log("Address already in use")
    wait_who(port)
    assert is_listening(port)
    said = given_up(sup)
    assert said and "LISTEN_FDS" in said[0], sup.said()


@step("a server that fails since sup itself holds the address is not told to end sup")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{port}", "--restart=never", "--",
              PYTHON, server("copies_socket.py"), "helper", port)
    assert sup.wait() == 1
    said = "\n".join(sup.err.until_end())
    assert given_up(sup) and "Address already in use" in said, said
    assert str(sup.pid) not in said and "could not listen" not in said, said


run()
