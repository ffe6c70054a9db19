"""Operators open, limit, fund and encumber accounts of every dialect."""
import threading
import uuid
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.pcx import OtherTenant, Pcx, Platform


def create(platform, **changes):
    return platform.post("/accounts", {"user_id": platform.user_id, "currency": "NGN", **changes})


@pytest.fixture
def account(platform):
    return create(platform).data


def refused(reply, status, field=None):
    assert reply.status == status, reply
    assert reply.json["status"] == "error", reply
    if field:
        assert field in [error["field"] for error in reply.json["errors"]], reply
    return reply


# ---- Opening and reading ----

def test_create(platform):
    made = create(platform, name="Petty cash", overdraft_limit=Decimal("10.5"), minimum_balance=0)
    assert made.status == 201, made
    account = made.data
    assert account["name"] == "Petty cash" and account["status"] == "active"
    assert len(account["account_number"]) == 14
    assert (account["overdraft_limit"], account["minimum_balance"]) == (Decimal("10.5"), 0)
    for name in ("balance", "available_balance", "lien_amount", "held_amount"):
        assert account[name] == 0
    assert platform.get(f"/accounts/{account['account_id']}", expect=200).data == account


def test_one_account_has_three_names(platform, account, server):
    for name in (account["account_id"], account["vaultspay_id"], account["fincode_id"]):
        assert platform.get(f"/accounts/{name}", expect=200).data == account
    assert balances(server, account["account_id"]) == (0, 0)


def test_the_owner_in_any_form(platform, pcx, vaultspay_plain):
    """The account belongs to the owner's organisation."""
    own = create(platform, user_id=pcx.user_id).data
    assert (own["user_id"], own["organisation_id"]) == (pcx.user_id, pcx.org_id)
    person = vaultspay_plain.post("/as/api/v1/users", {
        "firstName": "A", "lastName": "B", "status": "ACTIVE",
        "email": uuid.uuid4().hex + "@example.com"}, expect=200).data
    made = create(platform, user_id=str(person["id"]))
    assert made.status == 201 and made.data["user_id"].startswith("usr_"), made


def test_limits_have_the_currencys_decimals(platform):
    refused(create(platform, currency="JPY", overdraft_limit=Decimal("0.5")), 400, "overdraft_limit")
    made = create(platform, currency="KWD", minimum_balance=Decimal("0.125")).data
    assert made["minimum_balance"] == Decimal("0.125")


def test_default_name_is_the_owners(platform, fincode):
    made = create(platform, user_id=fincode.user_id, currency="gbp").data
    assert made["name"] == "Amina Fincode" and made["currency"] == "GBP"


@pytest.mark.parametrize("change, status, field", [
    ({"currency": "XXX"}, 400, "currency"), ({"currency": "USDC"}, 400, "currency"),
    ({"currency": ""}, 400, "currency"), ({"user_id": "usr_nobody"}, 404, "user_id"),
    ({"user_id": "1"}, 404, "user_id"), ({"overdraft_limit": -1}, 400, "overdraft_limit"),
    ({"overdraft_limit": Decimal("0.001")}, 400, "overdraft_limit"),
    ({"minimum_balance": "5"}, 400, "minimum_balance"),
    ({"overdraft_limit": 10 ** 17}, 400, "overdraft_limit"), ({"name": ""}, 400, "name"),
])
def test_create_refuses(platform, change, status, field):
    refused(create(platform, **change), status, field)


def test_people_may_not(pcx, pcx_user, account):
    for caller in (pcx, pcx_user):
        caller.prefix = "/platform/v1"
        refused(create(caller), 403)
        refused(caller.get(f"/accounts/{account['account_id']}"), 403)
        refused(caller.patch(f"/accounts/{account['account_id']}", {"status": "inactive"}), 403)


