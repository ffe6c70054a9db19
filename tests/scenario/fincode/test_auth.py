"""FinCode sessions: PUT log-in, rotating refresh tokens whose reuse ends the session, log-out by either token."""
import jwt
import pytest
from cryptography.hazmat.primitives import hashes

from client.fincode import Fincode
from client.http import Http

LOGIN = "/securitymanagement/login"
REFRESH = "/securitymanagement/refresh-token"
LOGOUT = "/securitymanagement/logout"
PROBE = "/ledger/accounts"


class Open(Fincode):
    """FinCode's public calls, without a token."""

    def headers_for(self, path):
        return self.base_headers()


@pytest.fixture
def anyone(server):
    return Open(server)


@pytest.fixture
def other(server):
    return Open(server, other_tenant=True)


def credentials(caller, **changes):
    return {"email": caller.who["email"], "currentPassword": caller.who["password"], **changes}


def log_in(caller):
    return caller.put(LOGIN, credentials(caller), expect=200).data


def alive(caller, token):
    """Is the token taken? Asked of a call that needs one, whatever else it says."""
    status = caller.get("/securitymanagement/no-such-thing-" + token[-8:]).status
    reply = caller.put(LOGOUT + "?probe", None, headers={"X-Auth-Token": token})
    assert status in (401, 404) and reply.status in (200, 401)
    return reply.status == 200


def test_login(anyone, server):
    reply = anyone.put(LOGIN, credentials(anyone), expect=200).json
    assert (reply["status"], reply["responseCode"], reply["success"]) == ("SUCCESS", 200, True)
    tokens = reply["data"]
    assert reply["access_token"] == tokens["access_token"]
    assert reply["refresh_token"] == tokens["refresh_token"]
    assert tokens["expires_in"] == 3600 and tokens["roles"] == ["ADMIN"]
    assert tokens["user-id"] == anyone.user_id
    header = jwt.get_unverified_header(tokens["access_token"])
    assert header["typ"] == "JWT" and header["alg"] == "RS256"
    keys = Http(server).get("/cognito/.well-known/jwks.json", expect=200).json["keys"]
    key = next(k for k in keys if k["kid"] == header["kid"])
    claims = jwt.decode(tokens["access_token"], jwt.PyJWK(key).key, algorithms=["RS256"],
                        issuer="token.issuer:https://moneytransferapplication.com",
                        options={"require": ["exp", "iat", "jti"], "verify_iat": False})
    assert claims["roles"] == ["ADMIN"] and claims["user-id"] == anyone.user_id
    assert claims["tenancy-id"] == claims["client-id"] == server.credentials["fincode"]["tenant_id"]
    assert claims["exp"] - claims["iat"] == 3600


def test_every_role(server):
    for role in ["admin", "cashier", "customer"]:
        assert log_in(Open(server, role))["roles"] == [role.upper()]


def test_wrong(anyone):
    assert anyone.put(LOGIN, credentials(anyone, currentPassword="Wrong1!x"), expect=401).json[
        "error"]["code"] == "AUTH_REQUIRED"
    anyone.put(LOGIN, credentials(anyone, email="nobody@example.com"), expect=404)
    anyone.put(LOGIN, credentials(anyone, currentPassword="short"), expect=422)
    anyone.put(LOGIN, credentials(anyone, email=None), expect=422)
    anyone.post(LOGIN, credentials(anyone), expect=405)
    log_in(anyone)


def test_tenants_do_not_know_each_other(anyone, other):
    assert log_in(other)["user-id"] == other.user_id
    other.put(LOGIN, credentials(anyone), expect=404)
    anyone.put(LOGIN, credentials(other), expect=404)


def test_a_token_of_another_tenant_is_forbidden(server, fincode, fincode_other):
    token = fincode.headers_for("")["X-Auth-Token"]
    assert fincode_other.get(PROBE, headers={"X-Auth-Token": token}).status in (403, 404)
    reply = Open(server, other_tenant=True).put(
        "/admin/security/none", headers={"X-Auth-Token": token})
    assert reply.status in (403, 404, 405)


def test_lock_out(own_server):
    from client.sandbox import Sandbox
    server = own_server()
    caller = Open(server, "customer")
    for _ in range(5):
        caller.put(LOGIN, credentials(caller, currentPassword="Wrong1!x"), expect=401)
    caller.put(LOGIN, credentials(caller), expect=403)
    log_in(Open(server, "cashier"))
    Sandbox(server).advance("PT31M")
    log_in(caller)


