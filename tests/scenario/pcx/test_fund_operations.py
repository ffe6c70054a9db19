"""Fund operations: every movement exact to the last minor unit, every refusal without a trace."""
import json
import uuid
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.http import Http, wait_until
from client.pcx import OtherTenant, Pcx
from client.people import register, with_key


@pytest.fixture
def fees(pcx_admin):
    """Sets a fee for one pair for the length of a test."""
    made = []

    def make(currency, transaction_type, structure, value, **bounds):
        made.append(pcx_admin.post("/virtual-accounts/fees", {
            "currency": currency, "transaction_type": transaction_type, "fee_type": "test_fee",
            "fee_structure": structure, "fee_value": Decimal(value), **bounds},
            expect=201).data["fee_id"])

    yield make
    for fee_id in made:
        pcx_admin.delete(f"/virtual-accounts/fees/{fee_id}", expect=200)


def transfer(caller, source, target, amount, expect=200, **changes):
    body = {"from_account_id": source, "to_account_id": target, "user_id": caller.user_id,
            "amount": Decimal(amount) if isinstance(amount, str) else amount}
    body.update(changes)
    return caller.post("/virtual-accounts/transfer", body, expect=expect)


def withdraw(caller, account_id, amount, expect=200, **changes):
    body = {"account_id": account_id, "amount": Decimal(amount), "user_id": caller.user_id,
            "beneficiary_name": "Ada Obi", "bank_code": "058",
            "beneficiary_account_number": "0123456789"}
    body.update(changes)
    return caller.post("/virtual-accounts/withdraw",
                       {k: v for k, v in body.items() if v is not None}, expect=expect)


def entries(caller, account_id):
    return caller.get(f"/virtual-accounts/{account_id}/transactions", expect=200).data


def detail(made):
    return f"/virtual-accounts/admin/transactions/{made['transaction_id']}"


def decide(admin, made, action, expect=200):
    return admin.post(f"{detail(made)}/{action}", expect=expect)


def wait_for(admin, made, status):
    wait_until(lambda: admin.get(detail(made), expect=200).data["status"] == status, what=status)


# ---- What all of them refuse ----

# Path -> a body that would succeed on a USD account of the caller's, for who may call it.
OPERATIONS = {
    "/deposit": {"account_id": None, "user_id": None, "amount": 1},
    "/transfer": {"from_account_id": None, "to_account_id": None, "user_id": None, "amount": 1},
    "/withdraw": {"account_id": None, "user_id": None, "amount": 1, "beneficiary_name": "Ada Obi",
                  "external_account_id": None},
    "/withdraw/crypto": {"account_id": None, "user_id": None, "amount": 1, "payment_rail": "ethereum",
                         "currency": "usdc", "to_address": "0x71C7656EC7ab88b098defB751B7401B5f6d8976F"},
    "/fund/crypto": {"account_id": None, "user_id": None, "amount": 1, "payment_rail": "ethereum",
                     "currency": "usdc"},
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS)


def linked_account(caller):
    """A USD account outside, and the customer whose it is."""
    customer = caller.post("/virtual-accounts/kyc", {
        "email": f"w{uuid.uuid4().hex[:8]}@example.com", "customer_type": "individual"},
        expect=200).data["customer_id"]
    return caller.post("/virtual-accounts/link", {
        "customer_id": customer, "currency": "USD", "account_number": "000123456789",
        "routing_number": "101019644", "account_type": "checking", "bank_name": "Chase Bank"},
        expect=201).data["external_account_id"], customer


def external_account(caller):
    return linked_account(caller)[0]


@pytest.fixture
def ready(server, pcx):
    """Fills in a body of OPERATIONS: a USD account with 100 in it, and what else is named."""
    def fill(operation, owner=pcx):
        account_id = owner.post("/virtual-accounts/currency", {
            "org_id": owner.org_id, "user_id": owner.user_id, "currency": "USD"}, expect=201).data["account_id"]
        Pcx(server, "internal_admin").post("/virtual-accounts/deposit", {
            "account_id": account_id, "amount": 100}, expect=200)
        known = {"account_id": lambda: account_id, "from_account_id": lambda: account_id,
                 "to_account_id": lambda: open_account(server, "USD"), "user_id": lambda: owner.user_id,
                 "external_account_id": lambda: external_account(owner)}
        body = OPERATIONS[operation]
        return {name: known[name]() if value is None else value for name, value in body.items()}, account_id
    return fill


def caller_of(operation, pcx, pcx_admin):
    return pcx_admin if operation == "/deposit" else pcx


@every_operation
def test_amounts(pcx, pcx_admin, server, ready, operation):
    body, account_id = ready(operation)
    caller = caller_of(operation, pcx, pcx_admin)
    for amount in ("0", "-0", "-5", "1.001", "90071992547409.92", "99999999999999999999999"):
        reply = caller.post("/virtual-accounts" + operation, {**body, "amount": Decimal(amount)}, expect=400)
        assert "amount" in reply.json["message"]
    for raw in ('"5"', '""', "1e3", "1E-2", "true", "null", "NaN", "Infinity", "[1]", "0x10", "01", "+1", "1."):
        text = '{"amount": %s, %s}' % (raw, ", ".join(
            f'"{name}": "{value}"' for name, value in body.items() if name != "amount"))
        caller.post("/virtual-accounts" + operation, raw=text, expect=400)
    assert balances(server, account_id) == (100, 100)
    caller.post("/virtual-accounts" + operation, body, expect=200)


