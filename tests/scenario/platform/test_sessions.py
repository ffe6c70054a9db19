"""Console and script sessions of our own dialect."""
import pytest

from client.http import Http
from client.people import PASSWORD, fresh_email, register


class Open(Http):
    prefix = "/platform/v1"


@pytest.fixture
def anyone(server):
    return Open(server)


def admin(server):
    return server.credentials["pcx"]["internal_admin"]


def log_in(anyone, who, **changes):
    return anyone.post("/sessions", {"email": who["email"], "password": who["password"], **changes})


def test_bearer(anyone, server):
    who = admin(server)
    reply = log_in(anyone, who)
    assert reply.status == 201
    data = reply.data
    assert data["user_id"] == who["user_id"] and data["tenant"] == "default"
    assert {"internal-admin", "operator"} <= set(data["roles"])
    bearer = {"Authorization": "Bearer " + data["token"], "Cookie": ""}
    current = anyone.get("/sessions/current", headers=bearer, expect=200).data
    assert current["user_id"] == who["user_id"] and "token" not in current
    anyone.delete("/sessions/current", headers=bearer, expect=204)
    anyone.get("/sessions/current", headers=bearer, expect=401)


def test_cookie(anyone, server):
    reply = log_in(anyone, admin(server))
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    anyone.get("/sessions/current", expect=200)
    anyone.delete("/sessions/current", headers={"Sec-Fetch-Site": "cross-site"}, expect=403)
    anyone.delete("/sessions/current", headers={"Sec-Fetch-Site": "same-origin"}, expect=204)
    anyone.session.cookies.clear()
    anyone.get("/sessions/current", expect=401)


def test_api_key(platform):
    assert platform.get("/sessions/current", expect=200).data["user_id"] == platform.user_id
    platform.delete("/sessions/current", expect=409)


def test_tenants(anyone, server):
    second = server.credentials["fincode"]["other_tenant"]["admin"]
    assert log_in(anyone, second).status == 401
    assert log_in(anyone, second, tenant="second").data["tenant"] == "second"
    assert log_in(anyone, second, tenant="nowhere").status == 401


def test_wrong_credentials_tell_nothing(anyone, server):
    who = admin(server)
    wrong = log_in(anyone, {**who, "password": "Wrong1!x"})
    nobody = log_in(anyone, {**who, "email": fresh_email()})
    assert wrong.status == nobody.status == 401
    assert wrong.json["message"] == nobody.json["message"]


def test_lock_out(anyone, server, sandbox):
    person = register(server, sandbox)
    for _ in range(5):
        assert log_in(anyone, {**person, "password": "Wrong1!x"}).status == 401
    assert log_in(anyone, person).status == 429


def test_lock_out_tells_nothing(anyone):
    for nobody in ({"email": fresh_email()}, {"email": fresh_email(), "tenant": "second"},
                   {"email": fresh_email(), "tenant": "unheard-of"}):
        replies = [log_in(anyone, {**nobody, "password": "Wrong1!x"}).status for _ in range(6)]
        assert replies == [401] * 5 + [429]


def test_deactivated(anyone, server, sandbox, pcx_admin):
    """Neither the session goes on nor does a new one begin."""
    person = register(server, sandbox)
    bearer = {"Authorization": "Bearer " + log_in(anyone, person).data["token"], "Cookie": ""}
    anyone.get("/sessions/current", headers=bearer, expect=200)
    pcx_admin.put(f"/users/{person['user_id']}/deactivate", {"updated_by": "test"}, expect=200)
    anyone.get("/sessions/current", headers=bearer, expect=401)
    assert log_in(anyone, person).status == 401


def test_one_session_ends_the_others_go_on(anyone, server):
    first, second = ({"Authorization": "Bearer " + log_in(anyone, admin(server)).data["token"], "Cookie": ""}
                     for _ in range(2))
    anyone.delete("/sessions/current", headers=first, expect=204)
    anyone.get("/sessions/current", headers=first, expect=401)
    anyone.get("/sessions/current", headers=second, expect=200)


def test_tokens_of_other_log_ins(anyone, pcx_session, fincode):
    """PCX's and FinCode's are taken, too, and tell who it is."""
    for caller, token in ((pcx_session, pcx_session.headers_for("/")["Authorization"]),
                          (fincode, "Bearer " + fincode.headers_for("")["X-Auth-Token"])):
        found = anyone.get("/sessions/current", headers={"Authorization": token}, expect=200).data
        assert found["email"] == caller.who["email"] and "token" not in found


def test_unconfirmed(anyone, server, sandbox):
    person = register(server, sandbox, confirm=False)
    assert log_in(anyone, person).status == 403


@pytest.mark.parametrize("missing", ["email", "password"])
def test_required(anyone, missing):
    body = {"email": "a@example.com", "password": PASSWORD}
    del body[missing]
    reply = anyone.post("/sessions", body, expect=400)
    assert missing in reply.text
