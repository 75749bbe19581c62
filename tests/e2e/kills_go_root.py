#!/usr/bin/python3
"""a static Go net/http server, as root, is killed under load; see kills.py."""

from kills import kill_story
from under_load import go_http

kill_story("a static Go net/http server", go_http, ordinary_user=False)
