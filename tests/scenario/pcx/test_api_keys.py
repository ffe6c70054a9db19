"""API keys: shown once, found by prefix, dead at once when revoked or deleted."""
import pytest

from client.people import PASSWORD, fresh_email, register, with_key
from client.pcx import Pcx, PcxSession

UNAUTHORIZED = {"status": "error", "message": "Unauthorized"}


@pytest.fixture
def person(server, sandbox):
    return register(server, sandbox)


@pytest.fixture
def caller(server, pcx_admin, person):
    return with_key(server, pcx_admin, person)


def make(caller, person, **changes):
    return caller.post("/public/api-keys/create", {
        "name": "Integration", "org_id": person["org_id"], "user_id": person["user_id"], **changes})


def test_create_shows_the_key_once(caller, person, server):
    made = make(caller, person).data
    assert made["key"].startswith(made["prefix"] + "_")
    assert len(made["key"]) == len(made["prefix"]) + 1 + 32
    assert made["status"] == "active"
    shown = caller.get(f"/public/api-keys/{made['api_key_id']}", expect=200).data
    assert "key" not in shown
    assert shown["prefix"] == made["prefix"]
    Pcx(server, {**person, "api_key": made["key"]}).get(f"/users/{person['user_id']}", expect=200)


def test_list_pages(caller, person):
    for _ in range(4):
        make(caller, person)
    seen, cursor = [], None
    while True:
        page = caller.get("/public/api-keys", {"org_id": person["org_id"], "limit": 2,
                                               "last_evaluated_key": cursor}, expect=200).json
        seen += [key["prefix"] for key in page["data"]]
        assert page["meta"]["total_count"] == 5
        assert all("key" not in key for key in page["data"])
        cursor = page["meta"].get("last_evaluated_key")
        assert page["meta"]["has_more"] == bool(cursor)
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_list_limits(caller, person, limit):
    caller.get("/public/api-keys", {"org_id": person["org_id"], "limit": limit}, expect=400)


def test_tampered_cursor(caller, person):
    caller.get("/public/api-keys", {"org_id": person["org_id"], "last_evaluated_key": "zz"}, expect=400)


def test_revoked_key_answers_401_and_may_come_back(server, caller, person, platform):
    made = make(caller, person).data
    other = Pcx(server, {**person, "api_key": made["key"]})
    for _ in range(3):
        other.get(f"/users/{person['user_id']}", expect=200)
    revoked = other.patch(f"/public/api-keys/{made['prefix']}/revoke", expect=200).data
    assert revoked["status"] == "revoked"
    for _ in range(20):
        assert other.get(f"/users/{person['user_id']}", expect=401).json == UNAUTHORIZED
    caller.patch(f"/public/api-keys/{made['prefix']}/revoke", expect=409)
    platform.post(f"/api-keys/{made['api_key_id']}/reactivate", expect=200)
    other.get(f"/users/{person['user_id']}", expect=200)
    platform.post(f"/api-keys/{made['api_key_id']}/reactivate", expect=409)


def test_deleted_key_is_gone(server, caller, person):
    made = make(caller, person).data
    other = Pcx(server, {**person, "api_key": made["key"]})
    other.get(f"/users/{person['user_id']}", expect=200)
    assert caller.delete(f"/public/api-keys/{made['prefix']}", expect=200).data == {}
    assert other.get(f"/users/{person['user_id']}", expect=401).json == UNAUTHORIZED
    caller.get(f"/public/api-keys/{made['api_key_id']}", expect=404)
    caller.delete(f"/public/api-keys/{made['prefix']}", expect=404)


@pytest.mark.parametrize("status", ["inactive", "revoked"])
def test_key_made_shut(server, caller, person, status):
    made = make(caller, person, status=status).data
    Pcx(server, {**person, "api_key": made["key"]}).get(f"/users/{person['user_id']}", expect=401)


def test_other_organisations_are_forbidden(caller, pcx, person):
    own = pcx.who["org_id"]
    caller.get("/public/api-keys", {"org_id": own}, expect=403)
    assert make(pcx, person).status == 403
    theirs = pcx.get("/public/api-keys", {"org_id": own}, expect=200).data[0]
    caller.get(f"/public/api-keys/{theirs['api_key_id']}", expect=403)
    caller.delete(f"/public/api-keys/{theirs['prefix']}", expect=403)
    caller.patch(f"/public/api-keys/{theirs['prefix']}/revoke", expect=403)


@pytest.mark.parametrize("admin", [False, True])
def test_the_holder_belongs_to_the_organisation(server, sandbox, pcx_admin, caller, person, admin):
    """Also for staff: a key carries organisation and person together. No key for somebody more powerful."""
    maker = pcx_admin if admin else caller
    stranger = register(server, sandbox)
    reply = make(maker, {**person, "user_id": stranger["user_id"]})
    assert reply.status == 403 and [error["field"] for error in reply.json["errors"]] == ["user_id"]
    members = f"/organizations/{person['org_id']}/members"
    caller.post(members, {"user_id": stranger["user_id"], "role": "user"}, expect=201)
    assert make(maker, {**person, "user_id": stranger["user_id"]}).status == 201
    caller.put(f"{members}/{stranger['user_id']}/disable", expect=200)
    assert make(maker, {**person, "user_id": stranger["user_id"]}).status == 403
    caller.post(members, {"user_id": pcx_admin.user_id, "role": "user"}, expect=201)
    assert make(caller, {**person, "user_id": pcx_admin.user_id}).status == 403


