"""Accounts and their ledger: opened for the app's users, funded by an operator, seen by nobody else."""
import uuid
from decimal import Decimal

import pytest

BASE = "/be/api/v1"
MISSING = {"code": 1010, "type": "BAD_REQUEST"}


def open_account(app, user_id=None, currency_id=2, **rest):
    return app.post(f"{BASE}/accounts", {"userId": user_id or app.user_id, "currencyId": currency_id,
                                         "accountType": "DIGITAL"}, expect=200, **rest).data


def make_user(app):
    return app.post("/as/api/v1/users", {
        "firstName": "Khalid", "lastName": "Raza", "email": f"{uuid.uuid4().hex}@users.example",
        "userType": "USER", "status": "ACTIVE"}, expect=200).data["id"]


def refused(reply, status=500, code=1010):
    assert (reply.status, reply.json["code"]) == (status, code), reply
    return reply


def invalid(reply, key):
    refused(reply, 422, 1000)
    assert [error["key"] for error in reply.json["errors"]] == [key], reply


def test_create(vaultspay):
    user = make_user(vaultspay)
    account = open_account(vaultspay, user)
    assert account["userId"] == user
    assert account["accountType"] == "DIGITAL" and account["status"] == "ACTIVE"
    assert account["currencyCode"] == "AED" and account["accountTitle"] == "Khalid Raza"
    assert len(account["accountNumber"]) == 14 and account["accountNumber"].isdigit()
    assert account["balance"] == 0 and account["balanceOnHold"] == 0 and account["creditLimit"] == 0
    assert account["iban"] is None and account["totalTransactions"] is None
    assert account["references"] == [] and account["isPrimary"] is True
    currency = account["currency"]
    assert (currency["id"], currency["code"], currency["isoCode"]) == (2, "AED", 784)
    assert (currency["decimalPoint"], currency["type"], currency["status"]) == (2, "FIAT", True)


def test_only_the_first_account_of_a_user_is_primary(vaultspay):
    user = make_user(vaultspay)
    first, second = open_account(vaultspay, user), open_account(vaultspay, user, 840)
    assert (first["isPrimary"], second["isPrimary"]) == (True, False)
    assert second["currencyCode"] == "USD" and second["currency"]["id"] == 840
    assert first["accountNumber"] != second["accountNumber"]
    listed = vaultspay.get(f"{BASE}/accounts", {"userId": user}, expect=200).data
    assert [(a["id"], a["isPrimary"]) for a in listed] == [(second["id"], False), (first["id"], True)]


@pytest.mark.parametrize("change, key", [
    ({"currencyId": 3}, "currencyId"), ({"currencyId": 2000}, "currencyId"),
    ({"currencyId": 0}, "currencyId"), ({"currencyId": -2}, "currencyId"),
    ({"currencyId": "2"}, "currencyId"), ({"currencyId": 2 ** 40}, "currencyId"),
    ({"accountType": "SAVINGS"}, "accountType"), ({"accountType": None}, "accountType"),
    ({"userId": "me"}, "userId"), ({"userId": Decimal("1.5")}, "userId"),
])
def test_create_refuses(vaultspay, change, key):
    body = {"userId": vaultspay.user_id, "currencyId": 2, "accountType": "DIGITAL", **change}
    invalid(vaultspay.post(f"{BASE}/accounts", body), key)


def test_create_for_a_stranger(vaultspay, vaultspay_other):
    for user in (vaultspay_other.user_id, make_user(vaultspay_other), 1, 2 ** 52):
        reply = vaultspay.post(f"{BASE}/accounts", {"userId": user, "currencyId": 2,
                                                    "accountType": "DIGITAL"})
        refused(reply)
        assert "errors" not in reply.json and "userId" in reply.json["message"]


def test_get(vaultspay, platform):
    account = open_account(vaultspay)
    found = vaultspay.get(f"{BASE}/accounts/{account['id']}", expect=200).data
    assert found == {**account, "totalTransactions": 0}
    platform.deposit(account["id"], Decimal("12.34"), "AED")
    found = vaultspay.get(f"{BASE}/accounts/{account['id']}", expect=200).data
    assert (found["balance"], found["totalTransactions"]) == (1234, 1)


