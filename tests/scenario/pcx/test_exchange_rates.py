"""Exchange rates: one active rate per organisation and pair, the others kept; who may set them."""
from decimal import Decimal

import pytest


def rate(org_id, **changes):
    body = {"org_id": org_id, "rate": Decimal("0.25"), "from_currency": "KES", "to_currency": "ZAR"}
    body.update(changes)
    return {name: value for name, value in body.items() if value is not None}


def add(admin, org_id, **changes):
    return admin.post("/organizations/admin/add-rate", rate(org_id, **changes), expect=201).data


def active(caller, org_id, from_currency="KES", to_currency="ZAR"):
    return caller.get("/organizations/admin/exchange-rate", {
        "fromCurrency": from_currency, "toCurrency": to_currency, "orgId": org_id}, expect=200).data


def test_a_second_rate_replaces_the_first(pcx, pcx_admin):
    first = add(pcx_admin, pcx.org_id, spread=Decimal("1.5"))
    assert first["active"] is True and first["rate"] == Decimal("0.25") and first["spread"] == Decimal("1.5")
    second = add(pcx_admin, pcx.org_id, rate=Decimal("0.26"))
    assert [row["org_rate_id"] for row in active(pcx, pcx.org_id)] == [second["org_rate_id"]]
    path = f"/organizations/admin/rates/org/{pcx.org_id}"
    kept = {row["org_rate_id"]: row for row in pcx_admin.get(path, expect=200).data}
    assert kept[first["org_rate_id"]]["active"] is False
    assert "effective_to" in kept[first["org_rate_id"]]
    listed = [row["org_rate_id"] for row in pcx_admin.get(path + "/active", expect=200).data]
    assert second["org_rate_id"] in listed and first["org_rate_id"] not in listed


def test_deactivate_and_delete(pcx, pcx_admin):
    made = add(pcx_admin, pcx.org_id, to_currency="GHS")
    path = f"/organizations/admin/rates/{made['org_rate_id']}"
    assert pcx_admin.put(path + "/deactivate", expect=200).data["active"] is False
    assert pcx_admin.put(path + "/deactivate", expect=200).data["active"] is False
    assert active(pcx, pcx.org_id, "KES", "GHS") == []
    pcx_admin.delete(path, expect=200)
    pcx_admin.delete(path, expect=404)
    pcx_admin.put(path + "/deactivate", expect=404)


def test_active_rate_with_configuration(pcx, pcx_admin):
    data = pcx_admin.post("/organizations/admin/add-active-rate", {
        "rate_data": {"org_id": pcx.org_id, "from_currency": "RWF", "to_currency": "USD", "rate": Decimal("0.0007")},
        "rate_config": {"spread": 2, "provider": "fiat"}}, expect=201).data
    assert set(data) == {"rate_id", "message"}
    found = active(pcx, pcx.org_id, "RWF", "USD")
    assert [row["org_rate_id"] for row in found] == [data["rate_id"]] and found[0]["spread"] == 2
    configs = pcx_admin.get(f"/organizations/admin/rate-configs/{pcx.org_id}/active", expect=200).data
    assert any(row["from_currency"] == "RWF" and row["spread"] == 2 for row in configs)


@pytest.mark.parametrize("changes, field", [
    ({"rate": 0}, "rate"), ({"rate": -1}, "rate"), ({"rate": "0.5"}, "rate"),
    ({"from_currency": "XYZ"}, "from_currency"), ({"to_currency": "KES"}, "to_currency"),
    ({"spread": 100}, "spread"), ({"spread": -1}, "spread"), ({"org_id": "nobody"}, "org_id"),
    ({"effective_from": "2030-01-02T00:00:00Z", "effective_to": "2030-01-01T00:00:00Z"}, "effective_to"),
])
def test_bad_rates_are_refused(pcx, pcx_admin, changes, field):
    reply = pcx_admin.post("/organizations/admin/add-rate", {**rate(pcx.org_id), **changes}, expect=400)
    assert field in reply.json["message"]


def test_who_may(pcx, pcx_user):
    pcx.post("/organizations/admin/add-rate", rate(pcx.org_id), expect=403)
    pcx_user.get("/organizations/admin/exchange-rate", {
        "fromCurrency": "KES", "toCurrency": "ZAR", "orgId": pcx.org_id}, expect=403)
    pcx.get("/organizations/admin/exchange-rate", {"fromCurrency": "KES", "toCurrency": "ZAR"}, expect=400)
