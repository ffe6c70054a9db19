"""Rate configurations: the spread per organisation and pair."""
from decimal import Decimal

from client.pcx import OtherTenant


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


def test_which_one_is_changed(pcx, pcx_admin):
    path = f"/organizations/admin/rate-configs/{pcx.org_id}"
    one, other = add(pcx_admin, pcx.org_id, to_currency="GHS"), add(pcx_admin, pcx.org_id, to_currency="KES")
    assert "config_id" in pcx_admin.put(path, {"spread": 3}, expect=400).json["message"]
    assert "config_id" in pcx_admin.put(path, {"from_currency": "EUR", "spread": 3}, expect=400).json["message"]
    moved = pcx_admin.put(path, {"config_id": one["config_id"], "to_currency": "RWF", "provider": "desk"}, expect=200).data
    assert (moved["to_currency"], moved["spread"], moved["provider"], moved["created_at"]) == (
        "RWF", one["spread"], "desk", one["created_at"])
    onto = pcx_admin.put(path, {"config_id": one["config_id"], "to_currency": "KES"}, expect=200).data
    rows = {row["config_id"]: row for row in pcx_admin.get(path, expect=200).data}
    assert onto["active"] and not rows[other["config_id"]]["active"]  # one active one for a pair
    for bad in ({"spread": 100}, {"spread": -1}, {"to_currency": "EUR"}, {"to_currency": "XXX"}):
        field = next(iter(bad))
        assert field in pcx_admin.put(path, {"config_id": one["config_id"], **bad}, expect=400).json["message"]
    pcx_admin.put(path, {"config_id": "nonsense"}, expect=400)
    pcx_admin.put(path, {"config_id": "rcf_0000000000001"}, expect=(400, 404))
    pcx_admin.put(f"/organizations/admin/rate-configs/{pcx_admin.org_id}", {"config_id": one["config_id"]}, expect=404)


def test_whose_they_are(server, pcx, pcx_user, pcx_admin):
    made = add(pcx_admin, pcx.org_id, from_currency="USD")
    path, tenant = f"/organizations/admin/rate-configs/{pcx.org_id}", OtherTenant(server)
    for caller in (pcx, pcx_user):
        caller.get(path, expect=403)
        caller.put(path, {"config_id": made["config_id"], "spread": 0}, expect=403)
        caller.post("/organizations/admin/add-rate-config", {"org_id": pcx.org_id}, expect=403)
        assert made in caller.get(path + "/active", expect=200).data
        caller.get("/organizations/admin/active-configs", {"org_id": pcx_admin.org_id}, expect=403)
    assert made in pcx.get("/organizations/admin/active-configs", {"org_id": pcx.org_id}, expect=200).data
    for part in ("", "/active"):
        tenant.get(path + part, expect=404)
        pcx_admin.get(f"/organizations/admin/rate-configs/nonsense{part}", expect=404)
    tenant.put(path, {"config_id": made["config_id"], "spread": 0}, expect=404)
    for value, status in (("nonsense", 400), ("", 400), ("org_0000000000001", 404)):
        pcx.get("/organizations/admin/active-configs", {"org_id": value}, expect=status)
        pcx.send("GET", "/organizations/admin/active-configs", {"org_id": value}, expect=status)
