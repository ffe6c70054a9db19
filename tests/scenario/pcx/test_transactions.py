"""Transactions: the four envelopes, filters, cursors, staff's changes."""
import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from client.flows import open_account
from client.pcx import OtherTenant
from client.people import company


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
    for bad in ({"amount_paid": -1}, {"amount_paid": Decimal("0.001")}, {"amount_paid": "1"}, {"status": "refunded"},
                {"outstanding_balance": Decimal("-0.01")}, {"installments_completed": -1}, {"amount": 5},
                {"installments_completed": Decimal("1.5")}, {"next_due_date": "tomorrow"}, {"metadata": None},
                {"status": None}, {"payment_id": "nonsense"}, {"amount_paid": Decimal(10) ** 16}):
        reply = pcx_admin.patch(path, {"payout_id": "never", **bad}, expect=400)
        assert next(iter(bad)) in reply.json["message"]
    pcx_admin.patch(path, {"payment_id": "pay_0000000000001"}, expect=404)
    pcx_admin.patch("/transactions/txn_0000000000001", {"payout_id": "x"}, expect=404)
    assert pcx.get(path, expect=200).json == pcx_admin.get(path, expect=200).json
    pcx_admin.patch(path, {"status": "completed"}, expect=200)
    pcx_admin.patch(path, {"status": "failed"}, expect=409)


def test_partial_updates_keep_clear_and_replace(pcx_admin, paid):
    path = f"/transactions/{paid[2]['transaction_id']}"
    before = pcx_admin.get(path, expect=200).json
    sent = {"payout_id": "po_7", "amount_paid": 0, "outstanding_balance": Decimal("10.5"), "installments_completed": 0,
            "next_due_date": "2030-01-31T00:00:00.000Z", "metadata": {"a": 1, "b": 2}}
    shown = pcx_admin.patch(path, sent, expect=200).json
    assert {name: shown[name] for name in sent} == sent
    shown = pcx_admin.patch(path, {"metadata": {"c": 3}}, expect=200).json  # as a whole; the rest stays
    assert {name: shown[name] for name in sent} == {**sent, "metadata": {"c": 3}}
    for name in ("payout_id", "amount_paid", "outstanding_balance", "installments_completed", "next_due_date"):
        shown = pcx_admin.patch(path, {name: None}, expect=200).json
        assert shown.get(name) is None
    assert (shown["status"], shown["amount"], shown["payment_id"]) == (
        before["status"], before["amount"], before["payment_id"])
    # Whatever staff links, a payment and the record made with it find each other.
    pcx_admin.patch(path, {"payment_id": paid[0]["payment_id"]}, expect=200)
    for payment in paid:
        found = pcx_admin.get(f"/transactions/payment/{payment['payment_id']}", expect=200).json
        assert found["transaction_id"] == payment["transaction_id"]
    assert pcx_admin.patch(path, {"payment_id": None}, expect=200).json.get("payment_id") is None
    pcx_admin.patch(path, {"payment_id": paid[2]["payment_id"]}, expect=200)


def test_cursors_are_of_their_documented_kinds(pcx, pcx_admin, paid):
    """JSON text where nextToken is, a time where the filter pages; both signed and bound to list and filters."""
    token = pcx_admin.get("/transactions/all", {"pageSize": 1}, expect=200).json["pagination"]["nextToken"]
    key = json.loads(token)["key"]
    assert pcx_admin.get("/transactions/all", {"pageSize": 1, "nextToken": token}, expect=200).json["data"]
    for bad in (key, "[]", "7", "null", '{"key":7}', '{"key":"%s"}' % (key[:-1] + "x"), '{"key":"' + "0" * 40 + '"}'):
        pcx_admin.get("/transactions/all", {"nextToken": bad}, expect=400)
    for params in ({"status": "initiated"}, {"dateFrom": "2020-01-01"}):
        pcx_admin.get("/transactions/all", {"nextToken": token, **params}, expect=400)
    pcx_admin.get("/transactions", {"nextToken": token}, expect=400)

    criteria = {"currency": "GHS", "limit": 1}
    first = pcx.post("/transactions/filter", criteria, expect=200).json
    cursor = first["pagination"]["last_evaluated_key"]
    time, _, rest = cursor.partition("_")
    assert time == first["data"][-1]["created_at"]
    for bad in (time, rest, "_" + rest, time[:-2] + ("1" if time[-2] == "0" else "0") + "Z_" + rest, cursor + "0"):
        pcx.post("/transactions/filter", {**criteria, "last_evaluated_key": bad}, expect=400)
    pcx.post("/transactions/filter", {"currency": "KES", "last_evaluated_key": cursor}, expect=400)