@every_operation
def test_ids_in_bodies(pcx, pcx_admin, server, ready, operation):
    """A text that is no id of its kind is 400, an id of nothing 404; both name the field."""
    body, account_id = ready(operation)
    caller = caller_of(operation, pcx, pcx_admin)
    for field in (name for name in body if name.endswith("_id")):
        prefix = body[field].split("_")[0]
        wrong = "usr" if prefix != "usr" else "va"
        for text, status in (("nonsense", 400), (f"{wrong}_{body[field].split('_')[1]}", 400), (" ", 400),
                             (body[field].upper(), 400), (f"{prefix}_0000000000001", 404)):
            reply = caller.post("/virtual-accounts" + operation, {**body, field: text}, expect=status)
            assert field in reply.text, reply
    assert balances(server, account_id) == (100, 100)


@every_operation
def test_of_whom(server, pcx, pcx_admin, pcx_user, ready, operation):
    """Neither another organisation, nor a plain member, nor another tenant moves anything."""
    body, account_id = ready(operation)
    for stranger in (Pcx(server, "other_org_admin"), pcx_user):
        for user_id in (stranger.user_id, pcx.user_id):
            stranger.post("/virtual-accounts" + operation, {**body, "user_id": user_id}, expect=403)
    foreigner = OtherTenant(server)
    for user_id in (foreigner.user_id, pcx.user_id):
        foreigner.post("/virtual-accounts" + operation, {**body, "user_id": user_id}, expect=404)
    assert balances(server, account_id) == (100, 100)


@every_operation
@pytest.mark.parametrize("status", ["inactive", "suspended"])
def test_only_active_accounts(server, pcx, pcx_admin, ready, operation, status):
    body, account_id = ready(operation)
    pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": status}, expect=200)
    caller = caller_of(operation, pcx, pcx_admin)
    caller.post("/virtual-accounts" + operation, body, expect=400)
    if operation == "/transfer":
        back = {**body, "from_account_id": body["to_account_id"], "to_account_id": account_id}
        assert "to_account_id" in caller.post("/virtual-accounts" + operation, back, expect=400).text
    assert balances(server, account_id) == (100, 100)
    pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": "active"}, expect=200)
    caller.post("/virtual-accounts" + operation, body, expect=200)


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "/deposit"])
def test_a_suspended_organisation_moves_nothing(server, sandbox, pcx_admin, ready, operation):
    """Nor does staff for it; what staff credits to it arrives all the same."""
    owner = with_key(server, pcx_admin, register(server, sandbox))
    body, account_id = ready(operation, owner)
    for status in ("suspended", "inactive"):
        pcx_admin.put(f"/organizations/admin/status/{owner.org_id}", {"status": status}, expect=200)
        for caller in (owner, pcx_admin):
            caller.post("/virtual-accounts" + operation, body, expect=403)
    assert balances(server, account_id) == (100, 100)
    pcx_admin.post("/virtual-accounts/deposit", {"account_id": account_id, "amount": 1}, expect=200)
    pcx_admin.put(f"/organizations/admin/status/{owner.org_id}", {"status": "active"}, expect=200)
    owner.post("/virtual-accounts" + operation, body, expect=200)


@every_operation
def test_idempotency_key(server, pcx, pcx_admin, ready, operation):
    body, account_id = ready(operation)
    caller, key = caller_of(operation, pcx, pcx_admin), {"Idempotency-Key": uuid.uuid4().hex}
    first = caller.post("/virtual-accounts" + operation, body, headers=key, expect=200)
    before = len(entries(pcx, account_id))
    assert caller.post("/virtual-accounts" + operation, body, headers=key, expect=200).json == first.json
    caller.post("/virtual-accounts" + operation, {**body, "amount": 2}, headers=key, expect=409)
    assert len(entries(pcx, account_id)) == before


# ---- The journals behind them ----

def journals(platform, reference):
    """Oldest first, each as its legs: (kind, from, to, amount)."""
    found = platform.get("/ledger/journals", {"reference": reference}, expect=200).data
    return [[(leg["kind"], leg["debit_kind"], leg["credit_kind"], Decimal(leg["amount"]))
             for leg in journal["transfers"]] for journal in reversed(found)]


def test_journals_of_a_deposit_and_a_transfer(pcx, pcx_admin, platform, server, fees):
    fees("NGN", "deposit", "fixed_amount", "2")
    fees("NGN", "transfer", "percentage", "1")
    source, target = open_account(server), open_account(server)
    made = pcx_admin.post("/virtual-accounts/deposit", {"account_id": source, "amount": 102}, expect=200).data
    assert journals(platform, made["reference"]) == [[
        ("posted", "settlement", "customer", 102), ("posted", "customer", "fee income", 2)]]
    made = transfer(pcx, source, target, "99").data
    assert journals(platform, made["reference"]) == [[
        ("posted", "customer", "customer", 99), ("posted", "customer", "fee income", Decimal("0.99"))]]
    assert balances(server, source) == (Decimal("0.01"),) * 2 and balances(server, target) == (99, 99)


