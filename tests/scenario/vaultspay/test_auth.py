"""App log-ins: bare reply, refresh without rotation, device headers, the documented error codes."""
import datetime
import re

import pytest

from client.people import fresh_email
from client.vaultspay import VaultsPay

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$")


def probe(caller, **rest):
    """A call that needs a token."""
    return caller.post("/as/api/v1/users", {"firstName": "A", "lastName": "B", "status": "ACTIVE",
                                            "email": fresh_email()}, **rest)


def credentials_of(caller):
    return {"clientId": caller.app["client_id"], "clientSecret": caller.app["client_secret"]}


def test_login_is_bare_and_refresh_is_wrapped(vaultspay):
    tokens = vaultspay.login().json
    assert set(tokens) == {"accessToken", "accessTokenExpiry", "refreshToken", "refreshTokenExpiry"}
    assert TIME.match(tokens["accessTokenExpiry"]) and TIME.match(tokens["refreshTokenExpiry"])
    access, refresh = (datetime.datetime.fromisoformat(tokens[name + "TokenExpiry"])
                       for name in ("access", "refresh"))
    assert refresh - access > datetime.timedelta(days=4)
    again = vaultspay.post("/as/api/v1/saas-refresh-token", {"refreshToken": tokens["refreshToken"]},
                           expect=200).json
    assert set(again["data"]) == {"accessToken", "accessTokenExpiry"}
    assert again["data"]["accessToken"] != tokens["accessToken"]
    vaultspay.post("/as/api/v1/saas-refresh-token", {"refreshToken": tokens["refreshToken"]}, expect=200)
    for token in (tokens["accessToken"], again["data"]["accessToken"]):
        probe(vaultspay, headers={"Authorization": "Bearer " + token}, expect=200)


def test_wrong_credentials(vaultspay):
    right = credentials_of(vaultspay)
    other = vaultspay.server.credentials["vaultspay"]["other_app"]
    for body in [{**right, "clientSecret": "wrong"}, {**right, "clientId": "nobody"},
                 {**right, "clientSecret": other["client_secret"]}]:
        reply = vaultspay.post("/as/api/v1/saas-login", body, expect=401)
        assert reply.json["code"] == 1002 and reply.json["type"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("missing", ["clientId", "clientSecret"])
def test_missing_fields(vaultspay, missing):
    body = credentials_of(vaultspay)
    del body[missing]
    reply = vaultspay.post("/as/api/v1/saas-login", body, expect=422)
    assert reply.json["code"] == 1000 and reply.json["errors"][0]["key"] == missing


@pytest.mark.parametrize("token", ["", "rubbish", "a.b.c", "A" * 64])
def test_refresh_with_rubbish(vaultspay, token):
    reply = vaultspay.post("/as/api/v1/saas-refresh-token", {"refreshToken": token})
    assert (reply.status, reply.json["code"]) in [(400, 1036), (422, 1000)], reply


def test_expiry(own_server):
    from client.sandbox import Sandbox
    server = own_server()
    caller = VaultsPay(server)
    tokens = caller.login().json
    bearer = {"Authorization": "Bearer " + tokens["accessToken"]}
    Sandbox(server).advance("PT61M")
    reply = probe(caller, headers=bearer, expect=401)
    assert (reply.json["code"], reply.json["type"]) == (1003, "TOKEN_EXPIRED")
    body = {"refreshToken": tokens["refreshToken"]}
    caller.post("/as/api/v1/saas-refresh-token", body, expect=200)
    Sandbox(server).advance("P5D")
    reply = caller.post("/as/api/v1/saas-refresh-token", body, expect=401)
    assert (reply.json["code"], reply.json["type"]) == (1004, "SESSION_EXPIRED")


@pytest.mark.parametrize("authorization,code", [(None, 1002), ("NONE", 1002), ("Bearer rubbish", 1036),
                                                ("Bearer a.b.c", 1036)])
def test_bad_tokens(vaultspay, authorization, code):
    reply = probe(vaultspay, headers={"Authorization": authorization})
    assert reply.json["code"] == code and reply.status in (400, 401), reply


@pytest.mark.parametrize("changes", [{"x-device-os": None}, {"x-device-os": "ANDROID"},
                                     {"x-device-id": None}, {"x-device-id": "rubbish"},
                                     {"x-device-id": "17"}])
def test_device_headers(vaultspay, changes):
    for reply in [probe(vaultspay, headers=changes),
                  vaultspay.post("/as/api/v1/saas-login", credentials_of(vaultspay), headers=changes)]:
        assert (reply.status, reply.json["code"]) == (500, 1018), reply


def test_a_token_belongs_to_its_app(vaultspay, vaultspay_other):
    vaultspay.login()
    reply = probe(vaultspay_other, headers={
        "Authorization": "Bearer " + vaultspay.tokens["accessToken"]})
    assert (reply.status, reply.json["code"]) == (500, 1018), reply


def test_ping(server):
    from client.http import Http
    reply = Http(server).get("/v1/ping", expect=200)
    assert reply.text == "Service is up and running!"
    assert reply.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("listed, allowed", [
    ("127.0.0.1", True), ("10.0.0.0/8, 127.0.0.0/8", True), ("127.0.0.0/31", True), ("0.0.0.0/0", True),
    ("127.0.0.2", False), ("10.0.0.0/8,::1", False), ("126.0.0.0/8", False), ("127.0.0.1/33", False), ("nonsense", False)])
def test_allow_list(own_server, tmp_path, listed, allowed):
    from client.http import Http
    config = tmp_path / "config"
    config.write_text(f"vaultspay_addresses = {listed}\n")
    server = own_server(options=["--config", str(config)])
    caller = VaultsPay(server)
    Http(server).get("/v1/ping", expect=200)
    reply = caller.post("/as/api/v1/saas-login", credentials_of(caller), expect=200 if allowed else 403)
    if not allowed:
        assert (reply.json["code"], reply.json["type"]) == (1007, "IP_NOT_WHITELISTED")
        caller.tokens = {"accessToken": "x"}
        caller.clock_moves = server.clock_moves
        assert caller.get("/be/api/v1/accounts", expect=403).json["code"] == 1007