def test_hold_and_credit_limit(vaultspay_plain, platform):
    account = open_account(vaultspay_plain)
    platform.deposit(account["id"], 100, "AED")
    platform.post(f"/accounts/{account['id']}/liens", {"amount": Decimal("30.5"), "reason": "x"},
                  expect=201)
    platform.patch(f"/accounts/{account['id']}", {"overdraft_limit": 10}, expect=200)
    found = vaultspay_plain.get(f"{BASE}/accounts/{account['id']}", expect=200).data
    assert (found["balance"], found["balanceOnHold"], found["creditLimit"]) == (6950, 3050, 1000)


def test_other_apps_accounts_do_not_exist(vaultspay, vaultspay_other, platform):
    theirs = open_account(vaultspay_other)
    platform.deposit(theirs["id"], 5, "AED")
    for path in (f"/accounts/{theirs['id']}", f"/account-ledger/{theirs['id']}"):
        unknown = refused(vaultspay.get(BASE + path.replace(str(theirs["id"]), "4711")))
        assert unknown.json["message"] == "id: The account was not found."
        found = refused(vaultspay.get(BASE + path))
        assert found.json == unknown.json
    refused(vaultspay.get(f"{BASE}/accounts", {"userId": vaultspay_other.user_id}))
    page = vaultspay.get(f"{BASE}/accounts", {"perPage": 1000}, expect=200)
    assert theirs["id"] not in [account["id"] for account in page.data]
    for bad in ("0", "-1", str(2 ** 52)):
        refused(vaultspay.get(f"{BASE}/accounts/{bad}"))
    invalid(vaultspay.get(f"{BASE}/accounts/one"), "id")


def test_list_filters(vaultspay):
    user = make_user(vaultspay)
    own = open_account(vaultspay)
    aed, euro = open_account(vaultspay, user), open_account(vaultspay, user, 978)

    def ids(**params):
        return [a["id"] for a in vaultspay.get(f"{BASE}/accounts", {"perPage": 1000, **params},
                                               expect=200).data]

    everything = ids()
    assert everything == sorted(everything, reverse=True)
    assert {own["id"], aed["id"], euro["id"]} <= set(everything)
    assert ids(userId=user) == [euro["id"], aed["id"]]
    assert ids(userId=user, currencyCode="EUR") == [euro["id"]]
    assert ids(userId=user, currencyCode="GBP") == []
    assert own["id"] in ids(shownMyAccounts="true")
    assert not {aed["id"], euro["id"]} & set(ids(shownMyAccounts="true"))
    assert ids(shownMyAccounts="true", userId=user) == []
    assert aed["id"] in ids(shownMyAccounts="false")
    assert ids(userId=user, accountType="DIGITAL") == [euro["id"], aed["id"]]
    assert ids(userId=user, accountType="SAVINGS") == []
    assert ids(userId=user, thirdPartyConfigSlug="pmt-mastercard-issuing") == [euro["id"], aed["id"]]
    assert ids(userId=user, thirdPartyConfigSlug="unheard-of") == []
    assert ids(userId=user, transactionType="Purchase") == [euro["id"], aed["id"]]
    invalid(vaultspay.get(f"{BASE}/accounts", {"currencyCode": "XXX"}), "currencyCode")


def test_suspended_accounts_cannot_be_used(vaultspay_plain, platform):
    user = make_user(vaultspay_plain)
    account = open_account(vaultspay_plain, user)
    platform.patch(f"/accounts/{account['id']}", {"status": "suspended"}, expect=200)
    listed = vaultspay_plain.get(f"{BASE}/accounts", {"userId": user}, expect=200).data
    assert [a["status"] for a in listed] == ["BLOCK"]
    assert vaultspay_plain.get(f"{BASE}/accounts", {"userId": user, "transactionType": "x"},
                               expect=200).data == []


