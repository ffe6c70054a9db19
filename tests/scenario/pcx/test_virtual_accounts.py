"""Virtual accounts: opened, listed, changed, stopped and closed, by whom it is allowed."""
import uuid
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.http import Http, wait_until
from client.pcx import OtherTenant, Pcx
from client.people import register, with_key


def currency_account(caller, currency="NGN", expect=201, **changes):
    body = {"org_id": caller.org_id, "user_id": caller.user_id, "currency": currency}
    body.update(changes)
    return caller.post("/virtual-accounts/currency", body, expect=expect)


@pytest.mark.parametrize("currency, provider", [
    ("NGN", "squadco"), ("USD", "bridge"), ("GBP", "bridge"), ("EUR", "bridge")])
def test_create_currency_account(pcx, currency, provider):
    account = currency_account(pcx, currency).data
    assert account["currency"] == currency and account["provider"] == provider
    assert account["org_id"] == pcx.org_id and account["user_id"] == pcx.user_id
    assert account["status"] == "active" and account["account_type"] == "currency"
    assert Decimal(account["balance"]) == 0 and Decimal(account["ledger_balance"]) == 0
    assert account["account_number"]


def test_a_silent_provider_supplies_the_number_later(pcx, pcx_admin, sandbox):
    sandbox.script("squad", "create_virtual_account", "unavailable")
    account = currency_account(pcx).data
    assert account.get("account_number") is None
    path = f"/virtual-accounts/admin/accounts/{account['account_id']}"
    sandbox.advance("PT1M")
    wait_until(lambda: pcx_admin.get(path, expect=200).data.get("account_number"),
               what="the account's number")


def test_a_currency_without_account_numbers(server, pcx, pcx_admin, sandbox):
    """Nobody goes on asking for what does not exist."""
    def alerts():
        return [line for line in Http(server).get("/metrics", expect=200).text.splitlines()
                if line.startswith("cambist_provider_alerts_total")]

    before = alerts()
    assert before
    account = currency_account(pcx, "NOK").data
    assert account["currency"] == "NOK" and account.get("account_number") is None
    for _ in range(3):
        sandbox.advance("PT10M")
    assert alerts() == before
    pcx_admin.post("/virtual-accounts/deposit", {"account_id": account["account_id"], "amount": 3}, expect=200)
    assert balances(server, account["account_id"]) == (3, 3)
    pcx.post("/virtual-accounts/transfer", {
        "from_account_id": account["account_id"], "to_account_id": currency_account(pcx, "NOK").data["account_id"],
        "amount": 3, "user_id": pcx.user_id}, expect=200)


def test_a_provider_that_refuses_is_400(pcx, sandbox):
    sandbox.script("bridge", "create_virtual_account", "reject")
    currency_account(pcx, "USD", expect=400)


@pytest.mark.parametrize("changes, field", [
    ({"currency": "XXX"}, "currency"),
    ({"currency": "USDC"}, "currency"),
    ({"initial_balance": Decimal("-1")}, "initial_balance"),
    ({"initial_balance": Decimal("1.001")}, "initial_balance"),
    ({"provider": "bridge"}, "provider"),
    ({"provider": "nobody"}, "provider"),
    ({"customer_type": "robot"}, "customer_type"),
])
def test_create_refusals_name_the_field(pcx_admin, changes, field):
    reply = currency_account(pcx_admin, expect=400, **changes)
    assert field in reply.json["message"]


KINDS = {"currency": {"currency": "USD"}, "internal/bank": {"customer_id": None},
         "internal/crypto": {"customer_id": None}}


@pytest.mark.parametrize("kind", KINDS)
def test_ids_in_bodies(pcx_admin, kind):
    """No id of its kind is 400, an id of nothing 404; both name the field."""
    body = {"org_id": pcx_admin.org_id, "user_id": pcx_admin.user_id, **KINDS[kind]}
    body = {name: value for name, value in body.items() if value}
    for field, prefix in (("org_id", "org"), ("user_id", "usr"), ("customer_id", "cus")):
        if field in body or field in KINDS[kind]:
            for text, status in (("nonsense", 400), ("va_0000000000001", 400), (f"{prefix}_0000000000001", 404)):
                reply = pcx_admin.post(f"/virtual-accounts/{kind}", {**body, field: text}, expect=status)
                assert field in reply.text, reply


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raw", ['"5"', "1e3", "true", "NaN", "[1]", "-0.01", "0.0000001", "99999999999999999"])
def test_initial_balances_that_are_no_amounts(pcx_admin, kind, raw):
    text = '{"org_id": "%s", "user_id": "%s", "currency": "%s", "initial_balance": %s}' % (
        pcx_admin.org_id, pcx_admin.user_id, "USDC" if "crypto" in kind else "USD", raw)
    reply = pcx_admin.post(f"/virtual-accounts/{kind}", raw=text, expect=400)
    assert raw == "NaN" or "initial_balance" in reply.text


