#!/usr/bin/python3
"""Habit: binds its address a second time while it listens there, and prints how that ends.

With "reuseport" both sockets have SO_REUSEPORT and both serve. With "unheard" both are bound before
the first of them listens. With "dual" it binds 0.0.0.0 and then [::] for both families. The options
come before the port.

usage: binds_twice.py [reuseport] [unheard] [dual] PORT
"""

import errno
import socket
import sys

from answering import answer_forever

port = int(sys.argv[-1])
listeners, later = [], []
for host in ("0.0.0.0", "::") if "dual" in sys.argv else ("127.0.0.1",) * 2:
    listener = socket.socket(socket.AF_INET6 if host == "::" else socket.AF_INET)
    if host == "::":
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    if "reuseport" in sys.argv:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
        if "unheard" in sys.argv:
            later.append(listener)
        else:
            listener.listen()
        listeners.append(listener)
        print("listens", flush=True)
    except OSError as error:
        print(errno.errorcode[error.errno], flush=True)
for listener in later:
    listener.listen()
answer_forever(*listeners)
