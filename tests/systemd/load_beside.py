"""tests/e2e/load.py beside a story under systemd."""

import json
import os
import subprocess

import units
from harness import PATIENCE, PYTHON, diag

LOAD = os.path.join(os.path.dirname(units.HERE), "e2e", "load.py")


class Load:
    """Connections at a steady pace until end(), none of which may be refused."""

    def __init__(self, t, port):
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            [PYTHON, LOAD, "http", "127.0.0.1", str(port), "100"], stdout=subprocess.PIPE)
        t.defer(self._process.stdout.close)
        t.defer(self._process.kill)

    def end(self, *allowed):
        """Ends the load. Every connection was served, but for outcomes that are allowed."""
        self._process.terminate()
        counts = json.loads(self._process.communicate(timeout=30 * PATIENCE)[0])
        diag("{started} connections: {ok} ok, {refused} refused, {timed_out} timed out, {reset} "
             "reset, {early_eof} early EOFs, {other} other; slowest {slowest_ms:.0f} ms"
             .format(**counts))
        assert counts["started"] > 50, counts
        for outcome in {"refused", "timed_out", "reset", "early_eof", "other"} - set(allowed):
            assert counts[outcome] == 0, counts
