"""KYB: handing in, reviewing, and what approval opens."""
import json
import uuid

import pytest

from client.people import register
from client.pcx import PcxSession


@pytest.fixture
def company(pcx_admin):
    return pcx_admin.post("/organizations", {
        "org_name": "Papers " + uuid.uuid4().hex[:8], "country": "NG", "created_by": pcx_admin.user_id}, expect=201).data


def papers(admin, company, **changes):
    user = admin.get(f"/users/{admin.user_id}", expect=200).json
    body = {"user_id": admin.user_id, "org_id": company["org_id"], "userCreatedAt": user["created_at"],
            "orgCreatedAt": company["createdAt"],
            "businessInfo": {"businessName": "Papers Ltd", "country": "NG", "emailAddress": "hello@papers.example"},
            "kybDocuments": {"isRegisteredEntity": True, "taxIdentificationNumber": "TIN-123",
                             "idOfDirectorsOrOwners": [{"file_url": "https://x.example/1", "original_filename": "1.pdf"}]}}
    body.update(changes)
    return body


def decision(record, status, **changes):
    body = {"status": status, "orgId": record["org_id"], "createdAt": record["createdAt"], "reviewedBy": "compliance"}
    body.update(changes)
    return body


def test_approval_opens_payments(pcx_admin, company):
    sent = papers(pcx_admin, company)
    record = pcx_admin.post("/kyb", sent, expect=201).data
    assert record["status"] == "pending" and record["businessInfo"] == sent["businessInfo"]
    assert record["kybDocuments"] == sent["kybDocuments"]
    assert pcx_admin.get(f"/kyb/{record['kyb_id']}", expect=200).data == record
    pcx_admin.post("/kyb", sent, expect=409)
    path = f"/kyb/status/{record['kyb_id']}"
    pcx_admin.put(path, decision(record, "perhaps"), expect=400)
    pcx_admin.put(path, decision(record, "approved", createdAt="2020-01-01T00:00:00Z"), expect=404)
    pcx_admin.put(path, decision(record, "approved", orgId=pcx_admin.org_id), expect=404)
    done = pcx_admin.put(path, decision(record, "approved", reviewNotes="fine"), expect=200).data
    assert (done["status"], done["reviewedBy"], done["reviewNotes"]) == ("approved", "compliance", "fine")
    assert pcx_admin.get(f"/organizations/{company['org_id']}", expect=200).data["kybComplete"] is True
    pcx_admin.put(path, decision(record, "approved"), expect=200)
    pcx_admin.put(path, decision(record, "rejected"), expect=409)


def test_a_rejected_company_tries_again(pcx_admin, company):
    record = pcx_admin.post("/kyb", papers(pcx_admin, company), expect=201).data
    pcx_admin.put(f"/kyb/status/{record['kyb_id']}", decision(record, "rejected"), expect=200)
    assert pcx_admin.get(f"/organizations/{company['org_id']}", expect=200).data["kybComplete"] is False
    pcx_admin.post("/kyb", papers(pcx_admin, company), expect=201)


def test_list(pcx_admin, company):
    record = pcx_admin.post("/kyb", papers(pcx_admin, company), expect=201).data
    page = pcx_admin.get("/kyb", {"status": "pending", "limit": 1}, expect=200).data
    assert page["count"] == 1 and page["items"][0]["kyb_id"] == record["kyb_id"]
    pcx_admin.get("/kyb", {"lastEvaluatedKey": "spoiled"}, expect=400)


def test_refusals(pcx, pcx_user, pcx_admin, company):
    sent = papers(pcx_admin, company)
    pcx.post("/kyb", sent, expect=403)
    pcx_user.post("/kyb", sent, expect=403)
    pcx.get("/kyb", expect=403)
    pcx_admin.post("/kyb", {**sent, "orgCreatedAt": "2020-01-01T00:00:00Z"}, expect=404)
    pcx_admin.post("/kyb", {**sent, "userCreatedAt": "yesterday"}, expect=400)
    record = pcx_admin.post("/kyb", sent, expect=201).data
    pcx.get(f"/kyb/{record['kyb_id']}", expect=403)
    pcx.put(f"/kyb/status/{record['kyb_id']}", decision(record, "approved"), expect=403)
    pcx_admin.get("/kyb/kyb_0000000000001", expect=404)


@pytest.fixture
def founder(server, sandbox):
    """A company of its own, handed in by who founded it."""
    return PcxSession(server, register(server, sandbox))


def own_papers(founder, **changes):
    organisation = founder.get(f"/organizations/{founder.org_id}", expect=200).data
    return papers(founder, organisation, **changes)


# Every state and every decision of states/kyb.def: the state after it, or None when it is refused.
@pytest.mark.parametrize("state,approved,rejected", [
    ("pending", "approved", "rejected"), ("approved", "approved", None), ("rejected", None, "rejected")])
