"""Fee configurations: the six operations, the formula, and that a change acts at once."""
from decimal import Decimal

import pytest


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
])
def test_formula(pcx_user, made, changes, amount, expected):
    made(**changes)
    found = preview(pcx_user, amount)
    assert Decimal(found["fee_amount"]) == Decimal(expected)
    assert found["fee_currency"] == "KES"
    assert Decimal(found["total_amount"]) == Decimal(amount) + Decimal(expected)


def test_several_add_up_and_none_is_zero(pcx_user, made):
    made()
    made(fee_type="provider_fee", fee_structure="fixed_amount", fee_value=Decimal("3"))
    assert Decimal(preview(pcx_user, "1000")["fee_amount"]) == 18
    assert Decimal(preview(pcx_user, "1000", transaction_type="deposit")["fee_amount"]) == 0


def test_the_same_label_twice_is_a_conflict(pcx_admin, made):
    made()
    pcx_admin.post("/virtual-accounts/fees", fee(), expect=409)


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


@pytest.mark.parametrize("amount", ["0", "-1", "1.005"])
def test_preview_checks_the_amount(pcx_user, amount):
    reply = pcx_user.post("/virtual-accounts/fees/preview", {
        "transaction_type": "withdrawal", "amount": Decimal(amount), "currency": "KES"}, expect=400)
    assert "amount" in reply.json["message"]
