#!/usr/bin/python3
"""Capture: what a new worker set on its own socket holds for the one that it gets instead."""

import os

from harness import PYTHON, Sup, ask_who, free_port, need_root, run, server, step, wait_until


def told_after(sup, starts):
    """What the server printed at its latest start."""
    wait_until(lambda: len(sup.out.lines) >= starts, f"the server has started {starts} times")
    return list(map(int, sup.out.lines[starts - 1].split()))


# RCVBUF is told back doubled by the kernel, TCP_DEFER_ACCEPT rounded up to its retransmissions.
FIRST = "8192 0 0 0 0 0 1", [16384, 0, 0, 0, 0, 0, 1]
SECOND = "32768 1 1 0 16 1 0", [65536, 1, 1, 0, 16, 1, 0]
THIRD = "8192 0 0 1 8 0 1", [16384, 0, 0, 1, 8, 0, 1]


@step("buffers, keepalive, nodelay, defer-accept and TOS follow the configuration of each start")
def _(t):
    port = free_port()
    conf = t.write("options", FIRST[0])
    sup = Sup(t, "--", PYTHON, server("sets_options.py"), port, conf)
    for number, (text, _) in enumerate((SECOND, THIRD, FIRST), 1):
        told_after(sup, number)
        t.write("options", text)
        sup.kill_worker()
    told_after(sup, 4)
    expected = [FIRST[1], SECOND[1], THIRD[1], FIRST[1]]
    seen = [told_after(sup, number) for number in range(1, 5)]
    assert [values[:5] for values in seen] == [values[:5] for values in expected], seen


@step("all options that matter are on the held socket if the server set them, and else as at first")
def _(t):
    need_root("SO_MARK")
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        port = free_port()
        host = "[::1]" if kind.endswith("6") else "127.0.0.1"
        unset = t.write("unset", "")
        listen = [] if kind.startswith("tcp") else ["-l", f"udp:{host}:{port}"]
        sup = Sup(t, *listen, "--", PYTHON, server("sets_many_options.py"), kind, port, unset)
        said = []
        for start in range(1, 5):
            wait_until(lambda n=start: len(sup.out.lines) >= n, f"{kind} has started")
            said.append(sup.out.lines[-1].split())
            if start % 2:
                os.unlink(unset)
            else:
                t.write("unset", "")
            sup.kill_worker()
        lost = [set_ for first, set_ in zip(said[0], said[1]) if first == set_]
        assert not lost, f"{kind}: not copied: {lost}"
        left = [(first, back) for first, back in zip(said[0], said[2]) if first != back]
        assert not left, f"{kind}: still there when the server does not set them: {left}"
        assert said[3] == said[1]


@step("O_NONBLOCK and FD_CLOEXEC are those that the server had set")
def _(t):
    port = free_port()
    conf = t.write("options", FIRST[0])
    sup = Sup(t, "--", PYTHON, server("sets_options.py"), port, conf)
    assert told_after(sup, 1)[5:] == [0, 1]
    t.write("options", SECOND[0])
    sup.kill_worker()
    assert told_after(sup, 2)[5:] == [1, 0]
    t.write("options", FIRST[0])
    sup.kill_worker()
    assert told_after(sup, 3)[5:] == [0, 1]
    ask_who(port)


run()
