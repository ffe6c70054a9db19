"""Beneficiaries: the five operations, ownership, and the rules of country, currency and mobile money."""
import pytest

from client.flows import open_account
from client.people import company, register
from client.pcx import OtherTenant


def payee(**changes):
    body = {"account_type": "bank", "country": "GB", "currency": "GBP", "fname": "Ada", "lname": "Lovelace",
            "bank_details": {"account_number": "55779911", "sort_code": "200000", "account_name": "Ada Lovelace"}}
    body.update(changes)
    return {name: value for name, value in body.items() if value is not None}


def make(caller, **changes):
    return caller.post("/beneficiaries", payee(**changes), expect=201).json


def test_create_get_update_delete(pcx):
    made = make(pcx)
    assert made["beneficiary_of"] == pcx.user_id and made["beneficiary_type"] == "payout_recipient"
    path = f"/beneficiaries/{made['beneficiary_id']}"
    assert pcx.get(path, expect=200).json == made
    changed = pcx.patch(path, {"fname": "Augusta", "email": "ada@lovelace.example"}, expect=200).json
    assert (changed["fname"], changed["lname"], changed["email"]) == ("Augusta", "Lovelace", "ada@lovelace.example")
    assert pcx.delete(path, expect=200).json == {"message": "Beneficiary deleted successfully"}
    pcx.get(path, expect=404)


def test_unknown_fields_on_update_are_refused(pcx):
    path = f"/beneficiaries/{make(pcx)['beneficiary_id']}"
    for field in ("beneficiary_id", "beneficiary_of", "org_id", "colour"):
        assert field in pcx.patch(path, {field: "x"}, expect=400).json["message"]


def test_the_rules_hold_on_the_merged_record(pcx):
    path = f"/beneficiaries/{make(pcx)['beneficiary_id']}"
    pcx.patch(path, {"currency": "EUR"}, expect=200)
    pcx.patch(path, {"country": "NG"}, expect=400)
    pcx.patch(path, {"account_type": "momo"}, expect=400)
    pcx.patch(path, {"country": "GH", "currency": "GHS", "account_type": "momo",
                     "momo_details": {"network": "MTN", "phone_number": "+233201234567"}}, expect=200)


@pytest.mark.parametrize("changes, field", [
    ({"country": "FR", "currency": "GBP"}, "currency"), ({"country": "JP", "currency": "JPY"}, "country"),
    ({"currency": "XYZ"}, "currency"), ({"account_type": "momo"}, "momo_details"),
    ({"account_type": "momo", "country": "KE", "currency": "KES", "momo_details": {"network": "MPESA"}},
     "momo_details.phone_number"),
    ({"fname": None}, "fname"), ({"lname": " "}, "lname"), ({"email": "not an address"}, "email"),
    ({"account_type": "cash"}, "account_type"),
])
def test_bad_payees_are_refused(pcx, changes, field):
    assert field in pcx.post("/beneficiaries", payee(**changes), expect=400).json["message"]


def test_pages_neither_repeat_nor_skip(pcx):
    made = {make(pcx)["beneficiary_id"] for _ in range(5)}
    seen, cursor = [], None
    while True:
        page = pcx.get("/beneficiaries", {"limit": 2, **({"last_evaluated_key": cursor} if cursor else {})},
                       expect=200).json
        assert page["meta"]["count"] == len(page["data"]) <= 2
        seen += [row["beneficiary_id"] for row in page["data"]]
        cursor = page["meta"].get("last_evaluated_key")
        if not cursor:
            break
        make(pcx)  # what comes meanwhile is newer and on no later page
    assert len(seen) == len(set(seen)) and made <= set(seen)


PLACES = {"NG": ["NGN"], "GH": ["GHS"], "GB": ["GBP", "EUR"], "KE": ["KES"], "US": ["USD"], "ZA": ["ZAR"], "AE": ["AED"],
          "RW": ["RWF"], **{country: ["EUR"] for country in "DE FR NL ES IT BE AT IE PT".split()}}


@pytest.mark.parametrize("country", PLACES)
def test_what_is_paid_out_where(pcx, country):
    for currency in {currency for fitting in PLACES.values() for currency in fitting}:
        fits = currency in PLACES[country]
        reply = pcx.post("/beneficiaries", payee(country=country, currency=currency), expect=201 if fits else 400)
        assert fits or "currency" in reply.json["message"]


def test_all_fields_come_back(pcx):
    sent = payee(account_type="momo", country="KE", currency="KES", beneficiary_type="loan_client",
                 email="a@b.example", phone_number="+254700000001", external_account_id="ext_1", org_id=pcx.org_id,
                 momo_details={"network": "MPESA", "phone_number": "+254700000001", "deep": {"kept": [1, None]}},
                 loan_client_details={"employer": "ACME"})
    shown = pcx.post("/beneficiaries", sent, expect=201).json
    assert {name: shown[name] for name in sent if name != "org_id"} == {k: v for k, v in sent.items() if k != "org_id"}
    plain = make(pcx, bank_details=None)  # optional even for a bank account
    assert plain.get("bank_details") is None and plain["created_at"] == plain["updated_at"]


