#!/usr/bin/python3
"""The command line of `sup why`: what it takes, what it refuses, how it waits, and what it lists."""

import json
import os
import socket
import subprocess

import procs
from asking import IS_ROOT, REUSEPORT, Holder, ask_why, connection, listener, run_why
from harness import (REUSEADDR, Lines, Skip, Sup, free_port, is_refused, need, need_bare, need_root,
                     run, run_sup, step, sup_binary, wait_until)

LISTENS = """
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
ready()
forever()
"""


@step("0 is free, 1 is not free, 2 is wrong usage, in one sentence")
def _(t):
    port = free_port()
    assert ask_why(t, port).status == 0
    with listener(port):
        assert ask_why(t, port).status == 1
    for words, sentence in (([], "ADDRESS"), ([80, 81], "ADDRESS"), (["nonsense"], "nonsense"),
                            ([70000], "65535"), (["8080x"], "8080x"), (["fd:3"], "fd:3"),
                            (["--colour", 80], "--colour"), (["--as-user"], "--as-user"),
                            (["--as-user", "no-such-user", 80], "no-such-user"), ([0], "kernel"),
                            (["127.0.0.1:0"], "kernel"), (["--watch", "--json", 80], "--json"),
                            (["--listening", 80], "--listening"), (["80,colour=red"], "colour"),
                            (["--netns", "no-such-namespace", 80], "no-such-namespace")):
        screen = run_why(*words)
        assert screen.returncode == 2, (words, screen)
        assert screen.stdout == "" and len(screen.stderr.splitlines()) == 1, screen
        assert screen.stderr.startswith("sup: why: ") and sentence in screen.stderr, screen


@step("--help")
def _(_):
    screen = run_why("--help")
    assert screen.returncode == 0 and not screen.stderr
    for word in ("--json", "--as-user USER", "--reuseaddr", "--reuseport", "--watch", "--listening",
                 "--netns", "ADDRESS"):
        assert word in screen.stdout, word
    assert "\n  why [OPTION…] ADDRESS\n" in subprocess.run([sup_binary(), "--help"], check=True,
                                                           capture_output=True, text=True).stdout


@step("why is a verb as the first word only: after --, or with a slash, it is a command")
def _(t):
    need_bare("what is below sup needs the usual PATH")
    t.write("why", f"#!/bin/sh\necho ran >{t.path('ran')}\n", 0o755)
    for words, path in ((["./why"], os.defpath), (["--", "why"], t.dir)):
        sup = Sup(t, *words, env={"PATH": f"{path}:/bin"})
        wait_until(lambda: os.path.exists(t.path("ran")), f"sup {words} ran the command")
        sup.stop()
        os.unlink(t.path("ran"))
    status, lines = run_sup(t, "--", "why", env={"PATH": "/no/such/directory"})
    assert status == 127 and "why" in lines[-1], (status, lines)


@step("every form of an address that --listen takes")
def _(t):
    port = free_port()
    with listener(port):
        for address in (port, f"name={port}", f"tcp:{port}", f"*:{port}", f"127.0.0.1:{port}",
                        f"localhost:{port}", f"[::]:{port}", f"[::ffff:127.0.0.1]:{port}",
                        f"{port},backlog=5", f"web=127.0.0.1:{port},backlog=1"):
            answer = ask_why(t, address)
            assert answer.status == 1, address
            assert answer.data["asked"] == str(address)
            protocols = [part["protocol"] for part in answer.data["answers"]]
            bare = address in (port, f"name={port}", f"{port},backlog=5")
            assert ("udp" in protocols) == bare, (address, protocols)


@step("an answer to a program that closed its end early is no crash")
def _(t):
    port = free_port()
    with listener(port):
        shell = subprocess.run(["sh", "-c", f"{sup_binary()} why {port} | true; echo done"],
                               check=True, capture_output=True, text=True)
    assert shell.stdout == "done\n" and shell.stderr == "", shell


