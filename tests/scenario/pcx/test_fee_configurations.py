"""Fee configurations: the six operations, the formula, and that a change acts at once."""
from decimal import Decimal

import pytest

from client.pcx import OtherTenant


def fee(**changes):
    body = {"currency": "KES", "transaction_type": "withdrawal", "fee_type": "platform_fee",
            "fee_structure": "percentage", "fee_value": Decimal("1.5")}
    body.update(changes)
    return {name: value for name, value in body.items() if value is not None}


@pytest.fixture
def made(pcx_admin):
    """Creates fees and takes them away again, so that other scenarios find none."""
    ids = []

    def make(**changes):
        data = pcx_admin.post("/virtual-accounts/fees", fee(**changes), expect=201).data
        ids.append(data["fee_id"])
        return data

    yield make
    for fee_id in ids:
        pcx_admin.delete(f"/virtual-accounts/fees/{fee_id}", expect=(200, 404))


def preview(caller, amount, currency="KES", transaction_type="withdrawal"):
    return caller.post("/virtual-accounts/fees/preview", {
        "transaction_type": transaction_type, "amount": Decimal(amount), "currency": currency},
        expect=200).data


def test_create_get_list_replace_delete(pcx_admin, pcx_user, made):
    data = made(min_fee=Decimal("1"), max_fee=Decimal("50"))
    assert data["currency"] == "KES" and data["fee_structure"] == "percentage"
    assert (data["fee_value"], data["min_fee"], data["max_fee"]) == (Decimal("1.5"), 1, 50)
    path = f"/virtual-accounts/fees/{data['fee_id']}"
    assert pcx_user.get(path, expect=200).data == data
    listed = pcx_user.get("/virtual-accounts/fees", expect=200).data
    assert data in listed
    replaced = pcx_admin.put(path, fee(fee_structure="fixed_amount", fee_value=Decimal("2.5")),
                             expect=200).data
    assert replaced["fee_value"] == Decimal("2.5")
    assert "min_fee" not in replaced and "max_fee" not in replaced
    assert replaced["created_at"] == data["created_at"]
    pcx_admin.delete(path, expect=200)
    pcx_user.get(path, expect=404)
    pcx_admin.delete(path, expect=404)
    pcx_admin.put(path, fee(), expect=404)


@pytest.mark.parametrize("changes, amount, expected", [
    ({}, "1000", "15"),
    ({"min_fee": Decimal("20")}, "1000", "20"),
    ({"max_fee": Decimal("10")}, "1000", "10"),
    ({"fee_structure": "fixed_amount", "fee_value": Decimal("2.5")}, "1", "2.5"),
    ({"fee_structure": "fixed_amount", "fee_value": Decimal("2.5")}, "99999", "2.5"),
    ({}, "0.33", "0"),
    ({}, "1.00", "0.02"),
    ({"currency": "RWF"}, "100", "2"), ({"currency": "RWF"}, "33", "0"), ({"currency": "RWF"}, "34", "1"),
    ({"currency": "JPY", "fee_structure": "fixed_amount", "fee_value": Decimal("7")}, "1", "7"),
    ({"currency": "USDC", "fee_value": Decimal("0.1")}, "0.000499", "0"),
    ({"currency": "USDC", "fee_value": Decimal("0.1")}, "0.0005", "0.000001"),
    ({"currency": "BTC", "fee_value": Decimal("0.0001")}, "0.12345678", "0.00000012"),
    ({"fee_value": Decimal("100")}, "90071992547409.91", "90071992547409.91"),
    ({"fee_value": Decimal("0.000000000000000001")}, "90071992547409.91", "0"),
    ({"fee_value": Decimal("0"), "min_fee": Decimal("3")}, "1", "3"),
])
def test_formula(pcx_user, made, changes, amount, expected):
    made(**changes)
    currency = changes.get("currency", "KES")
    if Decimal(amount) + Decimal(expected) > Decimal("90071992547409.91"):
        reply = pcx_user.post("/virtual-accounts/fees/preview", {
            "transaction_type": "withdrawal", "amount": Decimal(amount), "currency": currency}, expect=400)
        assert "amount" in reply.json["message"]
        return
    found = preview(pcx_user, amount, currency)
    assert Decimal(found["fee_amount"]) == Decimal(expected)
    assert found["fee_currency"] == currency
    assert Decimal(found["total_amount"]) == Decimal(amount) + Decimal(expected)


