#!/usr/bin/python3
"""Capture: programs that bind a port to see whether it is free, close it, and bind it again."""

from harness import PYTHON, Sup, ask_who, free_port, run, server, step, wait_who


def tell(t, *arguments):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("test_binds.py"), *arguments, port)
    for _ in range(3):
        assert wait_who(port)["pid"] == str(sup.worker())
        old = sup.kill_worker()
        assert ask_who(port)["pid"] == str(sup.next_worker(old))
    assert not [line for line in sup.err.lines if "Traceback" in line], sup.err.lines


@step("a test bind without listen, then the bind in earnest, at every start")
def _(t):
    tell(t)


@step("a test bind that goes as far as listen, then the bind in earnest, at every start")
def _(t):
    tell(t, "listen")


@step("the same with the address named by -l")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{port}", "--", PYTHON, server("test_binds.py"), "listen", port)
    assert wait_who(port)["pid"] == str(sup.worker())


run()
