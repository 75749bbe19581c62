#!/usr/bin/python3
"""Habit: a unix datagram socket whose path is removed before it is bound; prints what it gets.

usage: unix_datagrams.py PATH
"""

import os
import socket
import sys

sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
if os.path.exists(sys.argv[1]):
    os.unlink(sys.argv[1])
sock.bind(sys.argv[1])
while True:
    print("got", sock.recv(65536).decode(), flush=True)
