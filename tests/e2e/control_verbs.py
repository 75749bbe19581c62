#!/usr/bin/python3
"""The verbs of the command line, as an operator and as a script see them."""

import json
import os
import pty
import re
import signal
import socket
import subprocess

import procs
from control import Host, fds_at_rest, verb, wait_for_fds
from harness import PATIENCE, need_bare, need_root, run, step, sup_binary
from supervised import WRAPPER


def place(t, name="run"):
    """A directory for control sockets, as $XDG_RUNTIME_DIR/sup, and the environment for it."""
    os.makedirs(t.path(f"{name}/sup"), exist_ok=True)
    os.chmod(t.path(name), 0o777)
    os.chmod(t.path(f"{name}/sup"), 0o777)
    return t.path(f"{name}/sup"), {"XDG_RUNTIME_DIR": t.path(name)}


@step("status: the instance, its workers and its listeners, aligned, and harmless to the terminal")
def _(t):
    host = Host(t)
    out, _ = verb(t, "status", "--control", host.path)
    lines = out.splitlines()
    assert lines[0] == (f"fake: serving, generation 1, up 3 h 5 min, pid {host.pid}, sup 0.1.0"), out
    assert lines[1] == "command: ./server '--title=two words'", out
    workers = lines[3:6]
    assert workers[0].split() == ["WORKER", "ROLE", "STATE", "GENERATION", "PID", "UP",
                                  "RESTARTS", "LAST", "END"], out
    assert workers[1].index("killed") == workers[0].index("LAST"), out
    assert re.search(r"^1 +active +ready +1 +101 +2\.5 s +12 +killed by signal 9 \(KILL\)$",
                     workers[1]), out
    assert re.search(r"^2 +standby +par\?ked +1 +102 +- +0 +-$", workers[2]), out
    assert re.search(r"^web +0\.0\.0\.0:8080 +captured +1 +7 +4096$", lines[8]), out
    assert "\033" not in out


@step("status --json: the object as it came")
def _(t):
    host = Host(t)
    out, _ = verb(t, "status", "--json", "--control", host.path)
    assert json.loads(out)["workers"][1]["state"] == "par\033ked", out
    assert out.count("\n") == 1 and out.endswith("\n"), out


@step("reload: a line for each phase, then one sentence with the numbers; status remembers them")
def _(t):
    host = Host(t)
    out, _ = verb(t, "reload", "--control", host.path)
    assert out.splitlines() == [
        "fake: starting 0 of 2", "fake: ready", "fake: draining 12 connections", "fake: done",
        "fake is reloaded: generation 2 in 1.3 s; longest wait in the queue 2.1 ms, deepest queue "
        "3, overflows 0; old connections finished 9, cut 0"], out
    out, _ = verb(t, "status", "--control", host.path)
    assert "\nlast reload: generation 2 in 1.3 s; " in out, out


@step("reload --json: nothing but the result")
def _(t):
    host = Host(t)
    out, _ = verb(t, "reload", "--json", "--control", host.path)
    assert json.loads(out)["finished"] == 9 and out.count("\n") == 1, out


@step("reload on a terminal: one line that grows")
def _(t):
    host = Host(t)
    ours, theirs = pty.openpty()
    with subprocess.Popen([*WRAPPER, sup_binary(), "reload", "--control", host.path], stdout=theirs,
                          stderr=theirs, stdin=subprocess.DEVNULL) as process:
        os.close(theirs)
        text = b""
        try:
            while data := os.read(ours, 4096):
                text += data
        except OSError:
            pass  # EIO: the last one has closed it
        os.close(ours)
        assert process.wait(10 * PATIENCE) == 0
    first, second = text.decode().rstrip("\r\n").split("\r\n")
    shown = [part.removesuffix("\033[K") for part in first.split("\r")[1:]]
    assert shown[0] == "fake: starting 0 of 2", shown
    assert shown[-1] == "fake: starting 1 of 2, ready, draining 12 → 3 connections, done", shown
    assert second.startswith("fake is reloaded: generation 2"), second


@step("reload: the options and the new command arrive as they were meant")
def _(t):
    host = Host(t)
    verb(t, "reload", "--control", host.path, "--drain=connections", "--canary", "2.5%", "--bake",
         "1min", "--check", "curl -f x", "--", "./new", "--canary", "--", "x y")
    host.out.wait_for("^reload ")
    asked = json.loads(host.asked()[-1].partition(" ")[2])
    assert asked == {"drain": "connections", "canary_percent": 2.5, "bake_usec": 60000000,
                     "check": "curl -f x", "command": ["./new", "--canary", "--", "x y"]}, asked
    verb(t, "reload", "--reload=serial", "--control", host.path)
    host.was_asked('reload {"reload":"serial"}')


@step("reload that fails: exit status 1, and the reason in one sentence")
def _(t):
    host = Host(t)
    out, err = verb(t, "reload", "--control", host.path, "--", "broken", status=1)
    assert out == "" and err == ("sup: the new generation exited with status 3; the old one "
                                 "stays\n"), (out, err)


