"""The books as an auditor reads them: statements, balances at a time, trial balance, journals, their chain."""
import time
import uuid
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.pcx import OtherTenant, Pcx
from client.sandbox import Sandbox


def now(server):
    """The server's time: other scenarios may have moved its clock."""
    return Sandbox(server).clock()["now"]


def statement(platform, account, **params):
    return platform.get(f"/ledger/accounts/{account}/statement", params, expect=200)


def pay(server, source, target, amount):
    payer = Pcx(server)
    return payer.post("/virtual-accounts/transfer", {
        "from_account_id": source, "to_account_id": target, "amount": amount,
        "user_id": payer.user_id}, expect=200)


@pytest.fixture
def busy(server, platform):
    """An account that got 100, 20.50 and 0.01, and paid 30."""
    account = open_account(server)
    for amount in (100, Decimal("20.50"), Decimal("0.01")):
        platform.deposit(account, amount, "NGN")
    pay(server, account, open_account(server), 30)
    return account


def refused(reply, status, field=None):
    assert reply.status == status, reply
    if field:
        assert field in [error["field"] for error in reply.json["errors"]], reply


# ---- Statements and balances ----

def test_statement(platform, busy):
    found = statement(platform, busy).data
    assert (found["opening_balance"], found["closing_balance"]) == (0, Decimal("90.51"))
    assert [(e["direction"], e["amount"], e["balance"]) for e in found["entries"]] == [
        ("credit", 100, 100), ("credit", Decimal("20.5"), Decimal("120.5")),
        ("credit", Decimal("0.01"), Decimal("120.51")), ("debit", 30, Decimal("90.51"))]
    assert [e["reason"] for e in found["entries"]] == ["deposit"] * 3 + ["transfer"]
    assert (found["account_id"], found["currency"], found["kind"]) == (busy, "NGN", "customer")


def test_statement_pages(platform, busy):
    seen, cursor = [], None
    for _ in range(10):
        page = statement(platform, busy, limit=1, cursor=cursor).json
        assert (page["data"]["opening_balance"], page["data"]["closing_balance"]) == (
            0, Decimal("90.51"))
        seen += [entry["balance"] for entry in page["data"]["entries"]]
        cursor = page["meta"].get("next_cursor")
        if not cursor:
            break
    assert seen == [100, Decimal("120.5"), Decimal("120.51"), Decimal("90.51")]


def test_statement_of_a_period(server, platform):
    account = open_account(server)
    instants = [now(server)]
    for amount in (10, 20, 30):
        platform.deposit(account, amount, "NGN")
        time.sleep(0.002)
        instants.append(now(server))
    found = statement(platform, account, **{"from": instants[1], "to": instants[2]}).data
    assert (found["opening_balance"], found["closing_balance"]) == (10, 30)
    assert [entry["amount"] for entry in found["entries"]] == [20]
    assert statement(platform, account, to=instants[0]).data["entries"] == []
    late = statement(platform, account, **{"from": instants[3]}).data
    assert (late["opening_balance"], late["closing_balance"], late["entries"]) == (60, 60, [])
    for at, balance in zip(instants, (0, 10, 30, 60)):
        found = platform.get(f"/ledger/accounts/{account}/balance", {"at": at}, expect=200).data
        assert found["balance"] == balance and "available_balance" not in found


def test_every_form_of_an_account_id(platform, busy):
    account = platform.get(f"/accounts/{busy}", expect=200).data
    for name in ("account_id", "vaultspay_id", "fincode_id", "ledger_account_id"):
        assert statement(platform, account[name]).data["account_id"] == busy


def test_system_accounts_have_statements(platform, busy):
    entry = statement(platform, busy).data["entries"][0]
    found = statement(platform, entry["counter_account_id"], limit=200).data
    assert (found["kind"], found["account_id"]) == ("opening", entry["counter_account_id"])
    assert found["closing_balance"] < 0


