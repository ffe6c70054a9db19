"""Payments: quote, hold, provider, states, money to the last minor unit, who sees what."""
import hashlib
import hmac
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.http import loads, wait_until
from client.pcx import OtherTenant, Platform
from client.people import company, register, with_key

NOWHERE = "pay_0000000000001"


@pytest.fixture(scope="module", autouse=True)
def prices(server):
    """1 NGN = 0.0005 GBP, spread 1.5 %; 1 % of what leaves in NGN is the fee."""
    from client.pcx import Pcx
    admin, owner = Pcx(server, "internal_admin"), Pcx(server, "org_admin")
    admin.post("/organizations/admin/add-rate", {
        "org_id": owner.org_id, "rate": Decimal("0.0005"), "spread": Decimal("1.5"),
        "from_currency": "NGN", "to_currency": "GBP"}, expect=201)
    fee = admin.post("/virtual-accounts/fees", {
        "currency": "NGN", "transaction_type": "withdrawal", "fee_type": "payment_test", "fee_structure": "percentage",
        "fee_value": 1}, expect=201).data
    yield
    admin.delete(f"/virtual-accounts/fees/{fee['fee_id']}", expect=200)


@pytest.fixture
def payee(pcx):
    return pcx.post("/beneficiaries", {
        "account_type": "bank", "country": "GB", "currency": "GBP", "fname": "Ada", "lname": "Lovelace",
        "bank_details": {"account_number": "55779911", "sort_code": "200000"}}, expect=201).json["beneficiary_id"]


@pytest.fixture
def account(server):
    return open_account(server, "NGN", "1000000")


def body(account, payee, **changes):
    value = {"amount": Decimal("100000"), "currency": "NGN", "target_currency": "GBP", "beneficiary_id": payee,
             "payment_method": "bank_transfer", "direction": "outbound", "source_account_id": account,
             "provider": "manual"}
    value.update(changes)
    return {name: item for name, item in value.items() if item is not None}


def status_of(caller, payment):
    return caller.get(f"/payments/{payment['payment_id']}", expect=200).json["status"]


def trial_balance_is_zero(platform):
    for asset in platform.get("/ledger/trial-balance", expect=200).data["assets"]:
        assert asset["balanced"] and asset["debits"] == asset["credits"]


def test_quote_is_fixed_and_money_held(server, pcx, account, payee):
    made = pcx.post("/payments", body(account, payee), expect=201).json
    assert made["status"] == "initiated" and made["org_id"] == pcx.org_id and made["user_id"] == pcx.user_id
    # 100000 * 0.0005 * 0.985 = 49.25; 1 % fee = 1000
    assert (made["target_amount"], made["total_fees"]) == (Decimal("49.25"), 1000)
    assert balances(server, account)[0] == 1000000 - 100000 - 1000
    paired = pcx.get(f"/transactions/payment/{made['payment_id']}", expect=200).json
    assert paired["transaction_id"] == made["transaction_id"] and paired["status"] == "initiated"
    assert paired["type"] == "outbound" and paired["amount"] == 100000


def test_states_move_money_and_transaction(server, pcx, pcx_admin, platform, account, payee):
    made = pcx.post("/payments", body(account, payee), expect=201).json
    path = f"/payments/{made['payment_id']}"
    for status in ("reviewed", "confirmed", "processing", "pending"):
        assert pcx_admin.patch(path, {"status": status}, expect=200).json["status"] == status
        assert balances(server, account)[0] == 899000
        assert pcx.get(f"/transactions/{made['transaction_id']}").json["status"] == "pending"
    pcx_admin.patch(path, {"status": "completed"}, expect=200)
    assert balances(server, account) == (899000, 899000)
    assert pcx.get(f"/transactions/{made['transaction_id']}").json["status"] == "completed"
    pcx_admin.patch(path, {"status": "completed"}, expect=200)  # the same again does nothing
    assert balances(server, account) == (899000, 899000)
    for status in ("initiated", "processing", "failed", "canceled", "rejected"):
        pcx_admin.patch(path, {"status": status}, expect=409)
    pcx_admin.patch(path, {"status": "refunded"}, expect=200)
    assert balances(server, account) == (1000000, 1000000)
    assert pcx.get(f"/transactions/{made['transaction_id']}").json["status"] == "completed"
    pcx_admin.patch(path, {"status": "completed"}, expect=409)
    trial_balance_is_zero(platform)


