#!/usr/bin/python3
"""Habit: makes a copy of its socket before it binds it, and accepts from the copy.

dup: binds the one, listens on the other; late: binds and listens on the one; epoll: the copy is in
an epoll set already; helper: a child binds for its parent, as authbind does; prefork: a child accepts
from what its parent binds and listens on. The copy of dup is close-on-exec, the socket is not.

usage: copies_socket.py dup|late|epoll|helper|prefork PORT
"""

import os
import select
import socket
import sys

from answering import answer_forever, who

habit, address = sys.argv[1], ("127.0.0.1", int(sys.argv[2]))
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
copy = listener
if habit in ("dup", "late", "epoll"):
    copy = listener.dup()
    listener.set_inheritable(True)
if habit == "helper":
    child = os.fork()
    if not child:
        listener.bind(address)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit("the helper failed")
elif habit == "prefork":
    bound, tell = os.pipe()
    if os.fork():
        listener.bind(address)
        listener.listen()
        os.write(tell, b"x")
        os.wait()
        sys.exit("the child is gone")
    os.read(bound, 1)
elif habit == "epoll":
    epoll = select.epoll()
    epoll.register(copy, select.EPOLLIN)
    listener.bind(address)
    listener.listen()
    while True:
        epoll.poll()
        connection, _ = copy.accept()
        with connection:
            connection.sendall(who().encode())
else:
    listener.bind(address)
if habit == "late":
    listener.listen()
elif habit != "prefork":
    copy.listen()
print(copy.getsockname()[1], copy.get_inheritable(), listener.get_inheritable(), flush=True)
answer_forever(copy)
