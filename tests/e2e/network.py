"""A network of one's own, free ports, small clients, and the kernel's table of TCP sockets."""

import errno
import fcntl
import os
import socket
import struct
import time

from procs import libc

REUSEADDR = (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

PATIENCE = float(os.environ.get("SUP_TEST_PATIENCE", "1"))  # makes all deadlines longer

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
SIOCSIFFLAGS = 0x8914
IFF_UP_RUNNING = 0x41
NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3

ESTABLISHED, FIN_WAIT1, FIN_WAIT2, TIME_WAIT = 1, 4, 5, 6
CLOSE_WAIT, LAST_ACK, LISTEN = 8, 9, 10

_next_port = 0


def enter_own_namespace():
    """As root, moves this process to a network namespace of its own; else stays on the host. The
    machine of a story under tests/systemd has one already.
    """
    global _next_port
    inside = "SUP_TEST_MACHINE" in os.environ
    own = inside or (os.geteuid() == 0 and libc.unshare(CLONE_NEWNET) == 0)
    # On the host's loopback, tests that run side by side begin far from each other.
    _next_port = 8000 if own else 10000 + os.getpid() % 500 * 40
    if own:
        with socket.socket() as sock:
            fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP_RUNNING))
    if own and not inside:
        enter_own_run()


def enter_own_run():
    """Puts an empty /run in the place of the machine's, so that no control socket gets there."""
    if libc.unshare(CLONE_NEWNS) == 0 and \
            libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0:
        libc.mount(b"none", b"/run", b"tmpfs", 0, b"mode=755")


def free_port():
    """A port that nobody uses now and that this process never gave out before."""
    global _next_port
    while True:
        _next_port += 1
        with socket.socket(socket.AF_INET6) as sock:
            try:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                sock.bind(("::", _next_port))
                return _next_port
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise


def resolve(address):
    """(family, sockaddr) of 8080, ("::1", 8080), "/path" or "@abstract"."""
    if isinstance(address, int):
        return socket.AF_INET, ("127.0.0.1", address)
    if isinstance(address, tuple):
        return (socket.AF_INET6 if ":" in address[0] else socket.AF_INET), address
    return socket.AF_UNIX, address.replace("@", "\0", 1) if address[0] == "@" else address


def connect(address, timeout=10):
    """A connected stream socket."""
    family, sockaddr = resolve(address)
    sock = socket.socket(family)
    sock.settimeout(timeout * PATIENCE)
    try:
        sock.connect(sockaddr)
    except OSError:
        sock.close()
        raise
    return sock


def read_all(sock):
    data = b""
    while True:
        chunk = sock.recv(65536)
        if not chunk:
            return data.decode(errors="replace")
        data += chunk


def ask(address, request=b"", timeout=10):
    """Connects, sends the request, and returns all that comes until EOF; any failure is raised."""
    with connect(address, timeout) as sock:
        if request:
            sock.sendall(request)
        return read_all(sock)


def ask_who(address, timeout=10):
    """The answer of one of our servers as a dictionary, e.g. {"pid": "17", "worker": "1", …}."""
    return dict(word.split("=", 1) for word in ask(address, timeout=timeout).split())


def wait_answer(address, request=b"", deadline=15):
    """ask(), again and again for as long as nobody listens there yet."""
    end = time.monotonic() + deadline * PATIENCE
    while True:
        try:
            return ask(address, request)
        except (ConnectionRefusedError, FileNotFoundError):
            if time.monotonic() > end:
                raise AssertionError(f"nobody listens on {address} after {deadline} s") from None
            time.sleep(0.01)


def wait_who(address, deadline=15):
    return dict(word.split("=", 1) for word in wait_answer(address, deadline=deadline).split())


def is_refused(address):
    """True when a connection is refused, or when the unix path is not there."""
    try:
        connect(address, 5).close()
    except (ConnectionRefusedError, FileNotFoundError):
        return True
    return False


def is_listening(port):
    """Whether anybody listens on the port; asks nobody, so that no queue gets longer."""
    return any(state == LISTEN for state, _, _ in tcp_sockets(port))


def bind_errno(address, *options):
    """0, or the errno with which bind and listen fail; options as for setsockopt."""
    family, sockaddr = resolve(address)
    with socket.socket(family) as sock:
        for option in options:
            sock.setsockopt(*option)
        try:
            sock.bind(sockaddr)
            sock.listen()
        except OSError as error:
            return error.errno
    return 0


def tcp_sockets(port):
    """(state, remote port, inode) of every TCP socket on the local port; inode 0 in TIME_WAIT."""
    found = []
    suffix = f":{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="utf-8") as file:
            for line in file:
                fields = line.split()
                if fields[1].endswith(suffix):
                    remote = int(fields[2].rpartition(":")[2], 16)
                    found.append((int(fields[3], 16), remote, int(fields[9])))
    return found


def open_connections(port):
    """The inodes of connections on the local port that some process has, from sock_diag(7), which
    is cheap also when thousands of others are in TIME_WAIT.
    """
    return sockets_in(port, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK)


def listeners(port):
    """The inodes of the sockets that listen on the local port, from sock_diag(7)."""
    return sockets_in(port, LISTEN)


def sockets_in(port, *states):
    """The inodes of TCP sockets on the local port in one of the states, from sock_diag(7)."""
    states = sum(1 << state for state in states)
    found = set()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG) as netlink:
        for family in (socket.AF_INET, socket.AF_INET6):
            request = struct.pack("=BBBxI48x", family, socket.IPPROTO_TCP, 0, states)
            netlink.send(struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY,
                                     NLM_F_REQUEST | NLM_F_DUMP, 0, 0) + request)
            for message in dump_messages(netlink):
                inode, = struct.unpack_from("=I", message, 68)
                if inode and struct.unpack_from("!H", message, 4)[0] == port:
                    found.add(inode)
    return found


def dump_messages(netlink):
    """The bodies of all messages of a netlink dump."""
    while True:
        data = netlink.recv(1 << 16)
        while data:
            length, kind = struct.unpack_from("=IH", data)
            if kind == NLMSG_DONE:
                return
            assert kind != NLMSG_ERROR, "sock_diag(7) refused the request"
            yield data[16:length]
            data = data[(length + 3) & ~3:]


def unix_paths():
    """The names of all unix sockets that have one."""
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
        return [fields[7] for fields in map(str.split, file) if len(fields) > 7]
