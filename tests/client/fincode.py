"""FinCode: PUT login, raw JWT in X-Auth-Token, idempotency keys on writes, tenant by host name."""
import base64
import uuid

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from client.http import Http, dumps


class Fincode(Http):
    """`role` is admin, cashier or customer; `other_tenant` logs into the sandbox's second tenant."""

    prefix = "/api/v6/services"

    def __init__(self, server, role="admin", other_tenant=False, prefix=None):
        super().__init__(server)
        self.settings = server.credentials["fincode"]
        scope = self.settings["other_tenant"] if other_tenant else self.settings
        self.host = scope["host"] if other_tenant else None
        self.who = scope[role] if isinstance(role, str) else role
        self.user_id = self.who.get("user_id")
        self.tokens = None
        self.clock_moves = None
        if prefix:
            self.prefix = prefix

    def base_headers(self):
        headers = {"platform": "fincode", "uuid": "200"}
        if self.host:
            headers["Host"] = self.host
        return headers

    def login(self):
        body = dumps({"email": self.who["email"], "currentPassword": self.who["password"]})
        prefix, self.prefix = self.prefix, Fincode.prefix
        try:
            answer = self.exchange("PUT", "/securitymanagement/login", body, None,
                                   {"Content-Type": "application/json", **self.base_headers()}, 200)
        finally:
            self.prefix = prefix
        self.tokens = answer.data
        self.clock_moves = self.server.clock_moves
        return answer

    def headers_for(self, path):
        if self.tokens is None or self.clock_moves != self.server.clock_moves:
            self.login()
        return {**self.base_headers(), "X-Auth-Token": self.tokens["access_token"],
                "x-idempotency-key": str(uuid.uuid4())}

    def seal(self, text, mgf_hash=hashes.SHA1):
        """A field encrypted with the server's public key, as `payloadEncrypted` bodies carry it."""
        key = self.settings["public_key"]
        public_key = (serialization.load_pem_public_key(key.encode()) if "BEGIN" in key
                      else serialization.load_der_public_key(base64.b64decode(key)))
        sealed = public_key.encrypt(
            text.encode(), padding.OAEP(padding.MGF1(mgf_hash()), hashes.SHA256(), None))
        return base64.b64encode(sealed).decode()