@pytest.mark.parametrize("end, kind", [("completed", "post"), ("failed", "void"), ("rejected", "void")])
def test_journals_of_a_withdrawal(pcx, pcx_admin, platform, server, sandbox, fees, end, kind):
    fees("NGN", "withdrawal", "fixed_amount", "5")
    account_id = open_account(server, amount="100")
    made = withdraw(pcx, account_id, "95").data
    held = [("pending", "customer", "settlement", 95), ("pending", "customer", "fee income", 5)]
    assert journals(platform, made["reference"]) == [held]
    if end == "failed":
        sandbox.script("sarepay", "payout", "fail")
    decide(pcx_admin, made, "reject" if end == "rejected" else "approve")
    wait_for(pcx_admin, made, end)
    assert journals(platform, made["reference"]) == [held, [(kind, *leg[1:]) for leg in held]]
    assert balances(server, account_id) == ((0, 0) if end == "completed" else (100, 100))


# ---- What listeners hear ----

def test_webhooks(pcx, pcx_admin, server, sandbox):
    hook = sandbox.hook()
    owner = with_key(server, pcx_admin, register(server, sandbox))
    owner.post("/public/webhooks", {"endpoint_url": hook.url}, expect=201)
    source = owner.post("/virtual-accounts/currency", {
        "org_id": owner.org_id, "user_id": owner.user_id, "currency": "NGN"}, expect=201).data["account_id"]
    target = open_account(server)
    pcx_admin.post("/virtual-accounts/deposit", {"account_id": source, "amount": 100}, expect=200)
    transfer(owner, source, target, "10")
    for action in ("reject", "approve"):
        made = withdraw(owner, source, "20").data
        decide(pcx_admin, made, action)
        wait_for(pcx_admin, made, "rejected" if action == "reject" else "completed")
    heard = [json.loads(delivery["body"]) for delivery in hook.wait(8)]
    types = [event["event_type"] for event in heard]
    prefix = "virtual_account."
    assert sorted(types) == sorted([prefix + name for name in (
        "credited", "debited", "withdrawal_pending", "withdrawal_rejected", "withdrawal_pending",
        "withdrawal_approved", "withdrawal_processing", "debited")])
    last = next(event["data"] for event in heard if event["data"]["transaction_id"] == made["transaction_id"]
                and event["event_type"] == prefix + "debited")
    assert last["account_id"] == source and last["org_id"] == owner.org_id and last["amount"] == 20
    assert last["status"] == "completed" and last["type"] == "debit" and last["currency"] == "NGN"


# ---- Deposits ----

def test_deposit(pcx_admin, server, fees):
    account_id = open_account(server)
    reference = uuid.uuid4().hex
    data = pcx_admin.post("/virtual-accounts/deposit", {
        "account_id": account_id, "amount": Decimal("1500.50"), "description": "Top up",
        "reference": reference}, expect=200).data
    assert data["type"] == "credit" and data["status"] == "completed"
    assert data["reference"] == reference and Decimal(data["amount"]) == Decimal("1500.50")
    assert balances(server, account_id) == (Decimal("1500.50"),) * 2
    fees("NGN", "deposit", "percentage", "1.5")
    data = pcx_admin.post("/virtual-accounts/deposit", {
        "account_id": account_id, "amount": Decimal("100.01"), "currency": "NGN"}, expect=200).data
    assert Decimal(data["fee"]) == Decimal("1.50")
    assert balances(server, account_id)[0] == Decimal("1599.01")


def test_deposit_refusals(pcx, pcx_admin, server):
    account_id = open_account(server)
    body = {"account_id": account_id, "amount": 5}
    pcx.post("/virtual-accounts/deposit", body, expect=403)
    pcx_admin.post("/virtual-accounts/deposit", {**body, "currency": "USD"}, expect=400)
    pcx_admin.post("/virtual-accounts/deposit", {**body, "account_id": "va_0000000000001"},
                   expect=404)
    pcx_admin.post("/virtual-accounts/deposit", {**body, "user_id": "usr_0000000000001"}, expect=404)
    pcx_admin.post("/virtual-accounts/deposit", {**body, "user_id": pcx.user_id}, expect=200)


def test_the_provider_credits_a_virtual_account_once(pcx_admin, server, sandbox):
    account_id = open_account(server)
    number = pcx_admin.get(f"/virtual-accounts/admin/accounts/{account_id}",
                           expect=200).data["account_number"]
    event = {"type": "deposit", "account_number": number, "amount": "2500.75",
             "reference": "R" + uuid.uuid4().hex[:12]}
    sandbox.event("squad", event)
    wait_until(lambda: balances(server, account_id)[0] == Decimal("2500.75"), what="the deposit")
    sandbox.event("squad", event)
    other = {**event, "reference": "R" + uuid.uuid4().hex[:12], "amount": "0.25"}
    sandbox.event("squad", other)
    wait_until(lambda: balances(server, account_id)[0] == 2501, what="the second deposit")
    assert balances(server, account_id) == (2501, 2501)
    assert [Decimal(e["amount"]) for e in entries(pcx_admin, account_id)] == [
        Decimal("0.25"), Decimal("2500.75")]


