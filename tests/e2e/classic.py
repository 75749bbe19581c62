#!/usr/bin/python3
"""The classic trouble: a server without SO_REUSEADDR cannot be started again; under `sup` it can.

The server is examples/echo-naive, an iterative TCP echo server.
"""

import errno
import os
import subprocess
import time

from harness import (TOP_BUILDDIR, Skip, Sup, bind_errno, connect, diag, for_everybody, free_port,
                     is_refused, run, step, tcp_sockets, wait_until)
from network import FIN_WAIT2, TIME_WAIT

LIFE = 1.1  # seconds of service after which the next restart is immediate
N_KILLS = int(os.environ.get("SUP_TEST_ECHO_KILLS", "100"))


def echo_naive():
    program = os.path.join(TOP_BUILDDIR, "examples", "echo-naive")
    if not os.path.exists(program):
        raise Skip("examples/echo-naive is not built")
    return for_everybody(program)


def echo(port):
    """Has one line echoed and returns the connection, still open."""
    client = connect(port)
    client.sendall(b"hello\n")
    assert client.recv(100) == b"hello\n"
    return client


def bare(t, port):
    """Starts echo-naive without sup."""
    process = subprocess.Popen([echo_naive(), str(port)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    t.defer(process.stderr.close)
    t.defer(process.kill)
    return process


def leave_a_leftover(t, port, client_closes):
    """Kills a bare echo-naive while a client is connected; TIME_WAIT or FIN_WAIT2 stays."""
    process = bare(t, port)
    wait_until(lambda: not is_refused(port), "the server listens")
    client = echo(port)
    process.kill()
    process.wait()
    if client_closes:
        client.close()
    else:
        t.defer(client.close)
    expected = TIME_WAIT if client_closes else FIN_WAIT2
    wait_until(lambda: any(state == expected for state, _, _ in tcp_sockets(port)),
               "the leftover of the connection is seen in the kernel's table")


@step("bare, killed with a client that closes then: TIME_WAIT stays, the next start: errno 98")
def _(t):
    port = free_port()
    leave_a_leftover(t, port, client_closes=True)
    second = bare(t, port)
    message = second.stderr.read().decode()
    assert second.wait(10) != 0, "the second start should have failed"
    assert "98" in message or "in use" in message, message
    diag(f"the second start said: {message.strip()}")
    assert bind_errno(port) == errno.EADDRINUSE


@step("bare, killed with a client that stays: FIN_WAIT2 stays, the next start fails")
def _(t):
    port = free_port()
    leave_a_leftover(t, port, client_closes=False)
    second = bare(t, port)
    assert second.wait(10) != 0, "the second start should have failed"
    assert bind_errno(port) == errno.EADDRINUSE


@step(f"under sup, killed {N_KILLS} times with a client connected, it answers at once each time")
def _(t):
    ports = [free_port() for _ in range(4)]  # four at a time, since each must live a second
    sups = [Sup(t, "--", echo_naive(), port) for port in ports]
    for port in ports:
        wait_until(lambda port=port: not is_refused(port), "the server listens")
    times = []
    while len(times) < N_KILLS:
        clients = [echo(port) for port in ports]
        time.sleep(LIFE)
        for sup, port in zip(sups, ports):
            begin = time.monotonic()
            sup.kill_worker()
            echo(port).close()
            times.append(time.monotonic() - begin)
        for client in clients:
            client.close()
    times.sort()
    diag(f"answered after the kill: median {times[len(times) // 2] * 1000:.0f} ms, "
         f"slowest {times[-1] * 1000:.0f} ms")
    assert times[-1] < 1, "an answer took longer than a second"


@step("with TIME_WAIT left by an earlier `sup -- echo-naive`, its very first start works at once")
def _(t):
    port = free_port()
    first = Sup(t, "--", echo_naive(), port)
    wait_until(lambda: not is_refused(port), "the server listens")
    client = echo(port)
    assert first.stop() == 0
    client.close()
    wait_until(lambda: any(state == TIME_WAIT for state, _, _ in tcp_sockets(port)),
               "the connection is in TIME_WAIT")
    begin = time.monotonic()
    Sup(t, "--", echo_naive(), port)
    wait_until(lambda: not is_refused(port), "the server listens", 5)
    echo(port).close()
    assert time.monotonic() - begin < 2, "it took longer than two seconds"


run()
