#!/usr/bin/python3
"""Requests and answers on the control socket: what is understood, and what is refused, and how."""

import json
import socket
import threading

from control import Host, request, serves
from harness import run, step


def refused(client, line, *words):
    """The line gets one answer: a sentence with these words in it."""
    client.send(line + b"\n")
    answer = client.answer()
    assert answer["version"] == 1 and answer["ok"] is False, answer
    assert isinstance(answer["error"], str) and "\n" not in answer["error"], answer
    for word in words:
        assert word in answer["error"], answer
    return answer


@step("a request gets its answer, with its own id, whatever that is")
def _(t):
    with Host(t).client() as client:
        for number in (7, "seven", None, [1, {"x": 2}], 1.5, True):
            client.request("status", number)
            answer = client.answer()
            assert answer["id"] == number and answer["ok"] is True, answer
            assert answer["result"]["name"] == "fake"
        client.send(b'{"version":1,"verb":"status"}\n')
        assert client.answer()["id"] is None


@step("reports of progress come before the last answer")
def _(t):
    with Host(t).client() as client:
        client.request("reload", 3)
        answers = [client.answer()]
        while "ok" not in answers[-1]:
            answers.append(client.answer())
        assert [a["progress"]["phase"] for a in answers[:-1]] == \
            ["starting", "starting", "ready", "draining", "draining", "done"], answers
        assert answers[-1]["ok"] is True and answers[-1]["result"]["generation"] == 2
        assert all(answer["id"] == 3 for answer in answers)


@step("a request that takes its time does not keep the next one waiting")
def _(t):
    with Host(t).client() as client:
        client.request("reload", "slow", command=["never"])
        client.request("ready", "quick")
        assert client.answer()["id"] == "quick"
        client.request("reload", "release", command=["release"])
        assert [client.answer()["id"] for _ in range(2)] == ["slow", "release"]


@step("what is no request is refused in one sentence, and the connection goes on")
def _(t):
    host = Host(t)
    with host.client() as client:
        for line, *words in (
                (b"hello", "JSON"),
                (b"{", "JSON"),
                (b"[]", "object"),
                (b"7", "JSON"),
                (b'{"version":1,"verb":"sta\xfftus"}', "JSON"),
                (b'{"version":1,"verb":"status","verb":"stop"}', "duplicate"),
                (b'{"version":1,"verb":"status"} x', "JSON"),
                (b"\0", "JSON"),
                (b'{"verb":"status"}', "version"),
                (b'{"version":2,"verb":"status"}', "version 1", "2"),
                (b'{"version":"1","verb":"status"}', "version"),
                (b'{"version":1}', "verb"),
                (b'{"version":1,"verb":7}', "verb"),
                (b'{"version":1,"verb":"dance"}', "dance"),
                (b'{"version":1,"verb":"reload","argument":{}}', "argument"),
                (b'{"version":1,"verb":"reload","arguments":[]}', "object"),
                (b'{"version":1,"verb":"reload","arguments":{"speed":1}}', "speed"),
                (b'{"version":1,"verb":"reload","arguments":{"command":[]}}', "command"),
                (b'{"version":1,"verb":"reload","arguments":{"command":["x",1]}}', "command"),
                (b'{"version":1,"verb":"reload","arguments":{"canary_percent":0}}', "canary"),
                (b'{"version":1,"verb":"reload","arguments":{"drain":"slowly"}}', "drain"),
                (b'{"version":1,"verb":"scale"}', "workers"),
                (b'{"version":1,"verb":"scale","arguments":{"workers":1,"change":1}}', "one of"),
                (b'{"version":1,"verb":"signal","arguments":{"signal":"NIX"}}', "signal"),
                (b'{"version":1,"verb":"drain","arguments":{}}', "worker"),
                (b"[" * 60000, "deep"),
                (b'{"version":1,"id":' + b'{"x":' * 20 + b"1" + b"}" * 20 + b"}", "deep")):
            refused(client, line, *words)
        host.was_asked_nothing()


@step("the refusal has the id of its request, where there was one")
def _(t):
    with Host(t).client() as client:
        assert refused(client, b'{"version":1,"id":9,"verb":"dance"}')["id"] == 9
        assert refused(client, b'{"version":2,"id":"x"}')["id"] == "x"
        assert refused(client, b"nonsense")["id"] is None


@step("empty lines, and a carriage return before the newline, do no harm")
def _(t):
    with Host(t).client() as client:
        client.send(b"\n\r\n\n" + request("status", 1).replace(b"\n", b"\r\n"))
        assert client.answer()["ok"] is True


@step("a line may have 65536 bytes; a longer one is refused and the connection closed")
def _(t):
    host = Host(t)
    frame = len(json.dumps({"version": 1, "verb": "reload", "arguments": {"check": ""}}))
    for size, fits in ((65536, True), (65537, False)):
        line = json.dumps({"version": 1, "verb": "reload",
                           "arguments": {"check": "x" * (size - frame)}}).encode()
        assert len(line) == size
        with host.client() as client:
            client.send(line + b"\n")
            answer = client.answer()
            assert ("progress" in answer) == fits, answer
            if not fits:
                assert "65536" in answer["error"] and client.at_end(), answer
    with host.client() as client:
        client.send(b"x" * 70000)
        assert "65536" in client.answer()["error"]
        assert client.at_end()
    serves(host)


@step("64 requests may be under way; the 65th is refused, and as soon as one is done there is room")
def _(t):
    host = Host(t)
    with host.client() as client:
        for number in range(64):
            client.request("reload", number, command=["never"])
        client.request("status", "one more")
        answer = client.answer()
        assert answer["id"] == "one more" and "64" in answer["error"], answer
        with host.client() as other:
            other.ask("reload", command=["release"])
        assert sorted(client.answer()["id"] for _ in range(64)) == list(range(64))
        client.ask("status")


@step("10000 requests in one go are answered in their order, however little the client reads")
def _(t):
    host = Host(t)
    with host.client(60) as client:
        data = b"".join(request("status", number) for number in range(10000))
        sender = threading.Thread(target=client.send, args=(data,))
        sender.start()
        serves(host)
        for number in range(10000):
            answer = client.answer()
            assert answer["id"] == number and answer["ok"], answer
        sender.join()


@step("a request that comes byte by byte is a request")
def _(t):
    with Host(t).client() as client:
        for byte in request("status", 5):
            client.send(bytes([byte]))
        assert client.answer()["id"] == 5


@step("an answer of five megabytes arrives, at the pace of the client")
def _(t):
    host = Host(t)
    with host.client() as client:
        client.request("reload", 1, command=["long", "5000000"])
        serves(host)
        assert client.answer()["result"]["text"] == "x" * 5000000


@step("a client that shuts its sending side still gets its answers, then the connection ends")
def _(t):
    host = Host(t)
    with host.client() as client:
        client.send(request("reload", 1) + request("status", 2) + b'{"half":')
        client.socket.shutdown(socket.SHUT_WR)
        assert client.answer()["id"] == 2
        while "ok" not in (answer := client.answer()):
            pass
        assert answer["id"] == 1 and answer["ok"] is True
        assert client.at_end()


run()
