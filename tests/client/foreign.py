"""Replays what succeeded in the scenarios with one id changed to that of a like record which is somebody else's.

Unlike client/strangers.py, where the caller is the stranger, the caller is at home here and everything else in the
request is its own, so each path segment, query parameter and member that takes an id is tried by itself.
"""
import json
import urllib.parse
import uuid

from client.contract import Router, contracts, operations
from client.fincode import Fincode
from client.mutants import Mutant, candidates, is_failure, places, put, sound_one, was_refused
from client.pcx import OtherTenant, Pcx, Platform
from client.server import BUILD
from client.strangers import ID, ids_in
from client.http import loads
from client.vaultspay import VaultsPay

# Makes one's own of somebody else's people, after which they are no strangers.
ADOPTS = {"pcx_add_org_member"}
NUMBERS = ("primaryAccountNumber", "accountNumber", "overDraftFundOriginatingAccountNumberId")


class Pool:
    """Records of somebody else, by kind, and every id that is theirs."""

    def __init__(self):
        self.by_kind, self.all = {}, set()

    def take(self, reply):
        for found in ids_in(reply.text):
            self.by_kind.setdefault(kind_of(found), found)
            self.all.add(found)
        return reply.json if reply.ok else {}


def kind_of(text):
    """"va" of va_..., "uuid", "number"."""
    return "uuid" if text.count("-") == 4 else "number" if text.isdigit() else text.split("_")[0]


def approve(pool, admin, owner):
    """The organisation's KYB, handed in and approved, so that it may pay."""
    user = admin.get(f"/users/{owner.user_id}").json
    organisation = admin.get(f"/organizations/{owner.org_id}").json.get("data", {})
    papers = pool.take(admin.post("/kyb", {
        "user_id": owner.user_id, "org_id": owner.org_id, "userCreatedAt": user.get("created_at"),
        "orgCreatedAt": organisation.get("createdAt"),
        "businessInfo": {"businessName": "X", "country": "NG", "emailAddress": "x@x.example"},
        "kybDocuments": {"isRegisteredEntity": True, "taxIdentificationNumber": "TIN-1", "idOfDirectorsOrOwners": [
            {"file_url": "https://x.example/1", "original_filename": "1.pdf"}]}})).get("data")
    if papers:  # else it is approved
        admin.put(f"/kyb/status/{papers['kyb_id']}", {
            "status": "approved", "orgId": papers["org_id"], "createdAt": papers["createdAt"],
            "reviewedBy": "x"}, expect=200)


def fill(pool, owner, platform, admin):
    """One record of each kind that requests name, made by `owner`; `platform` and `admin` are staff of its tenant."""
    org_id, user_id = owner.org_id, owner.user_id
    pool.take(admin.get(f"/users/{user_id}"))
    pool.take(admin.get(f"/organizations/{org_id}"))
    approve(pool, admin, owner)
    accounts = [pool.take(owner.post("/virtual-accounts/currency", {
        "org_id": org_id, "user_id": user_id, "currency": "NGN"}))["data"]["account_id"] for _ in range(2)]
    pool.take(platform.get(f"/accounts/{accounts[0]}"))
    pool.take(platform.post(f"/accounts/{accounts[0]}/deposits", {"amount": 1000, "currency": "NGN"}))
    pool.take(platform.post(f"/accounts/{accounts[0]}/liens", {"amount": 1, "reason": "x"}))
    pool.take(platform.get(f"/ledger/accounts/{accounts[0]}/statement"))
    pool.take(owner.post("/virtual-accounts/transfer", {
        "from_account_id": accounts[0], "to_account_id": accounts[1], "amount": 1, "user_id": user_id}))
    pool.take(owner.post("/beneficiaries", {
        "account_type": "bank", "country": "GB", "currency": "GBP", "fname": "Ada", "lname": "Lovelace",
        "bank_details": {"account_number": "55779911", "sort_code": "200000"}}))
    pool.take(admin.post("/public/api-keys/create", {"name": "x", "org_id": org_id, "user_id": user_id}))
    customer = pool.take(owner.post("/virtual-accounts/kyc", {
        "email": f"x{uuid.uuid4().hex[:10]}@example.com", "customer_type": "individual"}))["data"]["customer_id"]
    pool.take(owner.post("/virtual-accounts/link", {
        "customer_id": customer, "currency": "GBP", "account_number": "12345678", "sort_code": "60-83-71"}))
    pool.take(admin.post("/organizations/admin/add-rate", {
        "org_id": org_id, "rate": 2, "from_currency": "GHS", "to_currency": "NGN"}))
    pool.take(admin.post("/organizations/admin/add-rate-config", {
        "org_id": org_id, "from_currency": "GHS", "to_currency": "NGN", "spread": 1}))
    paid = pool.take(owner.post("/payments", {
        "amount": 1, "currency": "NGN", "beneficiary_id": pool.by_kind["ben"], "payment_method": "bank_transfer",
        "direction": "external", "provider": "manual"}, expect=201))
    pool.take(owner.get(f"/payments/{paid['payment_id']}"))


