"""Members: roles in an organisation, and that a change acts at once."""
import pytest


@pytest.fixture
def company(pcx):
    return pcx.post("/organizations", {
        "org_name": "Crew", "country": "NG", "created_by": pcx.user_id}, expect=201).data["org_id"]


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
