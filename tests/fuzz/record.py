#!/usr/bin/python3
"""Records samples for the fuzz targets: what this kernel answers, in a network namespace of its own.

usage: record.py tests/fuzz/corpus        needs root
"""

import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
# pylint: disable=wrong-import-position
import network

TCPDIAG_GETSOCK = 18


def replies(message_type, body):
    """The answer to one dump, as it comes from the socket."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, network.NETLINK_SOCK_DIAG) as netlink:
        netlink.send(struct.pack("=IHHII", 16 + len(body), message_type,
                                 network.NLM_F_REQUEST | network.NLM_F_DUMP, 0, 0) + body)
        return netlink.recv(1 << 16)


def make_sockets():
    """One of each kind; the list keeps them alive."""
    kept = [socket.create_server(("127.0.0.1", 8001)),
            socket.create_server(("::", 8002), family=socket.AF_INET6, dualstack_ipv6=True),
            socket.socket(), socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM)]
    kept[2].bind(("127.0.0.1", 8003))
    kept[3].bind(f"/tmp/sup-fuzz-{os.getpid()}")
    kept[3].listen()
    kept[4].bind("\0sup-fuzz")
    kept[5].bind(("127.0.0.1", 8004))
    for closes in (False, True):
        client = socket.create_connection(("127.0.0.1", 8001))
        accepted, _ = kept[0].accept()
        kept += [client, accepted]
        if closes:
            accepted.close()
            client.close()
    os.unlink(f"/tmp/sup-fuzz-{os.getpid()}")
    return kept


def write(folder, target, name, data):
    os.makedirs(os.path.join(folder, target), exist_ok=True)
    with open(os.path.join(folder, target, name), "wb") as file:
        file.write(data)


def main(folder):
    network.enter_own_namespace()
    kept = make_sockets()
    old_request = struct.pack("=BBBB48xII", 0, 0, 0, 0, 0xFFE | 1 << 13, 0)
    write(folder, "netlink_inet", "tcp", replies(TCPDIAG_GETSOCK, old_request))
    for name, protocol in (("tcp4", socket.IPPROTO_TCP), ("udp4", socket.IPPROTO_UDP)):
        request = struct.pack("=BBBxI48x", socket.AF_INET, protocol, 2, 0xFFFFFFFF)
        write(folder, "netlink_inet", name, replies(network.SOCK_DIAG_BY_FAMILY, request))
    request = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, 0x53, 0, 0)
    write(folder, "netlink_unix", "all", replies(network.SOCK_DIAG_BY_FAMILY, request)[:4096])
    for number, name in enumerate(("stat", "status", "syscall")):
        with open(f"/proc/self/{name}", "rb") as file:
            write(folder, "proc", name, str(number).encode() + file.read())
    with open("/proc/net/if_inet6", "rb") as file:
        write(folder, "proc", "if_inet6", b"4" + file.read() +
              b"20010db8000000000000000000000001 02 40 00 c8 sup0\n")
    write(folder, "proc", "link", f"5socket:[{os.fstat(kept[0].fileno()).st_ino}]".encode())
    write(folder, "proc", "cgroup", b"30::/user.slice/user-1000.slice/user@1000.service/app.scope\n")
    write(folder, "proc", "cgroup_docker",
          b"30::/system.slice/docker-" + 32 * b"a1" + b".scope/app.service\n")
    write(folder, "proc", "cgroup_v1",
          b"312:pids:/kubepods/burstable/pod1/" + 64 * b"c" + b"\n1:name=systemd:/user.slice\n")
    for seed in range(4):
        write(folder, "verdict", f"random{seed}", bytes((seed * 37 + n * n * 11) % 256
                                                        for n in range(200)))


main(sys.argv[1])
