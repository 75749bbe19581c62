#!/usr/bin/python3
"""Habits: what servers do with the name of their unix socket, other than to unlink and bind it.

early      binds beside its path, renames, and only then listens
early-late the same, but it renames only once ../wait is gone
early-pid  the same under a name with its pid, and a second name for the old socket meanwhile, as HAProxy
pid        binds under a name with its pid, listens, renames
early-pid-dies  binds under a name with its pid and dies there as long as ../die is there
to-and-fro renames again and again, and binds the name before that at once
one-for-two  binds two sockets under one name, one after the other, and renames each
link       binds beside its path, listens, and gives it its name by link(2)
link-pid   the same under a name with its pid
alias      has a second name for it
aside      renames what is there before it binds
anew       removes its directory and makes it again, with paths that are relative to a descriptor
rm         the same, with rm(1)
one-by-one  the same, name by name
emptied    removes what is in its directory, and that too if it can
proc       binds through a descriptor of its directory, as for long paths
twice      binds and listens, changes its mind, and does both again
packets    serves packets from the second time on (PATH.packets is there)

usage: unix_names.py HABIT PATH
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time

from answering import answer_forever

habit, path = sys.argv[1:]
directory = os.path.dirname(path)


def remove(name):
    try:
        os.unlink(name)
    except FileNotFoundError:
        pass


def bind(name, kind=socket.SOCK_STREAM):
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(name)
    return sock


def listen(name, kind=socket.SOCK_STREAM):
    sock = bind(name, kind)
    sock.listen()
    return sock


def early():
    sock = bind(path + ".new")
    os.chmod(path + ".new", 0o620)
    os.rename(path + ".new", path)
    sock.listen()
    return sock


def early_late():
    print("binds", file=sys.stderr, flush=True)
    sock = bind(path + ".new")
    while os.path.exists(os.path.join(directory, "..", "wait")):
        time.sleep(0.01)
    os.chmod(path + ".new", 0o620)
    os.rename(path + ".new", path)
    sock.listen()
    return sock


def early_pid():
    new, old = f"{path}.{os.getpid()}.tmp", f"{path}.{os.getpid()}.bak"
    remove(new)
    remove(old)
    try:
        os.link(path, old)
    except FileNotFoundError:
        pass
    sock = bind(new)
    os.chmod(new, 0o620)
    os.rename(new, path)
    sock.listen()
    remove(old)
    return sock


def early_pid_dies():
    new = f"{path}.{os.getpid()}"
    sock = bind(new)
    if os.path.exists(os.path.join(directory, "..", "die")):
        os.kill(os.getpid(), signal.SIGKILL)
    os.rename(new, path)
    sock.listen()
    return sock


def to_and_fro():
    sock = renamed(f"{path}.0", f"{path}.1")
    for i in range(1, 3000):
        os.rename(f"{path}.{i}", f"{path}.{i + 1}")
        bind(f"{path}.{i}").close()
        os.unlink(f"{path}.{i}")
    os.rename(f"{path}.3000", path)
    return sock


def renamed(name, to):
    sock = listen(name)
    os.rename(name, to)
    return sock


def linked(name):
    remove(name)
    sock = listen(name)
    remove(path)
    os.link(name, path)
    os.unlink(name)
    return sock


def alias():
    remove(path)
    remove(path + ".too")
    sock = listen(path)
    os.link(path, path + ".too")
    return sock


def aside():
    if os.path.exists(path):
        os.rename(path, path + ".old")
    sock = listen(path)
    remove(path + ".old")
    return sock


def anew():
    shutil.rmtree(directory)
    os.mkdir(directory)
    return listen(path)


def emptied():
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory, exist_ok=True)
    return listen(path)


def rm():
    subprocess.run(["rm", "-r", directory], check=True)
    os.mkdir(directory)
    return listen(path)


def one_by_one():
    remove(path)
    os.rmdir(directory)
    os.mkdir(directory)
    return listen(path)


def proc():
    remove(path)
    return listen(f"/proc/self/fd/{os.open(directory, os.O_PATH)}/{os.path.basename(path)}")


def twice():
    remove(path)
    first = listen(path)
    remove(path)
    first.close()
    return listen(path)


def packets():
    remove(path)
    again = os.path.exists(path + ".packets")
    return listen(path, socket.SOCK_SEQPACKET if again else socket.SOCK_STREAM)


listeners = {
    "early": lambda: [early()],
    "early-late": lambda: [early_late()],
    "early-pid": lambda: [early_pid()],
    "early-pid-dies": lambda: [early_pid_dies()],
    "to-and-fro": lambda: [to_and_fro()],
    "pid": lambda: [renamed(f"{path}.{os.getpid()}", path)],
    "one-for-two": lambda: [renamed(path + ".new", path), renamed(path + ".new", path + "2")],
    "link": lambda: [linked(path + ".new")],
    "link-pid": lambda: [linked(f"{path}.{os.getpid()}")],
    "alias": lambda: [alias()],
    "aside": lambda: [aside()],
    "anew": lambda: [anew()],
    "emptied": lambda: [emptied()],
    "rm": lambda: [rm()],
    "one-by-one": lambda: [one_by_one()],
    "proc": lambda: [proc()],
    "twice": lambda: [twice()],
    "packets": lambda: [packets()],
}[habit]()
answer_forever(*listeners)