@pytest.mark.parametrize("end", ["failed", "canceled", "rejected"])
def test_an_end_without_completion_releases(server, pcx, pcx_admin, account, payee, end):
    made = pcx.post("/payments", body(account, payee), expect=201).json
    pcx_admin.patch(f"/payments/{made['payment_id']}", {"status": end}, expect=200)
    assert balances(server, account) == (1000000, 1000000)
    assert pcx.get(f"/transactions/{made['transaction_id']}").json["status"] == "failed"


def test_the_provider_completes_it_and_the_webhook_is_signed(server, pcx, sandbox, account, payee):
    hook = sandbox.hook()
    secret = pcx.post("/public/webhooks", {"endpoint_url": hook.url}, expect=201).data["secret"]
    made = pcx.post("/payments", body(account, payee, provider=None), expect=201).json
    assert made["provider"] == "fiat" and made["payout_initiated"] is True
    wait_until(lambda: status_of(pcx, made) == "completed", what="completion")
    assert balances(server, account) == (899000, 899000)
    asked = [r for r in sandbox.requests("bridge") if r.get("operation") == "payout"]
    assert asked and asked[0]["body"]["destination"]["amount"] == "49.25"
    ours = wait_until(lambda: [d for d in hook.deliveries() if "payment.completed" in d["body"]
                               and made["payment_id"] in d["body"]], what="webhook")
    headers = {name.lower(): value for name, value in ours[0]["headers"].items()}
    expected = hmac.new(secret.encode(), ours[0]["body"].encode(), hashlib.sha256).hexdigest()
    assert headers["x-pcx-signature"] == expected


def test_a_provider_that_fails_releases_and_silence_does_not(server, pcx, pcx_admin, sandbox, account, payee):
    sandbox.script("bridge", "payout", "fail")
    failed = pcx.post("/payments", body(account, payee, provider=None), expect=201).json
    wait_until(lambda: status_of(pcx, failed) == "failed", what="failure")
    assert balances(server, account) == (1000000, 1000000)
    sandbox.script("bridge", "payout", "pending")
    silent = pcx.post("/payments", body(account, payee, provider=None), expect=201).json
    wait_until(lambda: status_of(pcx, silent) == "processing", what="processing")
    assert balances(server, account)[0] == 899000
    # Staff cannot end what the provider may still do; only the provider's own word can.
    for end in ("failed", "canceled", "rejected"):
        pcx_admin.patch(f"/payments/{silent['payment_id']}", {"status": end}, expect=409)
    pcx_admin.patch(f"/payments/{silent['payment_id']}/webhook", {
        "status": "failed", "provider_status": "returned"}, expect=200)
    assert balances(server, account) == (1000000, 1000000)


@pytest.mark.parametrize("status, left", [("completed", 899000), ("failed", 1000000)])
def test_a_review_does_not_stop_the_providers_word(server, pcx, pcx_admin, sandbox, account, payee, status, left):
    sandbox.script("bridge", "payout", "pending")
    made = pcx.post("/payments", body(account, payee, provider=None), expect=201).json
    pcx_admin.patch(f"/payments/{made['payment_id']}", {"status": "reviewed"}, expect=(200, 409))
    wait_until(lambda: status_of(pcx, made) == "processing", what="processing")
    reference = next(r for r in sandbox.requests("bridge") if r["operation"] == "payout")["reference"]
    sandbox.event("bridge", {"reference": reference, "status": status})
    wait_until(lambda: status_of(pcx, made) == status, what=status)
    assert balances(server, account) == (left, left)


def test_inbound_credits_at_completion_and_external_moves_nothing(server, pcx, pcx_admin, account, payee):
    inbound = pcx.post("/payments", body(account, payee, direction="inbound", target_currency=None),
                       expect=201).json
    assert balances(server, account) == (1000000, 1000000)
    pcx_admin.patch(f"/payments/{inbound['payment_id']}", {"status": "completed"}, expect=200)
    assert balances(server, account) == (1100000, 1100000)
    stranger = OtherTenant(server)
    theirs = stranger.post("/virtual-accounts/currency", {
        "org_id": stranger.org_id, "user_id": stranger.user_id, "currency": "NGN"}, expect=201).data
    pcx.post("/payments", body(theirs["account_id"], payee, direction="external", target_currency=None), expect=404)
    external = pcx.post("/payments", body(account, payee, direction="external", target_currency=None),
                        expect=201).json
    pcx_admin.patch(f"/payments/{external['payment_id']}", {"status": "completed"}, expect=200)
    assert balances(server, account) == (1100000, 1100000)


