#!/usr/bin/python3
"""Habit: puts its socket into an epoll set before it binds it, and trusts the registration.

usage: epoll_first.py PORT
"""

import select
import socket
import sys

from answering import who

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
epoll = select.epoll()
epoll.register(listener, select.EPOLLIN)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen()
while True:
    for _, events in epoll.poll():
        if events & select.EPOLLIN:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(who().encode())
