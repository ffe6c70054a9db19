"""External accounts: what each currency needs, linked once, listed, unlinked."""
import uuid

import pytest

USD = {"currency": "USD", "account_number": "000123456789", "routing_number": "101019644",
       "account_type": "checking", "bank_name": "Chase Bank"}
GBP = {"currency": "GBP", "account_number": "12345678", "sort_code": "60-83-71"}
EUR = {"currency": "EUR", "iban": "DE89 3704 0044 0532 0130 00", "bic": "COBADEFFXXX"}


@pytest.fixture
def customer(pcx):
    return pcx.post("/virtual-accounts/kyc", {
        "email": f"x{uuid.uuid4().hex[:10]}@example.com", "customer_type": "individual"},
        expect=200).data["customer_id"]


def link(caller, customer, details, expect=201):
    return caller.post("/virtual-accounts/link", {"customer_id": customer, **details},
                       expect=expect)


def listed(caller, customer):
    return caller.get("/virtual-accounts/link", {"customer_id": customer}, expect=200).data


@pytest.mark.parametrize("details", [USD, GBP, EUR], ids=["USD", "GBP", "EUR"])
def test_link_list_unlink(pcx, customer, details):
    assert listed(pcx, customer) == []
    account = link(pcx, customer, details).data
    assert account["currency"] == details["currency"] and account["customer_id"] == customer
    assert listed(pcx, customer) == [account]
    link(pcx, customer, details, expect=409)
    body = {"customer_id": customer, "external_account_id": account["external_account_id"]}
    pcx.delete("/virtual-accounts/link", body, expect=200)
    assert listed(pcx, customer) == []
    pcx.delete("/virtual-accounts/link", body, expect=404)
    link(pcx, customer, details)


@pytest.mark.parametrize("details, missing", [
    (USD, "account_number"), (USD, "routing_number"), (USD, "account_type"),
    (GBP, "sort_code"), (GBP, "account_number"), (EUR, "iban"), (EUR, "bic")])
def test_each_currency_names_what_it_needs(pcx, customer, details, missing):
    reply = link(pcx, customer, {k: v for k, v in details.items() if k != missing}, expect=400)
    assert missing in reply.json["message"]


@pytest.mark.parametrize("details, field", [
    ({**USD, "routing_number": "12345"}, "routing_number"),
    ({**USD, "account_number": "12a4"}, "account_number"),
    ({**USD, "account_type": "piggy"}, "account_type"),
    ({**GBP, "sort_code": "1234"}, "sort_code"),
    ({**EUR, "iban": "DE89370400440532013001"}, "iban"),
    ({**EUR, "bic": "COBA"}, "bic"),
    ({**USD, "currency": "JPY"}, "currency"),
    ({**USD, "currency": "???"}, "currency")])
def test_bad_details_name_the_field(pcx, customer, details, field):
    assert field in link(pcx, customer, details, expect=400).json["message"]
    assert listed(pcx, customer) == []


def test_of_whom(pcx, pcx_user, pcx_admin, customer):
    account = link(pcx, customer, USD).data
    assert listed(pcx_admin, customer) == [account]
    pcx_user.get("/virtual-accounts/link", {"customer_id": customer}, expect=403)
    link(pcx_user, customer, GBP, expect=403)
    pcx_user.delete("/virtual-accounts/link", {
        "customer_id": customer, "external_account_id": account["external_account_id"]}, expect=403)
    pcx.get("/virtual-accounts/link", expect=400)
    pcx.get("/virtual-accounts/link", {"customer_id": "cus_0000000000001"}, expect=404)
    link(pcx, "cus_0000000000001", USD, expect=404)
    other = pcx.post("/virtual-accounts/kyc", {
        "email": f"y{uuid.uuid4().hex[:10]}@example.com", "customer_type": "business"},
        expect=200).data["customer_id"]
    pcx.delete("/virtual-accounts/link", {
        "customer_id": other, "external_account_id": account["external_account_id"]}, expect=404)


def test_the_provider_decides(pcx, customer, sandbox):
    sandbox.script("bridge", "create_external_account", "reject")
    link(pcx, customer, USD, expect=400)
    sandbox.script("bridge", "create_external_account", "unavailable")
    link(pcx, customer, USD, expect=503)
    assert listed(pcx, customer) == []