@pytest.mark.parametrize("changes, status, field", [
    ({"amount": 0}, 400, "amount"), ({"amount": -5}, 400, "amount"), ({"amount": "100"}, 400, "amount"),
    ({"amount": Decimal("1.001")}, 400, "amount"), ({"amount": Decimal("99999999999999999")}, 400, "amount"),
    ({"amount": Decimal("1000000.01")}, 400, "amount"), ({"amount": None}, 400, "amount"),
    ({"currency": "JPY"}, 400, "currency"), ({"target_currency": "XXX"}, 400, "target_currency"),
    ({"target_currency": "KES"}, 400, "rate"), ({"org_rate_id": "rate_0000000000001"}, 400, "org_rate_id"),
    ({"target_amount": Decimal("50")}, 400, "target_amount"), ({"direction": "sideways"}, 400, "direction"),
    ({"payment_method": "barter"}, 400, "payment_method"), ({"beneficiary_id": "ben_0000000000001"}, 404, "beneficiary_id"),
    ({"provider": "paystack"}, 400, "provider"), ({"source_account_id": "va_0000000000001"}, 404, "account"),
    ({"direction": "inbound"}, 400, "target_currency"), ({"org_id": "org_0000000000001"}, 403, "org_id"),
    ({"org_id": "nonsense"}, 400, "org_id"), ({"beneficiary_id": "nonsense"}, 400, "beneficiary_id"),
    ({"currency": None}, 400, "currency"), ({"beneficiary_id": None}, 400, "beneficiary_id"),
    ({"payment_method": None}, 400, "payment_method"), ({"direction": None}, 400, "direction"),
    ({"source_account_id": "nonsense"}, 400, "source_account_id"), ({"metadata": [1]}, 400, "metadata"),
    ({"target_amount": 0}, 400, "target_amount"), ({"target_amount": Decimal("49.251")}, 400, "target_amount"),
    ({"amount": Decimal("0.001")}, 400, "amount"), ({"amount": True}, 400, "amount"),
    ({"amount": Decimal("9" * 40)}, 400, "amount"), ({"provider": "bank"}, 400, "provider"),
    ({"provider": "sarepay"}, 400, "provider"),
])
def test_bad_payments_change_nothing(server, pcx, account, payee, changes, status, field):
    reply = pcx.post("/payments", body(account, payee, **changes), expect=status)
    assert field in reply.json["message"].lower() or field in reply.text
    assert balances(server, account) == (1000000, 1000000)


@pytest.mark.parametrize("raw", ['{"amount":1e3}', '{"amount":1E-2}', '{"amount":Infinity}', '{"amount":0x10}', '{"amount":01}', '{"amount":.5}', '{"amount":NaN}', '{"amount":1', '[]', '{"amount":1,"amount":2}'])
def test_malformed_bodies(pcx, raw):
    pcx.post("/payments", raw=raw, expect=400)


def test_which_account_pays_by_default(server, pcx_admin, sandbox):
    """The caller's own, else another of the organisation where the caller administers it."""
    owner = company(server, sandbox, pcx_admin)
    person = register(server, sandbox, org_name=None)
    owner.post(f"/organizations/{owner.org_id}/members", {"user_id": person["user_id"], "role": "user"}, expect=201)
    colleague = with_key(server, pcx_admin, {**person, "org_id": owner.org_id})
    payees = {caller: caller.post("/beneficiaries", {
        "account_type": "bank", "country": "NG", "currency": "NGN", "fname": "Bisi", "lname": "Ojo"},
        expect=201).json["beneficiary_id"] for caller in (owner, colleague)}

    def opened(holder):
        account = owner.post("/virtual-accounts/currency", {
            "org_id": owner.org_id, "user_id": holder.user_id, "currency": "NGN"}, expect=201).data["account_id"]
        Platform(server).deposit(account, 100, "NGN")
        return account

    def pays(caller, expect=201, **changes):
        return caller.post("/payments", {
            "amount": 10, "currency": "NGN", "beneficiary_id": payees[caller], "payment_method": "wallet",
            "direction": "outbound", "provider": "manual", **changes}, expect=expect).json

    pays(owner, 400)
    owners = opened(owner)
    assert "account" in pays(colleague, 400)["message"].lower()
    pays(colleague, 403, source_account_id=owners)
    own = opened(colleague)
    pays(colleague)
    pays(owner)
    pays(owner, source_account_id=own)
    assert [balances(server, account)[0] for account in (own, owners)] == [Decimal("79.8"), Decimal("89.9")]
    pcx_admin.put(f"/virtual-accounts/status/{owners}", {"status": "suspended"}, expect=200)
    pays(owner, 400, source_account_id=owners)
    pays(owner)  # the other one of the organisation
    assert [balances(server, account)[0] for account in (own, owners)] == [Decimal("69.7"), Decimal("89.9")]


