#!/usr/bin/python3
"""Habit: shuts down gracefully at SIGTERM: takes no new connection, finishes those it has.

HTTP/1.1 with connections that stay open. After SIGTERM the next answer on each says
"Connection: close"; a client that does not ask any more has two seconds.

usage: graceful_http.py PORT
"""

import os
import signal
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler

stopping = threading.Event()


class Handler(BaseHTTPRequestHandler):
    """Says who answers."""

    protocol_version = "HTTP/1.1"
    timeout = 2

    def do_GET(self):
        body = f"pid={os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if stopping.is_set():
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    """Waits for its threads at the end."""

    daemon_threads = False
    request_queue_size = 128


with Server(("127.0.0.1", int(sys.argv[1])), Handler) as server:
    def stop(*_):
        stopping.set()
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever(poll_interval=0.05)
