"""API keys: shown once, found by prefix, dead at once when revoked or deleted."""
import pytest

from client.people import register, with_key
from client.pcx import Pcx


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
        other.get(f"/users/{person['user_id']}", expect=401)
    caller.patch(f"/public/api-keys/{made['prefix']}/revoke", expect=409)
    platform.post(f"/api-keys/{made['api_key_id']}/reactivate", expect=200)
    other.get(f"/users/{person['user_id']}", expect=200)
    platform.post(f"/api-keys/{made['api_key_id']}/reactivate", expect=409)


def test_deleted_key_is_gone(server, caller, person):
    made = make(caller, person).data
    other = Pcx(server, {**person, "api_key": made["key"]})
    other.get(f"/users/{person['user_id']}", expect=200)
    assert caller.delete(f"/public/api-keys/{made['prefix']}", expect=200).data == {}
    other.get(f"/users/{person['user_id']}", expect=401)
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


def test_no_key_for_somebody_more_powerful(pcx_admin, caller, person):
    reply = make(caller, {**person, "user_id": pcx_admin.user_id})
    assert reply.status in (403, 404), reply


def test_a_plain_user_makes_none(pcx_user):
    reply = make(pcx_user, pcx_user.who)
    assert reply.status == 403, reply


@pytest.mark.parametrize("missing", ["name", "org_id", "user_id"])
def test_required_fields(caller, person, missing):
    assert make(caller, person, **{missing: None}).status == 400


def test_ids_that_name_nothing(caller, person):
    assert make(caller, person, org_id="org_0000000000004").status == 404
    assert make(caller, person, org_id="nonsense").status == 400
    assert make(caller, person, user_id="usr_0000000000004").status == 404
