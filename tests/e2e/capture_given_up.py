#!/usr/bin/python3
"""Capture: a port that the server gave up is closed, or its clients would hang."""

import os
import re
import signal

import procs
from harness import (PYTHON, Sup, ask_who, connect, free_port, is_listening, read_all, run, server,
                     step, wait_until, wait_who)


@step("a port that a running server closes is closed within ten seconds, the other serves on")
def _(t):
    ports = free_port(), free_port()
    sup = Sup(t, "--", PYTHON, server("gives_up_port.py"), *ports)
    sup.out.wait_for("ready")
    assert is_listening(ports[1])
    os.kill(sup.worker(), signal.SIGUSR1)
    wait_until(lambda: not is_listening(ports[1]), "the port given up is closed", 15)
    assert ask_who(ports[0])["pid"] == str(sup.worker())


@step("a server that was moved to another port: the old one is closed after the restart")
def _(t):
    ports = free_port(), free_port()
    conf = t.write("port", str(ports[0]))
    sup = Sup(t, "--", PYTHON, server("moves.py"), conf)
    wait_who(ports[0])
    t.write("port", str(ports[1]))
    sup.kill_worker()
    wait_who(ports[1])
    wait_until(lambda: not is_listening(ports[0]), "the port of before is closed", 15)


@step("a server that comes back on another address of its port, where both cannot be, gets it")
def _(t):
    for before, after in (("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "::"),
                          ("::", "0.0.0.0"), ("::1", "::"), ("::", "::1")):
        port = free_port()
        conf = t.write("address", f"{port} {before}")
        sup = Sup(t, "--", PYTHON, server("moves.py"), conf)
        sup.wait_for_log(rf"holding .*:{port}\b")
        t.write("address", f"{port} {after}")
        sup.kill_worker()
        mark = sup.mark()
        sup.wait_for_log(rf"holding .*{re.escape(after)}\]?:{port}\b", 5, mark)
        assert not [line for line in sup.err.lines if "in use" in line], sup.err.lines
        host = after if after.strip("0.:") else "::1" if after == "::" else "127.0.0.1"
        assert ask_who((host, port))["pid"] == str(sup.worker())


@step("what a process had that died, and that the worker itself starts again, stays for it; a path where it "
      "looks for another server is away after ten seconds")
def _(t):
    path, port = t.path("socket"), free_port()
    sup = Sup(t, "--", "sh", "-c", 'while :; do "$@"; sleep 0.2; done', "sh",
              PYTHON, server("asks_first.py"), path, port)
    before = wait_who(path)["pid"]
    procs.kill_and_wait(int(before))
    clients = [connect(address, 40) for address in (port, path)]
    now, = {read_all(client).split()[0] for client in clients}
    assert now != f"pid={before}"
    assert wait_who(path)["pid"] == wait_who(port)["pid"] == now[len("pid="):]
    assert not sup.err.find("closed"), sup.said()


@step("a port named with -l is not closed when a captured one already is")
def _(t):
    named, captured = [free_port(), free_port()], [free_port(), free_port()]
    sups = [Sup(t, "-l", f"127.0.0.1:{named[1]}", "--", PYTHON, server("gives_up_port.py"), *named),
            Sup(t, "--", PYTHON, server("gives_up_port.py"), *captured)]
    for sup in sups:
        sup.out.wait_for("ready")
        os.kill(sup.worker(), signal.SIGUSR1)
    wait_until(lambda: not is_listening(captured[1]), "the captured port is closed", 15)
    assert is_listening(named[1])


@step("a server that crashes before it binds keeps its port; one that binds others each time does not")
def _(t):
    port, file, starts = free_port(), t.path("file"), t.path("starts")
    os.mkdir(starts)
    sup = Sup(t, "--backoff-max=10ms", "--", PYTHON, server("other_each_time.py"), starts, file, port)
    sup.wait_for_log(rf"holding .*:{port} ")
    for _ in range(10):
        mark = sup.mark()
        t.write("file", "nothing")
        sup.wait_for_log("failure [0-9]+ in a row", since=mark)
    assert is_listening(port)
    t.write("file", "others")
    wait_until(lambda: len(os.listdir(starts)) > 12, "it was started many times", 30)
    t.write("file", "nothing")
    for _ in range(3):
        mark = sup.mark()
        sup.wait_for_log("failure [0-9]+ in a row", since=mark)
    numbers = range(1, 1 + len(os.listdir(starts)))
    held = [number for number in numbers if is_listening(port + number)]
    paths = [number for number in numbers if os.path.exists(f"{starts}.{number}")]
    assert held == paths == list(numbers)[-3:], (held, paths)
    assert not is_listening(port)


run()