def test_holds_move_no_balance(server, platform, pcx):
    """They are counted as pending, lower what is available, and stand in no statement."""
    account = open_account(server, amount=100)
    pcx.post("/virtual-accounts/withdraw", {
        "account_id": account, "amount": 10, "user_id": pcx.user_id, "bank_code": "058",
        "beneficiary_account_number": "0123456789", "beneficiary_name": "Ada Obi"}, expect=200)
    found = statement(platform, account).data
    assert [entry["amount"] for entry in found["entries"]] == [100] and found["closing_balance"] == 100
    found = platform.get(f"/ledger/accounts/{account}/balance", expect=200).data
    assert (found["balance"], found["available_balance"], found["debits_pending"]) == (100, 90, 10)
    shown = platform.get(f"/accounts/{account}", expect=200).data
    assert (shown["balance"], shown["available_balance"], shown["held_amount"]) == (100, 90, 10)


def test_balance_now(platform, busy):
    platform.post(f"/accounts/{busy}/liens", {"amount": 10, "reason": "x"}, expect=201)
    found = platform.get(f"/ledger/accounts/{busy}/balance", expect=200).data
    assert (found["balance"], found["available_balance"]) == (Decimal("90.51"), Decimal("80.51"))
    assert (found["debits_posted"], found["credits_posted"]) == (30, Decimal("120.51"))
    assert (found["debits_pending"], found["credits_pending"]) == (0, 0)


@pytest.mark.parametrize("params, field", [
    ({"from": "yesterday"}, "from"), ({"to": "2024-02-30T00:00:00Z"}, "to"), ({"limit": 0}, "limit"),
    ({"limit": 201}, "limit"), ({"cursor": "nonsense"}, "cursor"), ({"cursor": "0" * 40}, "cursor"),
    ({"from": "2024-01-02T00:00:00Z", "to": "2024-01-01T00:00:00Z"}, "from"),
])
def test_statement_refuses(platform, busy, params, field):
    refused(platform.get(f"/ledger/accounts/{busy}/statement", params), 400, field)


def test_cursors_are_bound_to_their_list(server, platform, busy):
    cursor = statement(platform, busy, limit=1).json["meta"]["next_cursor"]
    other = open_account(server, amount=1)
    refused(platform.get(f"/ledger/accounts/{other}/statement", {"cursor": cursor}), 400, "cursor")
    refused(platform.get(f"/ledger/accounts/{busy}/statement",
                         {"cursor": cursor, "to": "2100-01-01T00:00:00Z"}), 400, "cursor")
    refused(platform.get(f"/ledger/accounts/{busy}/statement", {"cursor": cursor[:-1] + "0"
            if cursor[-1] != "0" else cursor[:-1] + "1"}), 400, "cursor")


def test_other_tenants_see_nothing(server, platform, busy):
    journal = statement(platform, busy).data["entries"][0]["journal_id"]
    ledger_account = platform.get(f"/accounts/{busy}").data["ledger_account_id"]
    stranger = OtherTenant(server)
    stranger.prefix = "/platform/v1"
    for path in (f"/ledger/accounts/{busy}/statement", f"/ledger/accounts/{ledger_account}/statement",
                 f"/ledger/accounts/{busy}/balance", f"/ledger/journals/{journal}"):
        refused(stranger.get(path), 404)
    refused(stranger.post(f"/ledger/journals/{journal}/reverse", {"reason": "x"}), 404)
    assert stranger.get("/ledger/journals", {"reference": "x"}, expect=200).data == []
    for path in ("/ledger/accounts/va_nothing/statement", "/ledger/accounts/1/balance",
                 "/ledger/journals/jrn_nothing", "/ledger/journals/1"):
        refused(platform.get(path), 404)


def test_people_may_not(pcx, pcx_user, busy):
    for caller in (pcx, pcx_user):
        caller.prefix = "/platform/v1"
        for path in (f"/ledger/accounts/{busy}/statement", f"/ledger/accounts/{busy}/balance",
                     "/ledger/trial-balance", "/ledger/journals", "/ledger/head", "/audit"):
            refused(caller.get(path), 403)


# ---- Trial balance ----

