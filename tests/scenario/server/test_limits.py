"""What HTTP cannot read is refused at once and in the words of the dialect, also where the library gives up by itself."""
import json
import socket
import time

import pytest

import requests

PATHS = {"pcx": "/v1/payments", "vaultspay": "/be/api/v1/accounts", "fincode": "/api/v6/services/ledger",
         "platform": "/platform/v1/accounts"}


def ask(server, raw):
    """Status, headers, body and time of the only answer to these bytes; the connection ends with it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        began = time.monotonic()
        received = b""
        try:
            client.sendall(raw)
            while part := client.recv(65536):
                received += part
        except ConnectionError:
            pass
        took = time.monotonic() - began
    assert received.count(b"HTTP/1.1 ") == 1, received
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    return int(lines[0].split()[1]), headers, body, took


def check_shape(dialect, body):
    told = json.loads(body)
    if dialect == "vaultspay":
        assert {"code", "message", "type"} <= set(told)
    elif dialect == "fincode":
        assert told["status"] == "FAILED" and told["message"]
    else:
        assert told["status"] == "error" and told["message"]


@pytest.mark.parametrize("size", [9_000, 15_000, 17_000, 40_000, 400_000])
@pytest.mark.parametrize("dialect", PATHS)
def test_headers_too_large(server, dialect, size):
    status, headers, body, took = ask(
        server, f"GET {PATHS[dialect]} HTTP/1.1\r\nHost: x\r\nX-Big: ".encode() + b"a" * size + b"\r\n\r\n")
    assert status == 431 and headers["content-type"] == "application/json" and took < 2
    assert headers["connection"] == "close" and headers["x-request-id"]
    check_shape(dialect, body)


@pytest.mark.parametrize("count", [65, 300, 5000])
def test_too_many_headers(server, count):
    lines = "".join(f"X-{i}: 1\r\n" for i in range(count))
    status, _, body, took = ask(server, f"GET /v1/payments HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
    assert status == 431 and took < 2
    check_shape("pcx", body)


@pytest.mark.parametrize("count", [65, 100, 259, 260, 400, 1500])
@pytest.mark.parametrize("dialect", PATHS)
def test_too_many_parameters(server, dialect, count):
    query = "&".join(f"p{i}=1" for i in range(count))
    status, _, body, took = ask(server, f"GET {PATHS[dialect]}?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert status == 414 and took < 2
    check_shape(dialect, body)


@pytest.mark.parametrize("query", ["&" * 2000, "p&" * 1000, "&" + "a=1&" * 300],
                         ids=["ampersands", "names", "pairs"])
def test_parameters_without_names(server, query):
    status, _, body, took = ask(server, f"GET /v1/payments?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert status == 414 and took < 2
    check_shape("pcx", body)


def test_large_headers_within_the_limit_are_read_at_once(server):
    """Libmicrohttpd reads them in portions."""
    began = time.monotonic()
    reply = requests.get(server.url + "/healthz", headers={f"X-{i}": "a" * 400 for i in range(18)}, timeout=5)
    assert reply.status_code == 200 and time.monotonic() - began < 0.5


@pytest.mark.parametrize("size", [9_000, 15_500, 17_000, 100_000])
def test_address_too_long(server, size):
    status, _, body, took = ask(server, b"GET /v1/" + b"a" * size + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status == 414 and took < 2
    check_shape("platform" if size > 16_000 else "pcx", body)  # unread, nobody knows whose path it is


@pytest.mark.parametrize("raw", [
    b"GET /v1/payments HTTP/9.9\r\nHost: x\r\n\r\n", b"GET /v1/payments HTTP/1.1\r\nno colon\r\n\r\n",
    b"GET /v1/payments HTTP/1.1\r\n\r\n",
    b"POST /v1/beneficiaries HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /v1/beneficiaries HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n"],
                         ids=["version", "line", "host", "chunk", "length"])
def test_what_is_not_http(server, raw):
    status, _, body, took = ask(server, raw)
    assert status in (400, 505) and took < 2
    check_shape("pcx", body)


def test_a_connection_lives_on_beside_those(server):
    """A refusal ends its own connection and no other."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        for _ in range(3):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
            ask(server, b"GET /v1/payments HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 40_000 + b"\r\n\r\n")


def sized(size):
    """A JSON body of exactly so many bytes."""
    return b'{"x":"' + b"a" * (size - 8) + b'"}'


@pytest.mark.parametrize("path,limit", [("/virtual-accounts/transfer", 1 << 20), ("/kyb", 15 << 20)])
def test_bodies_up_to_the_limit_are_read(pcx, path, limit):
    """1 MiB, 15 MiB where documents are uploaded; to the byte."""
    assert pcx.send("POST", path, raw=sized(limit)).status == 400
    assert pcx.send("POST", path, raw=sized(limit + 1)).status == 413


@pytest.mark.parametrize("depth,words", [(32, "deep"), (33, "deep")])
def test_depth(pcx, depth, words):
    reply = pcx.send("POST", "/virtual-accounts/transfer", raw='{"a":' * depth + "1" + "}" * depth)
    assert reply.status == 400 and (words in reply.text) == (depth > 32), reply


def test_slow_bodies_do_not_hold_a_connection(own_server):
    server = own_server(options=["--body-timeout-s", "1"])
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(b"POST /v1/beneficiaries HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        began = time.monotonic()
        try:
            for _ in range(40):
                client.sendall(b"x")
                time.sleep(0.25)
        except ConnectionError:
            pass
        assert time.monotonic() - began < 8


def test_whoever_asks_before_sending_is_refused_before_sending(pcx, server):
    """Expect: 100-continue with a body beyond the limit gets 413 and no 100."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in pcx.headers_for("").items())
    status, _, body, _ = ask(server, (f"POST /v1/virtual-accounts/transfer HTTP/1.1\r\nHost: x\r\n{headers}"
                                      "Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n").encode())
    assert status == 413
    check_shape("pcx", body)


@pytest.mark.parametrize("path", ["/v1/payments", "/be/api/v1/accounts", "/nothing", "/v1/payments?" + "p=1&" * 300])
def test_browsers_may_read_refusals(own_server, path):
    """A refusal without CORS headers is a riddle in a browser."""
    server = own_server(options=["--cors-origins", "https://app.example.com"])
    reply = requests.get(server.url + path, headers={"Origin": "https://app.example.com"}, timeout=5)
    assert reply.status_code >= 400
    assert reply.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
