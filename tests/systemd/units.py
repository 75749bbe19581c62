"""Stories under a real systemd: units that a step makes, and what systemd says of them.

A story here is like one of tests/e2e and uses the same frame; its run() starts a systemd and tells
the story beside it. Import this module first: it also finds those of tests/e2e.
"""

import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

# pylint: disable=wrong-import-position
import harness  # noqa: E402
import machine  # noqa: E402
from harness import PATIENCE, PYTHON, TOP_BUILDDIR, wait_until  # noqa: E402

ROOT = os.path.abspath(os.environ.get("SYSTEMD_ROOT") or "/")
SUP = "/usr/bin/sup"
SERVERS = "/usr/local/lib/sup-test"  # not below /tmp or /home: a unit may not see those


def server(name):
    """The path of a program under tests/servers, or under examples, as units see it."""
    return os.path.join(SERVERS, name)


def systemctl(*args, deadline=60):
    """What systemctl says; if it fails, so does the step."""
    done = subprocess.run(["systemctl", "--no-pager", *args], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=deadline * PATIENCE)
    assert done.returncode == 0, f"systemctl {' '.join(args)}: {done.stdout}"
    return done.stdout


def systemctl_fails(*args):
    """The same where it must fail."""
    done = subprocess.run(["systemctl", "--no-pager", *args], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60 * PATIENCE)
    assert done.returncode != 0, f"systemctl {' '.join(args)} did not fail"
    return done.stdout


class Unit:
    """A unit with a file of the step's own; gone with the step."""

    def __init__(self, t, name, text):
        self.name = name
        self._files = []
        self.add_file(f"{machine.UNIT_DIR}/{name}", text)
        t.on_failure(self._report)
        t.defer(self._remove)

    def add_file(self, path, text):
        """A file that belongs to the unit, such as a drop-in."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self._files.append(path)
        systemctl("daemon-reload")

    def _remove(self):
        subprocess.run(["systemctl", "--no-pager", "stop", self.name], check=False,
                       capture_output=True, timeout=120 * PATIENCE)
        for path in self._files:
            os.remove(path)
        systemctl("daemon-reload")
        subprocess.run(["systemctl", "reset-failed", self.name], check=False, capture_output=True)

    def _report(self):
        for command in (["systemctl", "--no-pager", "--full", "status", self.name],
                        ["journalctl", "--no-pager", "-n", "60", "-o", "short-monotonic",
                         f"_SYSTEMD_UNIT={self.name}", "+", f"UNIT={self.name}"]):
            yield "$ " + " ".join(command)
            yield from subprocess.run(command, check=False, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True).stdout.splitlines()

    def do(self, verb, *args, **options):
        """`systemctl VERB NAME`."""
        return systemctl(verb, *args, self.name, **options)

    def start(self):
        return self.do("start")

    def stop(self):
        return self.do("stop")

    def show(self, name):
        """One property, as `systemctl show` prints it."""
        return systemctl("show", "--value", f"--property={name}", self.name).strip()

    def state(self):
        """For example "active (running)"."""
        return f"{self.show('ActiveState')} ({self.show('SubState')})"

    def wait_state(self, state, deadline=10):
        wait_until(lambda: self.state() == state, f"{self.name} is {state}", deadline)

    def main_pid(self):
        """The pid of the main process, in a service that has one."""
        return wait_until(lambda: int(self.show("MainPID")), f"{self.name} has a main process")

    def journal(self):
        """The entries of the unit, and of systemd about it, as dictionaries."""
        subprocess.run(["journalctl", "--sync"], check=True)
        lines = subprocess.run(
            ["journalctl", "--no-pager", "-o", "json", "--all", f"_SYSTEMD_UNIT={self.name}", "+",
             f"UNIT={self.name}"], check=True, stdout=subprocess.PIPE).stdout.splitlines()
        return list(map(json.loads, lines))

    def wait_message(self, regexp, deadline=10):
        """The match of the first message in which the regexp is found."""
        found = []

        def look():
            found[:] = filter(None, (re.search(regexp, str(entry.get("MESSAGE")))
                                     for entry in self.journal()))
            return found
        wait_until(look, f"the journal of {self.name} says {regexp!r}", deadline)
        return found[0]


def install():
    """Puts what is tested, and the servers of the stories, where units can see them."""
    shutil.copy(os.path.join(TOP_BUILDDIR, "sup"), SUP)
    shutil.copytree(os.path.join(os.path.dirname(HERE), "servers"), SERVERS, dirs_exist_ok=True)
    for name in os.listdir(os.path.join(TOP_BUILDDIR, "examples")):
        if name.startswith("echo-") and "." not in name:
            shutil.copy(os.path.join(TOP_BUILDDIR, "examples", name), SERVERS)


def run():
    """Tells the story beside a systemd; on a machine that cannot have one it is skipped."""
    if os.environ.get(machine.INSIDE):
        install()
        harness.run()
    why_not = machine.why_not(ROOT)
    if why_not:
        print(f"1..1\nnot ok 1 - {why_not}" if harness.required() else f"1..0 # SKIP {why_not}")
        sys.exit(harness.required())
    shared = {os.path.dirname(os.path.dirname(HERE)), TOP_BUILDDIR}
    sys.exit(machine.boot_and_run([PYTHON, os.path.abspath(sys.argv[0])], ROOT, shared))
