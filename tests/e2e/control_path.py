#!/usr/bin/python3
"""The file of the control socket: born 0600, put in the place of a stale one, never of a living."""

import os
import socket
import stat
import threading

from control import Host, serves, verb
from harness import PATIENCE, Sup, need_root, run, step, wait_until


def fails(t, path, *words):
    """A host that cannot listen there says why in one sentence."""
    host = Host(t, path, expect=None)
    assert host.process.wait(10 * PATIENCE) == 1
    lines = host.err.until_end()
    assert len(lines) == 1, lines
    for word in words:
        assert word in lines[0], lines


@step("it has mode 0600 whatever the umask is, and goes with its owner")
def _(t):
    for mask in (0, 0o777):
        before = os.umask(mask)
        try:
            host = Host(t)
        finally:
            os.umask(before)
        mode = os.stat(host.path).st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode)
        host.end()
        assert not os.path.exists(host.path)


@step("what a killed instance left behind is replaced")
def _(t):
    first = Host(t)
    first.process.kill()
    first.process.wait()
    assert os.path.exists(first.path)
    serves(Host(t))


@step("a living one is never replaced, and its owner is named")
def _(t):
    first = Host(t)
    fails(t, first.path, first.path, f"pid {first.pid}")
    serves(first)


@step("neither is a file, a link to nowhere, a directory, or another server's socket")
def _(t):
    path = t.write("file", "precious\n")
    fails(t, path, path, "not a socket")
    os.symlink(t.path("nowhere"), t.path("link"))
    fails(t, t.path("link"), "not a socket")
    os.mkdir(t.path("directory"))
    fails(t, t.path("directory"), "not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(t.path("other"))
        fails(t, t.path("other"), t.path("other"))
    with open(path, encoding="utf-8") as file:
        assert file.read() == "precious\n"
    assert os.path.islink(t.path("link"))


@step("a path that is too long, or whose directory does not exist")
def _(t):
    fails(t, t.path("x" * 300), "too long")
    fails(t, t.path("no/such/dir"), "No such file")


@step("a path that is too long for an address is used all the same, and found")
def _(t):
    path = t.path("d" * 100)
    os.mkdir(path)
    os.chown(path, os.geteuid(), os.getegid())
    host = Host(t, f"{path}/fake.sock")
    assert "fake" in verb(t, "status", "--control", host.path)[0]
    host.end()
    assert os.listdir(path) == []
    fails(t, f"{path}/{'x' * 150}", "too long")


@step("sup with a name that has a colon and is long, or in a linked directory, can be reached")
def _(t):
    for name in ("eu:" + "shop" * 18, "linked"):
        directory = t.path(f"elsewhere/{name}" if name == "linked" else name)
        os.makedirs(directory)
        os.chown(directory, os.geteuid(), os.getegid())
        sup = Sup(t, "-v", "--name", name, "--", "sleep", "1000",
                  env={"RUNTIME_DIRECTORY": directory})
        sup.wait_for_log("the control socket is (.*)")
        if name == "linked":
            os.makedirs(t.path("run/sup"))
            os.symlink("../../elsewhere/linked", t.path("run/sup/linked"))
        out, _ = verb(t, "status", name, env={
            "RUNTIME_DIRECTORY": directory if name != "linked" else "",
            "XDG_RUNTIME_DIR": t.path("run")})
        assert name in out, out
        assert sup.stop() == 0


@step("a control socket that cannot be made is missed aloud")
def _(t):
    sup = Sup(t, "--name", "x" * 200, "--", "sleep", "1000", env={"RUNTIME_DIRECTORY": t.dir})
    sup.wait_for_log("cannot reach this sup: .* too long")
    assert sup.stop() == 0


@step("a path that somebody else has taken meanwhile is not removed at the end")
def _(t):
    host = Host(t)
    os.unlink(host.path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(host.path)
        host.end()
        assert os.path.exists(host.path)


@step("of many that start at once in the place of a stale one, exactly one gets it")
def _(t):
    os.mkdir(t.path("own"))  # they take turns in a directory that is their user's
    path = t.path("own/fake.sock")
    for _ in range(5):
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(path)
        stale.close()
        hosts = [None] * 8
        threads = [threading.Thread(target=lambda n=n: hosts.__setitem__(
            n, Host(t, path, expect=None))) for n in range(len(hosts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: sum(host.process.poll() == 1 for host in hosts) == 7, "seven gave up")
        [winner] = [host for host in hosts if host.process.poll() is None]
        winner.out.wait_for("listening")
        serves(winner)
        winner.end()


@step("sup itself: the second of a name gets one with its pid, and sweeps those of killed ones")
def _(t):
    os.makedirs(t.path("run"))
    os.chown(t.path("run"), os.geteuid(), os.getegid())
    env = {"XDG_RUNTIME_DIR": t.path("run")}
    first, second = (Sup(t, "-v", "--name", "shop", "--", "sleep", "1000", env=env)
                     for _ in range(2))
    paths = [sup.wait_for_log("the control socket is (.*)")[1] for sup in (first, second)]
    directory = t.path("run/sup")
    assert sorted(paths)[1] == f"{directory}/shop.sock", paths
    beside = first if paths[0] != f"{directory}/shop.sock" else second
    assert f"{directory}/shop-{beside.pid}.sock" in paths, paths
    assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
    assert set(os.listdir(directory)) == {os.path.basename(path) for path in paths}
    beside.process.kill()
    beside.process.wait()
    third = Sup(t, "-v", "--name", "shop", "--", "sleep", "1000", env=env)
    third.wait_for_log(f"the control socket is {directory}/shop-{third.pid}.sock")
    assert set(os.listdir(directory)) == {"shop.sock", f"shop-{third.pid}.sock"}
    assert third.stop() == 0
    assert os.listdir(directory) == ["shop.sock"]


@step("sup as an ordinary user without a directory for it has none, and does not mind")
def _(t):
    need_root("becomes an ordinary user")
    sup = Sup(t, "-v", "--", "sleep", "1000", user=True,
              env={"XDG_RUNTIME_DIR": "", "RUNTIME_DIRECTORY": ""})
    sup.sleeping_worker()
    sup.wait_for_log("worker 1 started")
    assert not sup.err.find("control"), sup.err.lines
    assert sup.stop() == 0


run()
