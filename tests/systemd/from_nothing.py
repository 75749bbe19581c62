#!/usr/bin/python3
"""The whole way from nothing to a service, with the commands of README.md and of sup@.service(8)."""

import os
import re
import shutil
import subprocess

from units import machine, run, systemctl, systemctl_fails
from load_beside import Load
from harness import (PATIENCE, TOP_SRCDIR, Skip, ask, connect, is_refused, need, step, wait_until)

GET = b"GET / HTTP/1.0\r\n\r\n"
ROOM = "/usr/share/doc"  # what the servers of the page serve
LONG_SIZE = 64 << 20  # far more than what fits into the buffers of a connection
N_RELOADS = 20


def blocks():
    """{title: [...]}, the examples below each title of the manual, as shell scripts."""
    with open(os.path.join(TOP_SRCDIR, "doc", "sup@.service.8"), encoding="utf-8") as file:
        text = file.read().replace("\\-", "-").replace("\\e", "\\")
    chapters = re.findall(r"^\.S[hs] (.*)\n((?:(?!\.S[hs] ).*\n?)*)", text, re.MULTILINE)
    return {title: re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", body, re.MULTILINE | re.DOTALL)
            for title, body in chapters}


def furnish():
    """Something short to serve, since a list of all that is there takes its time, and something long."""
    with open(f"{ROOM}/index.html", "w", encoding="ascii") as file:
        file.write("hello\n")
    with open(f"{ROOM}/long", "wb") as file:
        file.truncate(LONG_SIZE)