def test_a_plain_user_makes_none(pcx_user):
    reply = make(pcx_user, pcx_user.who)
    assert reply.status == 403, reply


@pytest.mark.parametrize("field,value,status", [
    ("name", None, 400), ("name", " ", 400), ("name", 7, 400), ("org_id", None, 400), ("user_id", None, 400),
    ("status", "asleep", 400), ("org_id", "nonsense", 400), ("user_id", "nonsense", 400),
    ("org_id", "org_0000000000004", 404), ("user_id", "usr_0000000000004", 404)])
def test_create_refuses(caller, person, field, value, status):
    def count():
        return caller.get("/public/api-keys", {"org_id": person["org_id"]}, expect=200).json["meta"]["total_count"]

    before = count()
    reply = make(caller, person, **{field: value})
    assert reply.status == status and [error["field"] for error in reply.json["errors"]] == [field], reply
    assert count() == before


def test_the_first_key_of_an_organisation_is_made_by_session(server, sandbox):
    person = register(server, sandbox)
    session = PcxSession(server, person)
    listed = session.get("/public/api-keys", {"org_id": person["org_id"]}, expect=200).json
    assert listed["data"] == [] and listed["meta"]["total_count"] == 0 and listed["meta"]["has_more"] is False
    made = make(session, person).data
    assert (made["org_id"], made["user_id"], made["name"]) == (person["org_id"], person["user_id"], "Integration")
    Pcx(server, {**person, "api_key": made["key"]}).get(f"/organizations/{person['org_id']}", expect=200)


def test_the_list_names_its_organisation(caller, person):
    reply = caller.get("/public/api-keys", expect=400)
    assert [error["field"] for error in reply.json["errors"]] == ["org_id"]
    caller.get("/public/api-keys", {"org_id": "nonsense"}, expect=400)
    for _ in range(20):
        make(caller, person)
    page = caller.get("/public/api-keys", {"org_id": person["org_id"]}, expect=200).json
    assert page["meta"]["count"] == len(page["data"]) == 20 and page["meta"]["total_count"] == 21


# Every state and every event of states/api_key.def: the state after it, or None when it is refused.
@pytest.mark.parametrize("state,revoked,activated", [
    ("active", "revoked", None), ("inactive", "revoked", "active"), ("revoked", None, "active")])
def test_every_step(server, caller, person, platform, state, revoked, activated):
    for event, after in (("revoke", revoked), ("activate", activated)):
        made = make(caller, person, status=state).data
        if event == "revoke":
            reply = caller.patch(f"/public/api-keys/{made['prefix']}/revoke")
        else:
            reply = platform.post(f"/api-keys/{made['api_key_id']}/reactivate")
        assert reply.status == (200 if after else 409), reply
        now = caller.get(f"/public/api-keys/{made['api_key_id']}", expect=200).data
        assert now["status"] == (after or state)
        opened = Pcx(server, {**person, "api_key": made["key"]}).get(f"/users/{person['user_id']}")
        assert opened.status == (200 if now["status"] == "active" else 401)
        assert opened.status == 200 or opened.json == UNAUTHORIZED


def test_who_ends_a_key(server, sandbox, pcx_admin, caller, person):
    """Administrators of the organisation, staff, and whoever holds it; not a colleague."""
    def colleague():
        made = caller.post("/users/register", {
            "email": fresh_email(), "fname": "Co", "lname": "League", "password": PASSWORD,
            "org_id": person["org_id"]}, expect=201).json["user"]
        return made, with_key(server, pcx_admin, made)

    holder, other = colleague(), colleague()
    for who, status in ((other[1], 403), (holder[1], 200), (caller, 200), (pcx_admin, 200)):
        for method, tail in (("PATCH", "/revoke"), ("DELETE", "")):
            made = make(caller, holder[0]).data
            assert who.send(method, f"/public/api-keys/{made['prefix']}{tail}").status == status
            left = caller.get(f"/public/api-keys/{made['api_key_id']}")
            if status == 403:
                assert left.data["status"] == "active"
    for reference in ("pcx_aaaaaaaa", "nonsense"):
        caller.patch(f"/public/api-keys/{reference}/revoke", expect=404)
        caller.delete(f"/public/api-keys/{reference}", expect=404)
    made = make(caller, person).data
    caller.get(f"/public/api-keys/{made['prefix']}", expect=404)  # GET reads the id, DELETE the prefix
    caller.delete(f"/public/api-keys/{made['api_key_id']}", expect=404)


def test_a_key_is_not_replayed(caller, person):
    """The whole key is shown once, so a repeated request cannot be answered from what was kept."""
    headers = {"Idempotency-Key": fresh_email()}
    body = {"name": "Once", "org_id": person["org_id"], "user_id": person["user_id"]}
    first = caller.post("/public/api-keys/create", body, headers=headers, expect=201).data
    again = caller.post("/public/api-keys/create", body, headers=headers, expect=409)
    assert first["key"] not in again.text
    assert [error["field"] for error in again.json["errors"]] == ["Idempotency-Key"]
    caller.post("/public/api-keys/create", {**body, "name": "Other"}, headers=headers, expect=409)
    listed = caller.get("/public/api-keys", {"org_id": person["org_id"]}, expect=200).json["data"]
    assert [key["name"] for key in listed].count("Once") == 1
    refused = {"Idempotency-Key": fresh_email()}  # a refusal holds no secret
    for _ in range(2):
        caller.post("/public/api-keys/create", {**body, "org_id": "org_0000000000004"}, headers=refused, expect=404)
