"""Callbacks of providers: nothing changes without the provider's signature, and everything once with it."""
import hashlib
import hmac
import json
import uuid
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.http import Http, wait_until
from client.people import register
from client.pcx import PcxSession


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


@pytest.mark.parametrize("currency", ["EUR", "GBP", "USD"])
def test_bridge_deposits_count_in_the_currency_of_the_account(server, sandbox, pcx_admin, currency):
    """Bridge turns them into USDC and says how much that made; what came in is what is credited."""
    account = pcx_admin.get(f"/virtual-accounts/admin/accounts/{open_account(server, currency)}", expect=200).data
    sent = sandbox.event("bridge", {"type": "deposit", "account_id": account["provider_account_id"],
                                    "amount": "1000.50", "currency": currency.lower(), "repeat": 2}).json
    assert sent["status"] == 200 and sent["event"]["event_object"]["currency"] == "usdc"
    wait_until(lambda: balances(server, account["account_id"])[1] > 0, what="the credit")
    assert balances(server, account["account_id"]) == (Decimal("1000.50"), Decimal("1000.50"))


def test_money_for_nobody_is_kept(sandbox, server):
    """A number we do not know: 200 (the provider is not at fault), an alert, nothing lost."""
    answer = sandbox.event("squad", {"account_number": "0000000000", "amount": "5.00"}).json
    assert answer["status"] == 200
    assert json.loads(json.dumps(answer["event"], default=str))["principal_amount"] == "5.00"


class KycCallbacks(Http):
    prefix = "/v1/users/webhook"

    def bridge(self, sandbox, **event):
        body, headers = signed(sandbox, "bridge", {"type": "customer", **event})
        reply = self.send("POST", "/kyc", raw=body, headers=headers, expect=200)
        assert reply.json["message"] == "Webhook processed" and isinstance(reply.data, dict)
        return body, headers


@pytest.fixture
def person(server, sandbox):
    """Somebody who started the review herself, so that Bridge's customer is her."""
    caller = PcxSession(server, register(server, sandbox))
    caller.post("/virtual-accounts/kyc", {"email": caller.who["email"], "customer_type": "individual"}, expect=200)
    return caller


def status_of(person):
    user = person.get(f"/users/{person.user_id}", expect=200).json
    return user.get("kyc_status"), user["status"]


DECISIONS = [("under_review", "pending", "pending_verification"), ("manual_review", "pending", "pending_verification"),
             ("awaiting_ubo", "pending", "pending_verification"), ("incomplete", "incomplete", "not_verified"),
             ("not_started", "not_started", "not_verified"), ("rejected", "rejected", "rejected"),
             ("active", "approved", "active")]


def test_bridge_decides_about_a_person(server, sandbox, person):
    """Each status of Bridge's, with the one in front of it told a second time and ignored."""
    callbacks, seen = KycCallbacks(server), []
    customer = person.get(f"/users/{person.user_id}", expect=200).json["bridge_customer_id"]
    for word, kyc_status, status in DECISIONS:
        event = callbacks.bridge(sandbox, customer_id=customer, kyc_status=word)
        wait_until(lambda: status_of(person) == (kyc_status, status), what=word)  # pylint: disable=cell-var-from-loop
        for body, headers in seen[-1:]:
            callbacks.send("POST", "/kyc", raw=body, headers=headers, expect=200)
            sandbox.advance("PT1S")
            assert status_of(person) == (kyc_status, status)
        seen.append(event)
    user = person.get(f"/users/{person.user_id}", expect=200).json
    assert user["kyc_submitted_at"] and user["kyc_approved_at"]


def test_other_news_of_bridge_is_acknowledged_and_ignored(server, sandbox, person):
    callbacks, before = KycCallbacks(server), status_of(person)
    customer = person.get(f"/users/{person.user_id}", expect=200).json["bridge_customer_id"]
    for event_type in ("created", "updated", "deleted"):
        callbacks.bridge(sandbox, customer_id=customer, kyc_status="rejected", event_type=event_type)
    callbacks.bridge(sandbox, customer_id="cust_nobody", kyc_status="rejected")
    sandbox.advance("PT1S")
    assert status_of(person) == before
    callbacks.bridge(sandbox, customer_id=customer, kyc_status="approved")
    wait_until(lambda: status_of(person) == ("approved", "active"), what="the approval")


def test_a_review_that_somebody_else_started_decides_about_nobody(server, sandbox, pcx_user):
    victim = PcxSession(server, register(server, sandbox))
    pcx_user.post("/virtual-accounts/kyc", {"email": victim.who["email"], "customer_type": "individual"}, expect=200)
    assert "bridge_customer_id" not in victim.get(f"/users/{victim.user_id}", expect=200).json


