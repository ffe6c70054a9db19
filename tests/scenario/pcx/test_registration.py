"""Registering and confirming over the open routes, and what they must not give away."""
import pytest

from client.people import PASSWORD, Stranger, code_in, fresh_email, register, with_key
from client.pcx import Cognito
from client.sandbox import Sandbox


@pytest.fixture
def stranger(server):
    return Stranger(server)


def body(**changes):
    return {"email": fresh_email(), "fname": "Ngozi", "lname": "Bello", "password": PASSWORD, **changes}


def sign_in(server, email, password=PASSWORD):
    return Cognito(server).call("InitiateAuth", {
        "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": server.credentials["pcx"]["client_id"],
        "AuthParameters": {"USERNAME": email, "PASSWORD": password}})


def test_whole_way(server, stranger, sandbox, pcx_admin):
    mine = body(org_name="Whole Way Ltd", country="NG", phone_number="+2348012345678",
                id_type="passport", id_number="A01234567", date_of_birth="1990-01-15")
    made = stranger.post("/users/register", mine, expect=201).json
    user = made["user"]
    assert made["requires_confirmation"] is True
    assert user["status"] == "not_verified"
    assert user["email"] == mine["email"]
    assert user["org_ids"] == [user["org_id"]]
    assert not {"password", "password_hash"} & set(user)
    early = sign_in(server, mine["email"])
    assert early.status == 400 and early.json["__type"] == "UserNotConfirmedException"
    code = code_in(sandbox.message(mine["email"]))
    wrong = "000000" if code != "000000" else "111111"
    stranger.post("/users/confirm", {"email": mine["email"], "confirmation_code": wrong}, expect=400)
    stranger.post("/users/confirm", {"email": mine["email"], "confirmation_code": code}, expect=200)
    stranger.post("/users/confirm", {"email": mine["email"], "confirmation_code": code}, expect=409)
    assert sign_in(server, mine["email"].upper()).status == 200
    organisation = pcx_admin.get(f"/organizations/{user['org_id']}", expect=200).data
    assert organisation["org_name"] == "Whole Way Ltd"


def test_emails_are_unique_whatever_their_case(stranger, pcx_admin):
    mine = body()
    stranger.post("/users/register", mine, expect=201)
    name = "Rolled Back " + mine["email"]
    reply = stranger.post("/users/register", {**mine, "email": mine["email"].upper(), "org_name": name}, expect=409)
    assert [error["field"] for error in reply.json["errors"]] == ["email"]
    pcx_admin.get(f"/organizations/name/{name}", expect=404)


def test_a_code_dies_of_guessing(stranger, sandbox):
    mine = body()
    stranger.post("/users/register", mine, expect=201)
    code = code_in(sandbox.message(mine["email"]))
    for number in range(5):
        guess = f"{number:06}" if f"{number:06}" != code else "999999"
        stranger.post("/users/confirm", {"email": mine["email"], "confirmation_code": guess}, expect=400)
    stranger.post("/users/confirm", {"email": mine["email"], "confirmation_code": code}, expect=400)


def test_confirming_nobody(stranger):
    stranger.post("/users/confirm", {"email": fresh_email(), "confirmation_code": "123456"}, expect=404)


@pytest.mark.parametrize("changes", [
    {"type": "internal-admin"}, {"type": "org-admin"}, {"type": "staff"}, {"role": "super-admin"},
    {"role": "admin"}, {"role": "org-staff"}, {"type": "internal-admin", "org_name": "Mine"},
    {"role": "super-admin", "org_name": "Mine"}])
def test_privileges_are_not_for_the_asking(stranger, changes):
    stranger.post("/users/register", body(**changes), expect=403)


def test_a_founder_administers_what_she_founds(server, stranger, sandbox, pcx_admin):
    person = register(server, sandbox, type="org-admin", role="admin")
    caller = with_key(server, pcx_admin, person)
    assert caller.post("/public/api-keys/create", {
        "name": "k", "org_id": person["org_id"], "user_id": person["user_id"]}).status == 201


def test_joining_needs_a_credential_of_the_organisation(stranger, pcx, pcx_user, pcx_admin):
    org_id = pcx.who["org_id"]
    stranger.post("/users/register", body(org_id=org_id, org_member_role="admin"), expect=403)
    pcx_user.post("/users/register", body(org_id=org_id), expect=403)
    joined = pcx.post("/users/register", body(org_id=org_id, org_member_role="staff"), expect=201).json
    assert joined["user"]["org_id"] == org_id
    pcx_admin.post("/users/register", body(type="staff"), expect=201)
    stranger.post("/users/register", body(org_id="org_0000000000004"), expect=404)
    stranger.post("/users/register", body(org_id="rubbish"), expect=400)


@pytest.mark.parametrize("password", ["short1!A"[:7], "alllowercase1!", "ALLUPPERCASE1!", "NoDigits!!",
                                      "NoSpecial11", "Aa1!" + "x" * 130])
def test_weak_passwords(stranger, password):
    reply = stranger.post("/users/register", body(password=password))
    assert reply.status == 400 and "password" in reply.text, reply
    assert password not in reply.text


