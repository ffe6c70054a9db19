"""Members: roles in an organisation, and that a change acts at once."""
import uuid

import pytest

from client.people import fresh_email, register, with_key
from client.pcx import PcxSession


@pytest.fixture
def company(pcx):
    return pcx.post("/organizations", {
        "org_name": "Crew " + uuid.uuid4().hex[:8], "country": "NG", "created_by": pcx.user_id}, expect=201).data["org_id"]


def test_add_change_disable_remove(pcx, pcx_user, company):
    path = f"/organizations/{company}/members"
    made = pcx.post(path, {"user_id": pcx_user.user_id, "role": "staff", "invited_by": pcx.user_id}, expect=201).data
    assert (made["role"], made["status"], made["invited_by"]) == ("staff", "active", pcx.user_id)
    pcx.post(path, {"user_id": pcx_user.user_id, "role": "staff"}, expect=409)
    pcx_user.get(f"/organizations/{company}", expect=200)
    pcx_user.get(path, expect=403)
    one = f"{path}/{pcx_user.user_id}"
    assert pcx.get(one, expect=200).data["role"] == "staff"
    assert pcx.put(f"{one}/role", {"role": "admin"}, expect=200).data["role"] == "admin"
    listed = pcx.get(path, expect=200).data
    assert {row["user_id"] for row in listed["members"]} == {pcx.user_id, pcx_user.user_id}
    assert "role" in pcx.put(f"{one}/role", {"role": "owner"}, expect=400).json["message"]
    assert pcx.put(f"{one}/disable", expect=200).data["status"] == "disabled"
    pcx_user.get(f"/organizations/{company}", expect=403)
    assert pcx.delete(one, expect=204).text == ""
    pcx.get(one, expect=404)
    pcx.delete(one, expect=404)


def test_only_administrators_let_people_in(pcx, pcx_user, pcx_admin, company):
    path = f"/organizations/{company}/members"
    pcx_user.post(path, {"user_id": pcx_user.user_id, "role": "admin"}, expect=403)
    pcx.post(path, {"user_id": "usr_0000000000001", "role": "user"}, expect=404)
    pcx.post(path, {"user_id": pcx_user.user_id, "role": "captain"}, expect=400)
    pcx.post("/organizations/org_0000000000001/members", {"user_id": pcx_user.user_id, "role": "user"}, expect=404)
    pcx_admin.get(path, expect=200)


def test_pages(pcx, pcx_user, company):
    path = f"/organizations/{company}/members"
    pcx.post(path, {"user_id": pcx_user.user_id, "role": "user"}, expect=201)
    first = pcx.get(path, {"limit": 1}, expect=200).data
    rest = pcx.get(path, {"limit": 1, "lastEvaluatedKey": first["lastEvaluatedKey"]}, expect=200).data
    assert first["members"][0]["user_id"] != rest["members"][0]["user_id"]
    pcx.get(path, {"lastEvaluatedKey": "spoiled"}, expect=400)


@pytest.fixture
def founder(server, sandbox):
    return register(server, sandbox)


@pytest.fixture
def second(server, pcx_admin, founder):
    """Another administrator of what the founder founded, by session; she can end the founder's reign."""
    made = pcx_admin.post("/users/register", {
        "email": fresh_email(), "fname": "Se", "lname": "Cond", "password": founder["password"],
        "org_id": founder["org_id"], "org_member_role": "admin"}, expect=201).json["user"]
    return with_key(server, pcx_admin, made)


@pytest.mark.parametrize("credential", ["session", "key"])
def test_a_change_counts_for_founders_too(server, pcx_admin, founder, second, credential):
    """Whatever the type of the record says: the membership decides."""
    caller = with_key(server, pcx_admin, founder) if credential == "key" else PcxSession(server, founder)
    headers = caller.headers_for("")
    path = f"/organizations/{founder['org_id']}"
    one = f"{path}/members/{founder['user_id']}"

    def sees(organisation, members):
        caller.get(path, headers=headers, expect=organisation)
        caller.get(f"{path}/members", headers=headers, expect=members)

    sees(200, 200)
    for role, members in (("user", 403), ("staff", 403), ("admin", 200)):
        second.put(f"{one}/role", {"role": role}, expect=200)
        sees(200, members)
    second.put(f"{one}/disable", expect=200)
    sees(403, 403)
    caller.get(f"/users/{founder['user_id']}", headers=headers, expect=200)  # the person is still one
    assert second.get(one, expect=200).data["status"] == "disabled"
    second.put(f"{one}/disable", expect=409)
    second.put(f"{one}/role", {"role": "admin"}, expect=200)
    sees(403, 403)
    second.delete(one, expect=204)
    gone = 401 if credential == "key" else 403  # keys of the organisation end with the membership
    sees(gone, gone)
    user = pcx_admin.get(f"/users/{founder['user_id']}", expect=200).json
    assert user["org_ids"] == [] and "org_id" not in user


def test_membership_grows_and_shrinks(pcx, pcx_user, pcx_admin, company):
    path = f"/organizations/{company}/members"

    def organisations():
        return pcx_admin.get(f"/users/{pcx_user.user_id}", expect=200).json["org_ids"]

    made = pcx.post(path, {"user_id": pcx_user.user_id, "role": "user"}, expect=201).data
    assert made.get("invited_by") is None and company in organisations()
    assert made["createdAt"] == made["updatedAt"]
    pcx.delete(f"{path}/{pcx_user.user_id}", expect=204)
    assert company not in organisations() and pcx_user.org_id in organisations()
    pcx_user.get(f"/organizations/{pcx_user.org_id}", expect=200)


@pytest.mark.parametrize("field,value,status", [
    ("user_id", None, 400), ("user_id", "rubbish", 400), ("user_id", "usr_0000000000001", 404),
    ("role", None, 400), ("role", "owner", 400), ("invited_by", "rubbish", 400),
    ("invited_by", "usr_0000000000001", 404)])
def test_add_refuses(pcx, pcx_user, company, field, value, status):
    path = f"/organizations/{company}/members"
    reply = pcx.post(path, {"user_id": pcx_user.user_id, "role": "user", field: value}, expect=status)
    assert [error["field"] for error in reply.json["errors"]] == [field]
    assert [row["user_id"] for row in pcx.get(path, expect=200).data["members"]] == [pcx.user_id]


def test_unknown_organisations_and_members(pcx, pcx_user, company):
    for org_id, user_id in (("org_0000000000001", pcx_user.user_id), (company, "usr_0000000000001"),
                            (company, pcx_user.user_id), ("rubbish", pcx_user.user_id), (company, "rubbish")):
        path = f"/organizations/{org_id}/members/{user_id}"
        for method, tail, body in (("GET", "", None), ("DELETE", "", None), ("PUT", "/role", {"role": "user"}),
                                   ("PUT", "/disable", None)):
            pcx.send(method, path + tail, body, expect=404)
