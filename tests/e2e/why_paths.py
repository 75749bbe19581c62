#!/usr/bin/python3
"""`sup why /PATH` and `sup why @NAME`: stale files, living servers, and what else may have the name."""

import os
import socket
import subprocess

from asking import IS_ROOT, Holder, ask_why
from harness import (PYTHON, Skip, Sup, free_port, need_bare, need_root, run, server, step,
                     wait_until, wait_who)

LISTENS = """
sock = socket.socket(socket.AF_UNIX, getattr(socket, sys.argv[2]))
sock.bind(sys.argv[1].replace("@", "\\0"))
if len(sys.argv) > 3:
    sock.listen()
ready()
forever()
"""


@step("a path that nobody has is free, and nothing is left there by asking")
def _(t):
    path = t.path("socket")
    for user in (False, True):
        assert ask_why(t, path, user=user).status == 0
    assert os.listdir(t.dir) == []


@step("a server that listens on the path, and is not disturbed by the question")
def _(t):
    for user in (False, True):
        path = t.path(f"socket{user}")
        holder = Holder(t, LISTENS, path, "SOCK_STREAM", "listen", user=user)
        answer = ask_why(t, path, user=user)
        assert answer.causes() == ["listener"] and answer.pids() == [holder.pid]
        assert answer.part(None)["sockets"][0]["queue"] == 0, "nobody connected to ask"
        assert f"kill {holder.pid}" in answer.remedies()[0]
        os.link(path, path + "2")
        assert ask_why(t, path + "2", user=user).pids() == [holder.pid], "a hard link is the same"
        os.chdir(t.dir)
        assert ask_why(t, f"./socket{user}", user=user, ).pids() == [holder.pid]


@step("a server of another user: that there is one, and that root sees more")
def _(t):
    need_root("two users")
    path = t.path("socket")
    Holder(t, LISTENS, path, "SOCK_STREAM", "listen")
    answer = ask_why(t, path, user=True)
    assert answer.causes() == ["listener"] and answer.pids() == []
    assert answer.part(None)["sockets"][0]["uid"] == 0 and "root" in answer.told("unseen")


@step("a stale file, which is to be removed")
def _(t):
    path = t.path("socket")
    Holder(t, LISTENS, path, "SOCK_STREAM", "listen").end()
    for user in (False, True):
        answer = ask_why(t, path, user=user)
        if user and IS_ROOT:
            assert answer.causes() == ["path-unknown"], "connect() needs the right to write to it"
            assert "as root" in answer.remedies()[0]
        else:
            assert answer.causes() == ["path-stale"]
            assert answer.remedies() == [f"remove the file: rm {path}"]
    assert os.path.exists(path)


@step("a socket that is bound to the path and does not listen is not stale")
def _(t):
    path = t.path("socket")
    holder = Holder(t, LISTENS, path, "SOCK_STREAM")
    answer = ask_why(t, path)
    assert answer.causes() == ["bound-not-listening"] and answer.pids() == [holder.pid]


@step("datagram and seqpacket sockets")
def _(t):
    for kind, prefix, cause in (("SOCK_DGRAM", "dgram:", "datagram-socket"),
                                ("SOCK_SEQPACKET", "seqpacket:", "listener")):
        path = t.path(kind)
        holder = Holder(t, LISTENS, path, kind, *(["listen"] if cause == "listener" else []))
        for asked in (prefix + path, path):
            answer = ask_why(t, asked)
            assert answer.pids() == [holder.pid], asked
        assert ask_why(t, prefix + path).causes() == [cause]
        holder.end()
        assert ask_why(t, prefix + path).causes() == ["path-stale"]


@step("an accepted connection does not keep the path of a server that has ended")
def _(t):
    path = t.path("socket")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    accepted, _ = listener.accept()
    listener.close()
    assert ask_why(t, path).causes() == ["path-stale"]
    accepted.close()
    client.close()


@step("a file, a directory, and links have the name: none of them is to be removed unseen")
def _(t):
    t.write("file", "precious\n")
    os.mkdir(t.path("directory"))
    os.symlink("/no/such/file", t.path("dangling"))
    os.symlink(t.path("file"), t.path("link"))
    for name, said in (("file", "a file that is not a socket"), ("directory", "a directory"),
                       ("dangling", "a symbolic link that leads nowhere"),
                       ("link", "a symbolic link")):
        answer = ask_why(t, t.path(name))
        assert answer.causes() == ["path-taken"]
        assert answer.first_line.endswith(f": {said} has this name."), answer.first_line
        assert not any("rm " in remedy for remedy in answer.remedies())


@step("a directory that does not exist, or that one may not write to")
def _(t):
    answer = ask_why(t, "/no/such/directory/socket")
    assert answer.causes() == ["directory"] and "mkdir -p /no/such/directory/" in answer.remedies()[0]
    os.mkdir(t.path("closed"))
    os.chmod(t.path("closed"), 0o555)
    answer = ask_why(t, t.path("closed/socket"), user=True)
    assert answer.causes() == ["directory"] and answer.part(None)["error"] == "EACCES"
    if IS_ROOT:
        assert ask_why(t, t.path("closed/socket")).status == 0
        os.chown(t.path("closed"), 0, 0)
        os.chmod(t.path("closed"), 0o775)  # of root's group, to which nobody does not belong
        assert ask_why(t, "--as-user", "nobody", t.path("closed/socket")).causes() == ["directory"]


@step("an abstract name")
def _(t):
    name = f"@sup-test-{os.getpid()}-{free_port()}"
    assert ask_why(t, name).status == 0
    holder = Holder(t, LISTENS, name, "SOCK_STREAM", "listen")
    answer = ask_why(t, name)
    assert answer.causes() == ["listener"] and answer.pids() == [holder.pid]
    assert ask_why(t, name + "x").status == 0


@step("a path on which somebody of another network namespace listens")
def _(t):
    need_root("a network namespace")
    path = t.path("socket")
    holder = Holder(t, LISTENS, path, "SOCK_STREAM", "listen", prefix=["unshare", "--net"])
    answer = ask_why(t, path)
    assert answer.causes() == ["listener"] and answer.pids() == [holder.pid]
    assert f"in the network namespace of pid {holder.pid}" in answer.first_line
    os.chmod(path, 0o777)
    answer = ask_why(t, path, user=True)
    assert answer.causes() == ["path-elsewhere"] and answer.pids() == []
    assert "another network namespace" in answer.first_line


@step("a path that sup holds")
def _(t):
    need_bare("sup goes by the name of valgrind")
    path = t.path("socket")
    sup = Sup(t, "-l", path, "--", PYTHON, server("activated.py"))
    wait_who(path)
    answer = ask_why(t, path)
    assert answer.causes() == ["listener"] and sup.pid in answer.pids()
    wait_until(lambda: sup.worker() in ask_why(t, path).pids(), "the worker has it too")


@step("many paths in one directory: each is told from the others")
def _(t):
    if not IS_ROOT:
        raise Skip("the host's own sockets are among them")
    holders = [Holder(t, LISTENS, t.path(f"s{n}"), "SOCK_STREAM", "listen") for n in range(3)]
    for n, holder in enumerate(holders):
        assert ask_why(t, t.path(f"s{n}")).pids() == [holder.pid]
    listing = subprocess.run([os.environ["SUP"], "why", "--listening"], check=True,
                             capture_output=True, text=True).stdout
    for holder in holders:
        assert str(holder.pid) in listing


run()