def test_kyc_webhook_of_bridge_needs_its_signature(server):
    other = Callbacks(server)
    other.prefix = "/v1/users/webhook"
    other.post("/kyc", {"event_type": "customer.updated.status_transitioned", "event_id": "wh_1"},
               expect=401)


# ---- Veriff ----

class Veriff(Http):
    prefix = "/v1/users"

    def __init__(self, server, sandbox):
        super().__init__(server)
        self.sandbox = sandbox

    def decide(self, expect=200, body=None, **event):
        text, headers = signed(self.sandbox, "veriff", event)
        return self.send("POST", "/webhook-kyc", raw=body or text, headers=headers, expect=expect)


@pytest.fixture
def veriff(server, sandbox):
    return Veriff(server, sandbox)


@pytest.fixture
def applicant(server, sandbox):
    return PcxSession(server, register(server, sandbox, id_type="passport", id_number="A1"))


@pytest.mark.parametrize("word,kyc_status,status,stamp", [
    ("approved", "approved", "active", "kyc_approved_at"), ("declined", "rejected", "rejected", "kyc_failure_reason"),
    ("resubmission_requested", "pending", "pending_verification", "kyc_submitted_at"),
    ("review", "pending", "pending_verification", "kyc_submitted_at"), ("expired", "expired", "not_verified", None),
    ("abandoned", "abandoned", "not_verified", None)])
def test_veriff_decides(veriff, applicant, sandbox, word, kyc_status, status, stamp):
    hook = sandbox.hook()
    applicant.post("/public/webhooks", {"endpoint_url": hook.url}, expect=201)
    at = "2026-01-15T10:00:00.000Z"
    for _ in range(2):  # said twice, done once
        reply = veriff.decide(vendorData=applicant.who["email"].upper(), decision=word, id="ver_1", decisionTime=at,
                              reason="blurred").json
        assert reply["message"] and reply["user"]["user_id"] == applicant.user_id
        assert "id_number" not in reply["user"]  # the caller is nobody in particular
    user = applicant.get(f"/users/{applicant.user_id}", expect=200).json
    assert (user["kyc_status"], user["status"], user["kyc_session_id"]) == (kyc_status, status, "ver_1")
    if stamp:
        assert user[stamp] == ("blurred" if stamp == "kyc_failure_reason" else at)
    event = json.loads(hook.wait()[0]["body"])
    assert event["event_type"] == "kyc." + kyc_status and event["data"]["user_id"] == applicant.user_id
    assert len(hook.deliveries()) == 1


def test_the_latest_decision_of_veriff_wins(veriff, applicant):
    email = applicant.who["email"]
    for at, word, now in (("2026-01-15T10:00:02Z", "approved", "approved"), ("2026-01-15T10:00:01Z", "declined", "approved"),
                          ("2026-01-15T10:00:04Z", "approved", "approved"), ("2026-01-15T10:00:03Z", "declined", "approved"),
                          ("2026-01-15T10:00:05Z", "declined", "rejected"), ("2026-01-15T10:00:04Z", "approved", "rejected")):
        assert veriff.decide(vendorData=email, decision=word, id="v", decisionTime=at).json["user"]["kyc_status"] == now


@pytest.mark.parametrize("event,status,field", [
    ({"vendorData": None}, 400, "verification.vendorData"), ({"decision": None}, 400, "verification.status"),
    ({"decisionTime": "soon"}, 400, "verification.decisionTime"), ({"delivery": "fail"}, 400, "verification.status"),
    ({"vendorData": "nobody@example.com"}, 404, "verification.vendorData")])
def test_veriff_is_refused(veriff, applicant, event, status, field):
    before = status_of(applicant)
    sent = {"vendorData": applicant.who["email"], "decision": "approved", **event}
    reply = veriff.decide(expect=status, **{name: value for name, value in sent.items() if value is not None})
    assert [error["field"] for error in reply.json["errors"]] == [field]
    assert status_of(applicant) == before


def test_veriff_signs(server, sandbox, veriff, applicant):
    before = status_of(applicant)
    good = {"vendorData": applicant.who["email"], "decision": "approved"}
    body, _ = signed(sandbox, "veriff", good)
    veriff.decide(expect=401, body=body.replace("approved", "declined"), **good)
    for headers in ({}, {"X-HMAC-SIGNATURE": "00"}, {"X-HMAC-SIGNATURE": ""}):
        veriff.send("POST", "/webhook-kyc", raw=body, headers=headers, expect=401)
        veriff.send("POST", "/webhook-kyc", raw="{", headers=headers, expect=401)
    assert status_of(applicant) == before
    assert sandbox.event("veriff", good).json["status"] == 200  # as Veriff itself would call
    assert status_of(applicant) == ("approved", "active")
