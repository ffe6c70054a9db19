"""Beneficiaries: the five operations, ownership, and the rules of country, currency and mobile money."""
import pytest


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