def test_kyb_is_the_gate(pcx, pcx_admin, payee):
    org = pcx_admin.post("/organizations", {
        "org_name": "No papers yet", "country": "NG", "created_by": pcx_admin.user_id}, expect=201).data
    reply = pcx_admin.post("/payments", body(None, payee, org_id=org["org_id"]), expect=403)
    assert "KYB" in reply.json["message"]


def test_suspended_organisations_do_not_pay(pcx_admin, payee):
    org = pcx_admin.post("/organizations", {
        "org_name": "Stopped", "country": "NG", "created_by": pcx_admin.user_id}, expect=201).data
    pcx_admin.put(f"/organizations/admin/status/{org['org_id']}", {"status": "suspended"}, expect=200)
    pcx_admin.post("/payments", body(None, payee, org_id=org["org_id"]), expect=403)


def test_lists_and_look_ups(pcx, pcx_admin, pcx_user, account, payee):
    made = pcx.post("/payments", body(account, payee, metadata={"reference": "INV-2026-77"}), expect=201).json
    identity = made["payment_id"]
    pcx_admin.patch(f"/payments/{identity}", {"provider_payment_id": "tr_77"}, expect=200)

    def listed(caller, path, **params):
        page = caller.get(path, {"limit": 100, **params}, expect=200).json
        assert page["meta"]["count"] == len(page["data"]) <= page["meta"]["total_count"]
        return [row["payment_id"] for row in page["data"]]

    assert identity in listed(pcx, "/payments")
    assert identity in listed(pcx, "/payments", status="initiated")
    assert identity not in listed(pcx, "/payments", status="completed")
    for path in ("/payments/all", "/payments/status/initiated", "/payments/org/all", f"/payments/org/{pcx.org_id}"):
        assert identity in listed(pcx_admin, path)
        pcx.get(path, expect=403)
    for path in (f"/payments/org/{pcx.org_id}/status/initiated", f"/payments/org/{pcx.org_id}/entity-type/payment"):
        assert identity in listed(pcx, path)
    assert listed(pcx, f"/payments/org/{pcx.org_id}/entity-type/payout") == []
    pcx.get(f"/payments/org/{pcx_admin.org_id}/status/initiated", expect=403)
    pcx_admin.get("/payments/status/nonsense", expect=400)
    for path in (f"/payments/{identity}", f"/payments/transaction/{made['transaction_id']}", "/payments/provider/tr_77",
                 "/payments/reference/INV-2026-77", f"/payments/reference/{made['transaction_id']}",
                 "/payments/reference/tr_77", f"/payments/reference/{identity}"):
        assert pcx.get(path, expect=200).json["payment_id"] == identity
    for path in (f"/payments/{NOWHERE}", "/payments/provider/none", "/payments/reference/none", "/payments/nonsense"):
        pcx.get(path, expect=404)


STAFFS = {"status": "completed", "provider": "manual", "provider_payment_id": "x", "provider_status": "x",
          "provider_data": {}, "payment_path_method": "direct", "payout_initiated": True, "payout_id": "x",
          "fee_ids": [], "total_fees": 1, "webhook_metadata": {}}