def test_trial_balance(platform, busy):
    found = platform.get("/ledger/trial-balance", expect=200).data
    assert found["balanced"] is True
    assert "NGN" in [asset["currency"] for asset in found["assets"]]
    for asset in found["assets"]:
        assert asset["balanced"] is True and asset["debits"] == asset["credits"]
        for side in ("debits", "credits", "debits_pending", "credits_pending"):
            assert sum(row[side] for row in asset["accounts"]) == asset[side]
    naira = platform.get("/ledger/trial-balance", {"currency": "ngn"}, expect=200).data["assets"]
    assert [asset["currency"] for asset in naira] == ["NGN"]
    kinds = {row["kind"] for row in naira[0]["accounts"]}
    assert {"customer", "opening"} <= kinds
    refused(platform.get("/ledger/trial-balance", {"currency": "XXX"}), 400, "currency")


def test_trial_balance_moves_with_the_money(server, platform):
    def customers():
        assets = platform.get("/ledger/trial-balance", {"currency": "CHF"}, expect=200).data["assets"]
        return {row["kind"]: row["credits"] - row["debits"] for row in assets[0]["accounts"]} \
            if assets else {"customer": 0, "opening": 0}
    before = customers()
    account = platform.post("/accounts", {"user_id": platform.user_id, "currency": "CHF"}).data
    platform.deposit(account["account_id"], Decimal("7.25"), "CHF")
    after = customers()
    assert after["customer"] - before["customer"] == Decimal("7.25")
    assert after["opening"] - before["opening"] == Decimal("-7.25")


def test_turnover_beyond_the_largest_amount(server, platform):
    """One amount has at most 2^53 minor units, their sums do not know of that."""
    largest = Decimal("9999999999999.99")
    there, back = open_account(server, "SEK"), open_account(server, "SEK")
    platform.deposit(there, largest, "SEK")
    for _ in range(5):
        pay(server, there, back, largest)
        pay(server, back, there, largest)
    found = platform.get("/ledger/trial-balance", {"currency": "SEK"}, expect=200).data
    assert found["balanced"] and found["assets"][0]["credits"] >= 11 * largest


# ---- Journals ----

def deposit(platform, account, amount, reference=None, currency="NGN"):
    reply = platform.deposit(account, amount, currency, reference or uuid.uuid4().hex)
    return reply.data["journal_id"]


def test_journal(server, platform):
    account, reference = open_account(server), uuid.uuid4().hex
    journal_id = deposit(platform, account, Decimal("12.5"), reference)
    found = platform.get(f"/ledger/journals/{journal_id}", expect=200).data
    assert found["journal_id"] == journal_id and found["reference"] == reference
    assert found["actor_id"] == platform.user_id and len(found["hash"]) == 64
    assert found.get("reverses") is None and found.get("reversed_by") is None
    transfer, = found["transfers"]
    assert (transfer["amount"], transfer["currency"], transfer["kind"]) == (
        Decimal("12.5"), "NGN", "posted")
    assert transfer["credit_balance"] == Decimal("12.5")
    head = platform.get("/ledger/head", expect=200).data
    assert len(head["hash"]) == 64 and head["journals"] > 0


def test_head_follows(server, platform):
    account = open_account(server)
    before = platform.get("/ledger/head", expect=200).data
    journal_id = deposit(platform, account, 1)
    after = platform.get("/ledger/head", expect=200).data
    assert after["journals"] > before["journals"] and after["hash"] != before["hash"]
    assert len(platform.get(f"/ledger/journals/{journal_id}").data["hash"]) == 64


def test_head_of_a_tenant_without_journals(server):
    stranger = OtherTenant(server)
    stranger.prefix = "/platform/v1"
    found = stranger.get("/ledger/head", expect=200).data
    assert len(found["hash"]) == 64 and found["journals"] >= 0