def test_put_is_patch(pcx):
    path = f"/beneficiaries/{make(pcx)['beneficiary_id']}"
    changed = pcx.put(path, {"fname": "Augusta"}, expect=200).json
    assert (changed["fname"], changed["lname"]) == ("Augusta", "Lovelace")
    assert pcx.put(path, {}, expect=200).json["fname"] == "Augusta"
    for bad in ({"beneficiary_of": pcx.user_id}, {"fname": None}, {"email": "x"}, {"account_type": "cash"}, {"fname": ""},
                {"created_at": "2026-01-01"}, {"momo_details": "MTN"}):
        for send in (pcx.put, pcx.patch):
            assert next(iter(bad)) in send(path, bad, expect=400).json["message"]
    untouched = pcx.patch(path, {}, expect=200).json
    assert pcx.get(path, expect=200).json == untouched


def test_payments_outlive_their_payee(server, pcx, pcx_admin):
    payee_id = make(pcx)["beneficiary_id"]
    payment = pcx.post("/payments", {
        "amount": 1, "currency": "GBP", "beneficiary_id": payee_id, "payment_method": "bank_transfer",
        "direction": "outbound", "provider": "manual", "source_account_id": open_account(server, "GBP", "2")},
        expect=201).json
    pcx.delete(f"/beneficiaries/{payee_id}", expect=200)
    pcx.delete(f"/beneficiaries/{payee_id}", expect=404)
    path = f"/payments/{payment['payment_id']}"
    assert pcx.get(path, expect=200).json["beneficiary_id"] == payee_id
    details = pcx.get(f"/transactions/{payment['transaction_id']}", expect=200).json["beneficiary_details"]
    assert details["name"] == "Ada Lovelace" and details["account_number"] == "55779911"
    pcx_admin.patch(path, {"status": "completed"}, expect=200)


def test_whom_staff_acts_for(server, sandbox, pcx, pcx_admin):
    owner, person = company(server, sandbox, pcx_admin), register(server, sandbox)
    made = make(pcx_admin, beneficiary_of=owner.user_id, org_id=owner.org_id)
    assert made["beneficiary_of"] == owner.user_id and owner.get(f"/beneficiaries/{made['beneficiary_id']}", expect=200)
    tenant = OtherTenant(server)
    for changes in ({"beneficiary_of": "usr_0000000000001"}, {"beneficiary_of": tenant.user_id},
                    {"org_id": "org_0000000000001"}, {"org_id": tenant.org_id}):
        assert next(iter(changes)) in pcx_admin.post("/beneficiaries", payee(**changes), expect=404).text
    for changes in ({"beneficiary_of": "nobody"}, {"org_id": "nobody"}):
        assert next(iter(changes)) in pcx.post("/beneficiaries", payee(**changes), expect=400).json["message"]
    for changes in ({"beneficiary_of": person["user_id"]}, {"org_id": owner.org_id}):
        pcx.post("/beneficiaries", payee(**changes), expect=403)
    for send in (tenant.get, tenant.delete):
        send(f"/beneficiaries/{made['beneficiary_id']}", expect=404)
    tenant.patch(f"/beneficiaries/{made['beneficiary_id']}", {"fname": "Eve"}, expect=404)
    assert tenant.get("/beneficiaries", {"user_id": owner.user_id}, expect=200).json["data"] == []
    pcx.get("/beneficiaries", {"user_id": "nobody"}, expect=400)


def test_tampered_cursors_are_refused(pcx, pcx_user):
    for _ in range(2):
        make(pcx)
    cursor = pcx.get("/beneficiaries", {"limit": 1}, expect=200).json["meta"]["last_evaluated_key"]
    spoiled = cursor[:-1] + ("0" if cursor[-1] != "0" else "1")
    for bad in (spoiled, "x", "'; DROP TABLE beneficiary; --"):
        pcx.get("/beneficiaries", {"limit": 1, "last_evaluated_key": bad}, expect=400)
    pcx_user.get("/beneficiaries", {"limit": 1, "last_evaluated_key": cursor}, expect=400)
    for limit in (0, -1, 100000):
        pcx.get("/beneficiaries", {"limit": limit}, expect=400)


def test_ownership(pcx, pcx_user, pcx_admin):
    path = f"/beneficiaries/{make(pcx)['beneficiary_id']}"
    pcx_user.get(path, expect=403)
    pcx_user.patch(path, {"fname": "Eve"}, expect=403)
    pcx_user.delete(path, expect=403)
    pcx_user.post("/beneficiaries", payee(beneficiary_of=pcx.user_id), expect=403)
    pcx_user.get("/beneficiaries", {"user_id": pcx.user_id}, expect=403)
    pcx_admin.get(path, expect=200)
    pcx_admin.get("/beneficiaries", {"user_id": pcx.user_id}, expect=200)
    pcx.get("/beneficiaries/ben_0000000000000", expect=404)
