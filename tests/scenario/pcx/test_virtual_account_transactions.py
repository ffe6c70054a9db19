"""Movements on an account: one, a filtered page of them, and what Sarepay says about a transfer."""
from decimal import Decimal

import pytest

from client.flows import open_account
from client.http import wait_until
from client.pcx import OtherTenant, Pcx
from client.people import register, with_key


@pytest.fixture
def account(pcx, pcx_admin, server):
    account_id = open_account(server)
    for amount in ("1.01", "2.02", "3.03"):
        pcx_admin.post("/virtual-accounts/deposit", {"account_id": account_id,
                                                     "amount": Decimal(amount)}, expect=200)
    return account_id


def withdraw(caller, account_id, amount):
    return caller.post("/virtual-accounts/withdraw", {
        "account_id": account_id, "amount": Decimal(amount), "user_id": caller.user_id,
        "beneficiary_name": "Ada Obi", "bank_code": "058",
        "beneficiary_account_number": "0123456789"}, expect=200).data["transaction_id"]


def test_list_newest_first_with_filters(pcx, account):
    withdrawal = withdraw(pcx, account, "1")
    path = f"/virtual-accounts/{account}/transactions"
    found = pcx.get(path, expect=200).data
    assert [Decimal(e["amount"]) for e in found] == [
        1, Decimal("3.03"), Decimal("2.02"), Decimal("1.01")]
    assert [e["transaction_id"] for e in pcx.get(path, {"type": "debit"}, expect=200).data] == [
        withdrawal]
    assert len(pcx.get(path, {"type": "credit", "status": "completed"}, expect=200).data) == 3
    assert len(pcx.get(path, {"status": "pending"}, expect=200).data) == 1
    assert pcx.get(path, {"end_date": "2020-01-01"}, expect=200).data == []
    assert len(pcx.get(path, {"start_date": "2020-01-01"}, expect=200).data) == 4
    pcx.get(path, {"type": "gift"}, expect=400)
    pcx.get(path, {"status": "lost"}, expect=400)


def test_pages(pcx, account):
    path = f"/virtual-accounts/{account}/transactions"
    first = pcx.get(path, {"limit": 2}, expect=200).json
    rest = pcx.get(path, {"limit": 2, "last_evaluated_key": first["meta"]["last_evaluated_key"]},
                   expect=200).json
    assert len(first["data"]) == 2 and len(rest["data"]) == 1
    assert rest["meta"].get("last_evaluated_key") is None
    pcx.get(path, {"type": "credit",
                   "last_evaluated_key": first["meta"]["last_evaluated_key"]}, expect=400)


def test_one(pcx, pcx_user, pcx_admin, account, server):
    entry = pcx.get(f"/virtual-accounts/{account}/transactions", expect=200).data[0]
    path = f"/virtual-accounts/transactions/{entry['transaction_id']}"
    assert pcx.get(path, expect=200).data == entry
    assert pcx_admin.get(path, expect=200).data == entry
    pcx_user.get(path, expect=403)
    pcx_user.get(path, {"user_id": pcx.user_id}, expect=403)  # naming somebody else helps nobody
    pcx_user.get(path, headers={"X-User-Id": pcx.user_id}, expect=403)
    pcx_user.get(f"/virtual-accounts/{account}/transactions", expect=403)
    OtherTenant(server).get(path, expect=(403, 404))
    pcx.get("/virtual-accounts/transactions/vat_0000000000001", expect=404)
    pcx.get("/virtual-accounts/transactions/nonsense", expect=404)


def test_what_an_entry_shows(pcx, pcx_admin, account):
    made = pcx_admin.post("/virtual-accounts/deposit", {
        "account_id": account, "amount": Decimal("4.04"), "description": "Rent", "reference": "R-1"},
        expect=200).data
    assert made == pcx.get(f"/virtual-accounts/{account}/transactions", {"limit": 1}, expect=200).data[0]
    assert {key: made[key] for key in ("account_id", "org_id", "user_id", "type", "status", "amount", "currency",
                                       "fee", "description", "reference")} == {
        "account_id": account, "org_id": pcx.org_id, "user_id": pcx.user_id, "type": "credit",
        "status": "completed", "amount": Decimal("4.04"), "currency": "NGN", "fee": 0, "description": "Rent",
        "reference": "R-1"}
    assert made["created_at"] <= made["updated_at"]


@pytest.mark.parametrize("params", [
    {"limit": 0}, {"limit": 101}, {"limit": "x"}, {"limit": "1.5"}, {"start_date": "yesterday"},
    {"end_date": "2024-02-30"}, {"start_date": "2024-02-02", "end_date": "2024-02-01"}, {"type": "CREDIT"},
    {"status": ""}, {"last_evaluated_key": "nonsense"}])
def test_filters_that_are_refused(pcx, account, params):
    reply = pcx.get(f"/virtual-accounts/{account}/transactions", params, expect=400)
    assert list(params)[-1] in reply.text


