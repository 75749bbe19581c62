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
import procs  # noqa: E402
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


def journal_of(unit):
    """The entries of a unit, and of systemd about it, as dictionaries."""
    subprocess.run(["journalctl", "--sync"], check=True)
    lines = subprocess.run(
        ["journalctl", "--no-pager", "-o", "json", "--all", f"_SYSTEMD_UNIT={unit}", "+",
         f"UNIT={unit}"], check=True, stdout=subprocess.PIPE).stdout.splitlines()
    return list(map(json.loads, lines))


def version():
    """Of the systemd that runs here."""
    return int(re.search(r"systemd (\d+)", systemctl("--version"))[1])


class Unit:
    """A unit of the step's own, gone with the step. files: {path: text}, what it is made of."""

    def __init__(self, t, name, files):
        self.name = name
        self._files = []
        t.on_failure(self._report)
        t.defer(self._remove)
        for path, text in files.items():
            self._write(path, text)
        systemctl("daemon-reload")

    def _write(self, path, text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self._files.append(path)

    def add_drop_in(self, name, *lines):
        """One more file of the unit."""
        self._write(f"{machine.UNIT_DIR}/{self.name}.d/{name}.conf", "\n".join(lines) + "\n")
        systemctl("daemon-reload")

    def _remove(self):
        subprocess.run(["systemctl", "--no-pager", "stop", self.name], check=False,
                       capture_output=True, timeout=120 * PATIENCE)
        for path in self._files:
            os.remove(path)
        systemctl("daemon-reload")
        subprocess.run(["systemctl", "reset-failed", self.name], check=False, capture_output=True)

    def _report(self):
        for command in (["systemctl", "--no-pager", "--full", "--lines=0", "status", self.name],
                        ["journalctl", "--no-pager", "-n", "30", "-o", "short-monotonic",
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
        return journal_of(self.name)

    def wait_message(self, regexp, deadline=10):
        """The match of the first message in which the regexp is found."""
        found = []

        def look():
            found[:] = filter(None, (re.search(regexp, str(entry.get("MESSAGE")))
                                     for entry in self.journal()))
            return found
        wait_until(look, f"the journal of {self.name} says {regexp!r}", deadline)
        return found[0]


class Socket(Unit):
    """An instance of sup@.socket. listen: its lines, such as "ListenStream=80"."""

    def __init__(self, t, name, *listen):
        drop_in = f"{machine.UNIT_DIR}/sup@{name}.socket.d/listen.conf"
        super().__init__(t, f"sup@{name}.socket",
                         {drop_in: "\n".join(["[Socket]", *listen, ""])})


class Service(Unit):
    """An instance of sup@.service. config: the lines of its file; settings: further lines of the
    unit; hardened: with the profile that is installed, or without.
    """

    def __init__(self, t, name, config, *settings, hardened=True):
        drop_ins = f"{machine.UNIT_DIR}/sup@{name}.service.d"
        files = {f"/etc/sup/{name}.conf": "\n".join([*config, ""]),
                 f"{drop_ins}/90-test.conf": "\n".join(["[Service]", *settings, ""])}
        if not hardened:
            files[f"{drop_ins}/50-hardened.conf"] = ""
        super().__init__(t, f"sup@{name}.service", files)

    def replace_config(self, config):
        """Other lines for its file; it is not told of them."""
        with open(f"/etc/{self.name.replace('@', '/').replace('.service', '.conf')}", "w",
                  encoding="utf-8") as file:
            file.write("\n".join([*config, ""]))

    def worker(self, deadline=10):
        """The pid of the only worker; waits for one."""
        return wait_until(lambda: procs.children_of(self.main_pid()), "a worker runs", deadline)[0]


def install_units():
    """What `make install` does, for a sup that is in /usr/bin."""
    source = os.path.join(os.path.dirname(os.path.dirname(HERE)), "systemd")
    with open(f"{source}/sup@.service.in", encoding="utf-8") as file:
        text = file.read().replace("@bindir@", os.path.dirname(SUP))
    with open(f"{machine.UNIT_DIR}/sup@.service", "w", encoding="utf-8") as file:
        file.write(text)
    shutil.copy(f"{source}/sup@.socket", machine.UNIT_DIR)
    for name, target in (("hardened.conf", machine.UNIT_DIR + "/sup@.service.d/50-hardened.conf"),
                         ("sup.sysusers", "/etc/sysusers.d/sup.conf"),
                         ("sup.tmpfiles", "/etc/tmpfiles.d/sup.conf"),
                         ("sup.catalog", "/usr/lib/systemd/catalog/sup.catalog")):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(f"{source}/{name}", target)
    systemctl("daemon-reload")


def make_user():
    """What sup@.service(8) lets a user do once, after `make install`."""
    for program in (["systemd-sysusers", "sup.conf"], ["systemd-tmpfiles", "--create", "sup.conf"]):
        subprocess.run(program, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def install():
    """Puts what is tested, and the servers of the stories, where units can see them."""
    shutil.copy(os.path.join(TOP_BUILDDIR, "sup"), SUP)
    install_units()
    shutil.copytree(os.path.join(os.path.dirname(HERE), "servers"), SERVERS, dirs_exist_ok=True)
    for name in os.listdir(os.path.join(TOP_BUILDDIR, "examples")):
        if name.startswith("echo-") and "." not in name:
            shutil.copy(os.path.join(TOP_BUILDDIR, "examples", name), SERVERS)


def run(prepare=make_user):
    """Tells the story beside a systemd; on a machine that cannot have one it is skipped.
    prepare: what is done there after the installation.
    """
    if os.environ.get(machine.INSIDE):
        install()
        prepare()
        harness.run()
    why_not = machine.why_not(ROOT)
    if why_not:
        print(f"1..1\nnot ok 1 - {why_not}" if harness.required() else f"1..0 # SKIP {why_not}")
        sys.exit(harness.required())
    shared = {os.path.dirname(os.path.dirname(HERE)), TOP_BUILDDIR}
    sys.exit(machine.boot_and_run([PYTHON, os.path.abspath(sys.argv[0])], ROOT, shared))
