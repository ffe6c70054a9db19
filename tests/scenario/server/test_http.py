"""What HTTP itself promises, for paths of every dialect: methods, sizes, types, slow and hostile clients."""
import json
import socket
import threading
import time

import pytest
import requests

from client.pcx import Pcx
from client.vaultspay import VaultsPay

DEEP = '{"a":' * 33 + "1" + "}" * 33


@pytest.fixture
def plain(server):
    session = requests.Session()
    session.trust_env = False

    def send(method, path, **rest):
        return session.request(method, server.url + path, timeout=30, **rest)
    return send


def test_probes(plain):
    for path in ("/healthz", "/readyz"):
        assert plain("GET", path).status_code == 200


def test_metrics_tell_about_operations(plain, pcx):
    pcx.get("/beneficiaries")
    text = plain("GET", "/metrics").text
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            assert name.startswith("cambist_") or name.startswith("process_"), line
            float(value)
    assert "operation=" in text and "_bucket{" in text and 'le="+Inf"' in text
    one = 'operation="pcx_list_beneficiaries",dialect="pcx"'
    for promised in ("cambist_calls_total{%s}", "cambist_call_errors_total{%s}", "cambist_call_refusals_total{%s}",
                     "cambist_call_seconds_count{%s}", "cambist_writer_queue_length", "cambist_batch_calls_count",
                     "cambist_commit_seconds_count", "cambist_outbox_depth"):
        assert "\n" + promised.replace("%s", one) + " " in text, promised


def test_refusals_are_no_errors_whatever_their_status(own_server):
    """VaultsPay documents 500 for what a rule forbids; who is woken by errors need not be by those."""
    server = own_server()
    app = VaultsPay(server)
    refused = app.get("/be/api/v1/account-ledger/4711")
    assert refused.status == 500 and refused.json["code"] == 1010, refused
    app.get("/be/api/v1/accounts", expect=200)
    lines = requests.get(server.url + "/metrics", timeout=5).text.splitlines()
    values = {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in lines
              if line.startswith(("cambist_call_errors_total{", "cambist_call_refusals_total{"))}
    assert values and not any(values[name] for name in values if "errors" in name), values
    assert sum(values[name] for name in values if "vaultspay" in name) == 1, values


@pytest.mark.parametrize("dialect", ["pcx", "vaultspay", "fincode", "platform"])
def test_every_dialect_is_described(plain, dialect):
    document = plain("GET", f"/openapi/{dialect}.json").json()
    assert document["openapi"].startswith("3.1")
    assert len(document["paths"]) > 10
    text = json.dumps(document)
    for reference in set(part.split('"')[0] for part in text.split('"$ref": "')[1:]):
        kind, name = reference.removeprefix("#/components/").split("/")
        assert name in document["components"][kind], reference


def test_all_operations_are_in_one_document(plain):
    paths = plain("GET", "/openapi.json").json()["paths"]
    count = sum(method in ("get", "post", "put", "patch", "delete") for item in paths.values()
                for method in item)
    assert count >= 428


