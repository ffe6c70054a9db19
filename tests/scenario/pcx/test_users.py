"""PCX people: who sees whom, what changes where."""
from decimal import Decimal

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


def test_colleagues_of_a_second_organisation(server, sandbox, caller, person):
    other = PcxSession(server, register(server, sandbox))
    caller.get(f"/users/{other.user_id}", expect=403)
    path = f"/organizations/{other.org_id}/members"
    other.post(path, {"user_id": person["user_id"], "role": "user"}, expect=201)
    assert "id_number" not in caller.get(f"/users/{other.user_id}", expect=200).json
    assert "id_number" not in other.get(f"/users/{person['user_id']}", expect=200).json
    other.put(f"/users/{person['user_id']}", {"fname": "X"}, expect=403)  # its own organisation is another
    caller.put(f"/users/{other.user_id}", {"fname": "X"}, expect=403)
    other.put(f"{path}/{person['user_id']}/role", {"role": "admin"}, expect=200)  # now she administers the other's own
    assert caller.put(f"/users/{other.user_id}", {"id_number": "N9"}, expect=200).json["user"]["id_number"] == "N9"
    other.put(f"{path}/{person['user_id']}/disable", expect=200)
    caller.get(f"/users/{other.user_id}", expect=403)
    caller.put(f"/users/{other.user_id}", {"fname": "X"}, expect=403)


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
    caller.get("/users", {"email": "x"}, expect=400)


def test_look_up_does_not_tell_who_is_a_customer(caller, pcx, pcx_admin):
    """The contract knows 404 here and no 403."""
    known = pcx_admin.get(f"/users/{pcx.user_id}", expect=200).json
    for query in ({"email": pcx.who["email"]}, {"cognito_username": known["cognito_username"]}):
        name = next(iter(query))
        assert pcx_admin.get("/users", query, expect=200).json["user_id"] == pcx.user_id
        hidden = caller.get("/users", query, expect=404)
        nobody = caller.get("/users", {name: fresh_email()}, expect=404)
        assert hidden.json == nobody.json


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
    for name, value in (("type", "org-admin"), ("status", "not_verified")):
        found = pcx_admin.get("/users/list", {"org_id": person["org_id"], name: value}, expect=200).json["users"]
        assert [user["user_id"] for user in found] == [person["user_id"]]
    for name, value in (("type", "staff"), ("role", "retail")):
        assert pcx_admin.get("/users/list", {"org_id": person["org_id"], name: value}, expect=200).json["count"] == 0
    for name in ("status", "role", "type", "last_evaluated_key", "limit", "org_id"):
        reply = pcx_admin.get("/users/list", {name: "rubbish"}, expect=400)
        assert [error["field"] for error in reply.json["errors"]] == [name]


def test_profile(caller, person):
    path = f"/users/{person['user_id']}"
    changed = caller.put(path, {"fname": "Ada", "address": "1 Marina, Lagos"}, expect=200).json["user"]
    assert (changed["fname"], changed["lname"], changed["address"]) == ("Ada", "Bello", "1 Marina, Lagos")
    assert caller.get(path, expect=200).json["fname"] == "Ada"
    assert "at least one" in caller.put(path, {}, expect=400).json["message"]


@pytest.mark.parametrize("field,value", [
    ("date_of_birth", "yesterday"), ("date_of_birth", "2999-01-01"), ("date_of_birth", "1990-02-30"), ("fname", " "),
    ("lname", ""), ("id_type", "library_card"), ("additional_id_type", "x"), ("phone_number", 7), ("country", [])])
def test_profile_refuses(caller, person, field, value):
    path = f"/users/{person['user_id']}"
    before = caller.get(path, expect=200).json
    reply = caller.put(path, {"address": "changed", field: value}, expect=400)
    assert [error["field"] for error in reply.json["errors"]] == [field]
    assert caller.get(path, expect=200).json == before


def test_every_profile_field(caller, person):
    path = f"/users/{person['user_id']}"
    fields = {"fname": "A", "lname": "B", "date_of_birth": "1990-01-15", "phone_number": "+234801", "address": "C",
              "country": "GH", "id_type": "passport", "id_number": "N1", "additional_id_type": "national_id",
              "additional_id_number": "N2"}
    for name, value in fields.items():
        before = caller.get(path, expect=200).json
        after = caller.put(path, {name: value}, expect=200).json["user"]
        assert after == {**before, name: value, "updated_at": after["updated_at"]}


def test_administrators_change_the_profile_of_their_people(server, pcx, pcx_admin, caller, person):
    made = pcx.post("/users/register", {
        "email": fresh_email(), "fname": "Co", "lname": "League", "password": "Passw0rd!x",
        "org_id": pcx.org_id}, expect=201).json["user"]
    for who, status in ((pcx, 200), (pcx_admin, 200), (caller, 403)):
        who.put(f"/users/{made['user_id']}", {"fname": "Changed"}, expect=status)
    pcx_admin.put("/users/usr_0000000000004", {"fname": "X"}, expect=404)


def test_profile_changes_neither_role_nor_status(caller, person):
    path = f"/users/{person['user_id']}"
    caller.put(path, {"status": "active"}, expect=400)
    caller.put(path, {"fname": "Ada", "status": "active", "role": "super-admin", "type": "internal-admin"}, expect=200)
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
    for changes, field in (({}, "email"), ({"cognito_username": fresh_email("x")}, "email"),
                           ({"email": fresh_email()}, "cognito_username")):
        reply = pcx_admin.post("/users", {**mine, **changes}, expect=409)
        assert [error["field"] for error in reply.json["errors"]] == [field]
    for field, value in (("email", None), ("fname", " "), ("lname", None), ("type", "x"), ("status", "x"),
                         ("date_of_birth", "x"), ("org_id", "x")):
        reply = pcx_admin.post("/users", {**mine, "email": fresh_email(), field: value}, expect=400)
        assert [error["field"] for error in reply.json["errors"]] == [field]
    pcx_admin.post("/users", {**mine, "email": fresh_email(), "cognito_username": fresh_email("name"),
                              "org_id": "org_0000000000004"}, expect=404)


def test_delete(server, sandbox, pcx, caller, person, pcx_admin):
    pcx.delete(f"/users/{person['user_id']}", expect=403)
    assert caller.delete(f"/users/{person['user_id']}", expect=200).json["message"]
    caller.get(f"/users/{person['user_id']}", expect=401)
    pcx_admin.get(f"/users/{person['user_id']}", expect=404)
    pcx_admin.get("/users", {"email": person["email"]}, expect=404)
    register(server, sandbox, email=person["email"])  # the address is free again


def test_who_owns_money_stays(server, pcx_admin, platform, caller, person):
    account = caller.post("/virtual-accounts/currency", {
        "org_id": person["org_id"], "user_id": person["user_id"], "currency": "NGN"}, expect=201).data["account_id"]
    platform.deposit(account, Decimal("1.00"), "NGN")
    reply = caller.delete(f"/users/{person['user_id']}", expect=409)
    assert reply.json["status"] == "error"
    caller.get(f"/users/{person['user_id']}", expect=200)
    pcx_admin.delete(f"/users/{person['user_id']}", expect=409)