def test_encrypted_password(anyone):
    for mgf in (hashes.SHA1, hashes.SHA256):
        sealed = anyone.seal(anyone.who["password"], mgf)
        anyone.put(LOGIN, credentials(anyone, currentPassword=sealed, payloadEncrypted=True), expect=200)
        anyone.put(LOGIN, credentials(anyone, currentPassword=anyone.seal("Wrong1!x", mgf),
                                      payloadEncrypted=True), expect=401)


def test_what_cannot_be_decrypted(anyone):
    import base64
    import os
    replies = [anyone.put(LOGIN, credentials(anyone, currentPassword=text, payloadEncrypted=True), expect=422)
               for text in ["not base64 !!", base64.b64encode(os.urandom(256)).decode(),
                            base64.b64encode(os.urandom(12)).decode(), anyone.who["password"]]]
    assert len({reply.json["message"] for reply in replies}) == 1
    assert "currentPassword" in replies[0].text


def test_refresh_rotates_and_reuse_ends_the_session(anyone):
    first = log_in(anyone)
    second = anyone.put(REFRESH, {"refresh_token": first["refresh_token"]}, expect=200).json
    assert second["message"] == "Token refreshed successfully"
    assert second["data"]["refresh_token"] == second["refresh_token"] != first["refresh_token"]
    third = anyone.put(REFRESH, {"refresh_token": second["refresh_token"]}, expect=200).data
    untouched = log_in(anyone)
    reply = anyone.put(REFRESH, {"refresh_token": first["refresh_token"]}, expect=403).json
    assert reply["error"]["code"] == "FORBIDDEN"
    anyone.put(REFRESH, {"refresh_token": third["refresh_token"]}, expect=401)
    anyone.put(LOGOUT, headers={"X-Auth-Token": third["access_token"]}, expect=401)
    anyone.put(REFRESH, {"refresh_token": untouched["refresh_token"]}, expect=200)


def test_parallel_refreshes_one_wins(anyone):
    from concurrent.futures import ThreadPoolExecutor
    token = log_in(anyone)["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: anyone.put(REFRESH, {"refresh_token": token}).status, range(8)))
    assert codes.count(200) == 1 and set(codes) <= {200, 401, 403}, codes


@pytest.mark.parametrize("token", ["rubbish", "A" * 64, ""])
def test_refresh_with_rubbish(anyone, token):
    anyone.put(REFRESH, {"refresh_token": token}, expect=(401, 422))


def test_refresh_is_the_tenants_own(anyone, other):
    token = log_in(anyone)["refresh_token"]
    other.put(REFRESH, {"refresh_token": token}, expect=401)
    anyone.put(REFRESH, {"refresh_token": token}, expect=200)


def test_vaultspay_tokens_are_no_fincode_tokens(anyone, vaultspay_plain):
    tokens = vaultspay_plain.login().json
    anyone.put(REFRESH, {"refresh_token": tokens["refreshToken"]}, expect=401)
    anyone.put(LOGOUT, headers={"X-Auth-Token": tokens["accessToken"]}, expect=401)


@pytest.mark.parametrize("by", ["access", "refresh", "both", "bearer"])
def test_logout(anyone, by):
    tokens = log_in(anyone)
    headers = {"access": {"X-Auth-Token": tokens["access_token"]},
               "both": {"x-auth-token": tokens["access_token"]},
               "bearer": {"Authorization": "Bearer " + tokens["access_token"]}}.get(by, {})
    body = {"refresh_token": tokens["refresh_token"]} if by in ("refresh", "both") else None
    assert anyone.put(LOGOUT, body, headers=headers, expect=200).json["message"] == "Logged out successfully"
    anyone.put(REFRESH, {"refresh_token": tokens["refresh_token"]}, expect=401)
    anyone.put(LOGOUT, headers={"X-Auth-Token": tokens["access_token"]}, expect=401)


def test_logout_of_nobody(anyone):
    anyone.put(LOGOUT, expect=401)
    anyone.put(LOGOUT, {"refresh_token": "rubbish"}, expect=401)


def test_wrapped_body(anyone):
    anyone.put(LOGIN, {"data": credentials(anyone), "metadata": {"request_id": "1"}}, expect=200)
