"""Staff decide about a person's KYC, for all dialects."""
import json
import uuid

import pytest

from client.people import register


@pytest.fixture
def person(server, sandbox):
    return register(server, sandbox)


def decide(platform, user_id, **body):
    return platform.post(f"/users/{user_id}/kyc-decision", body)


def test_decisions(platform, pcx_admin, person):
    path = f"/users/{person['user_id']}"
    assert decide(platform, person["user_id"], status="pending").data["status"] == "pending"
    assert pcx_admin.get(path, expect=200).json["status"] == "pending_verification"
    assert decide(platform, person["user_id"], status="rejected").status == 400
    assert decide(platform, person["user_id"], status="rejected", reason="blurred").data["reason"] == "blurred"
    user = pcx_admin.get(path, expect=200).json
    assert (user["status"], user["kyc_failure_reason"]) == ("rejected", "blurred")
    first = decide(platform, person["user_id"], status="approved").data
    again = decide(platform, person["user_id"], status="approved").data
    assert first == again
    user = pcx_admin.get(path, expect=200).json
    assert (user["status"], user["kyc_status"]) == ("active", "approved") and user["kyc_approved_at"]
    assert "kyc_failure_reason" not in user


def test_the_same_again_changes_nothing(platform, pcx_admin, sandbox, person):
    """Not the time of the decision either, whatever became of the person meanwhile."""
    first = decide(platform, person["user_id"], status="rejected", reason="blurred").data
    sandbox.advance("PT1M")
    pcx_admin.put(f"/users/{person['user_id']}", {"fname": "Ngozika"}, expect=200)
    assert decide(platform, person["user_id"], status="rejected", reason="other").data == first


def test_audited_and_told(platform, sandbox, person):
    hook = sandbox.hook()
    webhook = platform.post("/webhooks", {"url": hook.url, "events": ["kyc.approved"]}, expect=201).data
    for _ in range(2):
        decide(platform, person["user_id"], status="approved")
    told = [json.loads(caught["body"])["data"] for caught in hook.wait()]
    assert [event["user_id"] for event in told] == [person["user_id"]]
    platform.delete(f"/webhooks/{webhook['webhook_id']}", expect=204)
    entries = platform.get("/audit", {"subject_id": person["user_id"]}, expect=200).data
    assert [entry["operation_id"] for entry in entries] == ["platform_decide_kyc"] * 2
    assert entries[0]["details"]["body"]["status"] == "approved"


def test_no_decision_lets_in_who_is_shut_out(platform, pcx_admin, vaultspay_plain, person):
    """Being blocked or deactivated is not about KYC; setting the status lifts it."""
    blocked = vaultspay_plain.post("/as/api/v1/users", {
        "firstName": "A", "lastName": "B", "status": "BLOCK", "email": uuid.uuid4().hex + "@example.com"},
        expect=200).data["id"]
    pcx_admin.put(f"/users/{person['user_id']}/deactivate", {"updated_by": "test"}, expect=200)
    for user_id, status in ((blocked, "inactive"), (person["user_id"], "rejected")):
        for decision in ("pending", "approved"):
            decided = decide(platform, user_id, status=decision).data
            user = pcx_admin.get(f"/users/{decided['user_id']}", expect=200).json
            assert (user["kyc_status"], user["status"]) == (decision, status)


def test_ids_of_every_dialect(platform, vaultspay_plain, server):
    made = vaultspay_plain.post("/as/api/v1/users", {
        "firstName": "A", "lastName": "B", "status": "ACTIVE",
        "email": "v" + str(id(platform)) + "@example.com"}, expect=200).data
    assert decide(platform, made["id"], status="approved").status == 200
    assert decide(platform, server.credentials["fincode"]["customer"]["user_id"],
                  status="approved").status == 200


def test_who_may(server, pcx, person, platform):
    from client.pcx import Platform
    assert decide(Platform(server, "org_admin"), person["user_id"], status="approved").status == 403
    assert decide(platform, "usr_0000000000004", status="approved").status == 404
    assert decide(platform, "rubbish", status="approved").status == 404
    assert decide(platform, person["user_id"], status="maybe").status == 400
    assert decide(platform, server.credentials["fincode"]["other_tenant"]["admin"]["user_id"],
                  status="approved").status == 404
