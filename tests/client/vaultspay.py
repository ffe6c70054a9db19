"""VaultsPay issuance: app login, bearer token, and the AES-256-GCM + RSA envelope in both directions."""
import base64
import os

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client.http import Http, Reply, dumps, loads


class VaultsPay(Http):
    """`app` is None for the sandbox's first app or "other_app"; `encrypted` puts every body in the envelope."""

    def __init__(self, server, app=None, encrypted=False):
        super().__init__(server)
        settings = server.credentials["vaultspay"]
        self.app = settings[app] if app else settings
        self.app_id = str(self.app["app_id"])
        self.user_id = self.app.get("user_id")
        self.encrypted = encrypted
        self.public_key = serialization.load_der_public_key(base64.b64decode(settings["public_key"]))
        self.mgf_hash = hashes.SHA256()
        self.tokens = None
        self.clock_moves = None

    def login(self):
        answer = self.send("POST", "/as/api/v1/saas-login",
                           {"clientId": self.app["client_id"], "clientSecret": self.app["client_secret"]},
                           expect=200)
        self.tokens = answer.json
        self.clock_moves = self.server.clock_moves
        return answer

    def headers_for(self, path):
        headers = {"x-device-os": "SAAS", "x-device-id": self.app_id}
        if not self.encrypted:
            headers["x-enable-encryption"] = "false"
        if "/saas-" not in path:
            if self.tokens is None or self.clock_moves != self.server.clock_moves:
                self.login()
            headers["Authorization"] = "Bearer " + self.tokens["accessToken"]
        return headers

    def seal(self, text):
        """(AES key, envelope headers, body) for a plain text; no body for None."""
        key, nonce = AESGCM.generate_key(256), os.urandom(12)
        wrapped = self.public_key.encrypt(
            key, padding.OAEP(padding.MGF1(self.mgf_hash), hashes.SHA256(), None))
        headers = {"x-session-nonce": base64.b64encode(nonce).decode(),
                   "x-auth-signature": base64.b64encode(wrapped).decode()}
        body = None
        if text is not None:
            sealed = AESGCM(key).encrypt(nonce, text.encode(), None)
            body = dumps({"encryptedData": base64.b64encode(sealed).decode()})
        return key, headers, body

    def exchange(self, method, path, text, params, headers, expect, files=None):
        if not self.encrypted:
            return super().exchange(method, path, text, params, headers, expect, files)
        key, envelope, body = self.seal(text)
        answer = self.session.request(method, self.server.url + path, params=params, data=body,
                                      headers={**envelope, **headers}, timeout=60)
        plain = answer.text
        nonce = answer.headers.get("x-session-nonce")
        if nonce and answer.text:
            sealed = base64.b64decode(loads(answer.text)["encryptedData"])
            plain = AESGCM(key).decrypt(base64.b64decode(nonce), sealed, None).decode()
        reply = Reply(answer.status_code, answer.headers, plain, f"{method} {path} (encrypted)")
        reply.was_encrypted = bool(nonce)
        return self.received(method, answer.request.path_url, text, reply, expect)
