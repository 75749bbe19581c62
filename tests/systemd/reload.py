#!/usr/bin/python3
"""`systemctl reload`: it returns when the new generation serves and the old one is gone, and no
request fails meanwhile.

200 reloads unless SUP_TEST_RELOADS says otherwise; 100 new connections a second meanwhile.
"""

import os
import re
import signal
import time

from load_beside import Load
from units import Service, run, server, systemctl_fails, version
import procs
from harness import PYTHON, ask, ask_who, diag, free_port, step, wait_until

N_RELOADS = int(os.environ.get("SUP_TEST_RELOADS", "200"))


def command(name, *args):
    """The line of the file that runs one of the servers of the stories."""
    return " ".join(["command =", PYTHON, server(name), *map(str, args)])


def generation(service):
    """The generation that serves, as `systemctl status` shows it."""
    said = service.show("StatusText")
    assert said.startswith("1 of 1 worker serves"), said
    return int(re.search(r"generation (\d+)", said)[1])


@step(f"{N_RELOADS} times under load: each returns when the new one serves, and no request fails")
def _(t):
    port = free_port()
    service = Service(t, "reload", [command("graceful_http.py", port)])
    service.start()
    ask(port, b"GET / HTTP/1.0\r\n\r\n")
    main, load, took = service.main_pid(), Load(t, port), []
    for number in range(N_RELOADS):
        assert generation(service) == number + 1
        begin = time.monotonic()
        service.do("reload")
        took.append(time.monotonic() - begin)
        assert generation(service) == number + 2, "it has returned too early"
        assert len(procs.children_of(main)) == 1, "the old one is still there"
        assert service.state() == "active (running)"
    load.end()
    took.sort()
    diag(f"a reload took {took[len(took) // 2] * 1000:.0f} ms in the median, "
         f"{took[-1] * 1000:.0f} ms at most")
    assert service.main_pid() == main and service.show("NRestarts") == "0"


@step("a slow new one: the old one serves meanwhile, and systemd sees that sup reloads")
def _(t):
    port = free_port()
    service = Service(t, "slow", [command("slow_start.py", port, 1)])
    service.start()
    before = ask_who(port)["pid"]
    os.kill(service.main_pid(), signal.SIGHUP)  # by sup's own word alone, without ExecReload=
    wait_until(lambda: service.state() in ("reloading (reload)", "reloading (reload-notify)"),
               "systemd knows of the reload")  # the second since version 253
    assert service.show("StatusText").startswith("reloading; ")
    service.wait_state("active (running)")
    after = ask_who(port)["pid"]
    assert after != before
    service.do("reload")
    wait_until(lambda: ask_who(port)["pid"] not in (before, after), "the third one serves")


if version() >= 253:
    @step("Type=notify-reload, where systemd has it: it returns when the new one serves, too")
    def _(t):
        port = free_port()
        service = Service(t, "byhup", [command("graceful_http.py", port)],
                          "Type=notify-reload", "ExecReload=")
        service.start()
        load = Load(t, port)
        for number in range(max(5, N_RELOADS // 10)):
            assert generation(service) == number + 1
            service.do("reload")
            assert generation(service) == number + 2, "it has returned too early"
            assert service.state() == "active (running)"
        load.end()

    @step("Type=notify-reload, and a new one that fails: it returns 0, and only the journal tells")
    def _(t):
        port, flag = free_port(), "/run/sup-test-reload"
        with open(flag, "w", encoding="utf-8"):
            pass
        service = Service(t, "unheard", [command("fails_until.py", port, flag)],
                          "Type=notify-reload", "ExecReload=")
        service.start()
        before = ask_who(port)["pid"]
        os.remove(flag)
        service.do("reload")
        service.wait_message("^reload failed: ")
        assert generation(service) == 1 and ask_who(port)["pid"] == before


@step("a new one that fails: `systemctl reload` fails, and the old one goes on")
def _(t):
    port, flag = free_port(), "/run/sup-test-reload"
    with open(flag, "w", encoding="utf-8"):
        pass
    service = Service(t, "broken", [command("fails_until.py", port, flag)])
    service.start()
    before = ask_who(port)["pid"]
    os.remove(flag)
    systemctl_fails("reload", service.name)
    service.wait_state("active (running)")
    assert ask_who(port)["pid"] == before


run()
