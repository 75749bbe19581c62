"""What the small servers share: say who answers, to everybody who connects.

The answer to a connection is one line, "pid=17 worker=1 generation=2 listener=0", then EOF.
"""

import os
import selectors
import socket


def answer_forever(*listeners):
    """Accepts from all listeners, which become non-blocking."""
    selector = selectors.DefaultSelector()
    for index, listener in enumerate(listeners):
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, index)
    while True:
        for key, _ in selector.select():
            try:
                connection, _ = key.fileobj.accept()
            except BlockingIOError:
                continue
            with connection:
                try:
                    connection.sendall(who(key.data).encode())
                except OSError:
                    pass  # the client did not wait


def who(listener=0):
    worker, generation = os.environ.get("SUP_WORKER"), os.environ.get("SUP_GENERATION")
    return f"pid={os.getpid()} worker={worker} generation={generation} listener={listener}\n"


def tcp_listener(port, host="127.0.0.1", backlog=128):
    """A listener without any option."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.bind((host, port))
    listener.listen(backlog)
    return listener


def passed_listeners():
    """The sockets handed over by the protocol of sd_listen_fds(3)."""
    if os.environ.get("LISTEN_PID") not in (None, str(os.getpid())):
        return []
    return [socket.socket(fileno=fd) for fd in range(3, 3 + int(os.environ.get("LISTEN_FDS", "0")))]
