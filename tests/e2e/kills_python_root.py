#!/usr/bin/python3
"""Python's http.server, as root, is killed under load; see kills.py."""

from kills import kill_story
from under_load import python_http

kill_story("Python's http.server", python_http, ordinary_user=False)
