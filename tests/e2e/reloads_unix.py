#!/usr/bin/python3
"""HTTP over a unix socket by a server that dies at SIGTERM, and --drain=connections; see reloads.py."""

from harness import PYTHON, server
from reloads import check_clients, check_load, reload_story, start

reload_story(
    "an HTTP server on a unix socket",
    lambda t: ("--drain=connections", "--", PYTHON, server("unix_http.py"), t.path("socket")),
    lambda t: [(check_load, start(t, "load.py", "http", t.path("socket"), "unix", 200)),
               (check_clients, start(t, "clients.py", "keep-alive", t.path("socket"), "unix"))])
