"""SquadCo administration: naira accounts, the wallet held there, movements, and pending withdrawals."""
import uuid
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.http import wait_until
from client.pcx import OtherTenant


@pytest.fixture
def customer(pcx):
    return pcx.post("/virtual-accounts/kyc", {
        "email": f"s{uuid.uuid4().hex[:10]}@example.com", "customer_type": "individual"},
        expect=200).data["customer_id"]


def withdraw(caller, account_id, amount):
    return caller.post("/virtual-accounts/withdraw", {
        "account_id": account_id, "amount": Decimal(amount), "user_id": caller.user_id,
        "beneficiary_name": "Ada Obi", "bank_code": "058",
        "beneficiary_account_number": "0123456789"}, expect=200).data["transaction_id"]


def test_create_get_and_list(pcx, pcx_admin, customer):
    body = {"customer_id": customer, "org_id": pcx.org_id}
    path = "/virtual-accounts/admin/squadco/accounts"
    pcx_admin.post(path + "/create", {**body, "customer_id": "cus_0000000000001"}, expect=404)
    pcx_admin.post(path + "/create", {**body, "org_id": "org_0000000000001"}, expect=404)
    account = pcx_admin.post(path + "/create", body, expect=201).data
    assert account["currency"] == "NGN" and account["provider"] == "squadco"
    assert account["customer_id"] == customer and account.get("user_id") is None
    assert account["account_number"]
    assert pcx_admin.get(f"{path}/{account['account_id']}", expect=200).data == account
    assert account in pcx_admin.get(path, {"limit": 100}, expect=200).data
    pcx_admin.post(path + "/create", body, expect=409)


def test_only_accounts_held_at_squadco(pcx_admin, server):
    dollars = open_account(server, "USD")
    pcx_admin.get(f"/virtual-accounts/admin/squadco/accounts/{dollars}", expect=404)
    assert dollars not in [a["account_id"] for a in pcx_admin.get(
        "/virtual-accounts/admin/squadco/accounts", {"limit": 100}, expect=200).data]


def test_ids_in_bodies(pcx, pcx_admin, customer):
    body = {"customer_id": customer, "org_id": pcx.org_id, "user_id": pcx.user_id}
    for field, prefix in (("customer_id", "cus"), ("org_id", "org"), ("user_id", "usr")):
        for text, status in (("nonsense", 400), ("va_0000000000001", 400), (f"{prefix}_0000000000001", 404)):
            reply = pcx_admin.post("/virtual-accounts/admin/squadco/accounts/create", {**body, field: text},
                                   expect=status)
            assert field in reply.text
    account = pcx_admin.post("/virtual-accounts/admin/squadco/accounts/create", body, expect=201).data
    assert account["user_id"] == pcx.user_id
    for nobody in ("va_0000000000001", "nonsense"):
        pcx_admin.get(f"/virtual-accounts/admin/squadco/accounts/{nobody}", expect=404)


def test_a_provider_that_refuses_or_is_silent(pcx, pcx_admin, sandbox, customer):
    body = {"customer_id": customer, "org_id": pcx.org_id}
    path = "/virtual-accounts/admin/squadco/accounts/create"
    sandbox.script("squad", "create_virtual_account", "reject")
    pcx_admin.post(path, body, expect=400)
    sandbox.script("squad", "create_virtual_account", "unavailable")
    account = pcx_admin.post(path, body, expect=201).data
    assert account.get("account_number") is None
    pcx_admin.post(path, body, expect=409)  # its number is on the way
    sandbox.advance("PT1M")
    detail = f"/virtual-accounts/admin/squadco/accounts/{account['account_id']}"
    wait_until(lambda: pcx_admin.get(detail, expect=200).data.get("account_number"), what="the number")
    for outcome, status in (("unavailable", 503), ("reject", 400), ("normal", 200)):
        sandbox.script("squad", "wallet_balance", outcome)
        pcx_admin.get("/virtual-accounts/admin/squadco/wallet/balance", expect=status)


def test_a_closed_account_makes_room_for_another(pcx, pcx_admin, sandbox, customer):
    """Also when the provider had not answered yet: its late answer finds nobody, and that is all."""
    body = {"customer_id": customer, "org_id": pcx.org_id}
    path = "/virtual-accounts/admin/squadco/accounts"
    sandbox.script("squad", "create_virtual_account", "unavailable")
    first = pcx_admin.post(path + "/create", body, expect=201).data["account_id"]
    pcx_admin.delete(f"/virtual-accounts/{first}", expect=200)
    second = pcx_admin.post(path + "/create", body, expect=201).data
    sandbox.advance("PT1M")
    pcx_admin.get(f"{path}/{first}", expect=404)
    assert pcx_admin.get(f"{path}/{second['account_id']}", expect=200).data == second


def test_wallet_balance(pcx_admin):
    data = pcx_admin.get("/virtual-accounts/admin/squadco/wallet/balance", expect=200).data
    assert data["provider"] == "squadco" and data["currency"] == "NGN"
    assert Decimal(data["balance"]) == Decimal("24345030.65")


