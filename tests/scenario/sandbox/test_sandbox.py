"""The sandbox's control API."""
import datetime

import pytest


def parse(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_clock_only_goes_forward(sandbox):
    before = parse(sandbox.clock()["now"])
    after = parse(sandbox.advance("PT10M")["now"])
    assert datetime.timedelta(minutes=10) <= after - before < datetime.timedelta(minutes=11)
    for bad in ({"advance": "10 minutes"}, {"advance": "-PT1M"}, {}, {"advance": 5}):
        sandbox.post("/clock", bad, expect=400)


def test_clock_survives_a_restart(own_server):
    from client.sandbox import Sandbox
    server = own_server()
    sandbox = Sandbox(server)
    moved = parse(sandbox.advance("P3D")["now"])
    server.restart()
    assert parse(sandbox.clock()["now"]) > moved


def test_providers_survive_a_restart(own_server):
    """The database remembers the provider's account numbers, so the provider has to."""
    from client.flows import balances
    from client.http import wait_until
    from client.pcx import Pcx
    from client.sandbox import Sandbox
    server = own_server()
    sandbox = Sandbox(server)

    def open_account():
        owner, admin = Pcx(server, "org_admin"), Pcx(server, "internal_admin")
        made = owner.post("/virtual-accounts/currency", {
            "org_id": owner.org_id, "user_id": owner.user_id, "currency": "NGN"}, expect=201).data
        return wait_until(lambda: (found := admin.get(
            f"/virtual-accounts/admin/accounts/{made['account_id']}").data)
            and found.get("account_number") and found, what="an account number")

    first = open_account()
    server.kill()
    server.start()
    second = open_account()
    assert first["account_number"] != second["account_number"]
    sandbox.event("squad", {"account_number": first["account_number"], "amount": "12.34"})
    wait_until(lambda: balances(server, first["account_id"])[0] > 0, what="the deposit")
    assert balances(server, second["account_id"])[0] == 0


def test_hook_catches_headers_and_raw_body(server, sandbox):
    import requests
    hook = sandbox.hook()
    raw = b'{"a": 1,\t"b":"\xc3\xa9"}'
    requests.post(hook.url, data=raw, headers={"X-Mark": "yes"}, timeout=5)
    caught = hook.wait()[0]
    assert caught["body"].encode() == raw
    assert {k.lower(): v for k, v in caught["headers"].items()}["x-mark"] == "yes"
    sandbox.get("/hooks/nonsense", expect=404)
    sandbox.post("/hooks", {"fail": 7}, expect=400)


@pytest.mark.parametrize("provider", ["squad", "squadco", "sarepay", "bridge"])
def test_providers_are_there(sandbox, provider):
    assert isinstance(sandbox.requests(provider), list)


@pytest.mark.parametrize("method,path,body,status", [
    ("GET", "/providers/nobody/requests", None, 404),
    ("POST", "/providers/squad/script", {"operation": "payout", "outcome": "explode"}, 400),
    ("POST", "/providers/squad/script", {"outcome": "fail"}, 400),
    ("POST", "/providers/sarepay/events", {"reference": "nothing", "status": "completed"}, 404),
    ("POST", "/providers/squad/events", {"amount": "ten"}, 400),
    ("POST", "/providers/squad/events", {"account_number": "1", "amount": 1, "repeat": 0}, 400),
    ("GET", "/nothing", None, 404),
    ("POST", "/clock", "{", 400),
])
def test_refusals(sandbox, method, path, body, status):
    raw = body if isinstance(body, str) else None
    sandbox.send(method, path, None if raw else body, raw=raw, expect=status)
