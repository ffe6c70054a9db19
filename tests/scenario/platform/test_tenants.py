"""Tenants: made by operators, walled off from each other."""
import uuid

import pytest

from client.fincode import Fincode
from client.people import PASSWORD, fresh_email
from client.pcx import Platform


def body(**changes):
    return {"name": "Tenant", "label": "t" + uuid.uuid4().hex[:10], **changes}


def test_a_tenant_and_its_administrator(platform, server):
    mine = body(admin={"email": fresh_email(), "password": PASSWORD, "first_name": "Ama"})
    tenant = platform.post("/tenants", mine, expect=201).data
    assert (tenant["label"], tenant["status"]) == (mine["label"], "active")
    assert tenant["admin_user_id"].startswith("usr_")
    assert platform.get(f"/tenants/{tenant['tenant_id']}", expect=200).data["label"] == mine["label"]

    caller = Fincode(server, {"email": mine["admin"]["email"], "password": PASSWORD})
    caller.host = mine["label"] + ".example.com"
    assert caller.login().data["roles"] == ["ADMIN"]
    caller.host = None
    caller.put("/securitymanagement/login", {"email": mine["admin"]["email"], "currentPassword": PASSWORD},
               headers={"X-Auth-Token": None}, expect=404)


def test_labels_are_unique(platform):
    mine = body()
    platform.post("/tenants", mine, expect=201)
    platform.post("/tenants", mine, expect=409)


@pytest.mark.parametrize("changes", [{"label": "-a"}, {"label": "A"}, {"label": ""}, {"label": "a b"},
                                     {"name": ""}, {"name": None}, {"label": None},
                                     {"label": "ends-"},
                                     {"admin": {"email": "x", "password": PASSWORD}},
                                     {"admin": {"email": "a@example.com", "password": "weak"}}])
def test_bad_fields(platform, changes):
    platform.post("/tenants", body(**changes), expect=400)


def test_list_pages(platform):
    made = {platform.post("/tenants", body(), expect=201).data["tenant_id"] for _ in range(3)}
    seen, cursor = [], None
    while True:
        page = platform.get("/tenants", {"limit": 2, "cursor": cursor}, expect=200).json
        seen += [tenant["tenant_id"] for tenant in page["data"]]
        cursor = page["meta"].get("next_cursor")
        if not cursor:
            break
    assert made <= set(seen) and len(seen) == len(set(seen))


def test_who_may(server, pcx, platform, fincode_other):
    tenants = platform.get("/tenants", {"limit": 200}, expect=200).json["data"]
    labels = {tenant["label"]: tenant["tenant_id"] for tenant in tenants}
    Platform(server, "org_admin").get("/tenants", expect=403)
    Platform(server, "org_admin").post("/tenants", body(), expect=403)
    second = Fincode(server, "admin", other_tenant=True, prefix="/platform/v1")
    bearer = {"Authorization": "Bearer " + fincode_other.headers_for("")["X-Auth-Token"],
              "X-Auth-Token": None}
    second.post("/tenants", body(), headers=bearer, expect=403)
    second.get(f"/tenants/{labels['second']}", headers=bearer, expect=200)
    second.get(f"/tenants/{labels['default']}", headers=bearer, expect=404)