def test_bounds_are_inclusive_to_what_is_shown(pcx, pcx_admin, paid):
    rows = [pcx.get(f"/transactions/{p['transaction_id']}", expect=200).json for p in paid]
    for row in rows:
        at = row["created_at"]
        moment = datetime.fromisoformat(at.replace("Z", "+00:00"))
        offset = moment.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat(timespec="milliseconds")
        for bounds in ({"date_from": at, "date_to": at}, {"date_from": offset, "date_to": offset}):
            assert row["transaction_id"] in ids(pcx.post(
                "/transactions/filter", {"currency": "GHS", **bounds}, expect=200).json["data"])
        step = timedelta(milliseconds=1)
        for bounds in ({"date_to": (moment - step).isoformat()}, {"date_from": (moment + step).isoformat()}):
            assert row["transaction_id"] not in ids(pcx.post(
                "/transactions/filter", {"currency": "GHS", **bounds}, expect=200).json["data"])
    day = moment.date()

    def on(**params):
        return rows[-1]["transaction_id"] in ids(pcx_admin.get(
            "/transactions/all", {"pageSize": 100, **params}, expect=200).json["data"])

    assert on(dateFrom=day, dateTo=day) and on(dateFrom=day) and on(dateTo=day)
    assert not on(dateTo=day - timedelta(days=1)) and not on(dateFrom=day + timedelta(days=1))
    for bad in ({"dateFrom": "2026-02-30"}, {"dateFrom": day, "dateTo": day - timedelta(days=1)}, {"dateTo": "today"}):
        pcx_admin.get("/transactions/all", bad, expect=400)
    for bad in ({"date_from": "2026-02-30T00:00:00Z"}, {"date_to": "x"}, {"payment_method": "wallet"}, {"limit": -1},
                {"date_from": "2026-03-01T00:00:00Z", "date_to": "2026-02-28T23:59:59Z"}, {"user_id": "x"}):
        pcx.post("/transactions/filter", bad, expect=400)


def test_null_is_absent_and_criteria_narrow_each_other(pcx, paid):
    everything = pcx.post("/transactions/filter", {"limit": 100}, expect=200).json["data"]
    nothing = {name: None for name in ("country", "currency", "payment_method", "status", "user_id", "org_id",
                                       "date_from", "date_to", "last_evaluated_key")}
    assert pcx.post("/transactions/filter", {"limit": 100, **nothing}, expect=200).json["data"] == everything
    matching = {"country": "GH", "currency": "GHS", "payment_method": "bank_transfer", "user_id": pcx.user_id,
                "org_id": pcx.org_id}
    found = pcx.post("/transactions/filter", {"limit": 100, **matching}, expect=200).json["data"]
    assert set(ids(found)) >= {p["transaction_id"] for p in paid}
    for name, other in (("country", "NG"), ("currency", "KES"), ("payment_method", "card"), ("user_id", "usr_0000000000001")):
        assert pcx.post("/transactions/filter", {**matching, name: other}, expect=200).json["data"] == []
    assert len(pcx.post("/transactions/filter", {}, expect=200).json["data"]) <= 10


def test_recent_of_whom(pcx, pcx_admin, paid):
    newest = pcx_admin.get("/transactions/recent", {"user_id": pcx.user_id}, expect=200).json
    mine = pcx.get("/transactions", {"limit": 10}, expect=200).json
    assert newest["data"] == mine["data"] and newest["meta"] == {
        "count": len(mine["data"]), "total_count": mine["meta"]["total_count"]}
    for nobody in ("usr_0000000000001", "nonsense", pcx.org_id):
        assert pcx_admin.get("/transactions/recent", {"user_id": nobody}, expect=200).json == {
            "data": [], "meta": {"count": 0, "total_count": 0}}
    own = pcx_admin.get("/transactions/recent", expect=200).json["data"]
    assert all(row["user_id"] == pcx_admin.user_id for row in own)


def test_another_organisation_and_tenant_see_nothing(server, sandbox, pcx_admin, paid):
    one = paid[0]
    stranger, tenant = company(server, sandbox, pcx_admin), OtherTenant(server)
    for caller, status in ((stranger, 403), (tenant, 404)):
        for path in (f"/transactions/{one['transaction_id']}", f"/transactions/payment/{one['payment_id']}",
                     f"/payments/{one['payment_id']}", f"/payments/transaction/{one['transaction_id']}",
                     f"/payments/reference/{one['payment_id']}", f"/transactions/org/{one['org_id']}"):
            caller.get(path, expect=status)
        assert caller.get("/transactions", expect=200).json["data"] == []
        assert caller.post("/transactions/filter", {}, expect=200).json["data"] == []
    tenant.patch(f"/transactions/{one['transaction_id']}", {"status": "pending"}, expect=404)
    tenant.patch(f"/payments/{one['payment_id']}/webhook", {"status": "completed"}, expect=404)
    stranger.post("/transactions/filter", {"org_id": one["org_id"]}, expect=403)
    for path in ("/transactions/all", "/payments/all", "/payments/org/all", "/payments/status/initiated"):
        assert tenant.get(path, expect=200).json["data"] == []
    assert tenant.get("/transactions/recent", {"user_id": one["user_id"]}, expect=200).json["data"] == []
