#!/usr/bin/python3
"""What the journal has: the kind of each event, whom it is about, and whose output is whose."""

import os
import re
import signal
import subprocess

from units import Service, run, server, systemctl, systemctl_fails
from harness import PYTHON, TOP_SRCDIR, ask_who, free_port, step, wait_until

CATALOG = os.path.join(TOP_SRCDIR, "systemd", "sup.catalog")


def ids():
    """{event: MESSAGE_ID}, as the catalog has them."""
    with open(CATALOG, encoding="utf-8") as file:
        return dict(re.findall(r"^# ([\w-]+)\n-- ([0-9a-f]{32})$", file.read(), re.MULTILINE))


def wait_event(service, name):
    """The last entry of the unit with the MESSAGE_ID of this event."""
    found = []

    def look():
        found[:] = [entry for entry in service.journal() if entry.get("MESSAGE_ID") == ids()[name]]
        return found
    wait_until(look, f"the journal has an event {name}")
    assert all(entry["SUP_EVENT"] == name for entry in found), found
    return found[-1]


@step("a crash, a reload, a refused reload: each has its MESSAGE_ID, and says whom it is about")
def _(t):
    port, flag = free_port(), "/run/sup-test-journal"
    with open(flag, "w", encoding="utf-8"):
        pass
    service = Service(t, "told", [f"command = {PYTHON} {server('fails_until.py')} {port} {flag}"])
    service.start()
    main, worker = service.main_pid(), service.worker()

    held = wait_event(service, "held")
    assert held["SUP_LISTEN"] == f"127.0.0.1:{port} (tcp)" and held["SUP_NAME"] == "told", held
    assert held["_PID"] == str(main) and held["SYSLOG_IDENTIFIER"] == "sup", held

    os.kill(worker, signal.SIGKILL)
    ended = wait_event(service, "ended")
    assert ended["SUP_PID"] == str(worker) and ended["EXIT_STATUS"] == "killed 9", ended
    assert ended["SUP_WORKER"] == "1" and ended["SUP_GENERATION"] == "1", ended
    assert ended["PRIORITY"] == "4" and "was killed by signal 9" in ended["MESSAGE"], ended
    assert "is listening again" in wait_event(service, "serving-again")["MESSAGE"]

    service.do("reload")
    assert wait_event(service, "reload")["SUP_GENERATION"] == "2"
    assert wait_event(service, "committed")["SUP_GENERATION"] == "2"
    assert "reloaded in" in wait_event(service, "reloaded")["MESSAGE"]

    os.remove(flag)
    systemctl_fails("reload", service.name)
    failed = wait_event(service, "reload-failed")
    assert failed["SUP_GENERATION"] == "3" and failed["PRIORITY"] == "3", failed
    assert "status 3" in failed["MESSAGE"], failed
    assert ask_who(port)


@step("what the server writes has the server's pid and program, and the name of the instance")
def _(t):
    service = Service(t, "output", ["workers = 2", "ready = timer:100ms",
                                    "command = /bin/sh -c 'echo I am $$ >&2; sleep 1000; :'"])
    service.start()

    def lines():
        return [entry for entry in service.journal() if entry["MESSAGE"].startswith("I am ")]
    wait_until(lambda: len(lines()) == 2, "both have written")
    for entry in lines():
        assert entry["MESSAGE"] == f"I am {entry['_PID']}" and entry["_COMM"] == "sh", entry
        assert entry["SYSLOG_IDENTIFIER"] == "output" and "SUP_NAME" not in entry, entry
        assert entry["_SYSTEMD_UNIT"] == service.name, entry


@step("`systemctl status` has the line of how things stand, and what was said last")
def _(t):
    port = free_port()
    service = Service(t, "shown", [f"command = {PYTHON} {server('simple.py')} {port}"])
    service.start()
    service.wait_message("holding")
    said = systemctl("status", "--full", service.name)
    assert re.search(rf'Status: "1 of 1 worker serves on 127.0.0.1:{port}; generation 1"', said), \
        said
    assert re.search(rf"sup\[{service.main_pid()}\]: holding 127.0.0.1:{port}", said), said


@step("journalctl --catalog explains the events")
def _(t):
    catalogs = "/usr/lib/systemd/catalog"
    os.makedirs(catalogs, exist_ok=True)
    with open(CATALOG, "rb") as source, open(f"{catalogs}/sup.catalog", "wb") as target:
        target.write(source.read())
    done = subprocess.run(["journalctl", "--update-catalog"], check=True, stderr=subprocess.PIPE)
    assert b"sup.catalog" not in done.stderr, done.stderr
    known = subprocess.run(["journalctl", "--list-catalog"], check=True, text=True,
                           stdout=subprocess.PIPE).stdout
    for name, number in ids().items():
        assert re.search(rf"^{number} sup: \S", known, re.MULTILINE), (name, known)
    service = Service(t, "explained", ["restart = never", "command = /bin/true"])
    service.do("start", "--no-block")
    wait_event(service, "ended")
    said = subprocess.run(["journalctl", "--no-pager", "--catalog", f"MESSAGE_ID={ids()['ended']}"],
                          check=True, text=True, stdout=subprocess.PIPE).stdout
    assert "Subject: A worker ended" in said and "man:sup(1)" in said, said


run()