def test_every_decision(pcx_admin, founder, sandbox, platform, state, approved, rejected):
    hook = sandbox.hook()
    webhook = founder.post("/public/webhooks", {"endpoint_url": hook.url}, expect=201).data["webhook_id"]
    told = []
    for word, after in (("approved", approved), ("rejected", rejected)):
        mine = PcxSession(founder.server, register(founder.server, sandbox)) if word == "rejected" else founder
        if mine is not founder:
            mine.post("/public/webhooks", {"endpoint_url": hook.url}, expect=201)
        record = mine.post("/kyb", own_papers(mine), expect=201).data
        path = f"/kyb/status/{record['kyb_id']}"
        if state != "pending":
            pcx_admin.put(path, decision(record, state, reviewNotes="first"), expect=200)
            told.append((record["kyb_id"], state))
        before = pcx_admin.get(f"/kyb/{record['kyb_id']}", expect=200).data
        reply = pcx_admin.put(path, decision(record, word, reviewedBy="second"))
        assert reply.status == (200 if after else 409), reply
        now = pcx_admin.get(f"/kyb/{record['kyb_id']}", expect=200).data
        assert now["status"] == (after or state)
        if after == state or not after:
            assert now == before  # nothing is decided twice
        else:
            assert (now["reviewedBy"], now["reviewNotes"]) == ("second", "")
            told.append((record["kyb_id"], after))
        organisation = mine.get(f"/organizations/{mine.org_id}", expect=200).data
        assert organisation["kybComplete"] is (now["status"] == "approved")
    events = [json.loads(got["body"]) for got in hook.wait(len(told))]
    assert sorted((e["data"]["kyb_id"], e["event_type"]) for e in events) == sorted(
        (kyb_id, "kyb." + status) for kyb_id, status in told)
    assert all(e["data"]["status"] == e["event_type"].removeprefix("kyb.") for e in events)
    platform.delete(f"/webhooks/{webhook}", expect=(204, 404))


@pytest.mark.parametrize("field,value,status", [
    ("status", None, 400), ("status", "pending", 400), ("status", "Approved", 400), ("orgId", None, 400),
    ("orgId", "rubbish", 400), ("orgId", "org_0000000000001", 404), ("createdAt", None, 400),
    ("createdAt", "yesterday", 400), ("createdAt", "2020-01-01T00:00:00.000Z", 404), ("reviewedBy", None, 400),
    ("reviewedBy", 7, 400), ("reviewNotes", 7, 400)])
def test_decision_refuses(pcx_admin, company, field, value, status):
    record = pcx_admin.post("/kyb", papers(pcx_admin, company), expect=201).data
    reply = pcx_admin.put(f"/kyb/status/{record['kyb_id']}", {**decision(record, "approved"), field: value}, expect=status)
    assert [error["field"] for error in reply.json["errors"]] == [field]
    assert pcx_admin.get(f"/kyb/{record['kyb_id']}", expect=200).data == record
    assert pcx_admin.get(f"/organizations/{company['org_id']}", expect=200).data["kybComplete"] is False


@pytest.mark.parametrize("changes,status,field", [
    ({"user_id": None}, 400, "user_id"), ({"org_id": None}, 400, "org_id"), ({"userCreatedAt": None}, 400, "userCreatedAt"),
    ({"orgCreatedAt": None}, 400, "orgCreatedAt"), ({"orgCreatedAt": "soon"}, 400, "orgCreatedAt"),
    ({"userCreatedAt": "2020-01-01T00:00:00Z"}, 404, "userCreatedAt"), ({"user_id": "usr_0000000000001"}, 404, "user_id"),
    ({"user_id": "rubbish"}, 400, "user_id"), ({"org_id": "rubbish"}, 400, "org_id"),
    ({"businessInfo": {"emailAddress": "nobody"}}, 400, "businessInfo.emailAddress"), ({"businessInfo": []}, 400, "businessInfo"),
    ({"kybDocuments": {"isRegisteredEntity": "yes"}}, 400, "kybDocuments.isRegisteredEntity"),
    ({"kybDocuments": {"idOfDirectorsOrOwners": {}}}, 400, "kybDocuments.idOfDirectorsOrOwners")])
def test_handing_in_refuses(founder, changes, status, field):
    reply = founder.post("/kyb", own_papers(founder, **changes), expect=status)
    assert [error["field"] for error in reply.json["errors"]] == [field]
    founder.post("/kyb", own_papers(founder), expect=201)  # nothing was left pending


def test_the_person_belongs_to_the_company(founder, pcx):
    person = pcx.get(f"/users/{pcx.user_id}", expect=200).json
    reply = founder.post("/kyb", own_papers(founder, user_id=pcx.user_id, userCreatedAt=person["created_at"]), expect=403)
    assert [error["field"] for error in reply.json["errors"]] == ["user_id"]


def test_papers_may_follow_later(founder, pcx_admin, pcx, pcx_user):
    """businessInfo and kybDocuments are optional; the record is its organisation's and staff's to read."""
    sent = own_papers(founder)
    del sent["businessInfo"], sent["kybDocuments"]
    record = founder.post("/kyb", sent, expect=201).data
    assert "businessInfo" not in record and "kybDocuments" not in record
    assert founder.get(f"/kyb/{record['kyb_id']}", expect=200).data == record
    founder.post(f"/organizations/{founder.org_id}/members", {"user_id": pcx_user.user_id, "role": "user"}, expect=201)
    pcx_user.get(f"/kyb/{record['kyb_id']}", expect=200)
    pcx.get(f"/kyb/{record['kyb_id']}", expect=403)
    for status in ("approved", "approved"):
        pcx_admin.put(f"/kyb/status/{record['kyb_id']}", decision(record, status), expect=200)
    founder.post("/kyb", own_papers(founder), expect=409)


def test_the_list_is_whole(pcx_admin, founder):
    record = founder.post("/kyb", own_papers(founder), expect=201).data
    seen, cursor = [], None
    while True:
        page = pcx_admin.get("/kyb", {"limit": 7, "lastEvaluatedKey": cursor}, expect=200).data
        seen += [row["kyb_id"] for row in page["items"]]
        cursor = page.get("lastEvaluatedKey")
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) and record["kyb_id"] in seen
    for limit in (0, -1, "x"):
        pcx_admin.get("/kyb", {"limit": limit}, expect=400)
    assert all(row["status"] == "rejected" for row in
               pcx_admin.get("/kyb", {"status": "rejected"}, expect=200).data["items"])
