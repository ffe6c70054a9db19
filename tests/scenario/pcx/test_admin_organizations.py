"""Administration of organisations: list, status, disabling."""
import itertools
import uuid

import pytest

STATES = ("active", "inactive", "suspended")


def make(admin):
    return admin.post("/organizations", {"org_name": "Administered " + uuid.uuid4().hex[:8], "country": "NG",
                                         "created_by": admin.user_id}, expect=201).data


def test_list_status_disable(pcx, pcx_admin):
    made = pcx_admin.post("/organizations", {
        "org_name": "Administered", "country": "NG", "created_by": pcx_admin.user_id}, expect=201).data
    page = pcx_admin.get("/organizations/admin/all", {"limit": 1}, expect=200).data
    assert page["organizations"][0]["org_id"] == made["org_id"] and page["lastEvaluatedKey"]
    following = pcx_admin.get("/organizations/admin/all", {
        "limit": 1, "lastEvaluatedKey": page["lastEvaluatedKey"]}, expect=200).data
    assert following["organizations"][0]["org_id"] != made["org_id"]
    pcx_admin.get("/organizations/admin/all", {"lastEvaluatedKey": "spoiled"}, expect=400)

    def status():
        return pcx_admin.get(f"/organizations/{made['org_id']}", expect=200).data["status"]

    path = f"/organizations/admin/status/{made['org_id']}"
    for value in ("suspended", "inactive", "active"):
        pcx_admin.put(path, {"status": value, "reason": "test"}, expect=200)
        assert status() == value
    assert "status" in pcx_admin.put(path, {"status": "sleepy"}, expect=400).json["message"]
    pcx_admin.put("/organizations/admin/status/org_0000000000001", {"status": "active"}, expect=404)
    for _ in range(2):
        pcx_admin.put(f"/organizations/admin/disable/{made['org_id']}", expect=200)
        assert status() == "inactive"
    pcx.put(path, {"status": "active"}, expect=403)
    pcx.get("/organizations/admin/all", expect=403)


def test_every_status_from_every_other(pcx_admin):
    """states/organisation.def: any of the three from any, itself included; the list shows it."""
    made = make(pcx_admin)
    path = f"/organizations/admin/status/{made['org_id']}"
    for before, after in itertools.product(STATES, STATES):
        for status in (before, after):
            reply = pcx_admin.put(path, {"status": status}, expect=200).json  # reason is optional
            assert reply["status"] == "success" and reply["data"] == {}
        shown = pcx_admin.get(f"/organizations/{made['org_id']}", expect=200).data
        assert shown == {**made, "status": after, "updatedAt": shown["updatedAt"]}
    listed = pcx_admin.get("/organizations/admin/all", {"limit": 100}, expect=200).data["organizations"]
    assert shown in listed


@pytest.mark.parametrize("body", [{}, {"status": None}, {"status": ""}, {"status": "Active"}, {"status": "deleted"},
                                  {"status": 1}, {"status": "active", "reason": 5}])
def test_status_refuses(pcx_admin, body):
    made = make(pcx_admin)
    reply = pcx_admin.put(f"/organizations/admin/status/{made['org_id']}", body, expect=400)
    assert [error["field"] for error in reply.json["errors"]] == ["reason" if "reason" in body else "status"]
    assert pcx_admin.get(f"/organizations/{made['org_id']}", expect=200).data == made


def test_further_paths(pcx, pcx_admin):
    made = make(pcx_admin)
    for path in ("/organizations/admin/all", "/organizations/admin/organizations", "/organizations/admin/list",
                 "/organizations"):
        page = pcx_admin.get(path, expect=200).data
        assert page["count"] == page["scanned_count"] == len(page["organizations"]) <= 10
        assert made["org_id"] in [row["org_id"] for row in page["organizations"]]
        pcx.get(path, expect=403)
    pcx_admin.put(f"/organizations/admin/{made['org_id']}/disable", expect=200)
    assert pcx_admin.get(f"/organizations/{made['org_id']}", expect=200).data["status"] == "inactive"
    for org_id in ("org_0000000000001", "rubbish"):
        pcx_admin.put(f"/organizations/admin/{org_id}/disable", expect=404)
        pcx_admin.put(f"/organizations/admin/status/{org_id}", {"status": "active"}, expect=404)
    pcx.put(f"/organizations/admin/disable/{pcx.org_id}", expect=403)


@pytest.mark.parametrize("limit", [0, 101, -1, "ten"])
def test_list_limits(pcx_admin, limit):
    reply = pcx_admin.get("/organizations/admin/all", {"limit": limit}, expect=400)
    assert [error["field"] for error in reply.json["errors"]] == ["limit"]


def test_the_last_page_has_no_cursor(pcx_admin):
    make(pcx_admin)
    seen, cursor = [], None
    while True:
        page = pcx_admin.get("/organizations/admin/all", {"limit": 7, "lastEvaluatedKey": cursor}, expect=200).data
        seen += [row["org_id"] for row in page["organizations"]]
        cursor = page.get("lastEvaluatedKey")
        if cursor is None:
            break
        assert isinstance(cursor, str) and page["count"] == 7
    assert len(seen) == len(set(seen)) and pcx_admin.org_id in seen