@step("--watch says what is in the way, and returns when the address is free")
def _(t):
    port = free_port()
    holder = Holder(t, LISTENS, port)
    watch = subprocess.Popen([sup_binary(), "why", "--watch", f"tcp:{port}"],
                             stdout=subprocess.PIPE)
    t.defer(watch.kill)
    out = Lines(watch.stdout)
    out.wait_for(rf"is not free: python3 \(pid {holder.pid}\) listens")
    assert watch.poll() is None
    holder.end()
    assert watch.wait(5) == 0
    assert out.until_end()[-1].endswith("is free."), out.lines


@step("--watch counts down while what is left of connections goes")
def _(t):
    port = free_port()
    accepted, client = connection(port)
    accepted.close()
    watch = subprocess.Popen([sup_binary(), "why", "--watch", f"tcp:{port}"],
                             stdout=subprocess.PIPE)
    t.defer(watch.kill)
    out = Lines(watch.stdout)
    seconds = [int(out.wait_for(r"free in (\d+) s")[1])]
    wait_until(lambda: len(out.lines) >= 3, "it counts")
    seconds += [int(line.partition("free in ")[2].split()[0]) for line in out.lines[1:3]]
    assert seconds == sorted(seconds, reverse=True) and seconds[0] > seconds[2], seconds
    client.send(b"x")  # answered by a reset, which ends it at once
    assert watch.wait(5) == 0


@step("--listening: all listeners with owner and queue, TCP, UDP and unix")
def _(t):
    port, path = free_port(), t.path("socket")
    code = """
tcp = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=7)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", int(sys.argv[1])))
unix = socket.socket(socket.AF_UNIX)
unix.bind(sys.argv[2])
unix.listen(5)
ready()
forever()
"""
    holder = Holder(t, code, port, path)
    with socket.create_connection(("127.0.0.1", port)):
        screen = run_why("--listening")
        parsed = json.loads(run_why("--listening", "--json").stdout)
    assert screen.returncode == 0
    ours = {row["protocol"]: row for row in parsed["listeners"] if row.get("pid") == holder.pid}
    assert set(ours) == {"tcp", "udp", "unix"}, ours
    assert ours["tcp"]["local"] == ours["udp"]["local"] == f"127.0.0.1:{port}"
    assert (ours["tcp"]["queue"], ours["tcp"]["queue_limit"]) == (1, 7)
    assert ours["unix"]["local"] == path and ours["unix"]["queue_limit"] == 5
    line = next(line for line in screen.stdout.splitlines() if f"127.0.0.1:{port} " in line)
    assert line.split()[:4] == ["tcp", f"127.0.0.1:{port}", "1/7", str(holder.pid)], line


@step("--listening as an ordinary user says of how many processes it cannot tell")
def _(t):
    need_root("two users")
    port = free_port()
    Holder(t, LISTENS, port)
    screen = run_why("--listening", user=True)
    line = next(line for line in screen.stdout.splitlines() if f"127.0.0.1:{port} " in line)
    assert line.split()[3] == "?" and "root" in line, line
    assert "Not seen: the open files of" in screen.stdout


def other_namespace(t, port):
    """A server in a network namespace of its own; not reachable from here."""
    return Holder(t, """
import subprocess
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
""" + LISTENS, port, prefix=[need("unshare"), "--net"])


@step("root is told that the port is in use in another network namespace, which is not in the way")
def _(t):
    need_root("a network namespace")
    port = free_port()
    holder = other_namespace(t, port)
    assert is_refused(port)
    answer = ask_why(t, port)
    assert answer.status == 0
    assert f"elsewhere: in the network namespace of pid {holder.pid}, python3 (pid {holder.pid})" \
        in answer.screen, answer.screen
    assert answer.data["elsewhere"][0]["netns_pid"] == holder.pid
    assert "elsewhere" not in ask_why(t, port, user=True).screen