def test_an_organisation_that_is_stopped_opens_nothing(server, sandbox, pcx_admin):
    owner = with_key(server, pcx_admin, register(server, sandbox))
    for status in ("suspended", "inactive"):
        pcx_admin.put(f"/organizations/admin/status/{owner.org_id}", {"status": status}, expect=200)
        currency_account(owner, expect=403)
        pcx_admin.post("/virtual-accounts/internal/bank", {"org_id": owner.org_id, "user_id": owner.user_id},
                       expect=403)
    pcx_admin.put(f"/organizations/admin/status/{owner.org_id}", {"status": "active"}, expect=200)
    assert currency_account(owner, "usd", provider="Bridge").data["provider"] == "bridge"


def test_a_repeated_call_opens_a_second_account(pcx):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"org_id": pcx.org_id, "user_id": pcx.user_id, "currency": "GBP"}
    first, again, other = (pcx.post("/virtual-accounts/currency", body, headers=headers, expect=201).data
                           for headers in (key, key, None))
    assert first == again and other["account_id"] != first["account_id"]


def test_opening_balance_is_for_staff(pcx, pcx_admin, server):
    currency_account(pcx, expect=403, initial_balance=Decimal("5"))
    account = currency_account(pcx_admin, initial_balance=Decimal("1000.25")).data
    assert Decimal(account["balance"]) == Decimal("1000.25")
    assert balances(server, account["account_id"]) == (Decimal("1000.25"), Decimal("1000.25"))
    entries = pcx_admin.get(f"/virtual-accounts/{account['account_id']}/transactions",
                            expect=200).data
    assert [(e["type"], Decimal(e["amount"])) for e in entries] == [("credit", Decimal("1000.25"))]


def test_plain_users_open_their_own_only(pcx, pcx_user):
    currency_account(pcx_user)
    currency_account(pcx_user, expect=403, user_id=pcx.user_id)


def test_administrators_open_accounts_for_their_own_people_only(pcx, server):
    """The account would carry the name of somebody whom another organisation knows."""
    stranger, foreigner = Pcx(server, "other_org_admin"), OtherTenant(server)
    for user_id, status in ((stranger.user_id, 403), (foreigner.user_id, 404)):
        reply = currency_account(pcx, expect=status, user_id=user_id)
        assert "user_id" in reply.text
    transfer = {"from_account_id": open_account(server, amount=1), "to_account_id": open_account(server),
                "amount": 1}
    for user_id, status in ((stranger.user_id, 403), (foreigner.user_id, 404)):
        reply = pcx.post("/virtual-accounts/transfer", {**transfer, "user_id": user_id}, expect=status)
        assert "user_id" in reply.text