def test_what_whom_may_change(pcx, pcx_admin, pcx_user, account, payee):
    made = pcx.post("/payments", body(account, payee), expect=201).json
    path = f"/payments/{made['payment_id']}"
    changed = pcx.patch(path, {"comments": "urgent", "metadata": {"po": 7}}, expect=200).json
    assert changed["comments"] == "urgent" and changed["metadata"] == {"po": 7}
    assert changed["updated_at"] >= made["updated_at"]
    for field, value in STAFFS.items():
        for sent in (value, None) if field in ("provider_payment_id", "payout_id") else (value,):
            assert field in pcx.patch(path, {"comments": "x", field: sent}, expect=403).json["message"]
    assert pcx.get(path).json == changed
    for field in ("total_fees", "fee_ids", "payout_initiated"):
        assert field in pcx_admin.patch(path, {field: STAFFS[field]}, expect=400).json["message"]
    for bad in ({"colour": "red"}, {"status": "done"}, {"provider": "bank"}, {"payment_path_method": "around"},
                {"amount": 1}, {"metadata": 7}, {"status": None}):
        assert next(iter(bad)) in pcx_admin.patch(path, bad, expect=400).json["message"]
    pcx_admin.patch(path, {"provider": "sarepay"}, expect=400)  # which does not pay out GBP
    staffs = {"provider_payment_id": "tr_1", "provider_status": "queued", "provider_data": {"a": 1}, "payout_id": "po_9",
              "payment_path_method": "intermediary", "webhook_metadata": {"b": 2}, "instructions": "call first"}
    shown = pcx_admin.patch(path, staffs, expect=200).json
    assert {name: shown[name] for name in staffs} == staffs and shown["status"] == "initiated"
    cleared = pcx_admin.patch(path, {"provider_payment_id": None, "instructions": None, "comments": None}, expect=200).json
    assert not any(cleared.get(name) for name in ("provider_payment_id", "instructions", "comments"))
    assert cleared["payout_id"] == "po_9"
    pcx.patch(f"{path}/webhook", {"status": "completed"}, expect=403)
    for bad in ({}, {"status": "done"}, {"status": None}):
        pcx_admin.patch(f"{path}/webhook", bad, expect=400)
    pcx_user.patch(path, {"comments": "not mine"}, expect=403)
    for caller in (pcx, pcx_admin):
        caller.patch(f"/payments/{NOWHERE}", {"comments": "x"}, expect=404)
    pcx_admin.patch(f"/payments/{NOWHERE}/webhook", {"status": "completed"}, expect=404)


def test_the_provider_leaves_its_data(pcx, pcx_admin, account, payee):
    path = "/payments/" + pcx.post("/payments", body(account, payee), expect=201).json["payment_id"]
    said = {"provider_status": "done", "provider_payment_id": "tr_5", "webhook_metadata": {"event": "e1"},
            "provider_data": {"fee": "0.1"}}
    shown = pcx_admin.patch(f"{path}/webhook", {"status": "processing", **said}, expect=200).json
    assert {name: shown[name] for name in said} == said and shown["status"] == "processing"
    assert pcx_admin.patch(f"{path}/webhook", {"status": "processing"}, expect=200).json["provider_payment_id"] == "tr_5"
    pcx_admin.patch(f"{path}/webhook", {"status": "completed"}, expect=200)
    refused = {"status": "failed", "provider_data": {"late": True}}
    pcx_admin.patch(f"{path}/webhook", refused, expect=409)
    assert pcx.get(path, expect=200).json["provider_data"] == said["provider_data"]
    pcx_admin.patch(f"{path}/webhook", {"status": "refunded"}, expect=200)


def test_every_change_of_state_is_told(pcx, pcx_admin, sandbox, account, payee):
    hook = sandbox.hook()
    pcx.post("/public/webhooks", {"endpoint_url": hook.url}, expect=201)
    made = pcx.post("/payments", body(account, payee), expect=201).json
    for status in ("processing", "processing", "completed", "completed", "refunded"):
        pcx_admin.patch(f"/payments/{made['payment_id']}", {"status": status, "comments": "x"}, expect=200)
    pcx_admin.patch(f"/payments/{made['payment_id']}", {"comments": "y"}, expect=200)
    expected = {"payment.initiated", "payment.processing", "payment.completed", "payment.refunded",
                "transaction.pending", "transaction.completed"}

    def told():
        events = [loads(d["body"]) for d in hook.deliveries()]
        return [e for e in events if made["transaction_id"] == e["data"].get("transaction_id")]

    wait_until(lambda: {e["event_type"] for e in told()} == expected, what="all events")
    assert len(told()) == len(expected) == len({e["event_id"] for e in told()})
    payment = next(e["data"] for e in told() if e["event_type"] == "payment.completed")
    assert payment == {"payment_id": made["payment_id"], "transaction_id": made["transaction_id"], "org_id": pcx.org_id,
                       "status": "completed", "amount": 100000, "currency": "NGN", "target_amount": Decimal("49.25"),
                       "target_currency": "GBP"}


