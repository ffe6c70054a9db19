"""Virtual accounts: opened, listed, changed, stopped and closed, by whom it is allowed."""
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.http import wait_until
from client.pcx import OtherTenant, Pcx


def currency_account(caller, currency="NGN", expect=201, **changes):
    body = {"org_id": caller.org_id, "user_id": caller.user_id, "currency": currency}
    body.update(changes)
    return caller.post("/virtual-accounts/currency", body, expect=expect)


@pytest.mark.parametrize("currency, provider", [
    ("NGN", "squadco"), ("USD", "bridge"), ("GBP", "bridge"), ("EUR", "bridge")])
def test_create_currency_account(pcx, currency, provider):
    account = currency_account(pcx, currency).data
    assert account["currency"] == currency and account["provider"] == provider
    assert account["org_id"] == pcx.org_id and account["user_id"] == pcx.user_id
    assert account["status"] == "active" and account["account_type"] == "currency"
    assert Decimal(account["balance"]) == 0 and Decimal(account["ledger_balance"]) == 0
    assert account["account_number"]


def test_a_silent_provider_supplies_the_number_later(pcx, pcx_admin, sandbox):
    sandbox.script("squad", "create_virtual_account", "unavailable")
    account = currency_account(pcx).data
    assert account.get("account_number") is None
    path = f"/virtual-accounts/admin/accounts/{account['account_id']}"
    sandbox.advance("PT1M")
    wait_until(lambda: pcx_admin.get(path, expect=200).data.get("account_number"),
               what="the account's number")


def test_a_provider_that_refuses_is_400(pcx, sandbox):
    sandbox.script("bridge", "create_virtual_account", "reject")
    currency_account(pcx, "USD", expect=400)


@pytest.mark.parametrize("changes, field", [
    ({"currency": "XXX"}, "currency"),
    ({"currency": "USDC"}, "currency"),
    ({"initial_balance": Decimal("-1")}, "initial_balance"),
    ({"initial_balance": Decimal("1.001")}, "initial_balance"),
    ({"provider": "bridge"}, "provider"),
    ({"provider": "nobody"}, "provider"),
    ({"customer_type": "robot"}, "customer_type"),
])
def test_create_refusals_name_the_field(pcx_admin, changes, field):
    reply = currency_account(pcx_admin, expect=400, **changes)
    assert field in reply.json["message"]


def test_unknown_organisation_or_user_is_404(pcx_admin):
    currency_account(pcx_admin, expect=404, org_id="org_0000000000001")
    currency_account(pcx_admin, expect=404, user_id="usr_0000000000001")


def test_opening_balance_is_for_staff(pcx, pcx_admin, server):
    currency_account(pcx, expect=403, initial_balance=Decimal("5"))
    account = currency_account(pcx_admin, initial_balance=Decimal("1000.25")).data
    assert Decimal(account["balance"]) == Decimal("1000.25")
    assert balances(server, account["account_id"]) == (Decimal("1000.25"), Decimal("1000.25"))
    entries = pcx_admin.get(f"/virtual-accounts/{account['account_id']}/transactions",
                            expect=200).data
    assert [(e["type"], Decimal(e["amount"])) for e in entries] == [("credit", Decimal("1000.25"))]


def test_plain_users_open_their_own_only(pcx, pcx_user):
    currency_account(pcx_user)
    currency_account(pcx_user, expect=403, user_id=pcx.user_id)


def test_administrators_open_accounts_for_their_own_people_only(pcx, server):
    """The account would carry the name of somebody whom another organisation knows."""
    stranger, foreigner = Pcx(server, "other_org_admin"), OtherTenant(server)
    for user_id, status in ((stranger.user_id, 403), (foreigner.user_id, 404)):
        reply = currency_account(pcx, expect=status, user_id=user_id)
        assert "user_id" in reply.text
    transfer = {"from_account_id": open_account(server, amount=1), "to_account_id": open_account(server),
                "amount": 1}
    for user_id, status in ((stranger.user_id, 403), (foreigner.user_id, 404)):
        reply = pcx.post("/virtual-accounts/transfer", {**transfer, "user_id": user_id}, expect=status)
        assert "user_id" in reply.text