def test_internal_accounts(pcx, pcx_admin):
    owner = {"org_id": pcx.org_id, "user_id": pcx.user_id}
    bank = pcx_admin.post("/virtual-accounts/internal/bank",
                          {**owner, "currency": "EUR", "virtual_account_name": "Savings"},
                          expect=201).data
    assert bank["account_type"] == "internal_bank" and bank["virtual_account_name"] == "Savings"
    crypto = pcx_admin.post("/virtual-accounts/internal/crypto", {**owner, "currency": "usdc"},
                            expect=201).data
    assert crypto["account_type"] == "internal_crypto" and crypto["currency"] == "USDC"
    assert crypto["provider"] == "bridge"
    found = pcx_admin.get(f"/virtual-accounts/internal/user/{pcx.user_id}", expect=200).data
    kinds = {account["account_type"] for account in found}
    assert kinds == {"internal_bank", "internal_crypto"}
    assert {bank["account_id"], crypto["account_id"]} <= {a["account_id"] for a in found}
    nobody = "usr_0000000000001"
    for path in (f"internal/user/{nobody}", f"internal/{nobody}", f"user/{nobody}/internal"):
        pcx_admin.get("/virtual-accounts/" + path, expect=404)
    for path in (f"internal/{pcx.user_id}", f"user/{pcx.user_id}/internal"):
        assert pcx_admin.get("/virtual-accounts/" + path, expect=200).data == found
    money = pcx_admin.post("/virtual-accounts/internal/bank", {
        **owner, "initial_balance": Decimal("0.01")}, expect=201).data
    assert money["currency"] == "USD" and Decimal(money["balance"]) == Decimal("0.01")
    assert bank["virtual_account_name"] in [account["virtual_account_name"] for account in found]
    pcx_admin.post("/virtual-accounts/internal/crypto", {**owner, "currency": "USD"}, expect=400)
    pcx.post("/virtual-accounts/internal/bank", owner, expect=403)
    pcx.post("/virtual-accounts/internal/crypto", owner, expect=403)
    pcx.get(f"/virtual-accounts/internal/user/{pcx.user_id}", expect=403)


def test_internal_accounts_are_for_customers_of_the_organisation(server, sandbox, pcx, pcx_admin):
    address = f"c{uuid.uuid4().hex[:10]}@example.com"
    customer = pcx.post("/virtual-accounts/kyc", {"email": address, "customer_type": "individual"},
                        expect=200).data["customer_id"]
    pcx_admin.post("/virtual-accounts/onboard", {"org_id": pcx.org_id, "user_id": pcx.user_id, "email": address},
                   expect=201)
    other = register(server, sandbox)
    for kind in ("bank", "crypto"):
        for owner, status in (((pcx.org_id, pcx.user_id), 201), ((other["org_id"], other["user_id"]), 400)):
            reply = pcx_admin.post(f"/virtual-accounts/internal/{kind}", {
                "org_id": owner[0], "user_id": owner[1], "customer_id": customer}, expect=status)
            assert status == 400 or reply.data["customer_id"] == customer


def walk(caller, path, **params):
    """All pages of a list, and what it holds."""
    rows, key = [], None
    while True:
        reply = caller.get(path, {**params, "limit": 2, **({"last_evaluated_key": key} if key else {})},
                           expect=200).json
        assert len(reply["data"]) <= 2
        rows += reply["data"]
        key = reply.get("meta", {}).get("last_evaluated_key")
        if not key:
            return rows


def test_lists_page_without_repeats(pcx, pcx_admin, server):
    made = {open_account(server) for _ in range(5)}
    for caller, path in ((pcx, f"/virtual-accounts/org/{pcx.org_id}"),
                         (pcx, f"/virtual-accounts/user/{pcx.user_id}"),
                         (pcx_admin, "/virtual-accounts/currency"),
                         (pcx_admin, "/virtual-accounts/admin/registry")):
        ids = [row["account_id"] for row in walk(caller, path)]
        assert len(ids) == len(set(ids)) and made <= set(ids)


def test_cursors_belong_to_their_list(pcx, pcx_admin, server):
    for _ in range(3):
        open_account(server)
    key = pcx_admin.get("/virtual-accounts/currency", {"limit": 1}, expect=200).json["meta"][
        "last_evaluated_key"]
    tampered = ("A" if key[0] != "A" else "B") + key[1:]
    for path, cursor in ((f"/virtual-accounts/org/{pcx.org_id}", key),
                         ("/virtual-accounts/currency", tampered),
                         ("/virtual-accounts/currency", "nonsense")):
        pcx_admin.get(path, {"last_evaluated_key": cursor}, expect=400)
    for limit in (0, 101, "x"):
        pcx_admin.get("/virtual-accounts/currency", {"limit": limit}, expect=400)


def test_lists_are_for_the_owner(pcx, pcx_user, server):
    open_account(server)
    pcx_user.get(f"/virtual-accounts/user/{pcx.user_id}", expect=403)
    pcx_user.get("/virtual-accounts/currency", expect=403)
    stranger = OtherTenant(server)
    stranger.get(f"/virtual-accounts/org/{pcx.org_id}", expect=(200, 403, 404))
    mine = currency_account(pcx_user).data["account_id"]
    ids = [a["account_id"] for a in walk(pcx_user, f"/virtual-accounts/user/{pcx_user.user_id}")]
    assert mine in ids


