"""The servers that are killed under load: for each, what stands after `sup`."""

import fcntl
import os
import subprocess

from harness import PYTHON, TOP_BUILDDIR, for_everybody, need, server


def python_http(t, port):
    t.write("index.html", "hello from python\n")
    return "--", PYTHON, "-m", "http.server", port, "--directory", t.dir


def node_http(_, port):
    return "--", need("node", "nodejs"), server("hello_node.js"), port


def nginx(t, port):
    program = need("nginx")
    with open(server("nginx.conf.in"), encoding="utf-8") as template:
        text = template.read().replace("@DIR@", t.dir).replace("@PORT@", str(port))
    conf = t.write("nginx.conf", text)
    return "--", program, "-e", "stderr", "-p", t.dir, "-c", conf


def go_http(t, port):
    """A static Go program, built once for all stories of this build directory."""
    where = os.path.join(TOP_BUILDDIR, "tests", "servers")
    program = os.path.join(where, "hello")
    os.makedirs(where, exist_ok=True)
    lock = os.open(where, os.O_RDONLY)  # the directory itself: nothing to clean up
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(program):
            environ = dict(os.environ, CGO_ENABLED="0", GO111MODULE="off", GOFLAGS="",
                           GOCACHE=t.path("go-cache"), GOPATH=t.path("go"))
            built = t.path("hello")
            subprocess.run([need("go"), "build", "-o", built, server("hello.go")], env=environ,
                           stdout=subprocess.DEVNULL, check=True)
            os.chmod(built, 0o755)
            subprocess.run(["mv", built, program], check=True)
    finally:
        os.close(lock)
    return "--", for_everybody(program), f"127.0.0.1:{port}"


def activated(_, port):
    return "-l", f"127.0.0.1:{port}", "--", PYTHON, server("activated_http.py")