def test_internal_accounts(pcx, pcx_admin):
    owner = {"org_id": pcx.org_id, "user_id": pcx.user_id}
    bank = pcx_admin.post("/virtual-accounts/internal/bank",
                          {**owner, "currency": "EUR", "virtual_account_name": "Savings"},
                          expect=201).data
    assert bank["account_type"] == "internal_bank" and bank["virtual_account_name"] == "Savings"
    crypto = pcx_admin.post("/virtual-accounts/internal/crypto", {**owner, "currency": "usdc"},
                            expect=201).data
    assert crypto["account_type"] == "internal_crypto" and crypto["currency"] == "USDC"
    assert crypto["provider"] == "bridge"
    found = pcx_admin.get(f"/virtual-accounts/internal/user/{pcx.user_id}", expect=200).data
    kinds = {account["account_type"] for account in found}
    assert kinds == {"internal_bank", "internal_crypto"}
    assert {bank["account_id"], crypto["account_id"]} <= {a["account_id"] for a in found}
    pcx_admin.get("/virtual-accounts/internal/user/usr_0000000000001", expect=404)
    pcx_admin.post("/virtual-accounts/internal/crypto", {**owner, "currency": "USD"}, expect=400)
    pcx.post("/virtual-accounts/internal/bank", owner, expect=403)
    pcx.post("/virtual-accounts/internal/crypto", owner, expect=403)
    pcx.get(f"/virtual-accounts/internal/user/{pcx.user_id}", expect=403)


def walk(caller, path, **params):
    """All pages of a list, and what it holds."""
    rows, key = [], None
    while True:
        reply = caller.get(path, {**params, "limit": 2, **({"last_evaluated_key": key} if key else {})},
                           expect=200).json
        assert len(reply["data"]) <= 2
        rows += reply["data"]
        key = reply.get("meta", {}).get("last_evaluated_key")
        if not key:
            return rows


def test_lists_page_without_repeats(pcx, pcx_admin, server):
    made = {open_account(server) for _ in range(5)}
    for caller, path in ((pcx, f"/virtual-accounts/org/{pcx.org_id}"),
                         (pcx, f"/virtual-accounts/user/{pcx.user_id}"),
                         (pcx_admin, "/virtual-accounts/currency"),
                         (pcx_admin, "/virtual-accounts/admin/registry")):
        ids = [row["account_id"] for row in walk(caller, path)]
        assert len(ids) == len(set(ids)) and made <= set(ids)


def test_cursors_belong_to_their_list(pcx, pcx_admin, server):
    for _ in range(3):
        open_account(server)
    key = pcx_admin.get("/virtual-accounts/currency", {"limit": 1}, expect=200).json["meta"][
        "last_evaluated_key"]
    tampered = ("A" if key[0] != "A" else "B") + key[1:]
    for path, cursor in ((f"/virtual-accounts/org/{pcx.org_id}", key),
                         ("/virtual-accounts/currency", tampered),
                         ("/virtual-accounts/currency", "nonsense")):
        pcx_admin.get(path, {"last_evaluated_key": cursor}, expect=400)
    for limit in (0, 101, "x"):
        pcx_admin.get("/virtual-accounts/currency", {"limit": limit}, expect=400)


def test_lists_are_for_the_owner(pcx, pcx_user, server):
    open_account(server)
    pcx_user.get(f"/virtual-accounts/user/{pcx.user_id}", expect=403)
    pcx_user.get("/virtual-accounts/currency", expect=403)
    stranger = OtherTenant(server)
    stranger.get(f"/virtual-accounts/org/{pcx.org_id}", expect=(200, 403, 404))
    mine = currency_account(pcx_user).data["account_id"]
    ids = [a["account_id"] for a in walk(pcx_user, f"/virtual-accounts/user/{pcx_user.user_id}")]
    assert mine in ids


