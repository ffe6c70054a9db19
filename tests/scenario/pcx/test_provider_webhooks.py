"""Callbacks of providers: nothing changes without the provider's signature, and everything once with it."""
import hashlib
import hmac
import json
import uuid
from decimal import Decimal

import pytest

from client.flows import balances
from client.http import Http, wait_until


class Callbacks(Http):
    prefix = "/v1/virtual-accounts/webhook"


@pytest.fixture
def callbacks(server):
    return Callbacks(server)


@pytest.fixture
def account(pcx, pcx_admin):
    """An NGN account that SquadCo keeps, with its number there."""
    made = pcx.post("/virtual-accounts/currency", {
        "org_id": pcx.org_id, "user_id": pcx.user_id, "currency": "NGN"}, expect=201).data
    return wait_until(lambda: (found := pcx_admin.get(
        f"/virtual-accounts/admin/accounts/{made['account_id']}", expect=200).data)
        and found.get("account_number") and found, what="an account number")


def deposit(sandbox, account, amount, reference=None, **fields):
    return sandbox.event("squad", {"account_number": account["account_number"], "amount": amount,
                                   "reference": reference or "REF" + uuid.uuid4().hex, **fields}).json


def test_a_deposit_is_credited_once(server, sandbox, account):
    reference = "REF" + uuid.uuid4().hex
    assert deposit(sandbox, account, "2500.75", reference, repeat=3)["status"] == 200
    wait_until(lambda: balances(server, account["account_id"])[0] > 0, what="the credit")
    assert deposit(sandbox, account, "2500.75", reference)["status"] == 200
    sandbox.advance("PT1S")
    available, ledger = balances(server, account["account_id"])
    assert ledger == Decimal("2500.75") and available == ledger


def test_a_wrong_signature_changes_nothing(server, sandbox, account):
    assert deposit(sandbox, account, "9999.00", signature="wrong")["status"] == 401
    sandbox.advance("PT1S")
    assert balances(server, account["account_id"]) == (0, 0)


def signed(sandbox, provider, event):
    """What the provider would send: raw body and headers."""
    made = sandbox.event(provider, {**event, "send": False}).json
    return made["body"], {"Content-Type": "application/json", **made["headers"]}


def test_received_directly(server, sandbox, callbacks, account):
    body, headers = signed(sandbox, "squad", {"account_number": account["account_number"], "amount": "3.50"})
    for path in ("/squadco", "/squad"):
        callbacks.send("POST", path, raw=body, headers=headers, expect=200)
    wait_until(lambda: balances(server, account["account_id"])[1] == Decimal("3.50"), what="the credit")
    tampered = body.replace("3.50", "9.50")
    callbacks.send("POST", "/squadco", raw=tampered, headers=headers, expect=401)
    callbacks.send("POST", "/sarepay", raw=body, headers=headers, expect=401)


def test_bridge_kyc_path(server, sandbox):
    other = Callbacks(server)
    other.prefix = "/v1/users/webhook"
    body, headers = signed(sandbox, "bridge", {"type": "customer", "customer_id": "cust_cambist",
                                               "kyc_status": "approved"})
    assert other.send("POST", "/kyc", raw=body, headers=headers, expect=200).json["message"] == \
        "Webhook processed"
    other.send("POST", "/kyc", raw=body + " ", headers=headers, expect=401)


@pytest.mark.parametrize("provider,headers", [
    ("squadco", {}), ("squad", {"x-squad-signature": "00"}), ("sarepay", {}),
    ("sarepay", {"x-sarepay-signature": hmac.new(b"guess", b"{}", hashlib.sha512).hexdigest()}),
    ("bridge", {}), ("bridge", {"X-Webhook-Signature": "t=1,v0=AAAA"}),
    ("bridge", {"X-Webhook-Signature": "nonsense"})])
def test_unsigned_is_401(callbacks, provider, headers):
    callbacks.post(f"/{provider}", {}, headers=headers, expect=401)
    callbacks.send("POST", f"/{provider}", raw="", headers=headers, expect=(400, 401))
    callbacks.send("POST", f"/{provider}", raw="\x00{", headers=headers, expect=(400, 401))


def test_unknown_provider_is_404(callbacks):
    callbacks.post("/monopoly", {}, expect=404)


def test_the_other_path(server, sandbox):
    other = Callbacks(server)
    other.prefix = "/v1/virtual-accounts/webhooks"
    other.post("/squadco", {}, expect=401)


def test_deposits_in_parallel_events(server, sandbox, account):
    for index in range(10):
        deposit(sandbox, account, "1.01", f"REF{account['account_number']}{index}", repeat=2)
    wait_until(lambda: balances(server, account["account_id"])[1] == Decimal("10.10"), what="10 credits")


def test_money_for_nobody_is_kept(sandbox, server):
    """A number we do not know: 200 (the provider is not at fault), an alert, nothing lost."""
    answer = sandbox.event("squad", {"account_number": "0000000000", "amount": "5.00"}).json
    assert answer["status"] == 200
    assert json.loads(json.dumps(answer["event"], default=str))["principal_amount"] == "5.00"


def test_bridge_approves_a_customer(pcx, sandbox):
    """KYC is started, Bridge says later that it is done: no one has to ask."""
    email = f"kyc-{uuid.uuid4().hex[:10]}@example.com"
    started = pcx.post("/virtual-accounts/kyc", {"email": email, "customer_type": "individual"})
    assert started.status in (200, 201), started
    asked = [r for r in sandbox.requests("bridge")
             if r["operation"] == "create_customer" and r["body"]["email"] == email]
    assert len(asked) == 1
    for event in ({"type": "customer", "customer_id": "cust_nobody", "kyc_status": "approved"},
                  {"type": "customer", "customer_id": "cust_cambist", "kyc_status": "approved"}):
        assert sandbox.event("bridge", event).json["status"] == 200


def test_kyc_webhook_of_bridge_needs_its_signature(server):
    other = Callbacks(server)
    other.prefix = "/v1/users/webhook"
    other.post("/kyc", {"event_type": "customer.updated.status_transitioned", "event_id": "wh_1"},
               expect=401)
