"""Onboarding: KYC with the provider, then the customer with its internal accounts, once."""
import uuid
from decimal import Decimal

import pytest


def email():
    return f"c{uuid.uuid4().hex[:10]}@example.com"


def kyc(caller, address, expect=200, customer_type="individual"):
    return caller.post("/virtual-accounts/kyc",
                       {"email": address, "customer_type": customer_type}, expect=expect)


def onboard(admin, owner, address, expect=201, **changes):
    return admin.post("/virtual-accounts/onboard", {
        "org_id": owner.org_id, "user_id": owner.user_id, "email": address,
        "first_name": "Ada", "last_name": "Obi", **changes}, expect=expect)


def test_kyc_then_onboard(pcx, pcx_admin):
    address = email()
    started = kyc(pcx, address).data
    assert started["customer_id"].startswith("cus_") and started["tos_link"].startswith("https://")
    assert kyc(pcx, address.upper()).data == started  # asked again: the same customer
    account = onboard(pcx_admin, pcx, address, initial_balance=Decimal("12.34")).data
    assert account["account_type"] == "internal_bank"
    assert account["customer_id"] == started["customer_id"]
    assert account["org_id"] == pcx.org_id and account["user_id"] == pcx.user_id
    assert Decimal(account["balance"]) == Decimal("12.34")
    mine = [a for a in pcx_admin.get(f"/virtual-accounts/internal/user/{pcx.user_id}",
                                     expect=200).data
            if a.get("customer_id") == started["customer_id"]]
    assert {a["account_type"] for a in mine} == {"internal_bank", "internal_crypto"}
    onboard(pcx_admin, pcx, address, expect=409)


def test_onboarding_needs_kyc(pcx, pcx_admin):
    onboard(pcx_admin, pcx, email(), expect=409)


def test_onboarding_is_all_or_nothing(pcx, pcx_admin):
    address = email()
    customer = kyc(pcx, address).data["customer_id"]
    onboard(pcx_admin, pcx, address, expect=400, initial_balance=Decimal("0.001"))
    onboard(pcx_admin, pcx, address, expect=400, initial_balance=Decimal("-1"))
    onboard(pcx_admin, pcx, address, expect=404, user_id="usr_0000000000001")
    found = pcx_admin.get(f"/virtual-accounts/internal/user/{pcx.user_id}", expect=200).data
    assert customer not in [a.get("customer_id") for a in found]
    onboard(pcx_admin, pcx, address, initial_balance=None)


@pytest.mark.parametrize("address, customer_type", [
    ("nonsense", "individual"), ("", "individual"), ("a@example.com", "robot")])
def test_kyc_refusals(pcx, address, customer_type):
    kyc(pcx, address, expect=400, customer_type=customer_type)


def test_only_staff_onboards(pcx, pcx_user):
    address = email()
    kyc(pcx, address)
    for caller in (pcx, pcx_user):
        onboard(caller, pcx, address, expect=403)


def test_a_provider_that_does_not_answer_changes_nothing(pcx, sandbox):
    address = email()
    sandbox.script("bridge", "create_customer", "unavailable")
    kyc(pcx, address, expect=503)
    sandbox.script("bridge", "create_customer", "reject")
    kyc(pcx, address, expect=400)
    kyc(pcx, address)