def test_update_and_status(pcx, pcx_admin, server):
    account_id = open_account(server, amount="100")
    path = f"/virtual-accounts/{account_id}"
    renamed = pcx_admin.put(path, {"virtual_account_name": "Payroll"}, expect=200).data
    assert renamed["virtual_account_name"] == "Payroll" and renamed["status"] == "active"
    assert Decimal(renamed["balance"]) == 100
    assert pcx_admin.put(path, {"status": "suspended"}, expect=200).data["status"] == "suspended"
    for status in ("inactive", "suspended", "active", "inactive", "active"):
        answer = pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": status},
                               expect=200)
        assert answer.data == {}
        assert pcx_admin.get(f"/virtual-accounts/admin/accounts/{account_id}",
                             expect=200).data["status"] == status
    pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": "frozen"}, expect=200)
    assert pcx_admin.get(f"/virtual-accounts/admin/accounts/{account_id}",
                         expect=200).data["status"] == "suspended"
    pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": "gone"}, expect=400)
    pcx_admin.put(f"/virtual-accounts/status/{account_id}", {}, expect=400)
    pcx_admin.put("/virtual-accounts/status/va_0000000000001", {"status": "active"}, expect=404)
    pcx.put(path, {"virtual_account_name": "x"}, expect=403)
    pcx.put(f"/virtual-accounts/status/{account_id}", {"status": "active"}, expect=403)


@pytest.mark.parametrize("status", ["inactive", "suspended"])
def test_nothing_moves_on_an_account_that_is_not_active(pcx, pcx_admin, server, status):
    stopped, other = open_account(server, amount="100"), open_account(server, amount="100")
    pcx_admin.put(f"/virtual-accounts/status/{stopped}", {"status": status}, expect=200)
    for source, target in ((stopped, other), (other, stopped)):
        pcx.post("/virtual-accounts/transfer", {
            "from_account_id": source, "to_account_id": target, "amount": 1,
            "user_id": pcx.user_id}, expect=400)
    pcx_admin.post("/virtual-accounts/deposit", {"account_id": stopped, "amount": 1}, expect=400)
    pcx.post("/virtual-accounts/withdraw", {
        "account_id": stopped, "amount": 1, "user_id": pcx.user_id, "beneficiary_name": "Ada",
        "bank_code": "058", "beneficiary_account_number": "0123456789"}, expect=400)
    assert balances(server, stopped) == (100, 100) and balances(server, other) == (100, 100)


def test_delete_needs_an_empty_account(pcx, pcx_admin, server):
    full, empty = open_account(server, amount="0.01"), open_account(server)
    pcx_admin.delete(f"/virtual-accounts/{full}", expect=409)
    pcx.delete(f"/virtual-accounts/{empty}", expect=403)
    assert pcx_admin.delete(f"/virtual-accounts/{empty}", expect=200).data == {}
    pcx_admin.delete(f"/virtual-accounts/{empty}", expect=404)
    pcx_admin.get(f"/virtual-accounts/admin/accounts/{empty}", expect=404)
    assert balances(server, full) == (Decimal("0.01"), Decimal("0.01"))


def test_delete_all_of_an_organisation(pcx_admin, server):
    reply = pcx_admin.post("/organizations", {
        "org_name": "Closing Ltd", "country": "NG", "created_by": pcx_admin.user_id}, expect=201).json
    org_id = reply.get("data", reply)["org_id"]
    first = currency_account(pcx_admin, org_id=org_id).data["account_id"]
    full = currency_account(pcx_admin, org_id=org_id, initial_balance=Decimal("1")).data["account_id"]
    pcx_admin.delete(f"/virtual-accounts/org/{org_id}", expect=409)
    pcx_admin.get(f"/virtual-accounts/admin/accounts/{first}", expect=200)  # all or none
    pcx_admin.post("/virtual-accounts/transfer", {
        "from_account_id": full, "to_account_id": open_account(server), "amount": 1,
        "user_id": pcx_admin.user_id}, expect=200)
    assert pcx_admin.delete(f"/virtual-accounts/org/{org_id}", expect=200).data == {}
    assert pcx_admin.get(f"/virtual-accounts/org/{org_id}", expect=200).data == []
    pcx_admin.delete("/virtual-accounts/org/org_0000000000001", expect=404)


def test_another_tenant_sees_nothing(pcx, server):
    account_id = open_account(server)
    stranger = OtherTenant(server)
    for call in (lambda: stranger.get(f"/virtual-accounts/admin/accounts/{account_id}"),
                 lambda: stranger.put(f"/virtual-accounts/{account_id}",
                                      {"virtual_account_name": "x"}),
                 lambda: stranger.delete(f"/virtual-accounts/{account_id}"),
                 lambda: stranger.get(f"/virtual-accounts/{account_id}/transactions")):
        assert call().status in (403, 404)