def fill_as_staff(pool, admin):
    """What is the tenant's."""
    pool.take(admin.post("/virtual-accounts/fees", {
        "currency": "NGN", "transaction_type": "withdrawal", "fee_type": uuid.uuid4().hex[:12],
        "fee_structure": "fixed_amount", "fee_value": 1}))
    pool.take(admin.post("/organizations/admin/add-active-rate", {
        "rate_data": {"org_id": admin.org_id, "rate": 2, "from_currency": "ZAR", "to_currency": "NGN"},
        "rate_config": {"spread": 1}}))
    admin.prefix = "/platform/v1"
    pool.take(admin.get("/sessions/current"))
    pool.take(admin.get("/ledger/journals"))
    pool.take(admin.post("/webhooks", {"url": "https://example.com/" + uuid.uuid4().hex, "events": ["*"]}))
    pool.take(admin.post(f"/users/{admin.user_id}/kyc-decision", {"status": "rejected", "reason": "x"}))
    pool.take(admin.post(f"/users/{admin.user_id}/kyc-decision", {"status": "approved"}))
    pool.take(admin.get("/webhook-deliveries"))
    admin.prefix = "/v1"


def pools(server):
    """Dialect -> [(caller, whose ids, pool)]."""
    second, organisation, app, fincode = Pool(), Pool(), Pool(), Pool()
    admin = OtherTenant(server)
    staff = OtherTenant(server, "/platform/v1")
    fill(second, admin, staff, admin)
    fill_as_staff(second, admin)
    fill(organisation, Pcx(server, "other_org_admin"), Platform(server), Pcx(server, "internal_admin"))
    other = VaultsPay(server, app="other_app")
    app.take(other.post("/be/api/v1/accounts", {"userId": other.user_id, "currencyId": 2, "accountType": "DIGITAL"}))
    app.by_kind["number"] = str(other.user_id)
    stranger = Fincode(server, "admin", other_tenant=True)
    made = staff.post("/accounts", {"user_id": stranger.user_id, "currency": "NGN"}, expect=201).data
    staff.post(f"/accounts/{made['account_id']}/deposits", {"amount": 1000, "currency": "NGN"}, expect=201)
    fincode.by_kind.update({"uuid": made["fincode_id"], "account": made["account_number"]})
    fincode.all |= {made["fincode_id"], made["account_number"], stranger.user_id}
    # A stranger's account where an account is asked for, a stranger where a person is: tried one after the other.
    fincode.people, app.accounts = stranger.user_id, next(iter(app.all - {str(other.user_id)}))
    callers = {
        "pcx": [(Pcx(server, "internal_admin"), "tenant", second),
                (Pcx(server, "org_admin"), "organisation", organisation)],
        "platform": [(Platform(server), "tenant", second)],
        "vaultspay": [(VaultsPay(server), "app", app)],
        "fincode": [(Fincode(server, "admin"), "tenant", fincode)]}
    for found in callers.values():
        for caller, _, _ in found:
            caller.prefix = ""
    return callers


