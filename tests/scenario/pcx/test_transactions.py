"""Transactions: the four envelopes, filters, cursors, staff's changes."""
from decimal import Decimal

import pytest

from client.flows import open_account


@pytest.fixture(scope="module")
def paid(server):
    """Three payments of the organisation in GHS, without conversion."""
    from client.pcx import Pcx
    owner = Pcx(server, "org_admin")
    account = open_account(server, "GHS", "1000")
    payee = owner.post("/beneficiaries", {
        "account_type": "bank", "country": "GH", "currency": "GHS", "fname": "Kofi", "lname": "Mensah",
        "bank_details": {"account_number": "1"}}, expect=201).json["beneficiary_id"]
    return [owner.post("/payments", {
        "amount": Decimal("10.50"), "currency": "GHS", "beneficiary_id": payee, "payment_method": "bank_transfer",
        "direction": "outbound", "source_account_id": account, "provider": "manual"}, expect=201).json
        for _ in range(3)]


def ids(rows):
    return [row["transaction_id"] for row in rows]


def test_mine_in_both_conventions(pcx, paid):
    first = pcx.get("/transactions", {"limit": 1}, expect=200).json
    assert ids(first["data"]) == [paid[-1]["transaction_id"]]
    assert first["meta"]["has_more"] and first["pagination"]["hasMore"]
    second = pcx.get("/transactions", {"limit": 1, "last_evaluated_key": first["meta"]["last_evaluated_key"]},
                     expect=200).json
    same = pcx.get("/transactions", {"pageSize": 1, "nextToken": first["pagination"]["nextToken"]}, expect=200).json
    assert ids(second["data"]) == ids(same["data"]) == [paid[-2]["transaction_id"]]
    pcx.get("/transactions", {"nextToken": "spoiled"}, expect=400)


def test_all_and_recent_are_for_administrators(pcx, pcx_admin, paid):
    page = pcx_admin.get("/transactions/all", {"pageSize": 2, "status": "initiated"}, expect=200).json
    assert set(page) == {"data", "pagination"} and page["pagination"]["pageSize"] == 2
    pcx_admin.get("/transactions/all", {"pageSize": 101}, expect=400)
    pcx_admin.get("/transactions/all", {"dateFrom": "2026-13-01"}, expect=400)
    assert pcx_admin.get("/transactions/all", {"dateTo": "2020-01-01"}, expect=200).json["data"] == []
    recent = pcx_admin.get("/transactions/recent", {"user_id": pcx.user_id}, expect=200).json
    assert paid[-1]["transaction_id"] in ids(recent["data"]) and recent["meta"]["count"] <= 10
    for path in ("/transactions/all", "/transactions/recent"):
        pcx.get(path, expect=403)


def test_filter(pcx, pcx_user, pcx_admin, paid):
    page = pcx.post("/transactions/filter", {"currency": "GHS", "country": "GH", "status": "initiated", "limit": 2},
                    expect=200).json
    assert page["status"] == "success" and ids(page["data"]) == [p["transaction_id"] for p in reversed(paid[1:])]
    rest = pcx.post("/transactions/filter", {
        "currency": "GHS", "country": "GH", "status": "initiated", "limit": 2,
        "last_evaluated_key": page["pagination"]["last_evaluated_key"]}, expect=200).json
    assert ids(rest["data"]) == [paid[0]["transaction_id"]] and rest["pagination"]["has_more"] is False
    assert pcx.post("/transactions/filter", {"currency": "GHS", "payment_method": "crypto"}, expect=200).json["data"] == []
    for bad in ({"status": "odd"}, {"date_from": "2026-02-01", "date_to": "2026-01-01"}, {"limit": 0},
                {"last_evaluated_key": "x"}):
        pcx.post("/transactions/filter", bad, expect=400)
    pcx_user.post("/transactions/filter", {"user_id": pcx.user_id}, expect=403)
    pcx.post("/transactions/filter", {"org_id": pcx_admin.org_id}, expect=403)


def test_one_and_who_sees_it(pcx, pcx_user, pcx_admin, paid):
    row = pcx.get(f"/transactions/{paid[0]['transaction_id']}", expect=200).json
    assert row["amount"] == Decimal("10.5") and row["payment_id"] == paid[0]["payment_id"]
    assert row["country"] == "GH" and row["entity_type"] == "payment"
    assert pcx.get(f"/transactions/payment/{paid[0]['payment_id']}", expect=200).json == row
    pcx_user.get(f"/transactions/{row['transaction_id']}", expect=403)
    pcx_user.get(f"/transactions/payment/{row['payment_id']}", expect=403)
    pcx_admin.get(f"/transactions/{row['transaction_id']}", expect=200)
    pcx.get("/transactions/txn_0000000000001", expect=404)
    pcx.get("/transactions/payment/pay_0000000000001", expect=404)


def test_loans_and_payouts_of_an_organisation(pcx, pcx_admin, paid):
    pcx_admin.patch(f"/transactions/{paid[0]['transaction_id']}", {"payout_id": "po_1"}, expect=200)
    page = pcx.get(f"/transactions/org/{pcx.org_id}", {
        "type": "payout", "currency": "GHS", "includeMetrics": "true"}, expect=200).json
    assert ids(page["data"]) == [paid[0]["transaction_id"]]
    assert page["metrics"]["total_count"] == 1 and page["metrics"]["total_amount"] == Decimal("10.5")
    assert page["metrics"]["amount_by_currency"] == {"GHS": Decimal("10.5")}
    assert "metrics" not in pcx.get(f"/transactions/org/{pcx.org_id}", expect=200).json
    pcx.get(f"/transactions/org/{pcx_admin.org_id}", expect=403)
    pcx.get(f"/transactions/org/{pcx.org_id}", {"type": "gift"}, expect=400)


def test_changes_by_staff(pcx, pcx_admin, paid):
    path = f"/transactions/{paid[1]['transaction_id']}"
    pcx.patch(path, {"status": "pending"}, expect=403)
    pcx_admin.patch(path, {}, expect=400)
    changed = pcx_admin.patch(path, {"status": "pending", "amount_paid": Decimal("2.25"), "metadata": {"a": 1}},
                              expect=200).json
    assert (changed["status"], changed["amount_paid"], changed["metadata"]) == ("pending", Decimal("2.25"), {"a": 1})
    pcx_admin.patch(path, {"status": "initiated"}, expect=409)
    pcx_admin.patch(path, {"status": "pending"}, expect=200)
    pcx_admin.patch(path, {"amount_paid": -1}, expect=400)
    pcx_admin.patch(path, {"amount_paid": Decimal("0.001")}, expect=400)
    pcx_admin.patch(path, {"status": "completed"}, expect=200)
    pcx_admin.patch(path, {"status": "failed"}, expect=409)