def test_other_tenants_accounts_do_not_exist(server, account):
    stranger = OtherTenant(server)
    stranger.prefix = "/platform/v1"
    for name in ("account_id", "vaultspay_id", "fincode_id"):
        path = f"/accounts/{account[name]}"
        refused(stranger.get(path), 404)
        refused(stranger.patch(path, {"status": "inactive"}), 404)
        refused(stranger.post(path + "/deposits", {"amount": 1, "currency": "NGN"}), 404)
        refused(stranger.post(path + "/liens", {"amount": 1, "reason": "x"}), 404)
        refused(stranger.get(path + "/liens"), 404)
    refused(stranger.post("/accounts", {"user_id": account["user_id"], "currency": "NGN"}), 404)


# ---- Limits and status ----

def update(platform, account, **change):
    return platform.patch(f"/accounts/{account['account_id']}", change)


def pay(server, source, target, amount):
    """A transfer on the PCX side, as the organisation's administrator."""
    payer = Pcx(server)
    return payer.post("/virtual-accounts/transfer", {
        "from_account_id": source, "to_account_id": target, "amount": amount,
        "user_id": payer.user_id})


def test_overdraft(server, platform):
    source, target = open_account(server, amount=10), open_account(server)
    assert pay(server, source, target, 15).status == 400
    platform.patch(f"/accounts/{source}", {"overdraft_limit": 5}, expect=200)
    assert pay(server, source, target, Decimal("15.01")).status == 400
    assert pay(server, source, target, 15).status == 200
    shown = platform.get(f"/accounts/{source}", expect=200).data
    assert (shown["balance"], shown["available_balance"]) == (-5, -5)
    assert platform.patch(f"/accounts/{source}", {"overdraft_limit": 0}).data["overdraft_limit"] == 0
    assert pay(server, source, target, Decimal("0.01")).status == 400


def test_minimum_balance(server, platform):
    source, target = open_account(server, amount=10), open_account(server)
    platform.patch(f"/accounts/{source}", {"minimum_balance": 4}, expect=200)
    assert pay(server, source, target, Decimal("6.01")).status == 400
    assert pay(server, source, target, 6).status == 200
    platform.patch(f"/accounts/{source}", {"minimum_balance": 0}, expect=200)
    assert pay(server, source, target, 4).status == 200


def test_limits_do_not_disturb_each_other(platform, account):
    update(platform, account, overdraft_limit=7)
    changed = update(platform, account, minimum_balance=2).data
    assert (changed["overdraft_limit"], changed["minimum_balance"]) == (7, 2)
    changed = update(platform, account, status="inactive").data
    assert (changed["status"], changed["overdraft_limit"]) == ("inactive", 7)


def test_status(platform, account):
    path = f"/accounts/{account['account_id']}"
    for status in ("suspended", "inactive", "active"):
        assert update(platform, account, status=status).data["status"] == status
        deposit = platform.post(path + "/deposits", {"amount": 1, "currency": "NGN"})
        assert deposit.status == (201 if status == "active" else 400), deposit
    assert platform.get(path, expect=200).data["balance"] == 1


@pytest.mark.parametrize("status", ["inactive", "suspended"])
def test_no_postings_while_not_active(server, platform, status):
    """Neither from nor to the account, and no reversal; afterwards all of them."""
    account, other = open_account(server), open_account(server, amount=10)
    booked = platform.deposit(account, 10, "NGN").data["journal_id"]
    platform.patch(f"/accounts/{account}", {"status": status}, expect=200)
    for source, target in ((account, other), (other, account)):
        assert pay(server, source, target, 1).status == 400
    refused(platform.post(f"/ledger/journals/{booked}/reverse", {"reason": "x"}), 400)
    assert balances(server, account) == (10, 10) and balances(server, other) == (10, 10)
    platform.patch(f"/accounts/{account}", {"status": "active"}, expect=200)
    assert pay(server, account, other, 1).status == pay(server, other, account, 1).status == 200
    platform.post(f"/ledger/journals/{booked}/reverse", {"reason": "x"}, expect=201)


