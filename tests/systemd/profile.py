#!/usr/bin/python3
"""The units themselves: what systemd-analyze says of them, and that capture works inside of them."""

import glob
import os
import re
import shutil
import subprocess

from units import Service, Socket, run, server
import procs
from harness import PYTHON, ask_who, diag, free_port, step

GET = b"GET / HTTP/1.0\r\n\r\n"
EXPOSURE_MAX = 2.5


def analyze(*args):
    done = subprocess.run(["systemd-analyze", "--no-pager", *args], text=True, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.stdout, done.stderr


def exposure(service):
    return float(re.search(r"exposure level for .*: (\d+\.\d)", analyze("security", service.name)[0])[1])


def install_manuals():
    """The pages that the units name; systemd-analyze looks them up where there is a man(1)."""
    for path in glob.glob(os.path.join(os.environ["top_srcdir"], "doc", "*.[18]")):
        shutil.copy(path, f"/usr/share/man/man{path[-1]}")


def capture_story(t, name, *settings, port=None, hardened=True):
    """An unmodified server below a unit with these settings: captured, killed, there again."""
    port = port or free_port()
    socket = Socket(t, name, f"ListenStream=127.0.0.1:{port}")
    service = Service(t, name, ["capture = require", f"command = {PYTHON} {server('simple.py')} {port}"],
                      *settings, hardened=hardened)
    socket.start()
    first = ask_who(port)["pid"]
    service.wait_state("active (running)")
    assert procs.socket_inodes(1) & procs.socket_inodes(service.worker())
    os.kill(service.worker(), 9)
    assert ask_who(port)["pid"] != first
    return service


@step("systemd-analyze verify has nothing to say, with the profile and without")
def _(t):
    install_manuals()
    manuals = "yes" if shutil.which("man") else "no"
    for hardened in (True, False):
        socket = Socket(t, f"v{hardened}", "ListenStream=80")
        service = Service(t, f"v{hardened}", ["command = /bin/true"], hardened=hardened)
        said = analyze("verify", f"--man={manuals}", socket.name, service.name)
        assert said == ("", ""), said


@step(f"systemd-analyze security: at most {EXPOSURE_MAX} with the profile")
def _(t):
    hardened, plain = Service(t, "h", []), Service(t, "p", [], hardened=False)
    diag(f"exposure {exposure(hardened)}, without the profile {exposure(plain)}")
    assert exposure(hardened) <= EXPOSURE_MAX


@step("capture works with the profile, and without")
def _(t):
    capture_story(t, "with")
    capture_story(t, "without", hardened=False)


@step("what the server binds by itself is held: with the profile and no .socket unit")
def _(t):
    port = free_port()
    service = Service(t, "self", ["capture = require", f"command = {PYTHON} {server('simple.py')} {port}"])
    service.start()
    assert ask_who(port)["pid"] == str(service.worker())
    os.kill(service.worker(), 9)
    assert ask_who(port)["pid"] == str(service.worker())


@step("a port below 1024 without a .socket unit: the capability, and its bounding set as well")
def _(t):
    service = Service(t, "low", ["capture = require", f"command = {PYTHON} {server('simple.py')} 83"],
                      "AmbientCapabilities=CAP_NET_BIND_SERVICE")
    service.do("start", "--no-block")
    service.wait_message("AmbientCapabilities= and CapabilityBoundingSet= in its unit")
    service.stop()
    service.add_drop_in("95-bounding", "[Service]", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE")
    service.start()
    assert ask_who(83)["pid"] == str(service.worker())
    assert procs.status_field(service.worker(), "Uid").split()[0] != "0"
    os.kill(service.worker(), 9)
    assert ask_who(83)["pid"] == str(service.worker())


@step("the profile is in force for the server: no capability, no new privilege, a read-only system")
def _(t):
    port = free_port()
    service = Service(t, "force", [f"command = {PYTHON} {server('simple.py')} {port}"])
    service.start()
    pid = service.worker()
    assert {procs.status_field(pid, name) for name in ("CapBnd", "CapPrm", "CapEff")} == {"0" * 16}
    assert procs.status_field(pid, "NoNewPrivs") == "1"
    assert procs.status_field(pid, "Uid").split()[0] != "0"
    with open(f"/proc/{pid}/mounts", encoding="utf-8") as file:
        options = {line.split()[1]: line.split()[3].split(",") for line in file}
    assert "ro" in options["/"], options
    assert os.access(f"/proc/{pid}/root/var/lib/sup/force", os.W_OK)


@step("DynamicUser=yes, PrivateTmp=yes, ProtectSystem=strict: each runs a captured server")
def _(t):
    for name, setting in (("dynamic", "User=\nDynamicUser=yes"), ("tmp", "PrivateTmp=yes"),
                          ("strict", "ProtectSystem=strict"), ("users", "PrivateUsers=yes")):
        capture_story(t, name, setting, hardened=False)


@step("all of them at once, on top of the profile")
def _(t):
    capture_story(t, "all", "User=\nDynamicUser=yes", "PrivateUsers=yes", "ProcSubset=pid",
                  "ProtectControlGroups=yes", "Delegate=no")


@step("User= with a privileged port: the server has no right to it, and serves there")
def _(t):
    service = capture_story(t, "nobody", "User=nobody\nGroup=nogroup", port=80, hardened=False)
    assert procs.status_field(service.worker(), "Uid").split()[0] == "65534"


run()
