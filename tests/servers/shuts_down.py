#!/usr/bin/python3
"""Habit: at SIGTERM it shuts its listener down, says so, and goes on for a while; .NET is like that.

usage: shuts_down.py [PORT]         without a port, with the listener that it is handed
"""

import os
import signal
import socket
import sys
import threading
import time

from answering import answer_forever, passed_listeners, tcp_listener


def serve():
    while True:
        try:
            answer_forever(listener)
        except OSError:
            time.sleep(0.01)  # somebody has shut it down


signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
listener = tcp_listener(int(sys.argv[1])) if sys.argv[1:] else passed_listeners()[0]
serving = threading.Thread(target=serve, daemon=True)
serving.start()
os.write(1, b"ready\n")
signal.sigwait([signal.SIGTERM])
listener.shutdown(socket.SHUT_RDWR)
os.write(1, b"shut down\n")
time.sleep(1000)