def test_who_sees_which_accounts(server, sandbox, pcx, pcx_admin, pcx_user):
    """All three kinds; a member sees its own and what belongs to nobody, administrators all of the organisation."""
    customer = pcx.post("/virtual-accounts/kyc", {
        "email": f"v{uuid.uuid4().hex[:10]}@example.com", "customer_type": "individual"}, expect=200).data["customer_id"]
    shared = pcx_admin.post("/virtual-accounts/admin/squadco/accounts/create", {
        "customer_id": customer, "org_id": pcx.org_id}, expect=201).data["account_id"]
    body = {"org_id": pcx.org_id, "user_id": pcx.user_id}
    theirs = {open_account(server), *(pcx_admin.post("/virtual-accounts/internal/" + kind, body, expect=201)
                                      .data["account_id"] for kind in ("bank", "crypto"))}
    own = open_account(server, role="user")
    path = f"/virtual-accounts/org/{pcx.org_id}"

    def seen(caller):
        return {account["account_id"] for account in walk(caller, path)}

    assert {shared, own} | theirs <= seen(pcx) and {shared, own} | theirs <= seen(pcx_admin)
    assert {shared, own} <= seen(pcx_user) and not theirs & seen(pcx_user)
    of_user = f"/virtual-accounts/user/{pcx_user.user_id}"
    assert own in {a["account_id"] for a in walk(pcx, of_user)}
    other = Pcx(server, "other_org_admin")
    for where in (path, f"/virtual-accounts/user/{pcx.user_id}", of_user):
        other.get(where, expect=403)
        OtherTenant(server).get(where, expect=404)
    for where in ("org/org_0000000000001", "user/usr_0000000000001", "org/nonsense", "user/nonsense"):
        pcx_admin.get("/virtual-accounts/" + where, expect=404)
    # What belongs to nobody is spent by administrators only.
    pcx_admin.post("/virtual-accounts/deposit", {"account_id": shared, "amount": 10}, expect=200)
    spend = {"from_account_id": shared, "to_account_id": own, "amount": 1}
    pcx_user.post("/virtual-accounts/transfer", {**spend, "user_id": pcx_user.user_id}, expect=403)
    pcx.post("/virtual-accounts/transfer", {**spend, "user_id": pcx.user_id}, expect=200)
    assert balances(server, shared) == (9, 9) and balances(server, own) == (1, 1)


STATUSES = ("active", "inactive", "suspended", "frozen")


@pytest.mark.parametrize("source", STATUSES)
@pytest.mark.parametrize("target", STATUSES)
def test_any_status_may_follow_any(pcx_admin, server, source, target):
    account_id = open_account(server)
    for path in (f"/virtual-accounts/status/{account_id}", f"/virtual-accounts/{account_id}"):
        for status in (source, target):
            pcx_admin.put(path, {"status": status}, expect=200)
            shown = pcx_admin.get(f"/virtual-accounts/admin/accounts/{account_id}", expect=200).data["status"]
            assert shown == ("suspended" if status == "frozen" else status)
    for status in ("deleted", "closed", "", "ACTIVE"):
        assert "status" in pcx_admin.put(path, {"status": status}, expect=400).text
    pcx_admin.delete(f"/virtual-accounts/{account_id}", expect=200)
    for path in (f"/virtual-accounts/status/{account_id}", f"/virtual-accounts/{account_id}"):
        pcx_admin.put(path, {"status": "active"}, expect=404)


def test_update_changes_only_what_is_sent(pcx_admin, server, sandbox):
    account_id = open_account(server, amount="7")
    path = f"/virtual-accounts/{account_id}"
    first = pcx_admin.put(path, {"virtual_account_name": "Rent", "status": "inactive"}, expect=200).data
    assert (first["virtual_account_name"], first["status"], first["balance"]) == ("Rent", "inactive", 7)
    assert pcx_admin.put(path, {}, expect=200).data == first
    sandbox.advance("PT1S")
    second = pcx_admin.put(path, {"status": "active"}, expect=200).data
    assert second["virtual_account_name"] == "Rent" and second["updated_at"] > first["updated_at"]
    for name in ("", "  "):
        assert "virtual_account_name" in pcx_admin.put(path, {"virtual_account_name": name}, expect=400).text
    for nobody in ("va_0000000000001", "nonsense"):
        pcx_admin.put("/virtual-accounts/" + nobody, {"virtual_account_name": "x"}, expect=404)
        pcx_admin.put("/virtual-accounts/status/" + nobody, {"status": "active"}, expect=404)
        pcx_admin.delete("/virtual-accounts/" + nobody, expect=404)


