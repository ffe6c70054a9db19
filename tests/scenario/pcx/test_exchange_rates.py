"""Exchange rates: one active rate per organisation and pair, the others kept; who may set them."""
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from client.pcx import OtherTenant


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
    ({"effective_from": "2030-01-02T00:00:00Z", "effective_to": "2030-01-02T00:00:00Z"}, "effective_to"),
    ({"effective_to": "2020-01-01T00:00:00Z"}, "effective_to"), ({"effective_from": "soon"}, "effective_from"),
    ({"spread": Decimal("0.0000000000001")}, "spread"), ({"spread": "1"}, "spread"), ({"active": "yes"}, "active"),
    ({"rate": Decimal("1") / 10 ** 19}, "rate"), ({"rate": None}, "rate"), ({"org_id": None}, "org_id"),
    ({"from_currency": None}, "from_currency"), ({"from_currency": "ngn"}, "from_currency"), ({"to_currency": ""}, "to_currency"),
])
def test_bad_rates_are_refused(pcx, pcx_admin, changes, field):
    reply = pcx_admin.post("/organizations/admin/add-rate", {**rate(pcx.org_id), **changes}, expect=400)
    assert field in reply.json["message"]


@pytest.mark.parametrize("missing", ["org_id", "rate", "from_currency", "to_currency"])
def test_required_fields(pcx, pcx_admin, missing):
    body = rate(pcx.org_id)
    del body[missing]
    assert missing in pcx_admin.post("/organizations/admin/add-rate", body, expect=400).json["message"]
    data = {"rate_data": body, "rate_config": {"spread": 1}}
    assert missing in pcx_admin.post("/organizations/admin/add-active-rate", data, expect=400).json["message"]
    for part in ("rate_data", "rate_config"):
        both = {"rate_data": rate(pcx.org_id), "rate_config": {"spread": 1}}
        del both[part]
        assert part in pcx_admin.post("/organizations/admin/add-active-rate", both, expect=400).json["message"]


def test_a_refused_active_rate_leaves_neither(pcx, pcx_admin):
    before = [pcx_admin.get(f"/organizations/admin/{kind}/{pcx.org_id}", expect=200).data for kind in ("rates/org", "rate-configs")]
    for config in ({"spread": 100}, {"spread": -1}, {"spread": "1"}):
        pcx_admin.post("/organizations/admin/add-active-rate", {
            "rate_data": rate(pcx.org_id), "rate_config": config}, expect=400)
    assert before == [pcx_admin.get(f"/organizations/admin/{kind}/{pcx.org_id}", expect=200).data
                      for kind in ("rates/org", "rate-configs")]


def test_what_a_rate_says_of_itself(pcx, pcx_admin):
    full = {"spread": Decimal("0.25"), "provider": "reuters", "effective_from": "2026-01-01T00:00:00.000Z",
            "effective_to": "2999-12-31T00:00:00.000Z", "rate": Decimal("0.000000000000000001")}
    made = add(pcx_admin, pcx.org_id, to_currency="AED", **full)
    assert {name: made[name] for name in full} == full
    assert set(made) == {"org_rate_id", "org_id", "rate", "from_currency", "to_currency", "spread", "active", "provider",
                         "effective_from", "effective_to", "created_at", "updatedAt"}
    assert active(pcx, pcx.org_id, "KES", "AED") == [made] == active(pcx_admin, pcx.org_id, "KES", "AED")
    plain = add(pcx_admin, pcx.org_id, to_currency="AED")
    assert plain["spread"] == 0 and plain["effective_from"] == plain["created_at"] and plain.get("effective_to") is None
    ready = add(pcx_admin, pcx.org_id, to_currency="AED", active=False)
    assert ready["active"] is False and active(pcx, pcx.org_id, "KES", "AED") == [plain]