def test_search(server, platform):
    account, other = open_account(server), open_account(server)
    reference, interaction = uuid.uuid4().hex, uuid.uuid4().hex
    made = deposit(platform, account, Decimal("77.31"), reference)
    platform.post(f"/accounts/{other}/deposits", {"amount": Decimal("77.31"), "currency": "NGN"},
                  headers={"x-fapi-interaction-id": interaction}, expect=201)

    def ids(**params):
        return [j["journal_id"] for j in
                platform.get("/ledger/journals", {"limit": 200, **params}, expect=200).data]

    assert ids(reference=reference) == [made]
    assert ids(key="deposit:" + reference) == [made]
    assert len(ids(interaction_id=interaction)) == 1
    assert ids(interaction_id=interaction, reference=reference) == []
    both = ids(amount="77.31", currency="NGN")
    assert made in both and both.index(made) > 0
    assert ids(amount="77.31", currency="USD") == []
    assert ids(reference=reference, amount="77.31", currency="NGN") == [made]
    assert ids(reference=reference, amount="77.32", currency="NGN") == []
    assert ids(reference=reference, code="deposit") == [made]
    assert ids(reference=reference, code="transfer") == []
    posted_at = platform.get(f"/ledger/journals/{made}").data["posted_at"]
    assert made in ids(**{"from": posted_at})
    assert made not in ids(to=posted_at)
    assert ids(reference=reference, to="2001-01-01T00:00:00Z") == []
    assert ids(**{"from": "2100-01-01T00:00:00Z"}) == []
    assert ids(code="fee", **{"from": "2100-01-01T00:00:00Z"}) == []


def test_search_for_one_transfer(server, platform, pcx, pcx_admin):
    """Code, amount and currency hold for the same transfer of a journal, not for two of them."""
    fee = pcx_admin.post("/virtual-accounts/fees", {
        "currency": "NGN", "transaction_type": "transfer", "fee_type": "test_fee",
        "fee_structure": "fixed_amount", "fee_value": 3}, expect=201).data["fee_id"]
    source = open_account(server, amount=100)
    try:
        reference = pay(server, source, open_account(server), Decimal("41.17")).data["reference"]
    finally:
        pcx_admin.delete(f"/virtual-accounts/fees/{fee}", expect=200)

    def count(**params):
        return len(platform.get("/ledger/journals", {"reference": reference, "currency": "NGN", **params},
                                expect=200).data)
    assert count(code="transfer", amount="41.17") == count(code="fee", amount="3") == 1
    assert count(code="fee", amount="41.17") == count(code="transfer", amount="3") == 0


def test_search_pages(server, platform):
    account, reference = open_account(server), None
    made = [deposit(platform, account, Decimal("31.07")) for _ in range(5)]
    for filters in ({}, {"amount": "31.07", "currency": "NGN"}, {"code": "deposit"}):
        seen, cursor = [], None
        while len(seen) < 5:
            page = platform.get("/ledger/journals", {**filters, "limit": 2, "cursor": cursor},
                                expect=200).json
            assert page["meta"]["count"] == len(page["data"]) <= 2
            seen += [j["journal_id"] for j in page["data"] if j["journal_id"] in made]
            cursor = page["meta"].get("next_cursor")
            assert cursor or len(seen) == 5
        assert seen == made[::-1]
    refused(platform.get("/ledger/journals", {"code": "fee", "cursor": cursor or "0" * 40}), 400, "cursor")


@pytest.mark.parametrize("params, field", [
    ({"amount": "1"}, "currency"), ({"amount": "0", "currency": "NGN"}, "amount"),
    ({"amount": "-1", "currency": "NGN"}, "amount"), ({"amount": "0.001", "currency": "NGN"}, "amount"),
    ({"amount": "1e3", "currency": "NGN"}, "amount"), ({"currency": "XXX"}, "currency"),
    ({"code": "bribe"}, "code"), ({"from": "x"}, "from"), ({"limit": "201"}, "limit"),
])
def test_search_refuses(platform, params, field):
    refused(platform.get("/ledger/journals", params), 400, field)


# ---- Reversal ----

def reverse(platform, journal_id, reason="Booked twice"):
    return platform.post(f"/ledger/journals/{journal_id}/reverse", {"reason": reason})


