"""PCX's two headers: one credential, the other header NONE, and everything else is one and the same 401."""
import pytest

from client.people import Stranger, register
from client.pcx import Cognito, PcxSession

UNAUTHORIZED = {"status": "error", "message": "Unauthorized"}


@pytest.fixture
def stranger(server):
    return Stranger(server)


def key_of(server, role="org_admin"):
    return server.credentials["pcx"][role]["api_key"]


def test_either_credential_opens(pcx, pcx_session):
    path = f"/users/{pcx.user_id}"
    assert pcx.get(path, expect=200).json["user_id"] == pcx.user_id
    assert pcx_session.get(path, expect=200).json["user_id"] == pcx.user_id


def test_header_names_in_any_case(server, stranger, pcx):
    stranger.get(f"/users/{pcx.user_id}", expect=200,
                 headers={"authorization": "NONE", "x-api-key": key_of(server)})


@pytest.mark.parametrize("authorization,key", [
    (None, None), ("NONE", None), (None, "KEY"), (None, "NONE"), ("NONE", "NONE"), ("NONE", ""),
    ("", "KEY"), ("NONE", "pcx_abcdefgh_0123456789"), ("NONE", "nonsense"), ("none", "none"),
    ("Bearer nonsense", "NONE"), ("Bearer a.b.c", "NONE"), ("Bearer ", "NONE"), ("KEY", "NONE"),
    ("Bearer nonsense", "KEY"), ("TOKEN", "KEY"), ("RAWTOKEN", "NONE")])
def test_every_other_pair_is_the_same_401(server, stranger, pcx_session, authorization, key):
    token = pcx_session.headers_for("")["Authorization"]
    words = {"KEY": key_of(server), "TOKEN": token, "RAWTOKEN": token.split()[1]}
    headers = {"Authorization": words.get(authorization, authorization),
               "X-Api-Key": words.get(key, key)}
    reply = stranger.get("/organizations", headers=headers)
    assert reply.status == 401, reply
    assert reply.json == UNAUTHORIZED


def test_a_wrong_last_character(server, stranger):
    key = key_of(server)
    wrong = key[:-1] + ("x" if key[-1] != "x" else "y")
    stranger.get("/organizations", headers={"Authorization": "NONE", "X-Api-Key": wrong}, expect=401)


def test_a_token_signed_by_somebody_else(pcx_session, stranger):
    import jwt
    from cryptography.hazmat.primitives.asymmetric import rsa
    token = pcx_session.headers_for("")["Authorization"].split()[1]
    claims = jwt.decode(token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(token)["kid"]
    forger = rsa.generate_private_key(65537, 2048)
    forged = [jwt.encode(claims, forger, "RS256", headers={"kid": kid}),
              jwt.encode(claims, "secret", "HS256", headers={"kid": kid}),
              jwt.encode(claims, None, "none", headers={"kid": kid})]
    parts = token.split(".")
    forged.append(".".join([parts[0], parts[1][:-2] + "AA", parts[2]]))
    for text in forged:
        reply = stranger.get("/organizations",
                             headers={"Authorization": "Bearer " + text, "X-Api-Key": "NONE"})
        assert reply.status == 401, reply


def test_an_expired_token(own_server):
    server = own_server()
    caller = PcxSession(server)
    headers = caller.headers_for("")
    caller.get(f"/users/{caller.user_id}", headers=headers, expect=200)
    from client.sandbox import Sandbox
    Sandbox(server).advance("PT61M")
    assert caller.get(f"/users/{caller.user_id}", headers=headers, expect=401).json == UNAUTHORIZED
    caller.get(f"/users/{caller.user_id}", expect=200)  # a new log-in


def test_open_routes_take_no_credential_none_and_rubbish(stranger, server, sandbox):
    for headers in [{}, {"Authorization": "NONE", "X-Api-Key": "NONE"},
                    {"Authorization": "Bearer rubbish", "X-Api-Key": "NONE"}]:
        reply = stranger.post("/users/register", {}, headers=headers)
        assert reply.status == 400, reply


def test_a_token_of_another_dialect_opens_nothing(fincode, stranger):
    token = fincode.headers_for("")["X-Auth-Token"]
    stranger.get("/organizations", headers={"Authorization": "Bearer " + token, "X-Api-Key": "NONE"},
                 expect=401)


def test_signing_out_ends_the_access_token(server, sandbox):
    person = register(server, sandbox)
    caller = PcxSession(server, person)
    caller.get(f"/users/{person['user_id']}", expect=200)
    Cognito(server).call("GlobalSignOut", {"AccessToken": caller.tokens["AccessToken"]}, expect=200)
    caller.get(f"/users/{person['user_id']}", expect=401)