@pytest.mark.parametrize("segment", [
    "currency", "internal", "org", "user", "link", "fees", "logs", "admin", "status", "deposit", "withdraw",
    "transfer", "fund", "kyc", "onboard", "ngn", "webhook", "transactions"])
def test_fixed_segments_are_no_accounts(pcx_admin, segment):
    """405 where the segment is a path of its own, else 404; "link" is the one that takes DELETE."""
    pcx_admin.put("/virtual-accounts/" + segment, {"virtual_account_name": "x"}, expect=(404, 405))
    pcx_admin.delete("/virtual-accounts/" + segment, expect=(400,) if segment == "link" else (404, 405))


def test_update_and_status(pcx, pcx_admin, server):
    account_id = open_account(server, amount="100")
    path = f"/virtual-accounts/{account_id}"
    renamed = pcx_admin.put(path, {"virtual_account_name": "Payroll"}, expect=200).data
    assert renamed["virtual_account_name"] == "Payroll" and renamed["status"] == "active"
    assert Decimal(renamed["balance"]) == 100
    assert pcx_admin.put(path, {"status": "suspended"}, expect=200).data["status"] == "suspended"
    for status in ("inactive", "suspended", "active", "inactive", "active"):
        answer = pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": status},
                               expect=200)
        assert answer.data == {}
        assert pcx_admin.get(f"/virtual-accounts/admin/accounts/{account_id}",
                             expect=200).data["status"] == status
    pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": "frozen"}, expect=200)
    assert pcx_admin.get(f"/virtual-accounts/admin/accounts/{account_id}",
                         expect=200).data["status"] == "suspended"
    pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": "gone"}, expect=400)
    pcx_admin.put(f"/virtual-accounts/status/{account_id}", {}, expect=400)
    pcx_admin.put("/virtual-accounts/status/va_0000000000001", {"status": "active"}, expect=404)
    pcx.put(path, {"virtual_account_name": "x"}, expect=403)
    pcx.put(f"/virtual-accounts/status/{account_id}", {"status": "active"}, expect=403)


@pytest.mark.parametrize("status", ["inactive", "suspended"])
def test_nothing_moves_on_an_account_that_is_not_active(pcx, pcx_admin, server, status):
    stopped, other = open_account(server, amount="100"), open_account(server, amount="100")
    pcx_admin.put(f"/virtual-accounts/status/{stopped}", {"status": status}, expect=200)
    for source, target in ((stopped, other), (other, stopped)):
        pcx.post("/virtual-accounts/transfer", {
            "from_account_id": source, "to_account_id": target, "amount": 1,
            "user_id": pcx.user_id}, expect=400)
    pcx_admin.post("/virtual-accounts/deposit", {"account_id": stopped, "amount": 1}, expect=400)
    pcx.post("/virtual-accounts/withdraw", {
        "account_id": stopped, "amount": 1, "user_id": pcx.user_id, "beneficiary_name": "Ada",
        "bank_code": "058", "beneficiary_account_number": "0123456789"}, expect=400)
    assert balances(server, stopped) == (100, 100) and balances(server, other) == (100, 100)


def test_delete_needs_an_empty_account(pcx, pcx_admin, server):
    full, empty = open_account(server, amount="0.01"), open_account(server)
    pcx_admin.delete(f"/virtual-accounts/{full}", expect=409)
    pcx.delete(f"/virtual-accounts/{empty}", expect=403)
    assert pcx_admin.delete(f"/virtual-accounts/{empty}", expect=200).data == {}
    pcx_admin.delete(f"/virtual-accounts/{empty}", expect=404)
    pcx_admin.get(f"/virtual-accounts/admin/accounts/{empty}", expect=404)
    assert balances(server, full) == (Decimal("0.01"), Decimal("0.01"))


