"""A hundred wrong log-ins from an address lock it out of every log-in; without sandbox, whose limit is far away."""
import os

from client.http import Http

PASSWORD = "Passw0rd!cli"


def test_wrong_app_secrets(own_server, monkeypatch, tmp_path):
    config = tmp_path / "config"
    config.write_text("rate_limit_public = 0\nvaultspay_plain = yes\n")
    monkeypatch.setenv("CAMBIST_KEY", f"root {os.urandom(32).hex()}\n1 {os.urandom(32).hex()}\n")
    caller = Http(own_server(sandbox=False, options=["--config", str(config)]))

    def app():
        return caller.post("/as/api/v1/saas-login", {"clientId": "nobody", "clientSecret": "x" * 48},
                           headers={"x-device-os": "SAAS", "x-device-id": "1", "x-enable-encryption": "false"})

    assert {app().status for _ in range(100)} == {401}
    refused = app()
    assert (refused.status, refused.json["code"]) == (429, 1005)
    person = {"email": "root@example.com", "password": PASSWORD}
    caller.post("/platform/v1/sessions", person, expect=429)
