#!/usr/bin/python3
"""`sup why` tells why the kernel does not let somebody bind: rights, rules, and wrong addresses."""

import os
import subprocess

from asking import IS_ROOT, ask_why, listener, run_why
from harness import (PYTHON, Skip, for_everybody, free_port, need, need_root, run, step, wait_until)

HERE = os.path.dirname(os.path.abspath(__file__))
ADDRESS = "2001:db8::1"


def helper(name):
    return for_everybody(os.path.join(HERE, name))


def privileged_port():
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
        if int(file.read()) <= 80:
            raise Skip("every user may bind port 80 here")
    return 80


@step("a port below 1024 without the right to it: CAP_NET_BIND_SERVICE")
def _(t):
    port = privileged_port()
    answer = ask_why(t, port, user=True)
    assert answer.causes("tcp") == answer.causes("udp") == ["privileged-port"]
    assert answer.part("tcp")["error"] == "EACCES"
    assert "below 1024" in answer.first_line and "CAP_NET_BIND_SERVICE" in answer.remedies()[0]
    assert "AmbientCapabilities= and CapabilityBoundingSet= in its unit" in answer.remedies()[0]


@step("root asks for another user: the port is free for root, and not for that user")
def _(t):
    need_root("--as-user")
    port = privileged_port()
    assert ask_why(t, port).status == 0
    assert ask_why(t, "--as-user", "nobody", port).causes() == ["privileged-port"]
    assert ask_why(t, "--as-user", "65534", port).causes() == ["privileged-port"]
    assert ask_why(t, "--as-user", "nobody", 8080).status == 0


@step("the kernel's order: an address that is not here comes before a right that is lacking")
def _(t):
    assert ask_why(t, f"192.0.2.1:{privileged_port()}", user=True).causes() == ["not-local"]


@step("a right that is lacking comes before a socket that is in the way")
def _(t):
    need_root("a port below 1024")
    with listener(privileged_port()):
        assert ask_why(t, 80, user=True).causes() == ["privileged-port"]
        assert ask_why(t, 80).causes() == ["listener"]


def confined(how, *prefix):
    """A prefix that confines what follows, where this machine can do that."""
    prefix = [PYTHON, helper("confined.py"), how, *prefix]
    if subprocess.run([*prefix, "true"], check=False, stderr=subprocess.DEVNULL).returncode == 77:
        raise Skip(f"there is no {how} here")
    return prefix


@step("a port from 1024 on that a security module denies: Landlock")
def _(t):
    port = free_port()
    prefix = confined("landlock")
    for user in (False, True):
        answer = ask_why(t, f"tcp:{port}", user=user, prefix=prefix)
        assert answer.causes() == ["security-module"] and answer.part("tcp")["error"] == "EACCES"
        assert "Landlock" in answer.first_line and "Landlock" in answer.remedies()[0]


@step("a BPF program of the control group that forbids bind()")
def _(t):
    need_root("a BPF program")
    port = free_port()
    prefix = confined("cgroup-bpf")
    for user in (False, True):
        answer = ask_why(t, port, user=user, prefix=prefix)
        assert answer.causes("tcp") == answer.causes("udp") == ["bpf-hook"]
        assert answer.part("tcp")["error"] == "EPERM" and "bpftool" in answer.remedies()[0]


@step("a seccomp filter looks the same, and is named as well")
def _(t):
    answer = ask_why(t, f"tcp:{free_port()}", prefix=[PYTHON, helper("without.py"), "bind=EPERM"])
    assert answer.causes() == ["bpf-hook"] and "seccomp" in answer.first_line


@step("an address that no interface has: which there are, and IP_FREEBIND")
def _(t):
    port = free_port()
    for address in (f"192.0.2.1:{port}", f"[2001:db8::2]:{port}", f"udp:192.0.2.1:{port}"):
        answer = ask_why(t, address)
        assert answer.causes() == ["not-local"], answer.causes()
        assert answer.part(None)["error"] == "EADDRNOTAVAIL"
        assert "ip address" in answer.remedies()[0] and "IP_FREEBIND" in answer.remedies()[1]
        assert ask_why(t, f"{address},freebind").status == 0


def ip(*words):
    subprocess.run([need("ip"), *words], check=True)


def write_setting(name, value):
    with open(f"/proc/sys/net/ipv6/conf/{name}", "w", encoding="ascii") as file:
        file.write(value)


@step("an IPv6 address that is still being looked for on the network")
def _(t):
    need_root("an interface")
    ip("link", "add", "sup0", "type", "veth", "peer", "name", "sup1")
    t.defer(ip, "link", "delete", "sup0")
    write_setting("sup0/dad_transmits", "600")
    ip("address", "add", f"{ADDRESS}/64", "dev", "sup0")
    ip("link", "set", "sup0", "up")
    ip("link", "set", "sup1", "up")
    answer = ask_why(t, f"[{ADDRESS}]:8080")
    assert answer.causes() == ["tentative-address"]
    assert answer.remedies()[0].startswith("wait"), answer.remedies()
    assert ask_why(t, f"[{ADDRESS}]:8080,freebind").status == 0


@step("an IPv6 address that another machine has as well")
def _(t):
    need_root("an interface")
    other = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
    here = os.stat("/proc/self/ns/net").st_ino
    wait_until(lambda: os.stat(f"/proc/{other.pid}/ns/net").st_ino != here, "the other machine is up")
    ip("link", "add", "sup0", "type", "veth", "peer", "name", "sup1")
    t.defer(ip, "link", "delete", "sup0")
    ip("link", "set", "sup1", "netns", str(other.pid))
    inside = [need("nsenter"), "--net", f"--target={other.pid}", need("ip")]
    for command in (["address", "add", f"{ADDRESS}/64", "dev", "sup1", "nodad"],
                    ["link", "set", "sup1", "up"]):
        subprocess.run([*inside, *command], check=True)
    ip("link", "set", "sup0", "up")
    ip("address", "add", f"{ADDRESS}/64", "dev", "sup0")
    wait_until(lambda: "dadfailed" in subprocess.run(
        [need("ip"), "address", "show", "dev", "sup0"], check=True, capture_output=True,
        text=True).stdout, "the duplicate is found", 30)
    assert ask_why(t, f"[{ADDRESS}]:8080").causes() == ["duplicate-address"]


@step("a link-local address without its interface")
def _(t):
    assert ask_why(t, "[fe80::1]:8080").causes() == ["no-scope"]


@step("no IPv6: a bare port means IPv4 then")
def _(t):
    need_root("a setting of the network namespace")
    port = free_port()
    write_setting("all/disable_ipv6", "1")
    t.defer(write_setting, "all/disable_ipv6", "0")
    assert ask_why(t, port).status == 0
    with listener(port):
        answer = ask_why(t, port)
        assert answer.causes() == ["listener"]
    assert ask_why(t, f"[::1]:{port}").causes() == ["not-local"]


@step("an address family that the kernel does not have, and one that it cannot look into")
def _(t):
    screen = run_why("vsock::8080")
    assert screen.returncode in (0, 1), screen
    if screen.returncode == 1:
        assert "address family" in screen.stdout, screen
        assert ask_why(t, "vsock::8080").causes() == ["no-family"]


@step("nobody is asked for another user without being root")
def _(_):
    screen = run_why("--as-user", "root", 8080, user=True)
    assert screen.returncode == 2 and "only root" in screen.stderr, screen
    if IS_ROOT:
        assert run_why("--as-user", "no-such-user", 8080).returncode == 2


run()
