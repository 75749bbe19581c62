#!/usr/bin/python3
"""Habit: the same port by TCP and by UDP, as name servers have it; UDP is bound first.

usage: two_protocols.py PORT
"""

import os
import socket
import sys
import threading

from answering import answer_forever, tcp_listener

port = int(sys.argv[1])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", port))
threading.Thread(target=answer_forever, args=[tcp_listener(port)]).start()
while True:
    data, sender = sock.recvfrom(65536)
    sock.sendto(str(os.getpid()).encode(), sender)
