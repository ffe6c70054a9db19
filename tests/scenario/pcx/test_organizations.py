"""Organisations as their members see them."""
import uuid

import pytest

from client.people import register
from client.pcx import PcxSession


def named(name="Orchard"):
    return f"{name} {uuid.uuid4().hex[:8]}"


def make(admin, **changes):
    body = {"org_name": named(), "country": "RW", "created_by": admin.user_id}
    body.update(changes)
    return admin.post("/organizations", body, expect=201).data


def test_create_and_get(pcx, pcx_user, pcx_admin):
    name = named("Orchard of Kigali")
    made = make(pcx, org_name=name)
    assert made["status"] == "active" and made["kybComplete"] is False
    assert pcx.get(f"/organizations/{made['org_id']}", expect=200).data == made
    assert set(made) == {"org_id", "org_name", "status", "country", "createdAt", "updatedAt", "kybComplete"}
    assert pcx.get(f"/organizations/name/{name}", expect=200).data == made
    pcx_user.get(f"/organizations/{made['org_id']}", expect=403)
    pcx_user.get(f"/organizations/name/{name}", expect=404)  # to others there is no such organisation
    pcx_admin.get(f"/organizations/name/{name}", expect=200)
    pcx_admin.get(f"/organizations/{made['org_id']}", expect=200)
    pcx.get("/organizations/org_0000000000001", expect=404)
    pcx.get("/organizations/name/nobody", expect=404)


@pytest.mark.parametrize("field,value,status", [
    ("org_name", None, 400), ("org_name", "", 400), ("org_name", " ", 400), ("org_name", 7, 400),
    ("country", None, 400), ("country", " ", 400), ("created_by", None, 400), ("created_by", "rubbish", 400),
    ("created_by", "usr_0000000000001", 404)])
def test_refusals(pcx_admin, field, value, status):
    body = {"org_name": named(), "country": "RW", "created_by": pcx_admin.user_id, field: value}
    reply = pcx_admin.post("/organizations", body, expect=status)
    assert [error["field"] for error in reply.json["errors"]] == [field]
    if field != "org_name":
        pcx_admin.get(f"/organizations/name/{body['org_name']}", expect=404)


def test_nobody_founds_for_others(pcx, pcx_user, pcx_admin):
    body = {"org_name": named(), "country": "RW", "created_by": pcx.user_id}
    assert [e["field"] for e in pcx_user.post("/organizations", body, expect=403).json["errors"]] == ["created_by"]
    made = pcx_admin.post("/organizations", body, expect=201).data
    members = pcx_admin.get(f"/organizations/{made['org_id']}/members", expect=200).data["members"]
    assert [(row["user_id"], row["role"]) for row in members] == [(pcx.user_id, "admin")]


def test_a_name_twice(pcx, pcx_user, pcx_admin):
    """The same founder again is a request sent twice; somebody else's company may share the name."""
    name = named()
    mine = make(pcx, org_name=name)
    assert "org_name" in pcx.post("/organizations", {
        "org_name": f" {name} ", "country": "RW", "created_by": pcx.user_id}, expect=409).json["message"]
    theirs = make(pcx_user, org_name=name)
    for caller, org_id in ((pcx, mine["org_id"]), (pcx_user, theirs["org_id"]), (pcx_admin, mine["org_id"])):
        assert caller.get(f"/organizations/name/{name}", expect=200).data["org_id"] == org_id


def test_filter_takes_no_body_at_all(pcx_admin, pcx_user):
    page = pcx_admin.send("POST", "/organizations/filter", expect=200).data
    assert 0 < page["count"] == len(page["organizations"]) <= 10 and page["scanned_count"] >= page["count"]
    own = pcx_user.send("POST", "/organizations/filter", expect=200).data["organizations"]
    assert pcx_user.org_id in [row["org_id"] for row in own]


def test_filter_by_country_and_dates(pcx_admin):
    country = uuid.uuid4().hex[:6]
    rows = [make(pcx_admin, country=country) for _ in range(3)]
    make(pcx_admin, country="SC")

    def found(**body):
        page = pcx_admin.post("/organizations/filter", {"country": country, "limit": 100, **body}, expect=200).data
        assert page["count"] == len(page["organizations"])
        return {row["org_id"] for row in page["organizations"]}

    times = [row["createdAt"] for row in rows]
    at = {row["org_id"]: row["createdAt"] for row in rows}
    assert found() == set(at)
    for low, high in ((times[0], times[0]), (times[1], times[2]), (times[0], times[1])):
        expected = {org_id for org_id, created in at.items() if low <= created <= high}
        assert found(start_date=low, end_date=high) == expected
    assert found(start_date=times[2][:10], end_date=times[2][:10]) == set(at)
    assert found(start_date="2100-01-01T00:00:00.000Z") == found(end_date="2020-01-01T00:00:00.000Z") == set()


@pytest.mark.parametrize("field,value", [
    ("start_date", "soon"), ("end_date", "2025-13-01T00:00:00.000Z"), ("limit", 0), ("limit", -1), ("limit", "ten"),
    ("last_evaluated_key", {"cursor": "spoiled"}), ("last_evaluated_key", {"x": 1}), ("last_evaluated_key", "text"),
    ("country", 7)])
def test_filter_refuses(pcx_admin, field, value):
    reply = pcx_admin.post("/organizations/filter", {field: value}, expect=400)
    assert [error["field"] for error in reply.json["errors"]] == [field]


def test_filter_refuses_dates_in_the_wrong_order(pcx_admin):
    pcx_admin.post("/organizations/filter", {"start_date": "2025-02-01", "end_date": "2025-01-01"}, expect=400)


def test_a_cursor_is_of_its_filter(pcx_admin):
    page = pcx_admin.post("/organizations/filter", {"limit": 1}, expect=200).data
    pcx_admin.post("/organizations/filter", {
        "limit": 1, "country": "RW", "last_evaluated_key": page["lastEvaluatedKey"]}, expect=400)
    pcx_admin.post("/organizations/filter", {"limit": 1, "last_evaluated_key": page["lastEvaluatedKey"]}, expect=200)


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
    mine = pcx_user.post("/organizations/filter", {}, expect=200).data["organizations"]
    assert pcx_user.org_id in {row["org_id"] for row in mine}
    assert not made & {row["org_id"] for row in mine}


def test_by_country(pcx_admin, pcx_user):
    made = make(pcx_admin, country="SC")
    found = pcx_admin.get("/organizations/by-country", expect=200).data
    assert made["org_id"] in [row["org_id"] for row in found["SC"]]
    assert "SC" not in pcx_user.get("/organizations/by-country", expect=200).data


def test_by_country_names_every_organisation_once(server, sandbox):
    founder = PcxSession(server, register(server, sandbox, country="KE"))
    second = make(founder, country="UG")
    grouped = founder.get("/organizations/by-country", expect=200).data
    assert {country: [row["org_id"] for row in rows] for country, rows in grouped.items()} == {
        "KE": [founder.org_id], "UG": [second["org_id"]]}