def test_delete_needs_nothing_pending(pcx, pcx_admin, platform, server, sandbox):
    """Held for a withdrawal, on its way in, or set aside: each keeps the account open; rejection lets it go."""
    account_id = open_account(server, amount="5")
    made = pcx.post("/virtual-accounts/withdraw", {
        "account_id": account_id, "amount": 5, "user_id": pcx.user_id, "beneficiary_name": "Ada",
        "bank_code": "058", "beneficiary_account_number": "0123456789"}, expect=200).data["transaction_id"]
    for path in (f"/virtual-accounts/{account_id}", f"/virtual-accounts/org/{pcx.org_id}"):
        pcx_admin.delete(path, expect=409)
    pcx_admin.post(f"/virtual-accounts/admin/transactions/{made}/reject", expect=200)
    pcx_admin.delete(f"/virtual-accounts/{account_id}", expect=409)  # the money is back on it
    target = open_account(server)
    pcx.post("/virtual-accounts/transfer", {"from_account_id": account_id, "to_account_id": target, "amount": 5,
                                            "user_id": pcx.user_id}, expect=200)
    pcx_admin.delete(f"/virtual-accounts/{account_id}", expect=200)
    for source, goal in ((target, account_id), (account_id, target)):
        pcx.post("/virtual-accounts/transfer", {"from_account_id": source, "to_account_id": goal, "amount": 1,
                                                "user_id": pcx.user_id}, expect=404)
    entries = pcx_admin.get("/virtual-accounts/admin/transactions", {"account_id": account_id}, expect=200).data
    assert [entry["status"] for entry in entries] == ["completed", "rejected", "completed"]  # kept
    assert balances(server, target) == (5, 5)


def test_deposits_for_a_closed_account_go_to_suspense(pcx, pcx_admin, platform, server, sandbox):
    account = currency_account(pcx).data
    pcx_admin.delete(f"/virtual-accounts/{account['account_id']}", expect=200)
    reference = "R" + uuid.uuid4().hex[:12]
    sandbox.event("squad", {"account_number": account["account_number"], "amount": "8.25", "reference": reference,
                            "repeat": 2})
    alert = wait_until(lambda: [log for log in pcx_admin.get(
        "/virtual-accounts/logs", {"account_id": account["account_id"], "type": "deposit.suspended"},
        expect=200).data], what="the alert")
    assert [log["metadata"]["amount"] for log in alert] == ["8.25"]
    legs = [leg for journal in platform.get("/ledger/journals", {"reference": reference}, expect=200).data
            for leg in journal["transfers"]]
    assert [(leg["debit_kind"], leg["credit_kind"], Decimal(leg["amount"])) for leg in legs] == [
        ("settlement", "suspense", Decimal("8.25"))]


def test_delete_all_of_an_organisation(pcx_admin, server):
    reply = pcx_admin.post("/organizations", {
        "org_name": "Closing Ltd", "country": "NG", "created_by": pcx_admin.user_id}, expect=201).json
    org_id = reply.get("data", reply)["org_id"]
    first = currency_account(pcx_admin, org_id=org_id).data["account_id"]
    full = currency_account(pcx_admin, org_id=org_id, initial_balance=Decimal("1")).data["account_id"]
    pcx_admin.delete(f"/virtual-accounts/org/{org_id}", expect=409)
    pcx_admin.get(f"/virtual-accounts/admin/accounts/{first}", expect=200)  # all or none
    pcx_admin.post("/virtual-accounts/transfer", {
        "from_account_id": full, "to_account_id": open_account(server), "amount": 1,
        "user_id": pcx_admin.user_id}, expect=200)
    assert pcx_admin.delete(f"/virtual-accounts/org/{org_id}", expect=200).data == {}
    assert pcx_admin.get(f"/virtual-accounts/org/{org_id}", expect=200).data == []
    pcx_admin.delete("/virtual-accounts/org/org_0000000000001", expect=404)


def test_another_tenant_sees_nothing(pcx, server):
    account_id = open_account(server)
    stranger = OtherTenant(server)
    for call in (lambda: stranger.get(f"/virtual-accounts/admin/accounts/{account_id}"),
                 lambda: stranger.put(f"/virtual-accounts/{account_id}",
                                      {"virtual_account_name": "x"}),
                 lambda: stranger.delete(f"/virtual-accounts/{account_id}"),
                 lambda: stranger.get(f"/virtual-accounts/{account_id}/transactions")):
        assert call().status in (403, 404)
