"""PCX people: who sees whom, what changes where."""
import pytest

from client.people import fresh_email, register, with_key
from client.pcx import PcxSession


@pytest.fixture
def person(server, sandbox):
    return register(server, sandbox, id_type="passport", id_number="A01234567")


@pytest.fixture
def caller(server, pcx_admin, person):
    return with_key(server, pcx_admin, person)


def test_oneself(caller, person):
    user = caller.get(f"/users/{person['user_id']}", expect=200).json
    assert user["id_number"] == "A01234567"
    assert user["kyc_status"] if "kyc_status" in user else True


def test_colleagues_see_each_other_without_numbers(server, pcx, pcx_user, pcx_admin):
    made = pcx.post("/users/register", {
        "email": fresh_email(), "fname": "Co", "lname": "League", "password": "Passw0rd!x",
        "org_id": pcx.who["org_id"], "id_type": "passport", "id_number": "B7654321"}, expect=201).json["user"]
    assert "id_number" not in pcx_user.get(f"/users/{made['user_id']}", expect=200).json
    assert pcx.get(f"/users/{made['user_id']}", expect=200).json["id_number"] == "B7654321"
    assert pcx_admin.get(f"/users/{made['user_id']}", expect=200).json["id_number"] == "B7654321"


def test_strangers_do_not(pcx_user, caller, person):
    pcx_user.get(f"/users/{person['user_id']}", expect=403)
    caller.get(f"/users/{pcx_user.user_id}", expect=403)


def test_unknown_ids(pcx_admin):
    pcx_admin.get("/users/usr_0000000000004", expect=404)
    pcx_admin.get("/users/rubbish", expect=404)


def test_by_email_or_username(caller, person):
    by_email = caller.get("/users", {"email": person["email"].upper()}, expect=200).json
    assert by_email["user_id"] == person["user_id"]
    by_name = caller.get("/users", {"cognito_username": by_email["cognito_username"]}, expect=200).json
    assert by_name["user_id"] == person["user_id"]
    caller.get("/users", expect=400)
    caller.get("/users", {"email": person["email"], "cognito_username": "x"}, expect=400)
    caller.get("/users", {"email": fresh_email()}, expect=404)


