"""Staff decide about a person's KYC, for all dialects."""
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
