#!/usr/bin/python3
"""a socket-activated server with -l, as an ordinary user, is killed under load; see kills.py."""

from kills import kill_story
from under_load import activated

# A worker that binds nothing counts as ready when it has lived for a second.
kill_story("a socket-activated server with -l", activated, ordinary_user=True, life=2.1)
