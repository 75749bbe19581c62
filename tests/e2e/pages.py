#!/usr/bin/python3
"""What the pages about "Address already in use" say agrees with the program and the proofs."""

import functools
import glob
import os
import re

from asking import run_why
from harness import TOP_SRCDIR, need, run, run_sup, step


def read(*path):
    with open(os.path.join(TOP_SRCDIR, *path), encoding="utf-8") as file:
        return file.read()


def proofs():
    """The names of the programs in tests/kernel."""
    names = {os.path.basename(path)[:-2]
             for path in glob.glob(os.path.join(TOP_SRCDIR, "tests", "kernel", "*.c"))}
    assert len(names) > 40, names
    return names


@functools.cache
def man():
    return re.sub(r"\\-", "-", read("doc", "sup-why.1"))


@step("the options of sup why --help are those of its man page")
def _(_t):
    told = set(re.findall(r"^ +--([\w-]+)", run_why("--help").stdout, re.MULTILINE))
    written = set(re.findall(r"^\.It Fl -([\w-]+)", man(), re.MULTILINE))
    assert len(told) > 6 and told == written, told ^ written


@step("every cause that sup why can name is in its man page, and no other")
def _(_t):
    source = re.search(r"cause_names\[CAUSE_N\] = {(.*?)};", read("supervisor", "sockets", "verdict.c"),
                       re.DOTALL)[1]
    told = set(re.findall(r'"([a-z0-9-]+)"', source))
    section = re.search(r"^\.Ss Causes\n(.*?)^\.Ss", man(), re.MULTILINE | re.DOTALL)[1]
    written = {name for line in re.findall(r"^\.It Cm (.+)$", section, re.MULTILINE)
               for name in line.split(" , ")}
    assert len(told) > 20 and told == written, told ^ written


@step("the man page's exit statuses are those that happen")
def _(t):
    written = re.search(r"^\.Sh EXIT STATUS\n(.*?)^\.Sh", man(), re.MULTILINE | re.DOTALL)[1]
    assert re.findall(r"^\.It (\d)$", written, re.MULTILINE) == ["0", "1", "2"]
    assert run_why(t.path("nobody-has-this")).returncode == 0
    assert run_why(t.dir).returncode == 1
    assert run_sup(t, "why", "70000")[0] == 2


@step("the page names only programs that exist, and links each to its source")
def _(_t):
    page = read("doc", "address-in-use.md")
    linked = dict(re.findall(r"^\[([a-z0-9-]+)\]: \.\./tests/kernel/([a-z0-9-]+)\.c$", page,
                             re.MULTILINE))
    text = page[:page.index("\n[bind-error-order]: ")]
    named = set(re.findall(r"\[([a-z0-9]+(?:-[a-z0-9]+)+)\](?!\()", text))
    assert len(named) > 30 and named <= proofs(), named - proofs()
    assert named == set(linked), named ^ set(linked)
    assert all(name == target for name, target in linked.items())


@step("every proof is run, by make check or by make check-slow")
def _(_t):
    lists = re.findall(r"^KERNEL_FACTS(?:_SLOW)? +=((?: \\\n +tests/kernel/[\w-]+)+)$",
                       read("Makefile.am"), re.MULTILINE)
    listed = set(re.findall(r"tests/kernel/([\w-]+)", "".join(lists)))
    assert len(lists) == 2 and listed == proofs(), listed ^ proofs()


@step("links from page to page lead somewhere")
def _(_t):
    for page in ("README.md", "doc/address-in-use.md", "doc/blind-spots.md",
                 "examples/reuseaddr/README.md"):
        folder = os.path.dirname(os.path.join(TOP_SRCDIR, page))
        for link in re.findall(r"\]\(([^)#:]+)\)", read(page)):
            assert os.path.exists(os.path.join(folder, link)), f"{page}: {link}"


@step("the man page is correct mdoc")
def _(t):
    need("mandoc")
    status = os.system(f"mandoc -T lint -W warning {os.path.join(TOP_SRCDIR, 'doc', 'sup-why.1')}"
                       f" >{t.path('lint')} 2>/dev/null")
    with open(t.path("lint"), encoding="utf-8") as file:
        assert status == 0, file.read()


run()
