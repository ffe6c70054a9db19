"""End customers of an app."""
import uuid

import pytest

from client.people import fresh_email


def person(**changes):
    body = {"firstName": "Khalid", "lastName": "Raza", "status": "ACTIVE", "email": fresh_email()}
    body.update(changes)
    return {name: value for name, value in body.items() if value is not None}


def phone():
    return str(uuid.uuid4().int)[:9]


def test_by_email(vaultspay):
    mine = person(parentId=99)
    user = vaultspay.post("/as/api/v1/users", mine, expect=200).data
    assert isinstance(user["id"], int)
    assert user["parentId"] == user["parent"]["id"] == vaultspay.user_id
    assert (user["userType"], user["status"], user["fullName"]) == ("USER", "ACTIVE", "Khalid Raza")
    assert user["email"] == mine["email"] and user["username"]
    assert user.get("phone") is None and user.get("sessionId") is None
    assert user["parent"]["userType"] in ("AGENT", "MERCHANT")


def test_by_phone(vaultspay):
    number = phone()
    user = vaultspay.post("/as/api/v1/users", person(email=None, countryCode="92", phone=number),
                          expect=200).data
    assert (user["countryCode"], user["phone"], user["phoneNumber"]) == ("92", number, "92" + number)


def test_usernames_are_unique(vaultspay):
    names = {vaultspay.post("/as/api/v1/users", person(), expect=200).data["username"] for _ in range(5)}
    assert len(names) == 5


@pytest.mark.parametrize("status", ["ACTIVE", "PENDING", "BLOCK"])
def test_status(vaultspay_plain, status):
    assert vaultspay_plain.post("/as/api/v1/users", person(status=status), expect=200).data["status"] == status


@pytest.mark.parametrize("changes,key", [
    ({"email": None}, "email"), ({"firstName": None}, "firstName"), ({"lastName": None}, "lastName"),
    ({"status": None}, "status"), ({"status": "active"}, "status"), ({"email": "rubbish"}, "email"),
    ({"phone": "12345"}, "countryCode"), ({"countryCode": "92"}, "phone"),
    ({"countryCode": "+92", "phone": "12345"}, "countryCode"),
    ({"countryCode": "92", "phone": "12 345"}, "phone"), ({"firstName": 7}, "firstName"),
    ({"firstName": ""}, "firstName"), ({"lastName": " \t"}, "lastName"), ({"lastName": "x" * 121}, "lastName")])
def test_bad_fields(vaultspay_plain, changes, key):
    reply = vaultspay_plain.post("/as/api/v1/users", person(**changes), expect=422).json
    assert (reply["code"], reply["type"]) == (1000, "INVALID_PAYLOAD")
    assert key in [entry["key"] for entry in reply["errors"]]


def test_duplicates(vaultspay_plain, vaultspay_other):
    mine = person(countryCode="92", phone=phone())
    vaultspay_plain.post("/as/api/v1/users", mine, expect=200)
    for caller in (vaultspay_plain, vaultspay_other):
        reply = caller.post("/as/api/v1/users", {**mine, "email": mine["email"].upper()}, expect=422).json
        assert reply["errors"][0]["key"] == "email"
        reply = caller.post("/as/api/v1/users", {**mine, "email": fresh_email()}, expect=422).json
        assert reply["errors"][0]["key"] == "phone"
