#!/usr/bin/python3
"""Habit: binds its port to see whether it is free, closes it, and binds again in earnest.

With "listen" the test goes as far as listen().

usage: test_binds.py [listen] PORT
"""

import socket
import sys

from answering import answer_forever, tcp_listener

port = int(sys.argv[-1])
with socket.socket() as test:
    test.bind(("127.0.0.1", port))
    if "listen" in sys.argv:
        test.listen()
answer_forever(tcp_listener(port))
