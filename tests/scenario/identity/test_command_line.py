"""The first people and keys are made at the command line; a server without sandbox takes them."""
import json
import os
import subprocess

import pytest

from client.pcx import Platform

KEY = "root " + os.urandom(32).hex() + "\n1 " + os.urandom(32).hex() + "\n"
PASSWORD = "Passw0rd!cli"


@pytest.fixture
def production(own_server, monkeypatch):
    monkeypatch.setenv("CAMBIST_KEY", KEY)
    server = own_server(start=False, sandbox=False)
    os.makedirs(server.data)
    return server


def run(server, *arguments, code=0, **environment):
    words = list(arguments[:2]) if arguments[0] in ("user", "key") else []
    command = server.command(*arguments)
    if words:  # "create" stands before the options
        command = [command[0], *words, *(a for a in command[1:] if a not in words)]
    done = subprocess.run(command, capture_output=True, text=True,
                          env={**os.environ, **environment}, stdin=subprocess.DEVNULL, timeout=30, check=False)
    assert done.returncode == code, done
    assert PASSWORD not in done.stdout + done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


def create_user(server, email="root@example.com", **rest):
    return run(server, "user", "create", "--email", email, "--organisation", "Operations", "--operator", "yes",
               CAMBIST_PASSWORD=PASSWORD, **rest)


def test_first_administrator(production):
    user = create_user(production)
    key = run(production, "key", "create", "--email", "root@example.com", "--name", "first")
    assert key["user_id"] == user["user_id"] and key["org_id"] == user["org_id"]
    production.start()
    caller = Platform.__new__(Platform)
    super(Platform, caller).__init__(production, {**user, "api_key": key["api_key"]})
    me = caller.get("/sessions/current", expect=200).data
    assert {"internal-admin", "operator"} <= set(me["roles"])
    caller.post("/sessions", {"email": "root@example.com", "password": PASSWORD}, expect=201)
    caller.get("/sessions/current", expect=200)


def test_refusals(production):
    create_user(production)
    assert "email" in create_user(production, code=1)
    assert "email" in run(production, "key", "create", "--email", "nobody@example.com", code=1)
    assert "password" in run(production, "user", "create", "--email", "a@example.com", code=1,
                             CAMBIST_PASSWORD="weak")
    assert "type" in run(production, "user", "create", "--email", "a@example.com", "--type", "king", code=1,
                         CAMBIST_PASSWORD=PASSWORD)
    assert "tenant" in run(production, "user", "create", "--email", "a@example.com", "--tenant", "none", code=1,
                           CAMBIST_PASSWORD=PASSWORD)
    run(production, "user", "create", "--email", code=2)
    assert "sandbox" in run(production, "credentials", code=1)


def test_credentials_are_stable(own_server):
    server = own_server()
    first = server.credentials
    server.restart()
    server.known_credentials = None
    assert server.credentials == first


def test_key_pairs_rotate(own_server):
    """Old tokens stay good for a day; encrypted fields are for the new pair only, envelopes for both."""
    import jwt

    from client.fincode import Fincode
    from client.http import Http
    from client.vaultspay import VaultsPay
    server = own_server()
    old = Fincode(server)
    token = old.headers_for("")["X-Auth-Token"]
    sealed = old.seal(old.who["password"])
    envelope = VaultsPay(server, encrypted=True)
    server.stop()
    kids = {purpose: run(server, "key", "rotate", "--purpose", purpose)["kid"]
            for purpose in ("token", "envelope", "fields")}
    assert "purpose" in run(server, "key", "rotate", "--purpose", "locks", code=1)
    server.start()
    server.known_credentials = None
    keys = Http(server).get("/cognito/.well-known/jwks.json", expect=200).json["keys"]
    assert {kids["token"], jwt.get_unverified_header(token)["kid"]} == {key["kid"] for key in keys}
    new = Fincode(server)
    fresh = new.headers_for("")["X-Auth-Token"]
    assert jwt.get_unverified_header(fresh)["kid"] == kids["token"]
    bearer = {"X-Api-Key": "NONE"}
    for good in (token, fresh):
        Http(server).get("/platform/v1/sessions/current", expect=200,
                         headers={**bearer, "Authorization": "Bearer " + good})
    body = {"email": new.who["email"], "currentPassword": sealed, "payloadEncrypted": True}
    new.put("/securitymanagement/login", body, expect=422)
    new.put("/securitymanagement/login", {**body, "currentPassword": new.seal(new.who["password"])}, expect=200)
    assert new.settings["public_key"] != old.settings["public_key"]
    envelope.login()
    VaultsPay(server, encrypted=True).login()
