"""The envelope, with python3-cryptography on the other side: what is opened, and that all else is one refusal."""
import base64
import os

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client.http import dumps, loads
from client.vaultspay import VaultsPay

INVALID_HEADERS = (500, 1018, "INVALID_HEADERS")


class Raw(VaultsPay):
    """Sends exactly what the test made."""

    def __init__(self, server):
        super().__init__(server, encrypted=True)
        self.key = AESGCM.generate_key(256)
        self.nonce = os.urandom(12)

    def wrap(self, key, mgf=hashes.SHA256, how=None):
        how = how or padding.OAEP(padding.MGF1(mgf()), hashes.SHA256(), None)
        return base64.b64encode(self.public_key.encrypt(key, how)).decode()

    def call(self, body, wrapped=None, nonce=None, **headers):
        everything = {"x-device-os": "SAAS", "x-device-id": self.app_id, "Content-Type": "application/json",
                      "x-session-nonce": base64.b64encode(self.nonce if nonce is None else nonce).decode(),
                      "x-auth-signature": wrapped or self.wrap(self.key), **headers}
        everything = {name: value for name, value in everything.items() if value is not None}
        return self.session.post(self.server.url + "/as/api/v1/saas-login", data=body, headers=everything)

    def login_body(self):
        return dumps({"clientId": self.app["client_id"], "clientSecret": self.app["client_secret"]})

    def sealed(self, nonce=None):
        return base64.b64encode(AESGCM(self.key).encrypt(
            self.nonce if nonce is None else nonce, self.login_body().encode(), None)).decode()

    def opened(self, answer):
        nonce = base64.b64decode(answer.headers["x-session-nonce"])
        return loads(AESGCM(self.key).decrypt(
            nonce, base64.b64decode(answer.json()["encryptedData"]), None).decode())


@pytest.fixture
def raw(server):
    return Raw(server)


def refused(answer):
    body = answer.json()
    return (answer.status_code, body["code"], body["type"]) == INVALID_HEADERS


@pytest.mark.parametrize("mgf", [hashes.SHA256, hashes.SHA1])
@pytest.mark.parametrize("form", ["raw", "base64"])
@pytest.mark.parametrize("body", ["member", "string", "bare"])
def test_what_clients_send(raw, mgf, form, body):
    key = raw.key if form == "raw" else base64.b64encode(raw.key)
    sealed = raw.sealed()
    text = {"member": dumps({"encryptedData": sealed}), "string": dumps(sealed), "bare": sealed}[body]
    answer = raw.call(text, wrapped=raw.wrap(key, mgf))
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"encryptedData"}
    assert raw.opened(answer)["accessToken"]
    assert base64.b64decode(answer.headers["x-session-nonce"]) != raw.nonce


def test_an_envelope_opens_once(raw):
    text, wrapped = dumps({"encryptedData": raw.sealed()}), raw.wrap(raw.key)
    assert raw.call(text, wrapped=wrapped).status_code == 200
    assert refused(raw.call(text, wrapped=wrapped))
    fresh = os.urandom(12)
    assert raw.call(dumps({"encryptedData": raw.sealed(fresh)}), wrapped=wrapped,
                    nonce=fresh).status_code == 200


def test_replay_is_refused_after_a_restart(own_server):
    import time
    server = own_server()
    raw = Raw(server)
    text, wrapped = dumps({"encryptedData": raw.sealed()}), raw.wrap(raw.key)
    assert raw.call(text, wrapped=wrapped).status_code == 200
    time.sleep(2.5)
    server.restart()
    raw.session.close()
    assert refused(raw.call(text, wrapped=wrapped))


def test_all_that_is_wrong_is_one_refusal(raw):
    good = dumps({"encryptedData": raw.sealed()})
    answers = [
        raw.call(good, wrapped="rubbish"),
        raw.call(good, wrapped=base64.b64encode(os.urandom(256)).decode()),
        raw.call(good, wrapped=base64.b64encode(os.urandom(255)).decode()),
        raw.call(good, wrapped=raw.wrap(raw.key[:16])),
        raw.call(good, wrapped=raw.wrap(os.urandom(32))),
        raw.call(good, wrapped=raw.wrap(raw.key, how=padding.PKCS1v15())),
        raw.call(good, nonce=os.urandom(12)),
        raw.call(good, nonce=b""),
        raw.call(good, nonce=os.urandom(16)),
        raw.call(good, **{"x-session-nonce": None}),
        raw.call(good, **{"x-auth-signature": None}),
        raw.call(raw.login_body()),
        raw.call("{"),
        raw.call(dumps({"other": raw.sealed()})),
        raw.call(dumps({"encryptedData": raw.sealed()[:-4]})),
        raw.call(dumps({"encryptedData": 7})),
    ]
    assert [answer.text for answer in answers if not refused(answer)] == []
    assert len({answer.text for answer in answers}) == 1


def test_refusals_are_encrypted_too(vaultspay):
    reply = vaultspay.post("/as/api/v1/users", {})
    assert reply.json["code"] == 1000
    if vaultspay.encrypted:
        assert reply.was_encrypted


def test_get_without_body_is_answered_encrypted(server):
    caller = VaultsPay(server, encrypted=True)
    assert caller.get("/be/api/v1/accounts").was_encrypted


def test_settings(own_server, tmp_path):
    config = tmp_path / "config"
    config.write_text("vaultspay_padding = oaep,pkcs1\nvaultspay_body_key = payload\n"
                      "vaultspay_response_nonce = request\nvaultspay_nonce_length = 16\n")
    raw = Raw(own_server(options=["--config", str(config)]))
    raw.nonce = os.urandom(16)
    answer = raw.call(dumps({"payload": raw.sealed()}), wrapped=raw.wrap(raw.key, how=padding.PKCS1v15()))
    assert answer.status_code == 200, answer.text
    assert base64.b64decode(answer.headers["x-session-nonce"]) == raw.nonce
    clear = AESGCM(raw.key).decrypt(raw.nonce, base64.b64decode(answer.json()["payload"]), None)
    assert loads(clear.decode())["accessToken"]
