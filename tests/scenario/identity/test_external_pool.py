"""Tokens of a Cognito pool outside: its key set is fetched, its people are found by name or verified address."""
import http.server
import json
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from client.http import wait_until
from client.people import Stranger
from client.sandbox import Sandbox


class Pool:
    """Serves a key set as Cognito does, and signs tokens."""

    def __init__(self):
        self.keys = {}
        pool = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({"keys": [
                    {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": kid,
                     "use": "sig", "alg": "RS256"} for kid, key in pool.keys.items()]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}/eu-west-1_Example"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add_key(self, kid):
        self.keys[kid] = rsa.generate_private_key(65537, 2048)

    def token(self, kid="one", key=None, **claims):
        now = int(time.time())
        body = {"iss": self.issuer, "token_use": "id", "iat": now, "exp": now + 600, "sub": "s", **claims}
        return jwt.encode({name: value for name, value in body.items() if value is not None},
                          key or self.keys[kid], "RS256", headers={"kid": kid})


@pytest.fixture
def pool():
    made = Pool()
    made.add_key("one")
    yield made
    made.server.shutdown()


def test_external_tokens(own_server, pool):
    server = own_server(options=["--cognito-jwks-url", pool.issuer + "/.well-known/jwks.json"])
    who = server.credentials["pcx"]["org_admin"]
    stranger = Stranger(server)

    def status(token):
        return stranger.get(f"/users/{who['user_id']}", headers={
            "Authorization": "Bearer " + token, "X-Api-Key": "NONE"}).status

    by_email = pool.token(email=who["email"], email_verified=True)
    wait_until(lambda: status(by_email) == 200, what="the key set")
    mine = stranger.get(f"/users/{who['user_id']}", headers={
        "Authorization": "Bearer " + by_email, "X-Api-Key": "NONE"}).json
    assert status(pool.token(token_use="access", username=mine["cognito_username"])) == 200
    assert status(pool.token(**{"cognito:username": mine["cognito_username"]})) == 200

    other = rsa.generate_private_key(65537, 2048)
    for token in [pool.token(email=who["email"]), pool.token(email=who["email"], email_verified=False),
                  pool.token(email="nobody@example.com", email_verified=True),
                  pool.token(email=who["email"], email_verified=True, iss="https://elsewhere.example"),
                  pool.token(email=who["email"], email_verified=True, exp=int(time.time()) - 1),
                  pool.token(email=who["email"], email_verified=True, exp=None),
                  pool.token(email=who["email"], email_verified=True, token_use="refresh"),
                  pool.token(key=other, email=who["email"], email_verified=True)]:
        assert status(token) == 401

    # A token that was taken is remembered, but not beyond its end.
    brief = pool.token(email=who["email"], email_verified=True, exp=int(time.time()) + 60)
    assert [status(brief) for _ in range(3)] == [200, 200, 200]
    Sandbox(server).advance("PT61S")
    assert status(brief) == 401
    by_email = pool.token(email=who["email"], email_verified=True)
    assert status(by_email) == 200

    pool.add_key("two")
    rotated = pool.token(kid="two", email=who["email"], email_verified=True)
    wait_until(lambda: status(rotated) == 200, what="the new key")