def alerts_of(admin, account_id, kind):
    return [log["metadata"] for log in admin.get("/virtual-accounts/logs", {
        "type": kind, "account_id": account_id, "limit": 100}, expect=200).data]


def test_a_provider_that_contradicts_itself(pcx_admin, server, sandbox):
    """The same deposit with another amount, in an event of its own: the first word counts, and somebody is told."""
    account_id = open_account(server, "USD")
    there = pcx_admin.get(f"/virtual-accounts/admin/accounts/{account_id}", expect=200).data["provider_account_id"]
    event = {"type": "deposit", "account_id": there, "currency": "usd", "amount": "20.00",
             "reference": "R" + uuid.uuid4().hex[:12]}
    for amount in ("20.00", "20.00", "200.00"):
        sandbox.event("bridge", {**event, "amount": amount})
        wait_until(lambda: balances(server, account_id)[0] == 20, what="the deposit")
    told = wait_until(lambda: alerts_of(pcx_admin, account_id, "deposit.contradicted"), what="the alert")
    assert [(m["reference"], m["amount"], m["now_reported"]) for m in told] == [(event["reference"], "20", "200")]
    assert balances(server, account_id) == (20, 20) and len(entries(pcx_admin, account_id)) == 1


def test_an_event_that_comes_again_with_another_content(pcx_admin, server, sandbox):
    def alerts():
        return [line for line in Http(server).get("/metrics", expect=200).text.splitlines()
                if line.startswith("cambist_provider_alerts_total")]

    account_id, before = open_account(server), alerts()
    number = pcx_admin.get(f"/virtual-accounts/admin/accounts/{account_id}", expect=200).data["account_number"]
    event = {"account_number": number, "amount": "20.00", "reference": "R" + uuid.uuid4().hex[:12]}
    for _ in range(2):
        sandbox.event("squad", event)
        wait_until(lambda: balances(server, account_id)[0] == 20, what="the deposit")
    assert alerts() == before
    assert sandbox.event("squad", {**event, "amount": "200.00"}).json["status"] == 200
    assert alerts() != before and balances(server, account_id) == (20, 20)


def test_a_deposit_in_another_currency_goes_to_suspense(pcx_admin, server, sandbox):
    account_id = open_account(server, "USD")
    there = pcx_admin.get(f"/virtual-accounts/admin/accounts/{account_id}", expect=200).data["provider_account_id"]
    for currency, amount in (("eur", "7.5"), ("usd", "2.5")):
        sandbox.event("bridge", {"type": "deposit", "account_id": there, "currency": currency, "amount": amount})
    wait_until(lambda: balances(server, account_id)[0] == Decimal("2.5"), what="the deposit")
    told = wait_until(lambda: alerts_of(pcx_admin, account_id, "deposit.suspended"), what="the alert")
    assert [(m["currency"], m["amount"]) for m in told] == [("EUR", "7.5")]


# ---- Transfers ----

def test_transfer(pcx, server, fees):
    source, target = open_account(server, amount="1000"), open_account(server)
    fees("NGN", "transfer", "percentage", "0.5", min_fee=Decimal("1"))
    data = transfer(pcx, source, target, "250.01", description="Rent").data
    assert data["type"] == "debit" and data["status"] == "completed"
    assert Decimal(data["fee"]) == Decimal("1.25")
    assert balances(server, source) == (Decimal("748.74"),) * 2
    assert balances(server, target) == (Decimal("250.01"),) * 2
    debit, credit = entries(pcx, source)[0], entries(pcx, target)[0]
    assert (debit["type"], credit["type"]) == ("debit", "credit")
    assert debit["reference"] == credit["reference"] and debit["description"] == "Rent"
    assert Decimal(credit["fee"]) == 0


def test_transfer_refusals(pcx, pcx_user, server):
    source, target = open_account(server, amount="10"), open_account(server)
    dollars = open_account(server, "USD")
    transfer(pcx, source, target, "10.01", expect=400)
    transfer(pcx, source, source, "1", expect=400)
    transfer(pcx, source, dollars, "1", expect=400)
    for amount in ("0", "-1", "0.001"):
        transfer(pcx, source, target, amount, expect=400)
    transfer(pcx, source, "va_0000000000001", "1", expect=404)
    transfer(pcx, "va_0000000000001", target, "1", expect=404)
    transfer(pcx_user, source, target, "1", expect=403)
    OtherTenant(server).post("/virtual-accounts/transfer", {
        "from_account_id": source, "to_account_id": target, "amount": 1,
        "user_id": pcx.user_id}, expect=(403, 404))
    own = open_account(server, amount="5", role="user")
    transfer(pcx_user, own, target, "1", expect=403, user_id=pcx.user_id)
    assert balances(server, source) == (10, 10) and balances(server, target) == (0, 0)
    transfer(pcx_user, own, target, "1")
    assert balances(server, own) == (4, 4) and balances(server, target) == (1, 1)


