"""Roles are judged in the organisation that a request names, whichever one the credential was made for."""
import uuid

import pytest

from client.people import register, with_key
from client.pcx import PcxSession


def named(name):
    return f"{name} {uuid.uuid4().hex[:8]}"


@pytest.fixture
def founder(server, sandbox):
    """Administers organisation B, which she founded."""
    return PcxSession(server, register(server, sandbox))


@pytest.fixture
def person(server, sandbox):
    """Administers organisation A, which she founded."""
    return PcxSession(server, register(server, sandbox))


def join(founder, person, role):
    founder.post(f"/organizations/{founder.org_id}/members", {"user_id": person.user_id, "role": role}, expect=201)


def calls(org_id, person):
    """Calls that name B in path, query and body, and what they say to (B's administrator, a plain member, nobody)."""
    kyb = {"user_id": person.user_id, "org_id": org_id, "userCreatedAt": "2020-01-01T00:00:00Z",
           "orgCreatedAt": "2020-01-01T00:00:00Z"}
    return [
        ("GET", f"/organizations/{org_id}/members", None, 200, 403, 403),
        ("GET", f"/organizations/{org_id}", None, 200, 200, 403),
        ("GET", f"/payments/org/{org_id}/status/completed", None, 200, 403, 403),
        ("GET", f"/public/api-keys?org_id={org_id}", None, 200, 200, 403),
        ("POST", "/kyb", kyb, 404, 403, 403),  # 404: the creation times name nobody
        ("POST", "/public/api-keys/create", {"name": "k", "org_id": org_id, "user_id": person.user_id}, 201, 403, 403),
        ("POST", "/public/webhooks/notify", {"org_id": org_id, "transaction_data": {"status": "x"}}, 200, 200, 403),
    ]


@pytest.mark.parametrize("credential", ["session", "key"])
@pytest.mark.parametrize("at_home", ["admin", "user"])
@pytest.mark.parametrize("role,column", [("admin", 3), ("user", 4), (None, 5)])
def test_by_the_organisation_that_is_named(server, pcx_admin, founder, person, credential, at_home, role, column):
    org_id = founder.org_id
    caller = with_key(server, pcx_admin, person.who) if credential == "key" else person
    if at_home == "user":
        path = f"/organizations/{person.org_id}/members/{person.user_id}/role"
        pcx_admin.put(path, {"role": "user"}, expect=200)
    if role:
        join(founder, person, role)
    for call in calls(org_id, person):
        reply = caller.send(call[0], call[1], call[2])
        assert reply.status == call[column], (call[:2], reply)
    # At home nothing has changed, in either direction.
    caller.get(f"/organizations/{person.org_id}/members", expect=200 if at_home == "admin" else 403)


def test_wallets_of_colleagues_stay_theirs(founder, person, pcx_admin):
    """An administrator elsewhere is a plain member here, and sees what one sees."""
    join(founder, person, "user")
    account = founder.post("/virtual-accounts/currency", {
        "org_id": founder.org_id, "user_id": founder.user_id, "currency": "NGN"}, expect=201).data["account_id"]
    path = f"/virtual-accounts/org/{founder.org_id}"
    assert account in [row["account_id"] for row in founder.get(path, expect=200).data]
    assert account not in [row["account_id"] for row in person.get(path, expect=200).data]


def test_a_wrong_role_hears_nothing_about_the_body(founder, person, pcx_user):
    """Who may not call is told so, also when the body that could name another organisation is nonsense."""
    for body in ({}, {"org_id": 7}, {"org_id": "nonsense"}, {"org_id": founder.org_id, "user_id": 1}, []):
        pcx_user.post("/kyb", body, expect=403)
    pcx_user.send("POST", "/kyb", raw="{", expect=403)
    pcx_user.send("POST", "/kyb", expect=403)
    for body in ({}, {"org_id": 7}, {"org_id": "nonsense"}):
        person.post("/kyb", body, expect=400)


def test_disabled_there_is_nobody_there(founder, person):
    join(founder, person, "admin")
    path = f"/organizations/{founder.org_id}/members"
    person.get(path, expect=200)
    founder.put(f"{path}/{person.user_id}/disable", expect=200)
    person.get(path, expect=403)
    person.get(f"/organizations/{founder.org_id}", expect=403)
    person.get(f"/organizations/{person.org_id}/members", expect=200)


def test_a_person_without_organisation_founds_one(server, sandbox):
    loner = PcxSession(server, register(server, sandbox, org_name=None))
    made = loner.post("/organizations", {
        "org_name": named("First"), "country": "NG", "created_by": loner.user_id}, expect=201).data["org_id"]
    user = loner.get(f"/users/{loner.user_id}", expect=200).json
    assert user["org_id"] == made and user["org_ids"] == [made]
    loner.get(f"/organizations/{made}/members", expect=200)
    second = loner.post("/organizations", {
        "org_name": named("Second"), "country": "NG", "created_by": loner.user_id}, expect=201).data["org_id"]
    user = loner.get(f"/users/{loner.user_id}", expect=200).json
    assert user["org_id"] == made and set(user["org_ids"]) == {made, second}


@pytest.mark.parametrize("credential", ["session", "key"])
def test_staff_only_reads(server, pcx_admin, founder, person, credential):
    """The roles guide: staff reads only. What is its own, a profile or a key, it may change."""
    join(founder, person, "staff")
    home = f"/organizations/{person.org_id}/members/{person.user_id}/role"
    pcx_admin.put(home, {"role": "staff"}, expect=200)
    caller = with_key(server, pcx_admin, person.who) if credential == "key" else person
    for org_id in (person.org_id, founder.org_id):
        caller.get(f"/organizations/{org_id}", expect=200)
        caller.get(f"/virtual-accounts/org/{org_id}", expect=200)
        refused = [
            ("POST", "/virtual-accounts/currency", {"org_id": org_id, "user_id": person.user_id, "currency": "NGN"}),
            ("POST", "/public/webhooks", {"org_id": org_id, "url": "https://example.com/hook"}),
            ("POST", "/public/webhooks/notify", {"org_id": org_id, "transaction_data": {"status": "x"}}),
            ("POST", f"/organizations/{org_id}/members", {"user_id": founder.user_id, "role": "user"}),
            ("POST", "/kyb", {"org_id": org_id, "user_id": person.user_id}),
        ]
        for method, path, body in refused:
            reply = caller.send(method, path, body)
            assert reply.status == 403, (path, reply)
    caller.put(f"/users/{person.user_id}", {"fname": "Ife"}, expect=200)
    caller.post("/organizations", {"org_name": named("Own"), "country": "NG", "created_by": person.user_id}, expect=201)
    # Whoever is more than staff where the body points writes there, whatever the role at home.
    founder.put(f"/organizations/{founder.org_id}/members/{person.user_id}/role", {"role": "user"}, expect=200)
    caller.post("/public/webhooks/notify",
                {"org_id": founder.org_id, "transaction_data": {"status": "x"}}, expect=200)