@step("--netns looks there, by a process")
def _(t):
    need_root("a network namespace")
    port = free_port()
    holder = other_namespace(t, port)
    answer = ask_why(t, "--netns", holder.pid, port)
    assert answer.causes() == ["listener"] and answer.pids() == [holder.pid]
    rows = json.loads(run_why("--listening", "--json").stdout)["listeners"]
    row = next(row for row in rows if row.get("pid") == holder.pid)
    assert row["netns_pid"] == holder.pid and row["local"] == f"127.0.0.1:{port}"
    screen = run_why("--netns", holder.pid, port, user=True)
    assert screen.returncode == 2 and "cannot enter" in screen.stderr


@step("--netns looks there, by a name of ip netns")
def _(t):
    need_root("a network namespace")
    port = free_port()
    holder = other_namespace(t, port)
    # In a mount namespace of its own: nothing appears in the machine's /run/netns.
    mounted = ["unshare", "--mount", "sh", "-c",
               "mount -t tmpfs none /run && mkdir /run/netns && touch /run/netns/blue && "
               f"mount --bind /proc/{holder.pid}/ns/net /run/netns/blue && exec \"$@\"", "sh"]
    answer = ask_why(t, "--netns", "blue", port, prefix=mounted)
    assert answer.causes() == ["listener"] and answer.pids() == [holder.pid]
    answer = ask_why(t, port, prefix=mounted)
    assert "in the network namespace blue, python3" in answer.screen, answer.screen


@step("the log says the same when sup itself cannot bind: who, and what to do")
def _(t):
    port = free_port()
    holder = Holder(t, LISTENS, port)
    status, lines = run_sup(t, "-l", f"127.0.0.1:{port}", "--", "true")
    assert status == 1 and lines == [
        f"sup: cannot listen on 127.0.0.1:{port} (tcp): python3 (pid {holder.pid}) listens on "
        f"127.0.0.1:{port}; end pid {holder.pid}: kill {holder.pid}"], lines
    procs.stop_and_wait([holder.pid])
    status, lines = run_sup(t, "-l", f"127.0.0.1:{port}", "--", "true")
    assert "which is stopped" in lines[0] and "fg" in lines[0], lines


@step("the log says how long what is left of a server without SO_REUSEADDR stays")
def _(t):
    port = free_port()
    accepted, client = connection(port)
    accepted.close()
    client.close()
    status, lines = run_sup(t, "-l", f"127.0.0.1:{port}", "--", "true")
    assert status == 1 and len(lines) == 1, lines
    assert "TIME_WAIT; free in" in lines[0], lines


@step("the log says the same when a captured server cannot bind")
def _(t):
    port = free_port()
    accepted, client = connection(port)
    accepted.close()
    sup = Sup(t, "--", "/usr/bin/python3", "-c",
              f"import socket; socket.create_server(('127.0.0.1', {port})).accept()")
    sup.wait_for_log(rf"^sup: worker 1 could not listen on 127.0.0.1:{port} \(tcp\): a connection "
                     r"with .* has not been closed by the client yet \(FIN_WAIT2\); free in \d+ s")
    client.close()


@step("the options of the asker: SO_REUSEPORT and SO_REUSEADDR")
def _(t):
    if not IS_ROOT:
        raise Skip("needs root: a user of its own")
    port = free_port()
    with listener(port, REUSEPORT):
        assert ask_why(t, "--reuseport", port).status == 0
        assert ask_why(t, "--reuseaddr", port).status == 1
        assert ask_why(t, "--reuseport", "--as-user", "nobody", port).status == 1
        assert ask_why(t, f"{port},reuseport").status == 0
    accepted, client = connection(port, REUSEADDR)
    assert ask_why(t, "--reuseaddr", port).status == 0
    assert ask_why(t, port).status == 1
    accepted.close()
    client.close()


run()
