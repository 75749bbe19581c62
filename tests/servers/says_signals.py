#!/usr/bin/python3
"""Habit: prints the name of every signal it gets; ends with status 7 at the polite ones.

usage: says_signals.py PORT
"""

import os
import signal
import sys
import threading

from answering import answer_forever, tcp_listener

POLITE = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
ALL = POLITE | {signal.SIGUSR1, signal.SIGUSR2}

signal.pthread_sigmask(signal.SIG_BLOCK, ALL)
listener = tcp_listener(int(sys.argv[1]))
threading.Thread(target=answer_forever, args=[listener], daemon=True).start()
while True:
    number = signal.Signals(signal.sigwait(ALL))
    print(number.name, flush=True)
    if number in POLITE:
        os._exit(7)
