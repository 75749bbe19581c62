#!/usr/bin/python3
"""Habit: at SIGTERM it shuts its listener down, says so, and goes on for a while; .NET is like that.

With --ends it ends at once, as slapd does. With --twice it shuts the listener down a second time, as
socat does. With --told it says so when it has bound its unix socket, and listens after SIGUSR1.

usage: shuts_down.py [--ends] [--twice] [--told] [PORT|PATH|@ABSTRACT]

Without an address, with the listener that it is handed.
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


def listener_on(address):
    if address.isdigit():
        return tcp_listener(int(address))
    sock = socket.socket(socket.AF_UNIX)
    if os.path.exists(address):
        os.unlink(address)
    sock.bind(address.replace("@", "\0", 1))
    if "--told" in options:
        os.write(1, b"bound\n")
        signal.sigwait([signal.SIGUSR1])
    sock.listen()
    return sock


options = [word for word in sys.argv[1:] if word.startswith("--")]
addresses = [word for word in sys.argv[1:] if word not in options]
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1])
listener = listener_on(addresses[0]) if addresses else passed_listeners()[0]
serving = threading.Thread(target=serve, daemon=True)
serving.start()
os.write(1, b"ready\n")
signal.sigwait([signal.SIGTERM])
listener.shutdown(socket.SHUT_RDWR)
if "--twice" in options:
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is not connected, and is marked all the same
os.write(1, b"shut down\n")
if "--ends" in options:
    os._exit(0)
time.sleep(1000)
