"""Tenants: made by operators, walled off from each other."""
import uuid

import pytest

from client.fincode import Fincode
from client.http import Http
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


def test_the_first_user_does_everything_there_and_nothing_elsewhere(platform, server):
    mine = body(admin={"email": fresh_email(), "password": PASSWORD})
    tenant = platform.post("/tenants", mine, expect=201).data
    caller = Http(server)
    caller.prefix = "/platform/v1"
    session = caller.post("/sessions", {"email": mine["admin"]["email"], "password": PASSWORD,
                                        "tenant": mine["label"]}, expect=201).data
    assert (session["user_id"], session["tenant_id"]) == (tenant["admin_user_id"], tenant["tenant_id"])
    assert "operator" not in session["roles"]
    bearer = {"Authorization": "Bearer " + session["token"]}
    account = caller.post("/accounts", {"user_id": session["user_id"], "currency": "NGN"}, headers=bearer,
                          expect=201).data["account_id"]
    caller.post(f"/accounts/{account}/deposits", {"amount": 3, "currency": "NGN"}, headers=bearer, expect=201)
    assert caller.get("/ledger/head", headers=bearer, expect=200).data["journals"] == 1
    platform.get(f"/accounts/{account}", expect=404)
    own = platform.get("/sessions/current", expect=200).data["tenant_id"]
    caller.get(f"/tenants/{tenant['tenant_id']}", headers=bearer, expect=200)
    caller.get(f"/tenants/{own}", headers=bearer, expect=404)
    caller.get("/tenants", headers=bearer, expect=403)
    caller.post("/tenants", body(), headers=bearer, expect=403)


def test_a_refused_administrator_leaves_no_tenant(platform):
    mine = body(admin={"email": fresh_email(), "password": "weak"})
    platform.post("/tenants", mine, expect=400)
    del mine["admin"]
    platform.post("/tenants", mine, expect=201)


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
    made = [platform.post("/tenants", body(), expect=201).data["tenant_id"] for _ in range(3)]
    seen, cursor = [], None
    while True:
        page = platform.get("/tenants", {"limit": 2, "cursor": cursor}, expect=200).json
        seen += [tenant["tenant_id"] for tenant in page["data"]]
        cursor = page["meta"].get("next_cursor")
        if not cursor:
            break
    assert seen[:3] == made[::-1] and len(seen) == len(set(seen))


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