def test_reference_works_offline(plain):
    page = plain("GET", "/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    loaded = [part.split('"')[0] for part in page.text.split('src="')[1:]]
    loaded += [part.split('"')[0] for part in page.text.split('rel="stylesheet" href="')[1:]]
    assert len(loaded) >= 3
    for path in loaded:
        assert path.startswith("/assets/")
        assert plain("GET", path).status_code == 200
    assert "Redoc" in plain("GET", "/assets/redoc.standalone.js").text


UNKNOWN = {"/v1/nothing/here": 404, "/be/api/v1/nothing": 404, "/api/v6/services/nothing": 404,
           "/platform/v1/nothing": 404, "/nothing": 404}


@pytest.mark.parametrize("path", UNKNOWN)
def test_unknown_paths(plain, path):
    reply = plain("GET", path)
    assert reply.status_code == UNKNOWN[path]
    body = reply.json()
    if path.startswith("/be/"):
        assert {"code", "message", "type"} <= set(body)
    else:
        assert body["status"] == ("FAILED" if path.startswith("/api/") else "error")


def test_405_says_what_is_allowed(plain):
    reply = plain("DELETE", "/v1/virtual-accounts/transfer")
    assert reply.status_code == 405
    assert set(reply.headers["Allow"].replace(" ", "").split(",")) == {"POST", "OPTIONS"}
    assert plain("BREW", "/v1/virtual-accounts/transfer").status_code in (405, 501)


def test_options_of_paths_outside_the_contracts(plain):
    assert plain("OPTIONS", "/cognito/").status_code == 204
    assert plain("OPTIONS", "/nothing").status_code == 404


def test_head_is_get_without_body(plain):
    reply = plain("HEAD", "/openapi/platform.json")
    assert reply.status_code == 200 and reply.content == b""
    assert plain("HEAD", "/v1/beneficiaries").status_code == 401


def test_request_id_is_taken_or_made(plain):
    assert plain("GET", "/v1/x", headers={"X-Request-Id": "abc-123"}).headers["X-Request-Id"] == "abc-123"
    made = {plain("GET", "/v1/x").headers["X-Request-Id"] for _ in range(3)}
    assert len(made) == 3
    hostile = plain("GET", "/v1/x", headers={"X-Request-Id": 'a"b' + "c" * 4000})
    assert '"' not in hostile.headers["X-Request-Id"] and len(hostile.headers["X-Request-Id"]) < 200


def test_body_too_large(plain, pcx):
    headers = {**pcx.headers_for(""), "Content-Type": "application/json"}
    body = b'{"a":"' + b"x" * (1 << 20) + b'"}'
    assert plain("POST", "/v1/virtual-accounts/transfer", data=body, headers=headers).status_code == 413


def test_body_too_large_in_chunks(plain, pcx):
    headers = {**pcx.headers_for(""), "Content-Type": "application/json"}
    chunks = (b"x" * 65536 for _ in range(20))
    try:
        status = plain("POST", "/v1/virtual-accounts/transfer", data=chunks, headers=headers).status_code
    except requests.ConnectionError:
        status = 413  # cut off in the middle of sending
    assert status == 413


@pytest.mark.parametrize("raw", [DEEP, '{"a":1,"a":2}', b'{"a":"\xff\xfe"}', '{"a":"\\ud800"}', "{'a':1}",
                                 '{"a":1,}', '{"a":.5}', '{"a":0x1}', '{"a":NaN}', "\x00", '{"a"'])
def test_json_that_is_refused(pcx, raw):
    reply = pcx.send("POST", "/virtual-accounts/transfer", raw=raw)
    assert reply.status == 400, reply
    assert reply.json["status"] == "error"


def test_header_too_large(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(b"GET /v1/x HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 40000 + b"\r\n\r\n")
        status = int(client.recv(4096).split(b" ")[1])
    assert status in (400, 413, 431)


HIDDEN = b"0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize("headers", [
    ["Content-Length: 5", "Transfer-Encoding: chunked"], ["Content-Length: 5", "Content-Length: 0"],
    ["Content-Length: 5", "Content-Length: 5"], ["Transfer-Encoding: chunked, chunked"],
    ["Transfer-Encoding: gzip"], ["Transfer-Encoding: xchunked"],
    ["Content-Length: 9223372036854775808"], ["Content-Length: 5", "Host: second.example"]])
def test_a_request_that_can_be_read_in_two_ways_is_refused(server, headers):
    """Or what a proxy takes for a body becomes a request of its own here, or one for another tenant."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(b"POST /v1/beneficiaries HTTP/1.1\r\nHost: x\r\n"
                       + "".join(line + "\r\n" for line in headers).encode() + b"\r\n" + HIDDEN)
        received = b""
        while part := client.recv(4096):
            received += part
    assert received.startswith(b"HTTP/1.1 400") and received.count(b"HTTP/1.1") == 1, received


def test_no_query_parameter_is_dropped_in_silence(plain):
    many = "&".join(f"p{i}=1" for i in range(100))
    assert plain("GET", f"/v1/payments?{many}").status_code == 414


def test_replies_with_data_are_not_cached(plain):
    assert plain("GET", "/v1/payments").headers["Cache-Control"] == "no-store"


def test_slow_headers_do_not_hold_a_connection(own_server):
    server = own_server(options=["--header-timeout-s", "1"])
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        began = time.monotonic()
        client.recv(4096)
        assert time.monotonic() - began < 15
    assert requests.get(server.url + "/healthz", timeout=5).status_code == 200


def test_pipelined_and_keep_alive(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        received = b""
        while received.count(b"HTTP/1.1 200") < 5:
            part = client.recv(65536)
            assert part
            received += part


def test_cors(own_server):
    server = own_server(options=["--cors-origins", "https://app.example.com"])
    ask = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST",
           "Access-Control-Request-Headers": "x-api-key, authorization, content-type"}
    reply = requests.options(server.url + "/v1/virtual-accounts/transfer", headers=ask, timeout=5)
    assert reply.status_code in (200, 204)
    assert reply.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "POST" in reply.headers["Access-Control-Allow-Methods"]
    assert "x-api-key" in reply.headers["Access-Control-Allow-Headers"].lower()
    ask["Origin"] = "https://evil.example.com"
    reply = requests.options(server.url + "/v1/virtual-accounts/transfer", headers=ask, timeout=5)
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_rate_limit(own_server):
    server = own_server(options=["--rate-limit-public", "5"])
    statuses = []
    for _ in range(40):
        reply = requests.get(server.url + "/v1/ping", headers={
            "x-device-os": "SAAS", "x-device-id": "1", "x-enable-encryption": "false"}, timeout=5)
        statuses.append(reply.status_code)
        if reply.status_code == 429:
            assert int(reply.headers["Retry-After"]) >= 1
    assert statuses[0] != 429 and 429 in statuses


def test_rate_limit_of_a_credential(own_server):
    """Who asks too often is told when to come back; whoever else calls does not notice."""
    server = own_server(options=["--rate-limit", "5"])
    busy, calm = Pcx(server, "org_admin"), Pcx(server, "internal_admin")
    replies = [busy.get(f"/users/{busy.user_id}") for _ in range(40)]
    refused = [reply for reply in replies if reply.status == 429]
    assert replies[0].status == 200 and refused
    assert refused[0].json["status"] == "error" and int(refused[0].headers["Retry-After"]) >= 1
    calm.get(f"/users/{calm.user_id}", expect=200)


def test_many_connections_at_once(server):
    statuses = []

    def ask():
        statuses.append(requests.get(server.url + "/healthz", timeout=30).status_code)
    callers = [threading.Thread(target=ask) for _ in range(100)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert statuses == [200] * 100


def test_secrets_stay_out_of_the_log(own_server):
    from client.pcx import Cognito, Pcx
    server = own_server(options=["--log-access", "--log-level", "debug"])
    who = server.credentials["pcx"]["org_admin"]
    Cognito(server).call("InitiateAuth", {
        "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": server.credentials["pcx"]["client_id"],
        "AuthParameters": {"USERNAME": who["email"], "PASSWORD": who["password"]}})
    Pcx(server).get("/beneficiaries")
    server.stop()
    log = server.log_tail(100000)
    assert who["password"] not in log and who["api_key"] not in log
    lines = [line for line in log.splitlines() if line.startswith("{")]
    assert lines and all(json.loads(line) for line in lines)
