"""Organisations as their members see them."""


def make(admin, **changes):
    body = {"org_name": "Orchard", "country": "RW", "created_by": admin.user_id}
    body.update(changes)
    return admin.post("/organizations", body, expect=201).data


def test_create_and_get(pcx, pcx_user, pcx_admin):
    made = make(pcx, created_by=pcx.user_id, org_name="Orchard of Kigali")
    assert made["status"] == "active" and made["kybComplete"] is False
    assert pcx.get(f"/organizations/{made['org_id']}", expect=200).data == made
    assert pcx.get("/organizations/name/Orchard%20of%20Kigali", expect=200).data["org_name"] == "Orchard of Kigali"
    pcx_user.get(f"/organizations/{made['org_id']}", expect=403)
    pcx_user.get("/organizations/name/Orchard%20of%20Kigali", expect=403)
    pcx_admin.get(f"/organizations/{made['org_id']}", expect=200)
    pcx.get("/organizations/org_0000000000001", expect=404)
    pcx.get("/organizations/name/nobody", expect=404)


def test_refusals(pcx, pcx_user):
    for missing in ("org_name", "country", "created_by"):
        body = {"org_name": "X", "country": "RW", "created_by": pcx.user_id}
        del body[missing]
        assert missing in pcx.post("/organizations", body, expect=400).json["message"]
    pcx_user.post("/organizations", {"org_name": "X", "country": "RW", "created_by": pcx.user_id}, expect=403)


def test_filter_with_an_object_as_cursor(pcx_admin, pcx_user):
    made = {make(pcx_admin, country="BI")["org_id"] for _ in range(3)}
    seen, cursor = [], None
    while True:
        body = {"country": "BI", "limit": 2, **({"last_evaluated_key": cursor} if cursor else {})}
        page = pcx_admin.post("/organizations/filter", body, expect=200).data
        seen += [row["org_id"] for row in page["organizations"]]
        cursor = page.get("lastEvaluatedKey")
        if not cursor:
            break
        assert isinstance(cursor, dict)
    assert len(seen) == len(set(seen)) and made <= set(seen)
    pcx_admin.post("/organizations/filter", {"last_evaluated_key": {"cursor": "spoiled"}}, expect=400)
    pcx_admin.post("/organizations/filter", {"start_date": "soon"}, expect=400)
    mine = pcx_user.post("/organizations/filter", {}, expect=200).data["organizations"]
    assert pcx_user.org_id in {row["org_id"] for row in mine}
    assert not made & {row["org_id"] for row in mine}


def test_by_country(pcx_admin, pcx_user):
    made = make(pcx_admin, country="SC")
    found = pcx_admin.get("/organizations/by-country", expect=200).data
    assert made["org_id"] in [row["org_id"] for row in found["SC"]]
    assert "SC" not in pcx_user.get("/organizations/by-country", expect=200).data