def test_list_pages(vaultspay):
    user = make_user(vaultspay)
    made = [open_account(vaultspay, user)["id"] for _ in range(5)]
    seen = []
    for page in (1, 2, 3, 4):
        reply = vaultspay.get(f"{BASE}/accounts", {"userId": user, "page": page, "perPage": 2},
                              expect=200).json
        assert reply["pagination"] == {"currentPage": page, "perPage": 2, "totalPages": 3,
                                       "totalCount": 5, "sort": "id: DESC"}
        seen += [account["id"] for account in reply["data"]]
    assert seen == made[::-1]
    first = vaultspay.get(f"{BASE}/accounts", {"userId": user}, expect=200).json["pagination"]
    assert (first["currentPage"], first["perPage"], first["totalPages"]) == (1, 20, 1)


@pytest.mark.parametrize("params, key", [
    ({"page": 0}, "page"), ({"page": -1}, "page"), ({"page": "x"}, "page"), ({"perPage": 0}, "perPage"),
    ({"perPage": 1001}, "perPage"), ({"userId": "x"}, "userId"), ({"shownMyAccounts": "yes"}, "shownMyAccounts"),
])
def test_list_refuses(vaultspay_plain, params, key):
    invalid(vaultspay_plain.get(f"{BASE}/accounts", params), key)


# ---- The ledger of an account ----

def ledger(app, account, **params):
    return app.get(f"{BASE}/account-ledger/{account['id']}", params, expect=200)


@pytest.fixture
def busy(vaultspay, platform):
    """An account with three deposits: 100.00, 20.50 and 0.01."""
    account = open_account(vaultspay)
    for amount, reference in ((100, None), (Decimal("20.50"), str(uuid.uuid4().int)[:13]),
                              (Decimal("0.01"), uuid.uuid4().hex)):
        platform.deposit(account["id"], amount, "AED", reference)
    return account


def test_ledger(vaultspay, busy):
    reply = ledger(vaultspay, busy)
    rows = reply.data
    assert [row["credit"] for row in rows] == [1, 2050, 10000]
    assert [row["balance"] for row in rows] == [12051, 12050, 10000]
    assert [row["debit"] for row in rows] == [0, 0, 0]
    assert rows[2]["narration"] == "DEPOSIT AMT 100.00 AED"
    assert len({row["transactionId"] for row in rows}) == 3
    assert "transactionRefId" in rows[1] and "transactionRefId" not in rows[0]
    assert all(row["date"].endswith("+00:00") and len(row["date"]) == 29 for row in rows)
    assert '"credit":10000.00000000' in reply.text and '"debit":0,' in reply.text
    assert '"balance":12051.00000000' in reply.text
    assert reply.json["pagination"]["totalCount"] == 3


def test_ledger_debits(vaultspay_plain, platform, fincode):
    source, target = open_account(vaultspay_plain), open_account(vaultspay_plain)
    platform.deposit(source["id"], 50, "AED")
    result = fincode.post("/gateway/post-account", [{
        "primaryAccountNumber": source["accountNumber"], "currencyCode": "AED",
        "creditDebitInstructionDirection": "DEBIT_PRIMARY_ACCOUNT_CREDIT_COUNTERPARTY_ACCOUNT",
        "counterParties": [{"accountNumber": target["accountNumber"], "amount": Decimal("12.5"),
                            "narration": "Lunch"}],
        "instructionIdempotencykey": uuid.uuid4().hex}], expect=200).data[0]
    assert result["status"] == "PAID", result
    row = ledger(vaultspay_plain, source).data[0]
    assert (row["debit"], row["credit"], row["balance"]) == (1250, 0, 3750)
    assert row["narration"] == "Lunch"
    other = ledger(vaultspay_plain, target).data[0]
    assert (other["debit"], other["credit"], other["balance"]) == (0, 1250, 1250)
    assert other["transactionId"] == row["transactionId"]