def forget():
    """Takes away what is done once, after the installation."""
    for path in ("/etc/sup", "/run/sup"):
        shutil.rmtree(path, ignore_errors=True)
    for name in filter(os.path.exists, ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")):
        with open(name, "r+", encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("sup:")]
            file.seek(0)
            file.truncate()
            file.writelines(lines)


def is_served(address=80):
    """Whether somebody answers there."""
    return "200 OK" in ask(address, GET)


def show(unit, name):
    return systemctl("show", "--value", f"--property={name}", unit).strip()


def state(unit):
    return show(unit, "ActiveState")


def follow(script):
    """Runs an example as a reader would."""
    done = subprocess.run(["sh", "-eu", "-c", script], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{script}\n{done.stdout}"
    return done.stdout


def kill_sup(unit):
    """Returns when another one is there in its place."""
    main = show(unit, "MainPID")
    os.kill(int(main), 9)
    wait_until(lambda: show(unit, "MainPID") not in (main, "0") and state(unit) == "active",
               f"{unit} is there again")


@step("as README.md says: five lines, and the first client starts the server, which is not root")
def _(_t):
    forget()
    with open(os.path.join(TOP_SRCDIR, "README.md"), encoding="utf-8") as file:
        chapter = file.read().split("## Under systemd\n")[1].split("\n## ")[0]
    script = "\n".join(re.findall("^# (.*)$", chapter, re.MULTILINE))
    assert script.count("\n") == 4, script
    follow(script)
    assert state("sup@web.service") == "inactive" and is_served()
    assert show("sup@web.service", "User") == "sup"
    for command in ("systemctl reload sup@web", "systemctl status sup@web"):
        assert f"`{command}`" in chapter, chapter
        follow(command)
    assert is_served()
    follow("systemctl disable --now sup@web.socket; systemctl stop sup@web.service; "
           "rm -r /etc/sup/web.conf /etc/systemd/system/sup@web.socket.d; systemctl daemon-reload")
    assert is_refused(80)


@step("as the page says: a file, a drop-in, a socket that waits; the first client is answered")
def _(_t):
    forget()
    pages = blocks()
    follow(pages["Once, after the installation"][0])
    serve, listen, enable, now = pages["A server that knows nothing of systemd"]
    for script in (serve, listen, enable):
        follow(script)
    assert state("sup@web.service") == "inactive" and state("sup@web.socket") == "active"
    assert is_served()
    follow(now)
    assert state("sup@web.service") == "active"

    other = pages["Without a .socket unit"][0]
    follow(other)
    assert is_served(8080)

    every_day, stop = pages["Every day"]
    said = follow(every_day)
    assert "1 of 1 worker serves on 0.0.0.0:80; generation" in said, said
    assert "reloaded" in said and "suits it better" not in said, said
    assert "The old generation is gone." in follow("journalctl --catalog -u sup@web.service")
    assert is_served()

    follow(stop)
    assert is_refused(80) and is_refused(8080)
    follow(pages["SECURITY"][0])
    follow(other)
    wait_until(lambda: state("sup@other.service") == "active", "it runs without the profile")
    assert show("sup@other.service", "ProtectSystem") == "no"
    assert is_served(8080)


@step("another address of the .socket unit: restart refuses, and what the page says brings it back")
def _(t):
    follow("systemctl start sup@web.socket sup@web.service")
    t.defer(follow, "systemctl stop sup@web.socket sup@web.service")
    systemctl_fails("restart", "sup@web.socket")
    change, = blocks()["Another address"]
    follow(change)
    load = Load(t, 80)
    wait_until(lambda: is_served(("127.0.0.2", 80)), "all addresses are served")
    for number in range(N_RELOADS):
        host = "0.0.0.0" if number % 2 else "127.0.0.1"
        with open(machine.UNIT_DIR + "/sup@web.socket.d/listen.conf", "w", encoding="utf-8") as file:
            file.write(f"[Socket]\nListenStream={host}:80\n")
        follow(change)
        assert is_served() and is_refused(("127.0.0.2", 80)) == (host == "127.0.0.1")
    load.end("refused", "reset", "early_eof")


@step("a server that dies at its stop signal: no request is cut; systemd keeps the port")
def _(t):
    follow(blocks()["Without a .socket unit"][1])
    follow(blocks()["A server that dies at its stop signal"][0])
    load = Load(t, 81)
    with connect(81) as client:
        client.sendall(b"GET /long HTTP/1.0\r\n\r\n")
        size = len(client.recv(1))
        reload = subprocess.Popen(["systemctl", "reload", "sup@files.service"])
        t.defer(reload.kill)
        wait_until(lambda: "generation 2" in show("sup@files.service", "StatusText"),
                   "the new one serves")
        assert reload.poll() is None, "it has returned while the old one was there"
        while chunk := client.recv(1 << 20):
            size += len(chunk)
        assert size > LONG_SIZE
    assert reload.wait(30 * PATIENCE) == 0
    for _ in range(N_RELOADS):
        follow("systemctl reload sup@files.service")
    load.end()

    load = Load(t, 81)
    for _ in range(3):
        kill_sup("sup@files.service")
        assert is_served(81)
    load.end("reset", "early_eof")
    follow("systemctl disable --now sup@files.service")


@step("the whole nginx of Debian, with its own logs and as it changes its user")
def _(t):
    stock = subprocess.run([need("nginx"), "-T"], capture_output=True, text=True, check=False).stdout
    unit = "/lib/systemd/system/nginx.service"
    if "listen 80 default_server;" not in stock or not os.path.exists(unit):
        raise Skip("the nginx of this machine is not as Debian installs it")
    shutil.copy(unit, machine.UNIT_DIR)
    follow("systemctl daemon-reload; systemctl enable --now nginx.service")
    follow(blocks()["The whole nginx of Debian"][0])
    assert state("nginx.service") == "inactive" and is_served() and is_served(("::1", 80))
    load = Load(t, 80)
    for _ in range(N_RELOADS):
        follow("systemctl reload sup@nginx.service")
    load.end()
    kill_sup("sup@nginx.service")
    assert is_served()
    with open("/var/log/nginx/access.log", encoding="utf-8") as file:
        assert '"GET / HTTP/1.0" 200' in file.read()
    follow("systemctl disable --now sup@nginx.service")
    assert is_refused(80)


run(furnish)