def test_the_fee_must_be_covered_too(pcx, server, fees):
    source, target = open_account(server, amount="100"), open_account(server)
    fees("NGN", "transfer", "fixed_amount", "0.01")
    transfer(pcx, source, target, "100", expect=400)
    transfer(pcx, source, target, "99.99")
    assert balances(server, source) == (0, 0) and balances(server, target) == (
        Decimal("99.99"), Decimal("99.99"))


def test_idempotency_key_replays_a_transfer(pcx, server):
    source, target = open_account(server, amount="100"), open_account(server)
    body = {"from_account_id": source, "to_account_id": target, "amount": 40,
            "user_id": pcx.user_id}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = pcx.post("/virtual-accounts/transfer", body, headers=key, expect=200)
    again = pcx.post("/virtual-accounts/transfer", body, headers=key, expect=200)
    assert again.json == first.json
    pcx.post("/virtual-accounts/transfer", {**body, "amount": 41}, headers=key, expect=409)
    assert balances(server, source) == (60, 60)


# ---- Withdrawals ----

def test_naira_withdrawal_waits_and_is_paid(pcx, pcx_admin, server, sandbox, fees):
    account_id = open_account(server, amount="1000")
    fees("NGN", "withdrawal", "fixed_amount", "25.50")
    data = withdraw(pcx, account_id, "300.25").data
    assert data["status"] == "pending" and Decimal(data["fee"]) == Decimal("25.50")
    assert balances(server, account_id) == (Decimal("674.25"), 1000)
    path = f"/virtual-accounts/admin/transactions/{data['transaction_id']}"
    pcx_admin.post(path + "/approve", expect=200)
    wait_until(lambda: pcx_admin.get(path, expect=200).data["status"] == "completed",
               what="the payout")
    assert balances(server, account_id) == (Decimal("674.25"), Decimal("674.25"))
    sent = [r for r in sandbox.requests("sarepay") if "300.25" in str(r)]
    assert len(sent) >= 1


def test_withdrawal_to_a_linked_account_goes_out_at_once(pcx, pcx_admin, server):
    external = external_account(pcx)
    account_id = open_account(server, "USD", "80")
    data = withdraw(pcx, account_id, "30.15", bank_code=None, beneficiary_account_number=None,
                    external_account_id=external).data
    assert data["status"] in ("approved", "processing", "completed")
    assert balances(server, account_id)[0] == Decimal("49.85")
    path = f"/virtual-accounts/admin/transactions/{data['transaction_id']}"
    wait_until(lambda: pcx_admin.get(path, expect=200).data["status"] == "completed",
               what="the payout")
    assert balances(server, account_id) == (Decimal("49.85"), Decimal("49.85"))
    pcx_admin.post(path + "/approve", expect=409)
    naira = open_account(server, "NGN", "80")
    withdraw(pcx, naira, "1", external_account_id=external, expect=400)


def test_withdrawal_refusals(pcx, pcx_user, server):
    account_id = open_account(server, amount="100")
    dollars = open_account(server, "USD", "100")
    withdraw(pcx, account_id, "100.01", expect=400)
    withdraw(pcx, account_id, "1", bank_code=None, expect=400)
    withdraw(pcx, account_id, "1", bank_code=None, beneficiary_account_number=None, expect=400)
    withdraw(pcx, account_id, "1", beneficiary_account_number="12345", expect=400)
    withdraw(pcx, account_id, "1", beneficiary_name=None, expect=400)
    withdraw(pcx, account_id, "1", external_account_id="ext_0000000000001", expect=404)
    withdraw(pcx, dollars, "1", expect=400)
    withdraw(pcx_user, account_id, "1", expect=403)
    assert balances(server, account_id) == (100, 100) and balances(server, dollars) == (100, 100)


@pytest.mark.parametrize("currency, changes, field", [
    ("NGN", {"bank_code": "05x"}, "bank_code"), ("NGN", {"bank_code": "0580000"}, "bank_code"),
    ("NGN", {"bank_code": ""}, "bank_code"), ("NGN", {"beneficiary_account_number": ""}, "beneficiary_account_number"),
    ("NGN", {"beneficiary_account_number": "01234567890"}, "beneficiary_account_number"),
    ("NGN", {"beneficiary_name": "  "}, "beneficiary_name"),
    ("NGN", {"external_account_id": "usd", "bank_code": None}, "external_account_id"),
    ("USD", {}, "external_account_id"), ("USD", {"external_account_id": ""}, "external_account_id"),
    ("EUR", {"external_account_id": "usd"}, "external_account_id")])
def test_destinations_that_do_not_fit(pcx, server, currency, changes, field):
    account_id = open_account(server, currency, "5")
    if changes.get("external_account_id") == "usd":
        changes = {**changes, "external_account_id": external_account(pcx)}
    assert field in withdraw(pcx, account_id, "1", expect=400, **changes).text
    assert balances(server, account_id) == (5, 5)