def test_reverse(server, platform, pcx):
    account = open_account(server)
    journal_id = deposit(platform, account, Decimal("40.40"))
    made = reverse(platform, journal_id)
    assert made.status == 201, made
    opposite = made.data
    assert opposite["reverses"] == journal_id and opposite["description"] == "Booked twice"
    first = platform.get(f"/ledger/journals/{journal_id}", expect=200).data
    assert first["reversed_by"] == opposite["journal_id"]
    one, two = first["transfers"][0], opposite["transfers"][0]
    assert (one["debit_account_id"], one["credit_account_id"], one["amount"]) == (
        two["credit_account_id"], two["debit_account_id"], two["amount"])
    assert balances(server, account) == (0, 0)
    entries = statement(platform, account).data["entries"]
    assert [(e["direction"], e["balance"]) for e in entries] == [("credit", Decimal("40.4")), ("debit", 0)]
    movements = pcx.get(f"/virtual-accounts/{account}/transactions", expect=200).json
    assert "Booked twice" in str(movements)


def test_reversed_once(server, platform):
    account = open_account(server)
    journal_id = deposit(platform, account, 5)
    opposite = reverse(platform, journal_id).data["journal_id"]
    refused(reverse(platform, journal_id), 409)
    again = reverse(platform, opposite)
    assert again.status == 201 and balances(server, account)[0] == 5


def test_reversal_that_an_account_cannot_bear(server, platform):
    account = open_account(server)
    journal_id = deposit(platform, account, 5)
    pay(server, account, open_account(server), 3)
    refused(reverse(platform, journal_id), 400)
    assert balances(server, account)[0] == 2
    assert platform.get(f"/ledger/journals/{journal_id}").data.get("reversed_by") is None


def test_a_hold_is_not_reversed(server, platform, pcx):
    account = open_account(server, amount=100)
    pcx.post("/virtual-accounts/withdraw", {
        "account_id": account, "amount": 10, "user_id": pcx.user_id, "bank_code": "058",
        "beneficiary_account_number": "0123456789", "beneficiary_name": "Ada Obi"}, expect=(200, 201, 202))
    holds = [j for j in platform.get("/ledger/journals", {"code": "withdrawal", "limit": 200},
                                     expect=200).data if j["transfers"][0]["kind"] == "pending"]
    refused(reverse(platform, holds[0]["journal_id"]), 409)


def test_a_transfer_is_reversed_for_both(server, platform, pcx):
    source, target = open_account(server, amount=10), open_account(server)
    reference = pay(server, source, target, 4).data["reference"]
    journal, = platform.get("/ledger/journals", {"reference": reference}, expect=200).data
    opposite = reverse(platform, journal["journal_id"]).data
    assert (opposite["reference"], opposite["actor_id"]) == (reference, platform.user_id)
    assert balances(server, source) == (10, 10) and balances(server, target) == (0, 0)
    for account in (source, target):
        entry = statement(platform, account).data["entries"][-1]
        assert (entry["journal_id"], entry["description"]) == (opposite["journal_id"], "Booked twice")
        newest = pcx.get(f"/virtual-accounts/{account}/transactions", expect=200).data[0]
        assert (newest["type"], newest["description"]) == (entry["direction"], "Booked twice")


def test_a_released_hold_leaves_nothing_to_reverse(server, platform, pcx, pcx_admin):
    account = open_account(server, amount=100)
    made = pcx.post("/virtual-accounts/withdraw", {
        "account_id": account, "amount": 10, "user_id": pcx.user_id, "bank_code": "058",
        "beneficiary_account_number": "0123456789", "beneficiary_name": "Ada Obi"}, expect=200).data
    pcx_admin.post(f"/virtual-accounts/admin/transactions/{made['transaction_id']}/reject", expect=200)
    journals = platform.get("/ledger/journals", {"reference": made["reference"]}, expect=200).data
    assert [journal["transfers"][0]["kind"] for journal in journals] == ["void", "pending"]
    for journal in journals:
        refused(reverse(platform, journal["journal_id"]), 409, "journal_id")
    assert balances(server, account) == (100, 100)


def test_reverse_refuses(server, platform):
    account = open_account(server)
    journal_id = deposit(platform, account, 5)
    refused(reverse(platform, journal_id, ""), 400, "reason")
    refused(platform.post(f"/ledger/journals/{journal_id}/reverse", {}), 400, "reason")
    refused(reverse(platform, "jrn_nothing"), 404, "journal_id")
    assert balances(server, account)[0] == 5