def test_a_reference_finds_ones_own(server, pcx, pcx_admin, sandbox, account, payee):
    """Others may use the same text; notes that change it are found by the new one."""
    mine = pcx.post("/payments", body(account, payee, metadata={"reference": "INV-1"}), expect=201).json["payment_id"]
    stranger = company(server, sandbox, pcx_admin)
    theirs = stranger.post("/payments", {
        "amount": 5, "currency": "NGN", "payment_method": "bank_transfer", "direction": "external",
        "metadata": {"reference": "INV-1"}, "beneficiary_id": stranger.post("/beneficiaries", {
            "account_type": "bank", "country": "NG", "currency": "NGN", "fname": "A", "lname": "B"},
            expect=201).json["beneficiary_id"]}, expect=201).json["payment_id"]
    for identity in (mine, theirs):
        pcx_admin.patch(f"/payments/{identity}", {"provider_payment_id": "tr_same", "payout_id": "po_same"}, expect=200)
    for path in ("/payments/reference/INV-1", "/payments/provider/tr_same", "/payments/reference/po_same"):
        assert pcx.get(path, expect=200).json["payment_id"] == mine
        assert stranger.get(path, expect=200).json["payment_id"] == theirs
    pcx.patch(f"/payments/{mine}", {"metadata": {"reference": "INV-2"}}, expect=200)
    assert pcx.get("/payments/reference/INV-2", expect=200).json["payment_id"] == mine
    pcx.get("/payments/reference/INV-1", expect=403)
    # Nothing of the other organisation is reachable.
    for path in (f"/payments/{theirs}", f"/transactions/payment/{theirs}"):
        pcx.get(path, expect=403)
    for list_path in ("/payments", f"/payments/org/{pcx.org_id}/status/initiated"):
        assert theirs not in str(pcx.get(list_path, {"limit": 100}, expect=200).json)
    pcx.get(f"/payments/org/{stranger.org_id}/status/initiated", expect=403)
    pcx.post("/payments", body(account, payee, org_id=stranger.org_id), expect=403)
    stranger.post("/payments", body(account, payee), expect=403)
    stranger.patch(f"/payments/{mine}", {"comments": "x"}, expect=403)


def test_members_of_several_organisations(server, pcx_admin, sandbox):
    """The credential is of another organisation than the payment: the membership decides."""
    owner, person = company(server, sandbox, pcx_admin), register(server, sandbox)
    caller = with_key(server, pcx_admin, person)
    payee = owner.post("/beneficiaries", {"account_type": "bank", "country": "NG", "currency": "NGN", "fname": "A",
                                          "lname": "B"}, expect=201).json["beneficiary_id"]
    made = owner.post("/payments", {"amount": 5, "currency": "NGN", "payment_method": "card", "direction": "external",
                                    "beneficiary_id": payee}, expect=201).json
    payment, transaction = f"/payments/{made['payment_id']}", f"/transactions/{made['transaction_id']}"
    listed = f"/payments/org/{owner.org_id}/status/initiated"

    def may(payment_status, transaction_status):
        caller.get(payment, expect=payment_status)
        for path in (transaction, listed, f"/transactions/org/{owner.org_id}"):
            caller.get(path, expect=transaction_status)
        caller.post("/transactions/filter", {"org_id": owner.org_id}, expect=payment_status)

    may(403, 403)
    members = f"/organizations/{owner.org_id}/members"
    owner.post(members, {"user_id": caller.user_id, "role": "user"}, expect=201)
    may(200, 403)
    assert caller.post("/transactions/filter", {"org_id": owner.org_id}, expect=200).json["data"] == []  # own ones
    owner.put(f"{members}/{caller.user_id}/role", {"role": "admin"}, expect=200)
    may(200, 200)
    found = caller.post("/transactions/filter", {"org_id": owner.org_id}, expect=200).json["data"]
    assert [row["transaction_id"] for row in found] == [made["transaction_id"]]
    caller.patch(payment, {"comments": "not mine"}, expect=403)
    owner.put(f"{members}/{caller.user_id}/disable", expect=200)
    may(403, 403)