def replacements(pool, text):
    """Ids of others that can stand for the text; the text itself when it was theirs, None when they have none."""
    found = [pool.by_kind.get(kind_of(text))] if ID.fullmatch(text) else []
    found += [getattr(pool, "people", None)] if ID.fullmatch(text) and kind_of(text) == "uuid" else []
    found += [getattr(pool, "accounts", None)] if ID.fullmatch(text) and kind_of(text) == "number" else []
    return [other for other in dict.fromkeys(found) if other] or [None]


def variants(pool, sound):
    """(mutant, missing kind): one request per place that takes an id."""
    path, _, query = sound.url.partition("?")
    parts = path.split("/")
    for index, part in enumerate(parts):
        if ID.fullmatch(part):
            for other in replacements(pool, part):
                url = "/".join([*parts[:index], other or "", *parts[index + 1:]]) + ("?" + query if query else "")
                yield Mutant(sound.method, url, sound.body, ("path", index), other), None if other else kind_of(part)
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    for index, (name, value) in enumerate(pairs):
        if ID.fullmatch(value):
            for other in replacements(pool, value):
                changed = [*pairs[:index], (name, other or ""), *pairs[index + 1:]]
                yield Mutant(sound.method, path + "?" + urllib.parse.urlencode(changed), sound.body,
                             ("query", name), other), None if other else kind_of(value)
    for place, value in places(loads(sound.body)) if sound.body else []:
        number = place[-1] in NUMBERS and "account" in pool.by_kind
        if ID.fullmatch(str(value)) or number:
            for other in [pool.by_kind["account"]] if number else replacements(pool, str(value)):
                token = other if isinstance(value, int) else json.dumps(other)
                yield Mutant(sound.method, sound.url, put(sound.body, place, token or "null"),
                             ("body", *place), other), None if other else kind_of(str(value))


def judge(row, mutant, reply, pool):
    if is_failure(row["id"], reply.status, reply.text):
        return "failed"
    if was_refused(reply.status, reply.text):
        return None
    if row["kind"] in ("write", "slow") or mutant.place[0] == "path":
        return "taken"
    shown = ids_in(reply.text) & pool.all - {mutant.token}
    return "shown" if shown else None


def replay(server, path):
    """Writes one line per attempt; the gate judges (tests/contract/test_foreign.py)."""
    by_dialect, callers = contracts(BUILD), pools(server)
    with open(path, "a", encoding="utf-8") as file:
        for row, requests in candidates(server, Router(operations(server.binary))).values():
            if by_dialect[row["dialect"]].by_id[row["id"]].get("x-raw") or row["roles"] == []:
                continue
            for caller, whose, pool in callers[row["dialect"]]:
                caller.tokens = None  # logging out is an operation, too
                naming = [r for r in requests if ids_in(r.url) | ids_in(r.body)]
                if not naming or (row["id"] in ADOPTS and whose == "organisation"):
                    continue
                sound, succeeds = sound_one(server, caller, naming)
                try:
                    attempts = list(variants(pool, sound))
                except ValueError:
                    continue  # a form, or bytes that are no JSON
                for mutant, missing in attempts:
                    if (mutant.url, mutant.body) == (sound.url, sound.body):
                        continue  # the request was a stranger's own
                    found = {"operation": row["id"], "whose": whose, "place": mutant.place, "succeeds": succeeds}
                    if missing:
                        found["missing"] = missing
                    else:
                        reply = mutant.send(caller)
                        found.update(problem=judge(row, mutant, reply, pool), method=mutant.method,
                                     url=mutant.url[:300], request=mutant.body and mutant.body[:600],
                                     status=reply.status, reply=reply.text[:400])
                    file.write(json.dumps(found) + "\n")