def test_transactions(pcx, pcx_admin, server):
    account_id = open_account(server, amount="50")
    pcx_admin.post("/virtual-accounts/deposit", {"account_id": account_id, "amount": Decimal("7.5")},
                   expect=200)
    withdrawal = withdraw(pcx, account_id, "10")
    other = open_account(server, "USD", "5")
    path = "/virtual-accounts/admin/squadco/transactions"
    found = pcx_admin.get(path, {"account_id": account_id}, expect=200).data
    assert found[0]["transaction_id"] == withdrawal
    assert Decimal("7.5") in [Decimal(e["amount"]) for e in found]
    pending = pcx_admin.get(path, {"account_id": account_id, "status": "pending"}, expect=200).data
    assert [e["transaction_id"] for e in pending] == [withdrawal]
    assert pcx_admin.get(path, {"account_id": other}, expect=200).data == []
    assert pcx_admin.get(path, {"account_id": account_id, "end_date": "2020-01-01"},
                         expect=200).data == []
    pcx_admin.get(path, {"start_date": "2024-02-02", "end_date": "2024-02-01"}, expect=400)
    pcx_admin.get(path, {"start_date": "yesterday"}, expect=400)


def test_pending_withdrawals_come_and_go(pcx, pcx_admin, server):
    account_id = open_account(server, amount="100")
    first, second = withdraw(pcx, account_id, "10"), withdraw(pcx, account_id, "20")

    def pending():
        return [e["transaction_id"] for e in pcx_admin.get(
            "/virtual-accounts/admin/squadco/withdrawals/pending", {"limit": 100}, expect=200).data]

    assert {first, second} <= set(pending())
    pcx_admin.post(f"/virtual-accounts/admin/transactions/{first}/approve", expect=200)
    pcx_admin.post(f"/virtual-accounts/admin/transactions/{second}/reject", expect=200)
    assert not {first, second} & set(pending())


def test_pages_of_pending_withdrawals(server, pcx, pcx_admin):
    """Newest first, none twice; those of another tenant, in other currencies and decided ones are not there."""
    account_id = open_account(server, amount="100")
    made = [withdraw(pcx, account_id, "1") for _ in range(5)]
    path = "/virtual-accounts/admin/squadco/withdrawals/pending"
    ids, key = [], None
    while key or not ids:
        page = pcx_admin.get(path, {"limit": 2, **({"last_evaluated_key": key} if key else {})}, expect=200).json
        ids += [entry["transaction_id"] for entry in page["data"]]
        assert all(e["currency"] == "NGN" and e["status"] == "pending" and e["type"] == "debit" for e in page["data"])
        assert page["count"] == page["meta"]["count"] == len(page["data"])
        key = page["meta"].get("last_evaluated_key")
    assert len(ids) == len(set(ids)) and [i for i in ids if i in made] == made[::-1]
    assert pcx_admin.get("/virtual-accounts/admin/squadco/pending-withdrawals", {"limit": 100},
                         expect=200).data[0]["transaction_id"] == made[-1]
    assert not {e["transaction_id"] for e in OtherTenant(server).get(path, expect=200).data} & set(made)
    for params in ({"limit": 0}, {"limit": 101}, {"last_evaluated_key": "x"}):
        pcx_admin.get(path, params, expect=400)


def test_process(pcx, pcx_admin, server, sandbox):
    account_id = open_account(server, amount="100")
    transaction_id = withdraw(pcx, account_id, "40")
    path = f"/virtual-accounts/admin/squadco/withdrawals/{transaction_id}/process"
    detail = f"/virtual-accounts/admin/transactions/{transaction_id}"
    pcx_admin.post(path, expect=409)
    sandbox.script("sarepay", "payout", "unavailable", count=2)
    pcx_admin.post(detail + "/approve", expect=200)
    for _ in range(3):  # pressing the button again pays nothing twice
        reply = pcx_admin.post(path)
        assert reply.status in (200, 409)
    sandbox.advance("PT1M")
    wait_until(lambda: pcx_admin.get(detail, expect=200).data["status"] == "completed",
               what="the payout")
    pcx_admin.post(path, expect=409)
    assert balances(server, account_id) == (60, 60)
    pcx_admin.post("/virtual-accounts/admin/squadco/withdrawals/vat_0000000000001/process",
                   expect=404)
    deposit = pcx_admin.post("/virtual-accounts/deposit", {"account_id": account_id, "amount": 1},
                             expect=200).data["transaction_id"]
    pcx_admin.post(f"/virtual-accounts/admin/squadco/withdrawals/{deposit}/process",
                   expect=(400, 409))


def test_staff_only(pcx, server):
    account_id = open_account(server)
    base = "/virtual-accounts/admin/squadco"
    for path in ("/accounts", f"/accounts/{account_id}", "/wallet/balance", "/transactions",
                 "/withdrawals/pending"):
        pcx.get(base + path, expect=403)
    pcx.post(base + "/accounts/create", {"customer_id": "cus_0000000000001", "org_id": pcx.org_id},
             expect=403)
    pcx.post(base + "/withdrawals/vat_0000000000001/process", expect=403)
