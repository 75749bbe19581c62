#!/usr/bin/python3
"""Python's http.server, which dies at SIGTERM, and --drain=connections; see reloads.py."""

from harness import PYTHON
from reloads import check_clients, check_load, reload_story, start

PORT = 8001


def arguments(t):
    t.write("index.html", "hello from python\n")
    return ("--drain=connections", "--", PYTHON, "-m", "http.server", "--protocol", "HTTP/1.1",
            "--bind", "127.0.0.1", "--directory", t.dir, PORT)


reload_story(
    "Python's http.server",
    arguments,
    lambda t: [(check_load, start(t, "load.py", "http", "127.0.0.1", PORT, 200)),
               (check_clients, start(t, "clients.py", "keep-alive", "127.0.0.1", PORT))])