def test_what_was_unlinked_is_no_destination(pcx, server):
    account_id, external, customer = open_account(server, "USD", "5"), *linked_account(pcx)
    destination = {"external_account_id": external, "bank_code": None, "beneficiary_account_number": None}
    withdraw(pcx, account_id, "1", **destination)
    pcx.delete("/virtual-accounts/link", {"customer_id": customer, "external_account_id": external}, expect=200)
    assert "external_account_id" in withdraw(pcx, account_id, "1", expect=404, **destination).text


def test_nobody_takes_more_than_there_is(pcx, server):
    """One balance for every way out: what one operation holds, another cannot have."""
    account_id, target = open_account(server, "USD", "10"), open_account(server, "USD")
    external = external_account(pcx)
    body = {"account_id": account_id, "user_id": pcx.user_id, "payment_rail": "ethereum", "currency": "usdc",
            "to_address": "0x71C7656EC7ab88b098defB751B7401B5f6d8976F"}
    destination = {"external_account_id": external, "bank_code": None, "beneficiary_account_number": None}
    withdraw(pcx, account_id, "4", **destination)
    pcx.post("/virtual-accounts/withdraw/crypto", {**body, "amount": 4}, expect=200)
    for amount in ("2.01", "10"):
        withdraw(pcx, account_id, amount, expect=400, **destination)
        pcx.post("/virtual-accounts/withdraw/crypto", {**body, "amount": Decimal(amount)}, expect=400)
        transfer(pcx, account_id, target, amount, expect=400)
    transfer(pcx, account_id, target, "2")
    assert balances(server, account_id)[0] == 0 and balances(server, target) == (2, 2)


def test_the_largest_amount(pcx, pcx_admin, server):
    """Goes in once: neither the account nor what the provider holds for all can be more."""
    account_id, target = open_account(server, "DKK"), open_account(server, "DKK")
    largest, more = Decimal("90071992547409.91"), Decimal("0.01")
    pcx_admin.post("/virtual-accounts/deposit", {"account_id": account_id, "amount": largest}, expect=200)
    for full in (account_id, target):
        pcx_admin.post("/virtual-accounts/deposit", {"account_id": full, "amount": more}, expect=400)
    transfer(pcx, account_id, target, "90071992547409.90")
    assert balances(server, account_id) == (more, more) and balances(server, target)[0] == largest - more
    transfer(pcx, account_id, target, str(more))
    assert balances(server, account_id) == (0, 0) and balances(server, target) == (largest, largest)


def test_a_transfer_to_another_organisation(pcx, server):
    """Both see their side of it, and nothing of the other's account."""
    other = Pcx(server, "other_org_admin")
    source, target = open_account(server, amount="9"), open_account(server, role="other_org_admin")
    made = transfer(pcx, source, target, "2.50", description="Invoice 7").data
    credit = entries(other, target)[0]
    assert (credit["type"], credit["org_id"], credit["user_id"]) == ("credit", other.org_id, other.user_id)
    assert credit["reference"] == made["reference"] and credit["description"] == "Invoice 7"
    other.get(f"/virtual-accounts/transactions/{made['transaction_id']}", expect=403)
    pcx.get(f"/virtual-accounts/transactions/{credit['transaction_id']}", expect=403)
    transfer(pcx, target, source, "1", expect=403)
    assert balances(server, target) == (Decimal("2.50"),) * 2


def test_a_fee_above_the_deposit(pcx_admin, server, sandbox, fees):
    """Staff is told; what a provider reports has arrived all the same, and the fee takes what there is."""
    account_id = open_account(server)
    fees("NGN", "deposit", "fixed_amount", "5")
    assert "amount" in pcx_admin.post("/virtual-accounts/deposit", {"account_id": account_id, "amount": 4},
                                      expect=400).text
    number = pcx_admin.get(f"/virtual-accounts/admin/accounts/{account_id}", expect=200).data["account_number"]
    for amount in ("4", "8"):
        sandbox.event("squad", {"account_number": number, "amount": amount, "reference": uuid.uuid4().hex})
    wait_until(lambda: len(entries(pcx_admin, account_id)) == 2, what="both deposits")
    assert {Decimal(e["fee"]) for e in entries(pcx_admin, account_id)} == {4, 5}
    assert balances(server, account_id) == (3, 3)


def test_a_failed_payout_gives_the_money_back(pcx, pcx_admin, server, sandbox):
    account_id = open_account(server, amount="500")
    sandbox.script("sarepay", "payout", "fail")
    transaction_id = withdraw(pcx, account_id, "120").data["transaction_id"]
    path = f"/virtual-accounts/admin/transactions/{transaction_id}"
    pcx_admin.post(path + "/approve", expect=200)
    wait_until(lambda: pcx_admin.get(path, expect=200).data["status"] == "failed",
               what="the failure")
    assert balances(server, account_id) == (500, 500)


# ---- Crypto rails ----

@pytest.fixture
def token_account(pcx, pcx_admin):
    def make(amount=None):
        body = {"org_id": pcx.org_id, "user_id": pcx.user_id, "currency": "usdc"}
        if amount:
            body["initial_balance"] = Decimal(amount)
        return pcx_admin.post("/virtual-accounts/internal/crypto", body,
                              expect=201).data["account_id"]
    return make


