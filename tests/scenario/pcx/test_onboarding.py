"""Onboarding: KYC with the provider, then the customer with its internal accounts, once."""
import uuid
from decimal import Decimal

import pytest

from client.pcx import OtherTenant
from client.people import register, with_key


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


def test_onboarding_waits_for_the_review(pcx, pcx_admin, sandbox):
    """Under review is 409, a provider that does not answer 503: nothing is opened, and later it works."""
    address = email()
    customer = kyc(pcx, address).data["customer_id"]
    for outcome, status in (("pending", 409), ("unavailable", 503)):
        sandbox.script("bridge", "get_customer", outcome)
        onboard(pcx_admin, pcx, address, expect=status)
    found = pcx_admin.get(f"/virtual-accounts/internal/user/{pcx.user_id}", expect=200).data
    assert customer not in [a.get("customer_id") for a in found]
    onboard(pcx_admin, pcx, address)


def test_ids_in_bodies(pcx, pcx_admin):
    address = email()
    kyc(pcx, address)
    for field, prefix in (("org_id", "org"), ("user_id", "usr")):
        for text, status in (("nonsense", 400), ("va_0000000000001", 400), (f"{prefix}_0000000000001", 404)):
            assert field in onboard(pcx_admin, pcx, address, expect=status, **{field: text}).text
    assert "email" in onboard(pcx_admin, pcx, "nobody", expect=400).text
    onboard(pcx_admin, pcx, address)


@pytest.mark.parametrize("raw", ['"5"', "1e3", "true", "NaN", "-0.01", "0.001", "99999999999999999"])
def test_opening_balances_that_are_no_amounts(pcx, pcx_admin, raw):
    address = email()
    kyc(pcx, address)
    text = '{"org_id": "%s", "user_id": "%s", "email": "%s", "initial_balance": %s}' % (
        pcx.org_id, pcx.user_id, address, raw)
    pcx_admin.post("/virtual-accounts/onboard", raw=text, expect=400)
    account = onboard(pcx_admin, pcx, address, initial_balance=0).data
    assert Decimal(account["balance"]) == 0 and Decimal(account["ledger_balance"]) == 0


def test_a_stopped_organisation_is_not_onboarded(server, sandbox, pcx_admin):
    owner = with_key(server, pcx_admin, register(server, sandbox))
    address = email()
    kyc(owner, address)
    pcx_admin.put(f"/organizations/admin/status/{owner.org_id}", {"status": "suspended"}, expect=200)
    onboard(pcx_admin, owner, address, expect=403)
    pcx_admin.put(f"/organizations/admin/status/{owner.org_id}", {"status": "active"}, expect=200)
    account = onboard(pcx_admin, owner, address).data
    logged = pcx_admin.get("/virtual-accounts/logs", {"account_id": account["account_id"]}, expect=200).data
    assert "customer.onboarded" in [line["type"] for line in logged]


def test_each_organisation_has_customers_of_its_own(server, sandbox, pcx, pcx_user, pcx_admin):
    """The address of another organisation's customer says nothing about it, and gives no access to it."""
    address = email()
    first = kyc(pcx, address).data
    other = with_key(server, pcx_admin, register(server, sandbox))
    second = kyc(other, address).data
    assert second["customer_id"] != first["customer_id"] and second["tos_link"] != first["tos_link"]
    other.get("/virtual-accounts/link", {"customer_id": first["customer_id"]}, expect=403)
    OtherTenant(server).get("/virtual-accounts/link", {"customer_id": first["customer_id"]}, expect=404)


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
