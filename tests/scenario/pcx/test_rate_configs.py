"""Rate configurations: the spread per organisation and pair."""
from decimal import Decimal


def add(admin, org_id, **changes):
    body = {"org_id": org_id, "from_currency": "EUR", "to_currency": "ZAR", "spread": Decimal("0.75")}
    body.update(changes)
    return admin.post("/organizations/admin/add-rate-config", body, expect=201).data


def test_add_list_update(pcx, pcx_admin):
    first = add(pcx_admin, pcx.org_id)
    assert first["active"] is True and first["spread"] == Decimal("0.75")
    second = add(pcx_admin, pcx.org_id, spread=1)
    path = f"/organizations/admin/rate-configs/{pcx.org_id}"
    rows = {row["config_id"]: row for row in pcx_admin.get(path, expect=200).data}
    assert rows[first["config_id"]]["active"] is False and rows[second["config_id"]]["active"] is True
    updated = pcx_admin.put(path, {"config_id": second["config_id"], "spread": Decimal("1.25")}, expect=200).data
    assert updated["spread"] == Decimal("1.25") and updated["config_id"] == second["config_id"]
    by_pair = pcx_admin.put(path, {"from_currency": "EUR", "to_currency": "ZAR", "active": False}, expect=200).data
    assert by_pair["config_id"] == second["config_id"] and by_pair["active"] is False
    pcx_admin.put(path, {"from_currency": "EUR", "to_currency": "NOK", "spread": 1}, expect=404)


def test_active_ones_both_ways(pcx, pcx_admin):
    made = add(pcx_admin, pcx.org_id, from_currency="AED")
    listed = pcx.get(f"/organizations/admin/rate-configs/{pcx.org_id}/active", expect=200).data
    assert made["config_id"] in [row["config_id"] for row in listed]
    # A GET with a JSON body, as documented.
    same = pcx.send("GET", "/organizations/admin/active-configs", {"org_id": pcx.org_id}, expect=200).data
    assert same == listed
    pcx.send("GET", "/organizations/admin/active-configs", {}, expect=400)
    pcx.get(f"/organizations/admin/rate-configs/{pcx_admin.org_id}/active", expect=403)


def test_bad_configs_are_refused(pcx, pcx_admin):
    for changes in ({"spread": 100}, {"from_currency": "ZAR"}, {"to_currency": "ZZZ"}, {"org_id": "x"}):
        body = {"org_id": pcx.org_id, "from_currency": "EUR", "to_currency": "ZAR", "spread": 1}
        body.update(changes)
        pcx_admin.post("/organizations/admin/add-rate-config", body, expect=400)