def test_crypto_deposit_counts_when_it_arrives(pcx, pcx_admin, server, sandbox, fees,
                                               token_account):
    account_id = token_account()
    fees("USDC", "crypto_deposit", "percentage", "1")
    sandbox.script("bridge", "crypto_deposit", "pending")
    data = pcx.post("/virtual-accounts/fund/crypto", {
        "account_id": account_id, "payment_rail": "ethereum", "currency": "usdc",
        "user_id": pcx.user_id, "amount": Decimal("10.000001")}, expect=200).data
    assert data["currency"] == "usdc" and Decimal(data["amount"]) == Decimal("10.000001")
    assert balances(server, account_id) == (0, Decimal("10.000001"))
    entry = pcx.get(f"/virtual-accounts/transactions/{data['transaction_id']}", expect=200).data
    assert entry["status"] == "pending" and entry["payment_rail"] == "ethereum"

    account_id = token_account()
    data = pcx.post("/virtual-accounts/fund/crypto", {
        "account_id": account_id, "payment_rail": "ethereum", "currency": "USDC",
        "user_id": pcx.user_id, "amount": Decimal("20")}, expect=200).data
    path = f"/virtual-accounts/admin/transactions/{data['transaction_id']}"
    wait_until(lambda: pcx_admin.get(path, expect=200).data["status"] == "completed",
               what="the deposit")
    assert balances(server, account_id) == (Decimal("19.8"), Decimal("19.8"))


def fund(caller, account_id, **changes):
    body = {"account_id": account_id, "payment_rail": "ethereum", "currency": "usdc",
            "user_id": caller.user_id, **changes}
    return caller.post("/virtual-accounts/fund/crypto", body, expect=200).data


def announce(caller, sandbox, account_id, amount):
    """A crypto deposit, and the reference under which the provider awaits it."""
    def references():
        return {r["reference"] for r in sandbox.requests("bridge") if r["operation"] == "crypto_deposit"}

    before = references()
    made = fund(caller, account_id, **({"amount": Decimal(amount)} if amount else {}))
    return made, wait_until(lambda: references() - before, what="the request").pop()


def arrive(sandbox, reference, **event):
    assert sandbox.event("bridge", {"reference": reference, **event}).json["status"] == 200


# announced, on an account in, arrived, fee in percent -> credited
@pytest.mark.parametrize("announced, currency, arrived, credited", [
    (None, "USDC", "12.345678", "12.345678"),
    (None, "USD", "12.349999", "12.34"),
    ("10", "USDC", "4.5", "4.5"),
    ("10", "USDC", "15.25", "15.25"),
    ("10", "USDC", None, "10"),
    ("0.01", "USD", "0.019", "0.01"),
])
def test_what_arrives_counts(pcx, pcx_admin, platform, server, sandbox, token_account, announced, currency,
                             arrived, credited):
    account_id = token_account() if currency == "USDC" else open_account(server, "USD")
    sandbox.script("bridge", "crypto_deposit", "pending")
    made, reference = announce(pcx, sandbox, account_id, announced)
    assert ("amount" in made) == bool(announced)
    assert balances(server, account_id) == (0, Decimal(announced or 0))
    assert entries(pcx, account_id)[0]["status"] == "pending"
    pcx_admin.delete(f"/virtual-accounts/{account_id}", expect=409)
    for _ in range(2):  # told twice, counted once
        arrive(sandbox, reference, status="completed", **({"amount": arrived} if arrived else {}))
    wait_for(pcx_admin, made, "completed")
    arrive(sandbox, reference, status="failed")  # and a contradiction moves nothing
    sandbox.advance("PT1M")
    assert balances(server, account_id) == (Decimal(credited),) * 2
    assert Decimal(pcx_admin.get(detail(made), expect=200).data["amount"]) == Decimal(credited)
    settled = journals(platform, made["transaction_id"])[-1]
    assert sum(amount for _, source, _, amount in settled if source == "settlement") == Decimal(credited)


@pytest.mark.parametrize("announced", [None, "10"])
@pytest.mark.parametrize("end", ["failed", "suspended", "dust"])
def test_crypto_deposits_that_do_not_count(pcx, pcx_admin, server, sandbox, announced, end):
    """Returned, come to an account that takes nothing, or less than a cent: nothing is held for it any more."""
    account_id = open_account(server, "USD")
    sandbox.script("bridge", "crypto_deposit", "pending")
    made, reference = announce(pcx, sandbox, account_id, announced)
    if end == "suspended":
        pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": "suspended"}, expect=200)
    arrive(sandbox, reference, **{"failed": {"status": "failed"}, "dust": {"status": "completed", "amount": "0.004"},
                                  "suspended": {"status": "completed", "amount": "7"}}[end])
    wait_for(pcx_admin, made, "failed")
    assert balances(server, account_id) == (0, 0)
    alerts = [log["metadata"]["amount"] for log in pcx_admin.get("/virtual-accounts/logs", {
        "type": "deposit.suspended", "account_id": account_id}, expect=200).data]
    assert alerts == (["7"] if end == "suspended" else [])
    pcx_admin.delete(f"/virtual-accounts/{account_id}", expect=200)