def test_dates_include_their_last_day(pcx, account, sandbox):
    path, today = f"/virtual-accounts/{account}/transactions", sandbox.clock()["now"][:10]
    assert len(pcx.get(path, {"start_date": today, "end_date": today}, expect=200).data) == 3
    assert pcx.get(path, {"end_date": today, "type": "debit"}, expect=200).data == []


def test_unknown_accounts(pcx, server, account):
    for nobody in ("va_0000000000001", "nonsense", account.upper()):
        pcx.get(f"/virtual-accounts/{nobody}/transactions", expect=404)
    OtherTenant(server).get(f"/virtual-accounts/{account}/transactions", expect=404)
    Pcx(server, "other_org_admin").get(f"/virtual-accounts/{account}/transactions", expect=403)


def test_members_of_several_organisations(server, sandbox, pcx, pcx_admin, account):
    """What a person may see in an organisation does not depend on where the credential was made."""
    guest = with_key(server, pcx_admin, register(server, sandbox))
    entry = pcx.get(f"/virtual-accounts/{account}/transactions", expect=200).data[0]
    paths = (f"/virtual-accounts/{account}/transactions", f"/virtual-accounts/transactions/{entry['transaction_id']}")
    for path in paths:
        guest.get(path, expect=403)
    members = f"/organizations/{pcx.org_id}/members"
    pcx.post(members, {"user_id": guest.user_id, "role": "admin"}, expect=201)
    for path in paths:
        guest.get(path, expect=200)
    pcx.delete(f"{members}/{guest.user_id}", expect=204)
    for path in paths:
        guest.get(path, expect=403)


def test_sarepay_status(pcx, pcx_user, pcx_admin, account):
    transaction_id = withdraw(pcx, account, "2.50")
    path = "/virtual-accounts/ngn/transaction-status"
    waiting = pcx.get(path, {"transaction_id": transaction_id}, expect=200).data
    assert waiting["status"] == "pending" and waiting["provider_status"] == "not_sent"
    assert Decimal(waiting["amount"]) == Decimal("2.5") and waiting["currency"] == "NGN"
    pcx_admin.post(f"/virtual-accounts/admin/transactions/{transaction_id}/approve", expect=200)
    done = wait_until(lambda: (found := pcx.get(path, {"transaction_id": transaction_id},
                                                expect=200).data)["status"] == "completed" and found,
                      what="the payout")
    assert done["provider_status"] == "successful"
    again = pcx.get(path, {"reference": done["reference"]}, expect=200).data
    assert again["transaction_id"] == transaction_id
    pcx.get(path, expect=400)
    pcx.get(path, {"transaction_id": transaction_id, "reference": "x"}, expect=400)
    pcx.get(path, {"reference": "nobody"}, expect=404)
    pcx.get(path, {"transaction_id": "vat_0000000000001"}, expect=404)
    pcx_user.get(path, {"transaction_id": transaction_id}, expect=403)


def test_sarepay_status_of_what_it_does_not_know(server, pcx, pcx_admin, sandbox, account):
    """Another rail's movement is 404; a provider that is silent is "unknown", never a failure."""
    path = "/virtual-accounts/ngn/transaction-status"
    deposit = pcx.get(f"/virtual-accounts/{account}/transactions", expect=200).data[0]["transaction_id"]
    pcx.get(path, {"transaction_id": deposit}, expect=404)
    dollars = open_account(server, "USD", "5")
    crypto = pcx.post("/virtual-accounts/withdraw/crypto", {
        "account_id": dollars, "payment_rail": "ethereum", "currency": "usdc", "user_id": pcx.user_id, "amount": 1,
        "to_address": "0x71C7656EC7ab88b098defB751B7401B5f6d8976F"}, expect=200).data["transaction_id"]
    pcx.get(path, {"transaction_id": crypto}, expect=404)
    transaction_id = withdraw(pcx, account, "1")
    sandbox.script("sarepay", "payout", "pending")
    pcx_admin.post(f"/virtual-accounts/admin/transactions/{transaction_id}/approve", expect=200)
    wait_until(lambda: pcx.get(path, {"transaction_id": transaction_id}, expect=200).data["status"] == "processing",
               what="acceptance")
    assert pcx.get(path, {"transaction_id": transaction_id}, expect=200).data["provider_status"] == "pending"
    sandbox.script("sarepay", "payout_status", "unavailable")
    silent = pcx.get(path, {"transaction_id": transaction_id}, expect=200).data
    assert (silent["status"], silent["provider_status"]) == ("processing", "unknown")
    reference = silent["reference"]
    for stranger, status in ((Pcx(server, "other_org_admin"), 403), (OtherTenant(server), 404)):
        stranger.get(path, {"transaction_id": transaction_id}, expect=status)
        stranger.get(path, {"reference": reference}, expect=status)