def test_list_is_for_internal_admins(pcx, pcx_user, pcx_admin, person):
    pcx.get("/users/list", expect=403)
    pcx_user.get("/users/list", expect=403)
    page = pcx_admin.get("/users/list", {"limit": 2}, expect=200).json
    assert page["count"] == len(page["users"]) == 2 and page["total"] >= 3
    seen, cursor = [], None
    while True:
        page = pcx_admin.get("/users/list", {"limit": 5, "last_evaluated_key": cursor}, expect=200).json
        seen += [user["user_id"] for user in page["users"]]
        cursor = page["last_evaluated_key"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == page["total"]
    assert person["user_id"] in seen


def test_list_filters(pcx_admin, person):
    page = pcx_admin.get("/users/list", {"org_id": person["org_id"]}, expect=200).json
    assert [user["user_id"] for user in page["users"]] == [person["user_id"]]
    assert pcx_admin.get("/users/list", {"org_id": person["org_id"], "status": "active"},
                         expect=200).json["users"] == []
    pcx_admin.get("/users/list", {"status": "bored"}, expect=400)
    pcx_admin.get("/users/list", {"last_evaluated_key": "rubbish"}, expect=400)


def test_profile(caller, person):
    path = f"/users/{person['user_id']}"
    changed = caller.put(path, {"fname": "Ada", "address": "1 Marina, Lagos"}, expect=200).json["user"]
    assert (changed["fname"], changed["lname"], changed["address"]) == ("Ada", "Bello", "1 Marina, Lagos")
    assert caller.get(path, expect=200).json["fname"] == "Ada"
    caller.put(path, {}, expect=400)
    caller.put(path, {"date_of_birth": "yesterday"}, expect=400)


def test_profile_changes_neither_role_nor_status(caller, person):
    path = f"/users/{person['user_id']}"
    caller.put(path, {"fname": "Ada", "status": "active", "role": "super-admin", "type": "internal-admin"})
    user = caller.get(path, expect=200).json
    assert user["status"] == "not_verified" and user["type"] != "internal-admin"
    assert user.get("role") != "super-admin"


def test_profile_of_others(pcx_user, pcx, person):
    pcx_user.put(f"/users/{person['user_id']}", {"fname": "X"}, expect=403)
    pcx_user.put(f"/users/{pcx.user_id}", {"fname": "X"}, expect=403)


@pytest.mark.parametrize("route", ["activate", "status"])
def test_status(pcx_admin, caller, person, route):
    path = f"/users/{person['user_id']}/{route}"
    caller.put(path, {"status": "active"}, expect=403)
    for status in ["pending_verification", "rejected", "not_verified", "active"]:
        assert pcx_admin.put(path, {"status": status, "reason": "test"},
                             expect=200).json["user"]["status"] == status
    for status in ["inactive", "sandbox", "pending", "", None]:
        pcx_admin.put(path, {"status": status}, expect=400)
    pcx_admin.put(f"/users/usr_0000000000004/{route}", {"status": "active"}, expect=404)


def test_deactivation_shuts_out_at_once(server, pcx_admin, caller, person):
    session = PcxSession(server, person)
    session.get(f"/users/{person['user_id']}", expect=200)
    headers = session.headers_for("")
    pcx_admin.put(f"/users/{person['user_id']}/deactivate", {}, expect=400)
    done = pcx_admin.put(f"/users/{person['user_id']}/deactivate",
                         {"updated_by": pcx_admin.user_id, "reason": "left"}, expect=200).json
    assert done["user"]["status"] == "rejected" and done["reason"] == "left"
    caller.get(f"/users/{person['user_id']}", expect=401)
    session.get(f"/users/{person['user_id']}", headers=headers, expect=401)
    pcx_admin.put(f"/users/{person['user_id']}/activate", {"status": "active"}, expect=200)
    caller.get(f"/users/{person['user_id']}", expect=200)
    session.get(f"/users/{person['user_id']}", headers=headers, expect=401)


def test_kyc_status(pcx_admin, caller, person):
    path = f"/users/{person['user_id']}/kyc"
    caller.put(path, {"kyc_session_id": "s1", "kyc_status": "approved"}, expect=403)
    user = pcx_admin.put(path, {"kyc_session_id": "s1", "kyc_status": "submitted"}, expect=200).json["user"]
    assert (user["kyc_status"], user["status"]) == ("pending", "pending_verification")
    assert user["kyc_submitted_at"]
    user = pcx_admin.put(path, {"kyc_session_id": "s1", "kyc_status": "approved"}, expect=200).json["user"]
    assert (user["kyc_status"], user["status"], user["kyc_session_id"]) == ("approved", "active", "s1")
    pcx_admin.put(path, {"kyc_status": "approved"}, expect=400)


def test_create_internal(pcx_admin, pcx, person):
    mine = {"email": fresh_email(), "fname": "In", "lname": "Ternal", "org_id": person["org_id"],
            "cognito_username": fresh_email("name"), "status": "active"}
    pcx.post("/users", mine, expect=403)
    made = pcx_admin.post("/users", mine, expect=201).json["user"]
    assert made["cognito_username"] == mine["cognito_username"] and made["org_ids"] == [person["org_id"]]
    pcx_admin.post("/users", mine, expect=409)
    pcx_admin.post("/users", {**mine, "email": fresh_email()}, expect=409)
    pcx_admin.post("/users", {**mine, "email": fresh_email(), "cognito_username": fresh_email("name"),
                              "org_id": "org_0000000000004"}, expect=404)


def test_delete(server, sandbox, pcx, caller, person, pcx_admin):
    pcx.delete(f"/users/{person['user_id']}", expect=403)
    assert caller.delete(f"/users/{person['user_id']}", expect=200).json["message"]
    caller.get(f"/users/{person['user_id']}", expect=401)
    pcx_admin.get(f"/users/{person['user_id']}", expect=404)
    pcx_admin.get("/users", {"email": person["email"]}, expect=404)
    register(server, sandbox, email=person["email"])  # the address is free again
