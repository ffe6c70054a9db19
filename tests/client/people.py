"""Making people and organisations of one's own, so that a scenario disturbs nobody else's."""
import re
import uuid

from client.http import Http
from client.pcx import Pcx

PASSWORD = "Passw0rd!secret"


def fresh_email(name="person"):
    return f"{name}-{uuid.uuid4().hex[:12]}@example.com"


class Stranger(Http):
    """No credential at all; PCX's open routes."""

    prefix = "/v1"


def code_in(message):
    return re.search(r"\b(\d{6})\b", str(message))[1]


def register(server, sandbox, confirm=True, **fields):
    """A person of a new organisation (unless org_name is None), confirmed by the code that was mailed."""
    body = {"email": fresh_email(), "fname": "Ngozi", "lname": "Bello", "password": PASSWORD,
            "org_name": "Org " + uuid.uuid4().hex[:8], "country": "NG", **fields}
    body = {name: value for name, value in body.items() if value is not None}
    stranger = Stranger(server)
    user = stranger.post("/users/register", body, expect=201).json["user"]
    if confirm:
        stranger.post("/users/confirm", {
            "email": body["email"], "confirmation_code": code_in(sandbox.message(body["email"]))},
            expect=200)
    return {"email": body["email"], "password": body["password"], "user_id": user["user_id"],
            "org_id": user.get("org_id"), "user": user}


def with_key(server, pcx_admin, person):
    """The person as a caller by API key."""
    made = pcx_admin.post("/public/api-keys/create", {
        "name": "test", "org_id": person["org_id"], "user_id": person["user_id"]}, expect=201).data
    return Pcx(server, {**person, "api_key": made["key"]})


def company(server, sandbox, pcx_admin):
    """The administrator of a new organisation with approved papers."""
    person = register(server, sandbox)
    owner = with_key(server, pcx_admin, person)
    record = pcx_admin.post("/kyb", {
        "user_id": person["user_id"], "org_id": person["org_id"],
        "userCreatedAt": pcx_admin.get(f"/users/{person['user_id']}", expect=200).json["created_at"],
        "orgCreatedAt": pcx_admin.get(f"/organizations/{person['org_id']}", expect=200).data["createdAt"],
        "businessInfo": {"businessName": "Others Ltd", "country": "NG", "emailAddress": person["email"]},
        "kybDocuments": {"isRegisteredEntity": True, "taxIdentificationNumber": "TIN-9", "idOfDirectorsOrOwners": [
            {"file_url": "https://x.example/1", "original_filename": "1.pdf"}]}}, expect=201).data
    pcx_admin.put(f"/kyb/status/{record['kyb_id']}", {
        "status": "approved", "orgId": record["org_id"], "createdAt": record["createdAt"], "reviewedBy": "test"},
        expect=200)
    return owner
