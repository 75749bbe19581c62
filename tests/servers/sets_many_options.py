#!/usr/bin/python3
"""Habit: sets many socket options before it binds, at every other start only.

It prints what getsockopt() says of the socket that it has in the end, one word for each option.

usage: sets_many_options.py tcp|tcp6|udp|udp6 PORT FILE        sets them if FILE does not exist
"""

import os
import signal
import socket
import struct
import sys

from answering import answer_forever

TIME = struct.pack("ll", 7, 0)
LINGER = struct.pack("ii", 1, 5)
ANY = [(socket.SOL_SOCKET, socket.SO_SNDBUF, 30000), (socket.SOL_SOCKET, socket.SO_PRIORITY, 3),
       (socket.SOL_SOCKET, socket.SO_MARK, 77), (socket.SOL_SOCKET, socket.SO_RCVTIMEO, TIME),
       (socket.SOL_SOCKET, socket.SO_SNDTIMEO, TIME)]
IP = [(socket.IPPROTO_IP, socket.IP_TOS, 16), (socket.IPPROTO_IP, socket.IP_TTL, 9),
      (socket.IPPROTO_IP, 10, 2)]  # IP_MTU_DISCOVER
IP6 = [(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 16),
       (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 9)]
TCP = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.SOL_SOCKET, socket.SO_LINGER, LINGER),
       (socket.SOL_SOCKET, socket.SO_OOBINLINE, 1),
       (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5),
       (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 50), (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 6),
       (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4), (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 8000),
       (socket.IPPROTO_TCP, socket.TCP_SYNCNT, 3), (socket.IPPROTO_TCP, socket.TCP_LINGER2, 20),
       (socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")]
UDP = [(socket.SOL_SOCKET, socket.SO_BROADCAST, 1), (socket.SOL_SOCKET, 29, 1),  # SO_TIMESTAMP
       (socket.IPPROTO_IP, 8, 1),  # IP_PKTINFO
       (socket.IPPROTO_IP, socket.IP_RECVTOS, 1), (socket.IPPROTO_IP, 12, 1),  # IP_RECVTTL
       (socket.IPPROTO_IP, 11, 1), (socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 5),  # IP_RECVERR
       (socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)]
UDP6 = [(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1), (socket.IPPROTO_IPV6, 25, 1),  # RECVERR
        (socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1),
        (socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1),
        (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 5)]
KINDS = {"tcp": ANY + IP + TCP, "tcp6": ANY + IP6 + TCP, "udp": ANY + IP + UDP,
         "udp6": ANY + IP6 + UDP6}


def len_of(value):
    """How much of an option counts; of SO_LINGER whether it is on, since off keeps its time."""
    return len(value) if isinstance(value, bytes) and value != LINGER else 4


kind, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sock = socket.socket(socket.AF_INET6 if kind.endswith("6") else socket.AF_INET,
                     socket.SOCK_STREAM if kind.startswith("tcp") else socket.SOCK_DGRAM)
for level, name, value in KINDS[kind]:
    if not os.path.exists(path):
        sock.setsockopt(level, name, value)
sock.bind(("::1" if kind.endswith("6") else "127.0.0.1", port))
if kind.startswith("tcp"):
    sock.listen()
print(*(f"{level}:{name}:{sock.getsockopt(level, name, 16)[:len_of(value)].hex()}"
        for level, name, value in KINDS[kind]), flush=True)
if kind.startswith("tcp"):
    answer_forever(sock)
signal.pause()