@step("reload --no-wait: returns when it is accepted, and says when it is not")
def _(t):
    host = Host(t)
    out, err = verb(t, "reload", "--no-wait", "--control", host.path, "--", "never")
    assert (out, err) == ("", "")
    host.out.wait_for('reload .*"never"')
    _, err = verb(t, "reload", "--no-wait", "--control", host.path, "--", "broken", status=1)
    assert "status 3" in err, err


@step("reload that is interrupted with Ctrl-C goes on, unheard")
def _(t):
    need_bare("the signal is for sup alone")
    host = Host(t)
    process = subprocess.Popen([*WRAPPER, sup_binary(), "reload", "--control", host.path],
                               stdout=subprocess.PIPE)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.wait(10 * PATIENCE)
    process.stdout.close()
    host.out.wait_for("unheard")


@step("restart, scale, signal and drain say what was done")
def _(t):
    host = Host(t)
    for words, sentence, asked in (
            (["restart"], "fake is restarted", "restart {}"),
            (["restart", "2"], "worker 2 of fake is restarted", 'restart {"worker":2}'),
            (["scale", "4"], "fake has 4 workers", 'scale {"workers":4}'),
            (["scale", "+1"], "fake has 5 workers", 'scale {"change":1}'),
            (["scale", "-1"], "fake has 4 workers", 'scale {"change":-1}'),
            (["scale", "1"], "fake has 1 worker", 'scale {"workers":1}'),
            (["signal", "USR1"], "signal USR1 is sent to the workers of fake",
             'signal {"signal":"USR1"}'),
            (["signal", "SIGHUP", "2"], "signal SIGHUP is sent to worker 2 of fake",
             'signal {"signal":"SIGHUP","worker":2}'),
            (["signal", "10"], "signal 10 is sent to the workers of fake",
             'signal {"signal":"10"}'),
            (["drain", "1"],
             "worker 1 of fake is retired; worker 3 serves in its stead", 'drain {"worker":1}')):
        out, _ = verb(t, *words, "--control", host.path)
        assert out == sentence + "\n", out
        host.was_asked(asked)
    _, err = verb(t, "drain", "9", "--control", host.path, status=1)
    assert err == "sup: there is no such worker\n", err


@step("ready: exit status 0 when it serves, 1 when not, for health checks")
def _(t):
    host = Host(t)
    out, _ = verb(t, "ready", "--control", host.path)
    assert out == "fake is ready\n", out
    verb(t, "signal", "USR1", "--control", host.path)
    out, _ = verb(t, "ready", "--control", host.path, status=1)
    assert out == "fake is not ready\n", out


@step("an instance that hangs does not hang whoever looks after its health")
def _(t):
    host = Host(t)
    procs.stop_and_wait([host.pid])
    _, err = verb(t, "ready", "--control", host.path, status=1)
    assert "does not answer" in err and err.count("\n") == 1, err
    procs.send(host.pid, signal.SIGCONT)


@step("upgrade: the connection ends, the new program answers, with the same pid")
def _(t):
    host = Host(t)
    with host.client() as idle:
        for number in (1, 2, 3):
            out, _ = verb(t, "upgrade", "--control", host.path)
            assert out == f"fake is upgraded to sup 0.1.0, pid {host.pid}\n", out
            assert idle.at_end()
            with host.client() as client:
                assert client.ask("status")["upgrades"] == number
    out, _ = verb(t, "upgrade", "--json", "--control", host.path)
    assert json.loads(out)["upgrades"] == 4, out
    out, _ = verb(t, "status", "--control", host.path)
    assert ", upgraded 4 times\n" in out, out
    before = fds_at_rest(host.pid, host.path)
    verb(t, "upgrade", "--control", host.path)
    wait_for_fds(host, before)
    host.end()
    assert not os.path.exists(host.path), "the adopted socket stayed behind"


@step("upgrade that is refused: exit status 1, and the old program goes on")
def _(t):
    host = Host(t, t.path("stubborn.sock"))
    _, err = verb(t, "upgrade", "--control", host.path, status=1)
    assert err == "sup: stubborn is not upgraded: the new program has the wrong format\n", err
    verb(t, "status", "--control", host.path)


@step("stop: done when it is done, and the socket is gone")
def _(t):
    host = Host(t)
    out, _ = verb(t, "stop", "--control", host.path)
    assert out == "fake is stopped\n", out
    assert host.process.wait(10 * PATIENCE) == 0
    assert not os.path.exists(host.path)


@step("the name may be left out when one instance runs, and has to be said when several do")
def _(t):
    directory, env = place(t)
    Host(t, f"{directory}/shop.sock")
    verb(t, "status", env=env)
    verb(t, "status", "shop", env=env)
    os.mkdir(f"{directory}/blog")
    Host(t, f"{directory}/blog/blog.sock")
    _, err = verb(t, "status", env=env, status=2)
    assert err == "sup: several instances run; give the name of one of them: blog, shop\n", err
    verb(t, "status", "blog", env=env)
    _, err = verb(t, "status", "bolg", env=env, status=4)
    assert err == "sup: there is no instance called bolg; those that run are: blog, shop\n", err


