#!/usr/bin/python3
"""Habit: listens on two ports and gives the second one up at SIGUSR1.

usage: gives_up_port.py PORT PORT
"""

import signal
import sys
import threading

from answering import answer_forever, tcp_listener

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
first, second = (tcp_listener(int(port)) for port in sys.argv[1:])
serving = threading.Thread(target=answer_forever, args=[first])
serving.start()
print("ready", flush=True)
signal.sigwait([signal.SIGUSR1])
second.close()
serving.join()