def test_several_add_up_and_none_is_zero(pcx_user, made):
    made()
    made(fee_type="provider_fee", fee_structure="fixed_amount", fee_value=Decimal("3"))
    assert Decimal(preview(pcx_user, "1000")["fee_amount"]) == 18
    assert Decimal(preview(pcx_user, "1000", transaction_type="deposit")["fee_amount"]) == 0


def test_the_same_label_twice_is_a_conflict(pcx_admin, made):
    one, other = made(), made(fee_type="provider_fee")
    pcx_admin.post("/virtual-accounts/fees", fee(), expect=409)
    pcx_admin.put(f"/virtual-accounts/fees/{other['fee_id']}", fee(), expect=409)
    assert pcx_admin.get(f"/virtual-accounts/fees/{other['fee_id']}", expect=200).data == other
    pcx_admin.put(f"/virtual-accounts/fees/{one['fee_id']}", fee(fee_value=2), expect=200)
    made(transaction_type="deposit")
    made(currency="RWF")


@pytest.mark.parametrize("missing", ["currency", "transaction_type", "fee_type", "fee_structure", "fee_value"])
def test_a_replacement_is_full(pcx_admin, made, missing):
    data = made(min_fee=1)
    reply = pcx_admin.put(f"/virtual-accounts/fees/{data['fee_id']}", fee(**{missing: None}), expect=400)
    assert missing in reply.json["message"]
    assert pcx_admin.get(f"/virtual-accounts/fees/{data['fee_id']}", expect=200).data == data


def test_fees_are_a_tenants_own(server, pcx_admin, pcx_user, made):
    data, tenant = made(), OtherTenant(server)
    path = f"/virtual-accounts/fees/{data['fee_id']}"
    tenant.get(path, expect=404)
    tenant.put(path, fee(), expect=404)
    tenant.delete(path, expect=404)
    assert data not in tenant.get("/virtual-accounts/fees", expect=200).data
    assert preview(tenant, "1000")["fee_amount"] == 0
    for unknown in ("fee_0000000000001", "nonsense"):
        pcx_user.get(f"/virtual-accounts/fees/{unknown}", expect=404)
        pcx_admin.delete(f"/virtual-accounts/fees/{unknown}", expect=404)
    listed = pcx_user.get("/virtual-accounts/fees", expect=200).json
    assert listed["count"] == len(listed["data"]) and listed["status"] == "success"


@pytest.mark.parametrize("changes, field", [
    ({"currency": "XXX"}, "currency"),
    ({"fee_value": Decimal("100.01")}, "fee_value"),
    ({"fee_value": Decimal("-1")}, "fee_value"),
    ({"fee_structure": "fixed_amount", "fee_value": Decimal("1.005")}, "fee_value"),
    ({"min_fee": Decimal("2"), "max_fee": Decimal("1")}, "min_fee"),
    ({"min_fee": Decimal("-1")}, "min_fee"),
    ({"max_fee": Decimal("0.001")}, "max_fee"),
    ({"fee_structure": "tiered"}, "fee_structure"),
    ({"transaction_type": "gift"}, "transaction_type"),
    ({"fee_value": "1.5"}, "fee_value"),
    ({"fee_type": None}, "fee_type"),
])
def test_refusals_name_the_field(pcx_admin, changes, field):
    reply = pcx_admin.post("/virtual-accounts/fees", fee(**changes), expect=400)
    assert field in reply.json["message"]


def test_only_staff_changes_fees(pcx, pcx_user, made):
    data = made()
    path = f"/virtual-accounts/fees/{data['fee_id']}"
    for caller in (pcx, pcx_user):
        caller.post("/virtual-accounts/fees", fee(fee_type="other"), expect=403)
        caller.put(path, fee(), expect=403)
        caller.delete(path, expect=403)


@pytest.mark.parametrize("changes", [
    {"amount": 0}, {"amount": -1}, {"amount": Decimal("1.005")}, {"amount": "1"}, {"amount": None}, {"amount": Decimal(10) ** 16},
    {"currency": "XXX"}, {"currency": None}, {"transaction_type": None}, {"transaction_type": " "}, {"transaction_type": 1},
])
def test_preview_refuses(pcx_user, changes):
    body = {"transaction_type": "withdrawal", "amount": 5, "currency": "KES", **changes}
    reply = pcx_user.post("/virtual-accounts/fees/preview", {k: v for k, v in body.items() if v is not None}, expect=400)
    assert next(iter(changes)) in reply.json["message"]