def test_a_deposit_of_an_unknown_amount_is_never_taken_for_done(pcx, pcx_admin, server, sandbox, token_account):
    account_id = token_account()
    made, reference = announce(pcx, sandbox, account_id, None)
    arrive(sandbox, reference, status="completed")
    for _ in range(3):
        sandbox.advance("PT10M")
        assert pcx_admin.get(detail(made), expect=200).data["status"] == "pending"
    arrive(sandbox, reference, status="completed", amount="3")
    wait_for(pcx_admin, made, "completed")
    assert balances(server, account_id) == (3, 3)


def test_crypto_refusals(pcx, pcx_user, server, token_account):
    account_id = token_account("5")
    naira = open_account(server)
    fund = {"account_id": account_id, "payment_rail": "ethereum", "currency": "usdc",
            "user_id": pcx.user_id, "amount": 1}
    pcx.post("/virtual-accounts/fund/crypto", {**fund, "currency": "btc"}, expect=400)
    pcx.post("/virtual-accounts/fund/crypto", {**fund, "account_id": naira}, expect=400)
    pcx.post("/virtual-accounts/fund/crypto", {**fund, "amount": Decimal("0.0000001")}, expect=400)
    pcx_user.post("/virtual-accounts/fund/crypto", {**fund, "user_id": pcx_user.user_id},
                  expect=403)
    out = {**fund, "to_address": "0x71C7656EC7ab88b098defB751B7401B5f6d8976F"}
    pcx.post("/virtual-accounts/withdraw/crypto", {**out, "amount": 6}, expect=400)
    pcx.post("/virtual-accounts/withdraw/crypto", {**out, "to_address": ""}, expect=400)
    pcx_user.post("/virtual-accounts/withdraw/crypto", {**out, "user_id": pcx_user.user_id},
                  expect=403)
    assert balances(server, account_id) == (5, 5)


def test_crypto_withdrawal(pcx, pcx_admin, server, sandbox, fees, token_account):
    account_id = token_account("5")
    fees("USDC", "crypto_withdrawal", "fixed_amount", "0.25")
    body = {"account_id": account_id, "payment_rail": "ethereum", "currency": "usdc",
            "user_id": pcx.user_id, "amount": Decimal("1.5"),
            "to_address": "0x71C7656EC7ab88b098defB751B7401B5f6d8976F"}
    data = pcx.post("/virtual-accounts/withdraw/crypto", body, expect=200).data
    assert balances(server, account_id)[0] == Decimal("3.25")
    path = f"/virtual-accounts/admin/transactions/{data['transaction_id']}"
    wait_until(lambda: pcx_admin.get(path, expect=200).data["status"] == "completed",
               what="the payout")
    assert balances(server, account_id) == (Decimal("3.25"), Decimal("3.25"))
    sandbox.script("bridge", "payout", "fail")
    data = pcx.post("/virtual-accounts/withdraw/crypto", body, expect=200).data
    path = f"/virtual-accounts/admin/transactions/{data['transaction_id']}"
    wait_until(lambda: pcx_admin.get(path, expect=200).data["status"] == "failed",
               what="the failure")
    assert balances(server, account_id) == (Decimal("3.25"), Decimal("3.25"))


# ---- Look-up ----

def test_account_lookup(pcx, pcx_admin, sandbox):
    body = {"bank_code": "058", "account_number": "0123456789"}
    data = pcx_admin.post("/virtual-accounts/ngn/account-lookup", body, expect=200).data
    assert data["account_number"] == "0123456789" and data["account_name"]
    pcx.post("/virtual-accounts/ngn/account-lookup", body, expect=403)
    for changes in ({"account_number": "123"}, {"account_number": "01234567x9"},
                    {"bank_code": "x"}):
        pcx_admin.post("/virtual-accounts/ngn/account-lookup", {**body, **changes}, expect=400)
    sandbox.script("sarepay", "lookup_account", "reject")
    pcx_admin.post("/virtual-accounts/ngn/account-lookup", body, expect=(400, 404))
    sandbox.script("sarepay", "lookup_account", "unavailable")
    pcx_admin.post("/virtual-accounts/ngn/account-lookup", body, expect=503)


def test_money_for_nobody_is_kept_and_reported(pcx_admin, server, sandbox):
    """An unknown number, and an account that is suspended: the money goes to suspense, with an alert."""
    def alerts():
        return [log["metadata"] for log in pcx_admin.get(
            "/virtual-accounts/logs", {"type": "deposit.suspended", "limit": 100}, expect=200).data]

    account_id = open_account(server)
    number = pcx_admin.get(f"/virtual-accounts/admin/accounts/{account_id}",
                           expect=200).data["account_number"]
    pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": "suspended"}, expect=200)
    for target in ("1234509876", number):
        reference = "R" + uuid.uuid4().hex[:12]
        sandbox.event("squad", {"type": "deposit", "account_number": target, "amount": "12.34",
                                "reference": reference})
        alert = wait_until(lambda: next((a for a in alerts() if a["reference"] == reference), None),
                           what="the alert")
        assert alert["amount"] == "12.34" and alert["currency"] == "NGN"
    assert balances(server, account_id) == (0, 0)
