#!/usr/bin/python3
"""A server with a graceful shutdown, and the default reload; see reloads.py."""

from harness import PYTHON, server
from reloads import check_clients, check_load, reload_story, start

PORT = 8001

reload_story(
    "a server with a graceful shutdown",
    lambda t: ("--", PYTHON, server("graceful_http.py"), PORT),
    lambda t: [(check_load, start(t, "load.py", "http", "127.0.0.1", PORT, 200)),
               (check_clients, start(t, "clients.py", "keep-alive", "127.0.0.1", PORT))])
