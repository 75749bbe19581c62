#!/usr/bin/python3
"""A connection starts the service: sup@.socket and sup@.service, with the profile they come with."""

import os
import shutil

from units import SERVERS, Service, Socket, run, server
import procs
from harness import PYTHON, ask, ask_who, connect, free_port, is_refused, need, step

GET = b"GET / HTTP/1.0\r\n\r\n"
HTTP = f"{PYTHON} -m http.server --directory {SERVERS}"


def pair(t, name, port, *config):
    """A socket that waits for a connection, and its service, which has not started yet."""
    socket, service = Socket(t, name, f"ListenStream={port}"), Service(t, name, config)
    socket.start()
    assert service.state() == "inactive (dead)"
    return service


@step("Python's http.server answers the first connection, and serves from systemd's own socket")
def _(t):
    port = free_port()
    service = pair(t, "http", port, f"command = {HTTP} --bind :: {port}")
    assert "200 OK" in ask(port, GET)
    service.wait_state("active (running)")
    assert procs.socket_inodes(1) & procs.socket_inodes(service.worker())


@step("nginx, as an ordinary user on port 80")
def _(t):
    with open(server("nginx.conf.in"), encoding="utf-8") as file:
        text = file.read().replace("@DIR@", "/var/lib/sup/nginx").replace("@PORT@", "[::]:80")
    os.makedirs("/etc/sup", exist_ok=True)
    with open("/etc/sup/nginx.nginx.conf", "w", encoding="utf-8") as file:
        file.write(text)
    service = pair(t, "nginx", 80, f"command = {need('nginx')} -e stderr -c /etc/sup/nginx.nginx.conf")
    assert "hello from nginx" in ask(80, GET)
    service.wait_state("active (running)")
    assert procs.status_field(service.worker(), "Uid").split()[0] != "0"


@step("Node, which compiles at run time")
def _(t):
    port = free_port()
    service = pair(t, "node", port, f"command = {need('node', 'nodejs')} {server('hello_node.js')} {port}")
    assert "hello from node" in ask(port, GET)
    service.wait_state("active (running)")


@step("an activated server, which never binds")
def _(t):
    port = free_port()
    service = pair(t, "echo", port, f"command = {server('echo-activated')}")
    with connect(port) as client:
        client.sendall(b"hello\n")
        assert client.recv(100) == b"hello\n"
    service.wait_state("active (running)")
    assert procs.environment_of(service.worker())["LISTEN_FDNAMES"] == "echo"


@step("--as: a server that knows only its own port is on another one")
def _(t):
    port = free_port()
    service = pair(t, "as", 80, f"as = as={port}", f"command = {HTTP} {port}")
    assert "200 OK" in ask(80, GET)
    service.wait_state("active (running)")
    assert is_refused(port)


@step("a unix socket, whose path the server removes and binds; it stays when the service stops")
def _(t):
    path = "/run/sup-test/socket"
    os.makedirs("/run/sup-test")
    shutil.chown("/run/sup-test", "sup")
    service = pair(t, "unix", path, f"command = {PYTHON} {server('unix_path.py')} {path}")
    for _ in range(2):
        assert ask_who(path)["worker"] == "1"
        service.wait_state("active (running)")
        service.stop()
        assert os.listdir("/run/sup-test") == ["socket"]


@step("without a .socket unit the file says where to listen")
def _(t):
    port = free_port()
    service = Service(t, "alone", [f"listen = {port}", f"command = {HTTP} --bind :: {port}"])
    service.start()
    assert service.state() == "active (running)"
    assert "200 OK" in ask(port, GET)


run()