def test_closed(server, platform, pcx_admin):
    """Nobody finds it any more; what was booked on it can still be read."""
    account = open_account(server)
    booked = platform.deposit(account, 5, "NGN").data["journal_id"]
    platform.post(f"/ledger/journals/{booked}/reverse", {"reason": "x"}, expect=201)
    pcx_admin.delete(f"/virtual-accounts/{account}", expect=200)
    path = f"/accounts/{account}"
    for reply in (platform.get(path), platform.patch(path, {"status": "active"}),
                  platform.post(path + "/deposits", {"amount": 1, "currency": "NGN"}),
                  platform.post(path + "/liens", {"amount": 1, "reason": "x"}), platform.get(path + "/liens")):
        refused(reply, 404, "account_id")
    found = platform.get(f"/ledger/accounts/{account}/statement", expect=200).data
    assert [entry["amount"] for entry in found["entries"]] == [5, 5] and found["closing_balance"] == 0


@pytest.mark.parametrize("change, field", [
    ({}, None), ({"status": "deleted"}, "status"), ({"status": "ACTIVE"}, "status"),
    ({"overdraft_limit": -1}, "overdraft_limit"), ({"minimum_balance": Decimal("1.001")}, "minimum_balance"),
])
def test_update_refuses(platform, account, change, field):
    refused(update(platform, account, **change), 400, field)
    assert platform.get(f"/accounts/{account['account_id']}").data == account


# ---- Deposits ----

def test_deposit(platform, account, server):
    reference = uuid.uuid4().hex
    made = platform.post(f"/accounts/{account['account_id']}/deposits", {
        "amount": Decimal("1500.25"), "currency": "NGN", "reference": reference,
        "description": "Cash at the counter"})
    assert made.status == 201, made
    assert (made.data["amount"], made.data["balance"]) == (Decimal("1500.25"), Decimal("1500.25"))
    assert made.data["reference"] == reference and made.data["account_id"] == account["account_id"]
    assert balances(server, account["account_id"])[0] == Decimal("1500.25")
    journal = platform.get(f"/ledger/journals/{made.data['journal_id']}", expect=200).data
    assert journal["reference"] == reference and journal["reason"] == "deposit"
    assert journal["description"] == "Cash at the counter"
    assert journal["transfers"][0]["credit_account_id"] == account["ledger_account_id"]


def test_a_reference_counts_once(platform, account):
    path, reference = f"/accounts/{account['account_id']}/deposits", uuid.uuid4().hex
    body = {"amount": 5, "currency": "NGN", "reference": reference}
    platform.post(path, body, expect=201)
    for change in ({}, {"amount": 6}):
        refused(platform.post(path, {**body, **change}), 409, "reference")
    other = create(platform).data["account_id"]
    refused(platform.post(f"/accounts/{other}/deposits", body), 409, "reference")
    assert platform.get(f"/accounts/{account['account_id']}").data["balance"] == 5