def test_ledger_pages(vaultspay, busy):
    pages = [ledger(vaultspay, busy, page=page, perPage=2).json for page in (1, 2, 3)]
    assert [[row["credit"] for row in page["data"]] for page in pages] == [[1, 2050], [10000], []]
    assert {page["pagination"]["totalPages"] for page in pages} == {2}


def test_ledger_filters(vaultspay, busy):
    newest, middle, oldest = ledger(vaultspay, busy).data

    def credits(**params):
        return [row["credit"] for row in ledger(vaultspay, busy, **params).data]

    assert credits(transactionId=middle["transactionId"]) == [2050]
    assert credits(transactionId=middle["id"] + 10 ** 9) == []
    assert credits(transactionId=-1) == []
    assert credits(startDate=newest["date"])[0] == 1
    assert credits(endDate=oldest["date"])[-1] == 10000
    assert 2050 in credits(startDate=middle["date"], endDate=middle["date"])
    assert credits(endDate="2001-01-01T00:00:00Z") == []
    assert credits(startDate="2100-01-01T00:00:00Z") == []
    assert credits(startDate=newest["date"], endDate="2001-01-01T00:00:00Z") == []
    assert credits(userId=vaultspay.user_id) == [1, 2050, 10000]
    assert credits(userId=make_user(vaultspay)) == []
    assert credits(transactionId=middle["transactionId"], endDate="2001-01-01T00:00:00Z") == []


def test_ledger_of_another_accounts_transaction_is_empty(vaultspay_plain, platform):
    account, other = open_account(vaultspay_plain), open_account(vaultspay_plain)
    platform.deposit(other["id"], 5, "AED")
    transaction = ledger(vaultspay_plain, other).data[0]["transactionId"]
    assert ledger(vaultspay_plain, account, transactionId=transaction).data == []


@pytest.mark.parametrize("params, key", [
    ({"startDate": "yesterday"}, "startDate"), ({"endDate": "2024-13-01T00:00:00Z"}, "endDate"),
    ({"page": 0}, "page"), ({"transactionId": "x"}, "transactionId"), ({"userId": "x"}, "userId"),
])
def test_ledger_refuses(vaultspay_plain, params, key):
    account = open_account(vaultspay_plain)
    invalid(vaultspay_plain.get(f"{BASE}/account-ledger/{account['id']}", params), key)


def test_ledger_of_a_stranger_as_filter(vaultspay, vaultspay_other):
    account = open_account(vaultspay)
    refused(vaultspay.get(f"{BASE}/account-ledger/{account['id']}", {"userId": vaultspay_other.user_id}))


def test_long_ledger(vaultspay_plain, platform, fincode):
    """Pages and dates over more rows than one block, with holds of another dialect in between."""
    source, target = open_account(vaultspay_plain), open_account(vaultspay_plain)
    platform.deposit(source["id"], 1000, "AED")
    direction = "DEBIT_PRIMARY_ACCOUNT_CREDIT_COUNTERPARTY_ACCOUNT"
    fincode.post("/gateway/post-account", [{
        "primaryAccountNumber": source["accountNumber"], "currencyCode": "AED",
        "creditDebitInstructionDirection": direction, "instructionIdempotencykey": uuid.uuid4().hex,
        "counterParties": [{"accountNumber": target["accountNumber"], "amount": Decimal("0.01")}]}
        for _ in range(700)], expect=200)
    first = ledger(vaultspay_plain, target, perPage=1000)
    assert [row["balance"] for row in first.data] == list(range(700, 0, -1))
    third = ledger(vaultspay_plain, target, perPage=300, page=3)
    assert [row["balance"] for row in third.data] == list(range(100, 0, -1))
    assert third.json["pagination"]["totalPages"] == 3


def test_a_repeated_key_opens_one_account(vaultspay):
    user, key = make_user(vaultspay), uuid.uuid4().hex
    made = [open_account(vaultspay, user, headers={"Idempotency-Key": key})["id"] for _ in range(2)]
    assert made[0] == made[1]
    assert len(vaultspay.get(f"{BASE}/accounts", {"userId": user}, expect=200).data) == 1
