"""KYB: handing in, reviewing, and what approval opens."""
import uuid

import pytest


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