def test_pages_of_payments(pcx, pcx_admin, account, payee):
    made = [pcx.post("/payments", body(account, payee, amount=Decimal(n + 100)), expect=201).json["payment_id"]
            for n in range(3)]
    seen, cursor = [], None
    while len(seen) < 3:
        page = pcx.get("/payments", {"limit": 1, **({"last_evaluated_key": cursor} if cursor else {})}, expect=200).json
        cursor, seen = page["meta"]["last_evaluated_key"], seen + [page["data"][0]["payment_id"]]
        assert page["meta"]["count"] == 1 and page["meta"]["has_more"] is True
    assert seen == made[::-1]
    for path, params in (("/payments", {"status": "initiated"}), (f"/payments/org/{pcx.org_id}/status/initiated", {})):
        pcx.get(path, {"last_evaluated_key": cursor, **params}, expect=400)  # another list's
    pcx_admin.get("/payments", {"last_evaluated_key": cursor}, expect=400)
    for bad in ({"limit": 0}, {"limit": 101}, {"limit": "x"}, {"limit": -1}, {"status": "odd"},
                {"last_evaluated_key": cursor[:-1] + ("0" if cursor[-1] != "0" else "1")}):
        pcx.get("/payments", bad, expect=400)
    for path in ("/payments/all", "/payments/status/initiated", "/payments/org/all"):
        assert len(pcx_admin.get(path, expect=200).json["data"]) <= 10


def test_card_data_is_not_kept(pcx, account, payee):
    made = pcx.post("/payments", body(account, payee, payment_method="card", card_details={
        "number": "4111 1111 1111 1111", "cvv": "123", "expiry": "08/29", "holder": {"pin": "9", "name": "A"}}),
        expect=201)
    assert made.json["card_details"] == {"number": "****1111", "expiry": "08/29", "holder": {"name": "A"}}
    assert "4111111111111111" not in made.text and "123" not in str(made.json["card_details"])


def test_an_ngn_payout_goes_to_sarepay(server, pcx, sandbox, account):
    local = pcx.post("/beneficiaries", {
        "account_type": "bank", "country": "NG", "currency": "NGN", "fname": "Bisi", "lname": "Ojo",
        "bank_details": {"account_number": "0123456789", "bank_code": "058"}}, expect=201).json["beneficiary_id"]
    made = pcx.post("/payments", body(account, local, target_currency=None, provider=None), expect=201).json
    assert made["provider"] == "sarepay" and made["target_amount"] == 100000
    wait_until(lambda: status_of(pcx, made) == "completed", what="completion")
    assert balances(server, account) == (899000, 899000)
    assert any(r.get("operation") == "payout" for r in sandbox.requests("sarepay"))
    unpaid = pcx.post("/beneficiaries", {
        "account_type": "bank", "country": "NG", "currency": "NGN", "fname": "No", "lname": "Number"},
        expect=201).json["beneficiary_id"]
    pcx.post("/payments", body(account, unpaid, target_currency=None, provider=None), expect=403)


def test_the_money_of_a_payment_comes_back_once(server, pcx, pcx_admin, platform, account, payee):
    """Reversed in the ledger and refunded as a payment it would come back twice."""
    made = pcx.post("/payments", body(account, payee), expect=201).json
    for status in ("reviewed", "confirmed", "processing", "completed"):
        pcx_admin.patch(f"/payments/{made['payment_id']}", {"status": status}, expect=200)

    def reverse_all():
        for journal in platform.get("/ledger/journals", {"reference": made["payment_id"]}, expect=200).data:
            reply = platform.post(f"/ledger/journals/{journal['journal_id']}/reverse", {"reason": "again"},
                                  expect=409)
            assert "journal_id" in reply.text
    reverse_all()
    pcx_admin.patch(f"/payments/{made['payment_id']}", {"status": "refunded"}, expect=200)
    reverse_all()
    assert balances(server, account) == (1000000, 1000000)
