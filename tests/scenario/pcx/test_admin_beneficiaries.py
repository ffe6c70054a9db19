"""Payees as administrators list them: by cursor and by page number, an organisation's by type and text."""
import json

import pytest

from client.pcx import OtherTenant
from client.people import company


@pytest.fixture(scope="module")
def owner(server):
    """The administrator of an organisation of its own, with five payees made for it."""
    from client.pcx import Pcx
    from client.sandbox import Sandbox
    made = company(server, Sandbox(server), Pcx(server, "internal_admin"))
    for number, (first, last, kind) in enumerate((
            ("Ada", "Obi", "payout_recipient"), ("Bisi", "Ade_ola", "loan_client"), ("Chidi", "100% Ltd", "loan_client"),
            ("Dayo", "Musa", "payout_recipient"), ("Efe", "Ada", "loan_client"))):
        made.post("/beneficiaries", {
            "account_type": "bank", "country": "NG", "currency": "NGN", "fname": first, "lname": last,
            "beneficiary_type": kind, "org_id": made.org_id, "email": f"{first.lower()}@payees.example",
            "phone_number": f"+23480000000{number}"}, expect=201)
    made.post("/beneficiaries", {"account_type": "bank", "country": "NG", "currency": "NGN", "fname": "Own", "lname": "One"},
              expect=201)  # of the person, not of the organisation
    return made


def names(page):
    return [row["fname"] for row in page["data"]]


def test_everybodys_by_cursor_and_by_page(pcx_admin, owner):
    first = pcx_admin.get("/beneficiaries/all", {"limit": 4}, expect=200).json
    assert set(first) == {"data", "meta"} and names(first) == ["Own", "Efe", "Dayo", "Chidi"]
    assert first["meta"] == {"count": 4, "page": 1, "limit": 4, "last_evaluated_key": first["meta"]["last_evaluated_key"]}
    second = pcx_admin.get("/beneficiaries/all", {"limit": 4, "page": 2}, expect=200).json
    assert names(second)[:2] == ["Bisi", "Ada"] and second["meta"]["page"] == 2
    by_cursor = pcx_admin.get("/beneficiaries/all", {
        "limit": 4, "page": 7, "last_evaluated_key": first["meta"]["last_evaluated_key"]}, expect=200).json
    assert by_cursor["data"] == second["data"]  # the cursor wins over the page
    assert pcx_admin.get("/beneficiaries/all", {"page": 1000}, expect=200).json["data"] == []
    assert pcx_admin.get("/beneficiaries/all", expect=200).json["meta"]["limit"] == 10
    for bad in ({"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"page": 0}, {"page": -1}, {"page": 2 ** 62},
                {"last_evaluated_key": "spoiled"}, {"page": "two"}):
        reply = pcx_admin.get("/beneficiaries/all", bad, expect=400)
        assert next(iter(bad)) in reply.json["message"]
    owner.get("/beneficiaries", {"last_evaluated_key": first["meta"]["last_evaluated_key"]}, expect=400)


@pytest.mark.parametrize("criteria, found", [
    ({}, ["Efe", "Dayo", "Chidi", "Bisi", "Ada"]), ({"type": "loan_client"}, ["Efe", "Chidi", "Bisi"]),
    ({"type": "payout_recipient"}, ["Dayo", "Ada"]), ({"query": "ADA"}, ["Efe", "Ada"]), ({"query": "ada obi"}, ["Ada"]),
    ({"query": "ada", "type": "loan_client"}, ["Efe"]), ({"query": "dayo@PAYEES"}, ["Dayo"]), ({"query": "0003"}, ["Dayo"]),
    ({"query": "%"}, ["Chidi"]), ({"query": "_"}, ["Bisi"]), ({"query": "' OR 1=1 --"}, []), ({"query": ""}, [
        "Efe", "Dayo", "Chidi", "Bisi", "Ada"]),
])
def test_an_organisations(owner, pcx_admin, criteria, found):
    path = f"/beneficiaries/loan-clients/{owner.org_id}"
    for caller in (owner, pcx_admin):
        page = caller.get(path, criteria, expect=200).json
        assert names(page) == found
        assert page["pagination"] == {"count": len(found), "has_more": False}


def test_pages_of_an_organisation(owner):
    path, seen, token = f"/beneficiaries/loan-clients/{owner.org_id}", [], None
    while True:
        page = owner.get(path, {"limit": 2, **({"next_token": token} if token else {})}, expect=200).json
        seen, last, token = seen + names(page), token, page["pagination"].get("next_token")
        if not token:
            break
        assert set(json.loads(token)) == {"key"} and page["pagination"]["has_more"] is True
    assert seen == ["Efe", "Dayo", "Chidi", "Bisi", "Ada"]
    for bad in ({"next_token": last, "type": "loan_client"}, {"next_token": "x"}, {"next_token": "{}"}, {"limit": 0},
                {"next_token": last.replace('"key":"0', '"key":"1')}, {"type": "friend"}):
        owner.get(path, bad, expect=400)


def test_who_may(server, pcx, pcx_user, pcx_admin, owner):
    for caller in (pcx, pcx_user, owner):
        caller.get("/beneficiaries/all", expect=403)
    for caller in (pcx, pcx_user):
        caller.get(f"/beneficiaries/loan-clients/{owner.org_id}", expect=403)
    tenant = OtherTenant(server)
    assert not set(names(tenant.get("/beneficiaries/all", {"limit": 100}, expect=200).json)) & {"Efe", "Dayo"}
    tenant.get(f"/beneficiaries/loan-clients/{owner.org_id}", expect=404)
    for unknown in ("org_0000000000001", "nonsense"):
        pcx_admin.get(f"/beneficiaries/loan-clients/{unknown}", expect=404)
