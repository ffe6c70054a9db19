"""PCX: two credential headers, the unused one NONE; Cognito's JSON calls for people."""
from client.http import Http


class Pcx(Http):
    """A caller by API key: `role` is internal_admin, org_admin or user of the sandbox's credentials, or a
    mapping with at least `api_key` (another organisation's, for instance)."""

    prefix = "/v1"

    def __init__(self, server, role="org_admin"):
        super().__init__(server)
        self.who = server.credentials["pcx"][role] if isinstance(role, str) else role
        self.user_id = self.who.get("user_id")
        self.org_id = self.who.get("org_id")

    def headers_for(self, path):
        return {"Authorization": "NONE", "X-Api-Key": self.who["api_key"]}


class PcxSession(Pcx):
    """The same person by JWT, logged in through the Cognito calls. `host` names the tenant."""

    def __init__(self, server, role="org_admin", host=None):
        super().__init__(server, role)
        self.host = host
        self.tokens = None
        self.clock_moves = None

    def headers_for(self, path):
        if self.tokens is None or self.clock_moves != self.server.clock_moves:
            self.clock_moves = self.server.clock_moves
            answer = Cognito(self.server).call("InitiateAuth", {
                "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": self.server.credentials["pcx"]["client_id"],
                "AuthParameters": {"USERNAME": self.who["email"], "PASSWORD": self.who["password"]}},
                host=self.host, expect=200)
            self.tokens = answer.json["AuthenticationResult"]
        return {"Authorization": "Bearer " + self.tokens["AccessToken"], "X-Api-Key": "NONE",
                "Host": self.host}


class OtherTenant(Pcx):
    """The sandbox's second tenant: its internal administrator, who may do everything there and nothing here."""

    def __init__(self, server, prefix=None):
        super().__init__(server, server.credentials["pcx"]["other_tenant"]["internal_admin"])
        self.prefix = prefix or self.prefix


class Cognito(Http):
    prefix = "/cognito"

    def call(self, action, body, host=None, **rest):
        return self.send("POST", "/", body, headers={
            "Host": host, "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "AWSCognitoIdentityProviderService." + action}, **rest)


class Platform(Pcx):
    """Our own dialect; its callers are staff, by PCX's two headers."""

    prefix = "/platform/v1"

    def __init__(self, server, role="internal_admin"):
        super().__init__(server, role)

    def deposit(self, account_id, amount, currency, reference=None):
        """Puts money into an account, in major units."""
        body = {"amount": amount, "currency": currency}
        if reference is not None:
            body["reference"] = reference
        return self.post(f"/accounts/{account_id}/deposits", body, expect=(200, 201))