@pytest.mark.parametrize("changes", [{"email": "no-address"}, {"email": ""}, {"date_of_birth": "15.1.1990"},
                                     {"date_of_birth": "1990-02-30"}, {"date_of_birth": "2999-01-01"},
                                     {"type": "emperor"}, {"id_type": "library_card"}, {"email": 7},
                                     {"additional_id_type": "library_card"}, {"role": "captain"},
                                     {"fname": None}, {"lname": None}, {"password": None}, {"email": None},
                                     {"fname": " "}, {"lname": ""}, {"invited_by_user_id": "rubbish"},
                                     {"org_id": "rubbish"}, {"org_name": " "}, {"phone_number": 5}])
def test_bad_fields(stranger, pcx_admin, changes):
    mine = body(**changes)
    reply = stranger.post("/users/register", mine, expect=400)
    assert [error["field"] for error in reply.json["errors"]] == list(changes)
    if "email" not in changes:
        pcx_admin.get("/users", {"email": mine["email"]}, expect=404)


def test_a_person_without_organisation(stranger):
    user = stranger.post("/users/register", body(org_member_role="admin"), expect=201).json["user"]
    assert user["org_ids"] == [] and "org_id" not in user
    assert user["type"] == "user" and user["status"] == "not_verified"
    assert not [name for name in user if name.startswith("kyc")]


def test_org_id_wins_over_org_name(stranger, pcx, pcx_admin):
    name = "Unmade " + fresh_email()
    user = pcx.post("/users/register", body(org_id=pcx.org_id, org_name=name, org_member_role="admin",
                                            invited_by_user_id=pcx_admin.user_id), expect=201).json["user"]
    assert user["org_ids"] == [pcx.org_id]
    pcx_admin.get(f"/organizations/name/{name}", expect=404)
    member = pcx.get(f"/organizations/{pcx.org_id}/members/{user['user_id']}", expect=200).data
    assert (member["role"], member["invited_by"]) == ("admin", pcx_admin.user_id)


@pytest.mark.parametrize("changes,status,field", [
    ({"org_member_role": "captain"}, 400, "org_member_role"), ({"org_id": "org_0000000000004"}, 404, "org_id"),
    ({"invited_by_user_id": "usr_0000000000001"}, 404, "invited_by_user_id"), ({"type": "staff"}, 403, "type"),
    ({"role": "org-staff"}, 403, "role")])
def test_joining_refuses(pcx, pcx_admin, changes, status, field):
    mine = body(**{"org_id": pcx.org_id, **changes})
    reply = pcx.post("/users/register", mine, expect=status)
    assert [error["field"] for error in reply.json["errors"]] == [field]
    pcx_admin.get("/users", {"email": mine["email"]}, expect=404)


@pytest.mark.parametrize("kind,role", [("org-admin", "admin"), ("staff", "staff"), ("merchant", "user"), ("user", "user")])
def test_staff_chooses_the_type(pcx, pcx_admin, kind, role):
    """The membership is what counts, so it follows the type unless org_member_role says otherwise."""
    for extra, expected in (({}, role), ({"org_member_role": "user"}, "user")):
        user = pcx_admin.post("/users/register", body(org_id=pcx.org_id, type=kind, **extra), expect=201).json["user"]
        assert user["type"] == kind and user["created_by"] == pcx_admin.user_id
        path = f"/organizations/{pcx.org_id}/members/{user['user_id']}"
        assert pcx.get(path, expect=200).data["role"] == expected
    user = pcx_admin.post("/users", {**body(org_id=pcx.org_id, type=kind), "password": None}, expect=201).json["user"]
    assert pcx.get(f"/organizations/{pcx.org_id}/members/{user['user_id']}", expect=200).data["role"] == role


def test_who_made_it_is_who_called(stranger, pcx_admin):
    user = stranger.post("/users/register", body(created_by=pcx_admin.user_id), expect=201).json["user"]
    assert "created_by" not in user


def test_a_code_lives_a_day(own_server):
    server = own_server()
    sandbox, stranger = Sandbox(server), Stranger(server)
    for age, status in (("PT23H59M", 200), ("PT24H1S", 400)):
        mine = body()
        stranger.post("/users/register", mine, expect=201)
        code = code_in(sandbox.message(mine["email"]))
        sandbox.advance(age)
        stranger.post("/users/confirm", {"email": mine["email"], "confirmation_code": code}, expect=status)


@pytest.mark.parametrize("changes,field", [({"email": None}, "email"), ({"confirmation_code": None}, "confirmation_code"),
                                           ({"email": "x"}, "email"), ({"confirmation_code": 123456}, "confirmation_code"),
                                           ({"confirmation_code": ""}, "confirmation_code")])
def test_confirm_refuses(stranger, sandbox, changes, field):
    mine = body()
    stranger.post("/users/register", mine, expect=201)
    sent = {"email": mine["email"], "confirmation_code": code_in(sandbox.message(mine["email"])), **changes}
    reply = stranger.post("/users/confirm", sent, expect=400)
    assert [error["field"] for error in reply.json["errors"]] == [field]


def test_a_refused_registration_leaves_nothing(stranger, pcx_admin):
    mine = body(type="internal-admin", org_name="Left Behind")
    stranger.post("/users/register", mine, expect=403)
    pcx_admin.get("/users", {"email": mine["email"]}, expect=404)
    stranger.post("/users/register", {**mine, "type": "user"}, expect=201)
