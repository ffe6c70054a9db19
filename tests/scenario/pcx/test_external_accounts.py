"""External accounts: what each currency needs, linked once, listed, unlinked."""
import uuid

import pytest

from client.flows import balances, open_account
from client.http import wait_until
from client.pcx import OtherTenant, Pcx

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


def test_ids(pcx, customer):
    account = link(pcx, customer, USD).data["external_account_id"]
    for text, status in (("nonsense", 400), ("va_0000000000001", 400), ("cus_0000000000001", 404)):
        assert "customer_id" in link(pcx, text, GBP, expect=status).text
        assert "customer_id" in pcx.get("/virtual-accounts/link", {"customer_id": text}, expect=status).text
        assert "customer_id" in pcx.delete("/virtual-accounts/link", {
            "customer_id": text, "external_account_id": account}, expect=status).text
    for text, status in (("nonsense", 400), (customer, 400), ("ext_0000000000001", 404)):
        assert "external_account_id" in pcx.delete("/virtual-accounts/link", {
            "customer_id": customer, "external_account_id": text}, expect=status).text
    assert [a["external_account_id"] for a in listed(pcx, customer)] == [account]


def test_of_another_organisation_or_tenant(server, pcx, customer):
    account = link(pcx, customer, USD).data["external_account_id"]
    for stranger, status in ((Pcx(server, "other_org_admin"), 403), (OtherTenant(server), 404)):
        link(stranger, customer, GBP, expect=status)
        stranger.get("/virtual-accounts/link", {"customer_id": customer}, expect=status)
        stranger.delete("/virtual-accounts/link", {"customer_id": customer, "external_account_id": account},
                        expect=status)
        wallet = stranger.post("/virtual-accounts/currency", {
            "org_id": stranger.org_id, "user_id": stranger.user_id, "currency": "USD"}, expect=201).data["account_id"]
        reply = stranger.post("/virtual-accounts/withdraw", {
            "account_id": wallet, "amount": 1, "user_id": stranger.user_id, "beneficiary_name": "Ada",
            "external_account_id": account}, expect=status)
        assert "external_account_id" in reply.text
    assert len(listed(pcx, customer)) == 1


@pytest.mark.parametrize("details, shown", [
    ({**USD, "currency": "usd", "account_type": "savings", "sort_code": None, "iban": None, "bic": None},
     ("USD", "000123456789")),
    ({**GBP, "currency": "gbp", "sort_code": "608371"}, ("GBP", "12345678")),
    ({**EUR, "iban": "DE89370400440532013000"}, ("EUR", "DE89370400440532013000"))])
def test_what_is_shown(pcx, customer, details, shown):
    account = link(pcx, customer, details).data
    assert (account["currency"], account["account_number"]) == shown
    assert account.get("bank_name") == details.get("bank_name") and account["created_at"]
    # Written another way it is the same account.
    again = {name: value.lower() if name == "currency" else value for name, value in details.items()}
    link(pcx, customer, again, expect=409)


@pytest.mark.parametrize("outcome, end, left", [("normal", "completed", 6), ("fail", "failed", 10)])
def test_unlinking_does_not_disturb_a_withdrawal_under_way(pcx, pcx_admin, server, sandbox, customer, outcome,
                                                           end, left):
    def forgotten():
        return [r for r in sandbox.requests("bridge") if r["operation"] == "delete_external_account"]

    account = link(pcx, customer, USD).data["external_account_id"]
    wallet, before = open_account(server, "USD", "10"), forgotten()
    sandbox.script("bridge", "payout", "unavailable")
    sandbox.script("bridge", "payout", outcome)
    made = pcx.post("/virtual-accounts/withdraw", {
        "account_id": wallet, "amount": 4, "user_id": pcx.user_id, "beneficiary_name": "Ada",
        "external_account_id": account}, expect=200).data["transaction_id"]
    pcx.delete("/virtual-accounts/link", {"customer_id": customer, "external_account_id": account}, expect=200)
    assert listed(pcx, customer) == [] and forgotten() == before
    path = f"/virtual-accounts/admin/transactions/{made}"
    sandbox.advance("PT1M")
    wait_until(lambda: pcx_admin.get(path, expect=200).data["status"] == end, what=end)
    assert balances(server, wallet) == (left, left)
    wait_until(lambda: len(forgotten()) == len(before) + 1, what="the provider forgets it")


def test_the_provider_decides(pcx, customer, sandbox):
    sandbox.script("bridge", "create_external_account", "reject")
    link(pcx, customer, USD, expect=400)
    sandbox.script("bridge", "create_external_account", "unavailable")
    link(pcx, customer, USD, expect=503)
    assert listed(pcx, customer) == []