def test_only_what_is_in_effect_is_the_rate_of_a_pair(pcx, pcx_admin, sandbox):
    now = datetime.fromisoformat(sandbox.clock()["now"].replace("Z", "+00:00"))
    later = add(pcx_admin, pcx.org_id, to_currency="EUR", effective_from=(now + timedelta(days=1)).isoformat(),
                effective_to=(now + timedelta(days=2)).isoformat())
    for found in ([], [later["org_rate_id"]], []):
        assert [row["org_rate_id"] for row in active(pcx, pcx.org_id, "KES", "EUR")] == found
        sandbox.advance("P1D")
    assert active(pcx, pcx.org_id, "EUR", "KES") == []  # the other way is another pair


def test_a_rate_without_a_spread_takes_the_configured_one(pcx, pcx_admin):
    pair = {"from_currency": "ZAR", "to_currency": "USD"}
    pcx_admin.post("/organizations/admin/add-rate-config", {
        "org_id": pcx.org_id, "spread": Decimal("2.5"), "provider": "desk", **pair}, expect=201)
    configured = add(pcx_admin, pcx.org_id, **pair)
    assert (configured["spread"], configured["provider"]) == (Decimal("2.5"), "desk")
    own = add(pcx_admin, pcx.org_id, spread=0, provider="other", **pair)
    assert (own["spread"], own["provider"]) == (0, "other")
    pcx_admin.put(f"/organizations/admin/rate-configs/{pcx.org_id}", {"active": False, **pair}, expect=200)
    assert add(pcx_admin, pcx.org_id, **pair)["spread"] == 0
    assert pcx_admin.get(f"/organizations/admin/rates/org/{pcx.org_id}", expect=200).data[1]["spread"] == 0


def test_rates_belong_to_one_organisation_of_one_tenant(server, pcx, pcx_admin):
    mine, theirs = add(pcx_admin, pcx.org_id, to_currency="NGN"), add(pcx_admin, pcx_admin.org_id, to_currency="NGN")
    assert [row["org_rate_id"] for row in active(pcx, pcx.org_id, "KES", "NGN")] == [mine["org_rate_id"]]
    pcx.get("/organizations/admin/exchange-rate", {
        "fromCurrency": "KES", "toCurrency": "NGN", "orgId": pcx_admin.org_id}, expect=403)
    tenant = OtherTenant(server)
    tenant.get("/organizations/admin/exchange-rate", {
        "fromCurrency": "KES", "toCurrency": "NGN", "orgId": pcx.org_id}, expect=404)
    tenant.post("/organizations/admin/add-rate", rate(pcx.org_id), expect=404)
    tenant.put(f"/organizations/admin/rates/{theirs['org_rate_id']}/deactivate", expect=404)
    tenant.delete(f"/organizations/admin/rates/{theirs['org_rate_id']}", expect=404)
    for path in (f"rates/org/{pcx.org_id}", f"rates/org/{pcx.org_id}/active"):
        tenant.get(f"/organizations/admin/{path}", expect=404)
        pcx.get(f"/organizations/admin/{path}", expect=403)
    for send, path in ((pcx.put, "/deactivate"), (pcx.delete, "")):
        send(f"/organizations/admin/rates/{mine['org_rate_id']}{path}", expect=403)
    for unknown in ("org_0000000000001", "nonsense"):
        pcx_admin.get(f"/organizations/admin/rates/org/{unknown}", expect=404)
    for missing in ("fromCurrency", "toCurrency", "orgId"):
        params = {"fromCurrency": "KES", "toCurrency": "ZAR", "orgId": pcx.org_id}
        del params[missing]
        assert missing in pcx.get("/organizations/admin/exchange-rate", params, expect=400).json["message"]


def test_who_may(pcx, pcx_user):
    pcx.post("/organizations/admin/add-rate", rate(pcx.org_id), expect=403)
    pcx.post("/organizations/admin/add-active-rate", {"rate_data": rate(pcx.org_id), "rate_config": {}}, expect=403)
    pcx_user.get("/organizations/admin/exchange-rate", {
        "fromCurrency": "KES", "toCurrency": "ZAR", "orgId": pcx.org_id}, expect=403)
    pcx.get("/organizations/admin/exchange-rate", {"fromCurrency": "KES", "toCurrency": "ZAR"}, expect=400)