@step("exit status 3: the socket is there, and nobody listens; 4: there is no such instance")
def _(t):
    directory, env = place(t)
    _, err = verb(t, "status", env=env, status=4)
    assert "no instance" in err, err
    _, err = verb(t, "ready", "shop", env=env, status=4)
    assert "shop" in err, err
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(f"{directory}/shop.sock")
    for words in (["status"], ["status", "shop"], ["stop", "shop"],
                  ["ready", "--control", f"{directory}/shop.sock"]):
        _, err = verb(t, *words, env=env, status=3)
        assert "shop does not run" in err and err.count("\n") == 1, err
    verb(t, "ready", "--control", t.path("nothing.sock"), status=4)
    Host(t, f"{directory}/blog.sock")
    verb(t, "status", env=env)


@step("the places: $RUNTIME_DIRECTORY first, then $XDG_RUNTIME_DIR/sup")
def _(t):
    directory, env = place(t)
    other, _ = place(t, "other")
    Host(t, f"{directory}/shop.sock")
    second = Host(t, f"{other}/shop.sock")
    verb(t, "restart", "shop", env=dict(env, RUNTIME_DIRECTORY=f"{other}:/nowhere"))
    second.was_asked("restart {}")


@step("another user's instance is not mine: it is neither listed nor opened")
def _(t):
    need_root("speaks as two users")
    directory, env = place(t)
    Host(t, f"{directory}/shop.sock")
    _, err = verb(t, "status", env=env, user=True, status=4)
    assert "for this user" in err, err
    _, err = verb(t, "status", "shop", env=env, user=True, status=1)
    assert "another user" in err, err
    mine = Host(t, f"{directory}/blog.sock", user=True)
    verb(t, "restart", env=env, user=True)
    mine.was_asked("restart {}")


@step("wrong words: one sentence, exit status 2, and nothing is asked")
def _(t):
    host = Host(t)
    for words, sentence in (
            (["scale"], "number of workers"), (["scale", "x"], "number of workers"),
            (["scale", "0"], "number of workers"), (["drain"], "number of a worker"),
            (["drain", "shop"], "number of a worker"), (["signal"], "needs a signal"),
            (["signal", "NIX"], "NIX"), (["status", "--colour"], "--colour"),
            (["status", "--canary=5%"], "--canary"), (["reload", "--drain=slowly"], "slowly"),
            (["reload", "--reload=never"], "never"), (["reload", "--canary=0%"], "0%"),
            (["reload", "--canary=101%"], "101%"), (["reload", "--canary=5%%"], "5%%"),
            (["reload", "--canary=0x1"], "0x1"), (["reload", "--bake=soon"], "soon"),
            (["reload", "--check="], "--check"), (["reload", "--canary"], "argument"),
            (["reload", "--json=yes"], "no argument"), (["reload", "--"], "no command"),
            (["stop", "--", "x"], "no command"), (["reload", "--", "\udcff"], "UTF-8"),
            (["reload", "--canary=5%"], "--bake"),
            (["reload", "--reload=serial", "--bake=1s"], "serial")):
        _, err = verb(t, words[0], "--control", host.path, *words[1:], status=2)
        assert sentence in err and err.startswith("sup: ") and err.count("\n") == 1, (words, err)
    for words, sentence in ((["status", "a", "b"], "'b'"), (["status", "a/b"], "a/b"),
                            (["status", "a", "--control", "b"], "both")):
        _, err = verb(t, *words, status=2)
        assert sentence in err and err.count("\n") == 1, (words, err)
    host.was_asked_nothing()


@step("a command that is too long for the control socket is refused in a sentence")
def _(t):
    host = Host(t)
    _, err = verb(t, "reload", "--control", host.path, "--", "x" * 70000, status=1)
    assert "too long" in err and err.count("\n") == 1, err


@step("what does not speak the protocol is recognised")
def _(t):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(t.path("other.sock"))
        listener.listen()
        process = subprocess.Popen([*WRAPPER, sup_binary(), "status", "--control",
                                    t.path("other.sock")], stderr=subprocess.PIPE)
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 mail.example.org ESMTP\r\n")
            _, err = process.communicate(timeout=30 * PATIENCE)
    assert process.returncode == 1 and b"does not understand" in err, err


@step("a word with a slash, or behind --, is a command and no verb")
def _(t):
    path = t.write("status", "#!/bin/sh\necho 'I am a server'\n", 0o755)
    for words in ([path], ["./status"], ["--", "status"]):
        out, _ = verb(t, "--restart=never", *words, env={"PATH": f"{t.dir}:{os.environ['PATH']}"})
        assert out == "I am a server\n", out


@step("--help: of sup with all verbs, and of each verb with its options")
def _(t):
    out, _ = verb(t, "--help")
    for name in ("status", "reload", "restart", "stop", "scale", "signal", "drain", "ready",
                 "upgrade"):
        assert re.search(rf"^  {name} \[NAME\]", out, re.MULTILINE), out
        own, _ = verb(t, name, "--help")
        assert own.startswith(f"sup {name} [NAME]") and "--control PATH" in own, own
        assert ("--canary" in own) == (name == "reload"), own


run()