def test_a_reference_counts_once_in_parallel(server, account):
    path, reference = f"/accounts/{account['account_id']}/deposits", uuid.uuid4().hex
    replies = []

    def run():
        replies.append(Platform(server).post(path, {"amount": 5, "currency": "NGN",
                                                    "reference": reference}).status)
    callers = [threading.Thread(target=run) for _ in range(10)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(replies) == [201] + [409] * 9
    assert Platform(server).get(f"/accounts/{account['account_id']}").data["balance"] == 5


@pytest.mark.parametrize("change, field", [
    ({"amount": 0}, "amount"), ({"amount": -1}, "amount"), ({"amount": Decimal("0.001")}, "amount"),
    ({"amount": "10"}, "amount"), ({"amount": None}, "amount"), ({"amount": 10 ** 15}, "amount"),
    ({"amount": 10 ** 30}, "amount"), ({"currency": "USD"}, "currency"), ({"currency": "XXX"}, "currency"),
    ({"currency": None}, "currency"), ({"reference": "x" * 121}, "reference"),
])
def test_deposit_refuses(platform, account, change, field):
    body = {"amount": 10, "currency": "NGN", **change}
    refused(platform.post(f"/accounts/{account['account_id']}/deposits", body), 400, field)
    assert platform.get(f"/accounts/{account['account_id']}").data["balance"] == 0


@pytest.mark.parametrize("raw", ['{"amount":1e3,"currency":"NGN"}', '{"amount":NaN,"currency":"NGN"}',
                                 '{"amount":01,"currency":"NGN"}', '{"amount":+1,"currency":"NGN"}'])
def test_deposit_refuses_odd_numbers(platform, account, raw):
    refused(platform.post(f"/accounts/{account['account_id']}/deposits", raw=raw), 400)


# ---- Liens ----

def lien(platform, account, amount, reason="Court order"):
    return platform.post(f"/accounts/{account['account_id']}/liens",
                         {"amount": amount, "reason": reason})


def test_lien(server, platform):
    source, target = open_account(server, amount=100), open_account(server)
    account = platform.get(f"/accounts/{source}", expect=200).data
    placed = lien(platform, account, Decimal("60.5"))
    assert placed.status == 201, placed
    assert (placed.data["status"], placed.data["amount"]) == ("active", Decimal("60.5"))
    shown = platform.get(f"/accounts/{source}", expect=200).data
    assert (shown["balance"], shown["available_balance"], shown["lien_amount"]) == (
        100, Decimal("39.5"), Decimal("60.5"))
    assert pay(server, source, target, 40).status == 400
    assert pay(server, source, target, Decimal("39.5")).status == 200
    path = f"/accounts/{source}/liens/{placed.data['lien_id']}"
    released = platform.delete(path, expect=200).data
    assert released["status"] == "released" and released["released_at"]
    assert platform.get(f"/accounts/{source}").data["available_balance"] == Decimal("60.5")
    refused(platform.delete(path), 409)
    assert pay(server, source, target, Decimal("60.5")).status == 200


def test_lien_beyond_what_is_there(platform, account):
    platform.deposit(account["account_id"], 10, "NGN")
    refused(lien(platform, account, Decimal("10.01")), 400, "amount")
    assert lien(platform, account, 10).status == 201
    refused(lien(platform, account, Decimal("0.01")), 400, "amount")


def test_liens_are_listed(platform, account):
    platform.deposit(account["account_id"], 100, "NGN")
    placed = [lien(platform, account, amount).data for amount in (1, 2, 3)]
    made = [row["lien_id"] for row in placed]
    released = platform.delete(f"/accounts/{account['account_id']}/liens/{made[1]}", expect=200).data
    path = f"/accounts/{account['account_id']}/liens"
    listed = platform.get(path, expect=200).data
    assert listed == [placed[2], released, placed[0]]
    assert [(row["lien_id"], row["status"]) for row in listed] == [
        (made[2], "active"), (made[1], "released"), (made[0], "active")]
    first = platform.get(path, {"limit": 2}, expect=200).json
    assert [row["lien_id"] for row in first["data"]] == [made[2], made[1]]
    rest = platform.get(path, {"limit": 2, "cursor": first["meta"]["next_cursor"]}, expect=200).json
    assert [row["lien_id"] for row in rest["data"]] == [made[0]]
    assert not rest["meta"].get("next_cursor")
    refused(platform.get(path, {"cursor": first["meta"]["next_cursor"][:-1] + "x"}), 400, "cursor")


def test_liens_of_another_account(platform, account):
    platform.deposit(account["account_id"], 5, "NGN")
    placed = lien(platform, account, 5).data["lien_id"]
    other = create(platform).data["account_id"]
    refused(platform.delete(f"/accounts/{other}/liens/{placed}"), 404)
    refused(platform.delete(f"/accounts/{account['account_id']}/liens/lien_nothing"), 404)
    assert platform.get(f"/accounts/{account['account_id']}").data["lien_amount"] == 5


@pytest.mark.parametrize("body, field", [
    ({"amount": 0, "reason": "x"}, "amount"), ({"amount": -1, "reason": "x"}, "amount"),
    ({"amount": Decimal("0.001"), "reason": "x"}, "amount"), ({"amount": 1}, "reason"),
    ({"amount": 1, "reason": ""}, "reason"), ({"reason": "x"}, "amount"),
])
def test_lien_refuses(platform, account, body, field):
    platform.deposit(account["account_id"], 5, "NGN")
    refused(platform.post(f"/accounts/{account['account_id']}/liens", body), 400, field)
