#!/usr/bin/python3
"""Habit: speaks sd_notify(3) by itself, as it is told to.

usage: speaks.py PORT COMMANDS

COMMANDS is a file (or a named pipe) of lines; each is sent as a message with \\n for a new line,
or is one of: listen, barrier (waits for the answer and prints it), store NAME (a pipe), stop,
become UID, child UID LINE (a process that becomes that user, sends the line, waits until that was
heard, and ends), brief UID LINE (the same, but it ends at once).
Prints what it was handed, and each line when it is done.
"""

import array
import os
import select
import socket
import sys
import threading

from answering import answer_forever

port, commands = sys.argv[1:3]
address = os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1)
print("handed", os.environ.get("LISTEN_FDNAMES", "-"), os.environ.get("WATCHDOG_USEC", "-"),
      os.environ.get("WATCHDOG_PID", "-") == str(os.getpid()), flush=True)


def send(text, *fds):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        sock.sendmsg([text.encode()], rights, 0, address)


def barrier():
    ours, theirs = os.pipe()
    send("BARRIER=1", theirs)
    os.close(theirs)
    poll = select.poll()
    poll.register(ours, 0)
    return bool(poll.poll(5000))


def become(uid):
    os.setgroups([])
    os.setgid(int(uid))
    os.setuid(int(uid))


def child(uid, text, waits):
    pid = os.fork()
    if not pid:
        become(uid)
        send(text)
        if waits:
            barrier()
        os._exit(0)
    os.waitpid(pid, 0)


with open(commands, encoding="utf-8") as lines:
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word == "listen":
            listener = socket.create_server(("127.0.0.1", int(port)))
            threading.Thread(target=answer_forever, args=[listener], daemon=True).start()
        elif word == "barrier":
            print("barrier answered", barrier(), flush=True)
        elif word == "store":
            send(f"FDSTORE=1\nFDNAME={rest}", os.pipe()[0])
        elif word == "become":
            become(rest)
        elif word in ("child", "brief"):
            child(*rest.split(" ", 1), word == "child")
        elif word == "stop":
            sys.exit(int(rest or "0"))
        else:
            send(line.strip().replace("\\n", "\n"))
        print("done", line.strip(), flush=True)
threading.Event().wait()
