#!/usr/bin/python3
"""The whole way from nothing to a service, with the commands of README.md and of sup@.service(8)."""

import os
import re
import subprocess

from units import run, systemctl
from harness import TOP_SRCDIR, ask, is_refused, step, wait_until

GET = b"GET / HTTP/1.0\r\n\r\n"


def blocks():
    """The examples of the manual, in its order, as shell scripts."""
    with open(os.path.join(TOP_SRCDIR, "doc", "sup@.service.8"), encoding="utf-8") as file:
        text = file.read().replace("\\-", "-").replace("\\e", "\\")
    return re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", text, re.MULTILINE | re.DOTALL)


def is_served():
    """Whether somebody answers on port 80."""
    return "200 OK" in ask(80, GET)


def state(unit):
    return systemctl("show", "--value", "--property=ActiveState", unit).strip()


def follow(script):
    """Runs an example as a reader would."""
    done = subprocess.run(["sh", "-eu", "-c", script], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{script}\n{done.stdout}"
    return done.stdout


@step("as README.md says: four lines, and the first client starts the server, which is not root")
def _(_t):
    with open(os.path.join(TOP_SRCDIR, "README.md"), encoding="utf-8") as file:
        chapter = file.read().split("## Under systemd\n")[1].split("\n## ")[0]
    script = "\n".join(re.findall("^# (.*)$", chapter, re.MULTILINE))
    assert script.count("\n") == 3, script
    follow(script)
    assert state("sup@web.service") == "inactive" and is_served()
    user = systemctl("show", "--value", "--property=User", "sup@web.service").strip()
    assert user == "sup", user
    for command in ("systemctl reload sup@web", "systemctl status sup@web"):
        assert f"`{command}`" in chapter, chapter
        follow(command)
    assert is_served()
    follow("systemctl disable --now sup@web.socket; systemctl stop sup@web.service; "
           "rm -r /etc/sup/web.conf /etc/systemd/system/sup@web.socket.d; systemctl daemon-reload")
    assert is_refused(80)


@step("as the page says: a file, a drop-in, a socket that waits; the first client is answered")
def _(_t):
    serve, listen, enable, now, other, every_day, stop, loosen = blocks()
    for script in (serve, listen, enable):
        follow(script)
    assert state("sup@web.service") == "inactive" and state("sup@web.socket") == "active"
    assert is_served()
    follow(now)
    assert state("sup@web.service") == "active"

    follow(other)
    assert "200 OK" in ask(8080, GET)

    said = follow(every_day)
    assert "1 of 1 worker serves on [::]:80; generation" in said, said
    assert "reloaded" in said, said
    assert is_served()

    follow(stop)
    assert is_refused(80) and is_refused(8080)
    follow(loosen)
    follow(other)
    wait_until(lambda: state("sup@other.service") == "active", "it runs without the profile")
    protection = systemctl("show", "--value", "--property=ProtectSystem", "sup@other.service")
    assert protection.strip() == "no", protection
    assert "200 OK" in ask(8080, GET)


run()
