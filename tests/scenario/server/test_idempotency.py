"""Idempotency-Key on writes of every dialect: replayed, refused for another body, bound to the caller."""
import threading
import uuid
from decimal import Decimal

from client.flows import balances, open_account
from client.pcx import Pcx


def transfer(client, source, target, amount, key, path="/virtual-accounts/transfer"):
    return client.post(path, {"from_account_id": source, "to_account_id": target, "amount": amount,
                              "user_id": client.user_id}, headers={"Idempotency-Key": key})


def test_same_key_same_body_replays(server, pcx):
    source, target, key = open_account(server, amount=100), open_account(server), uuid.uuid4().hex
    first = transfer(pcx, source, target, Decimal("10.50"), key)
    assert first.status == 200 and "Idempotency-Replayed" not in first.headers, first
    for _ in range(3):
        again = transfer(pcx, source, target, Decimal("10.50"), key)
        assert (again.status, again.text) == (first.status, first.text)
        assert again.headers["Idempotency-Replayed"] == "true"
    assert balances(server, target)[0] == Decimal("10.50")


def test_same_key_other_body_is_refused(server, pcx):
    source, target, key = open_account(server, amount=100), open_account(server), uuid.uuid4().hex
    assert transfer(pcx, source, target, 1, key).status == 200
    assert transfer(pcx, source, target, 2, key).status == 409
    assert balances(server, target)[0] == 1


def test_refusals_are_replayed_too(server, pcx):
    """A refused attempt's key cannot later succeed with another outcome."""
    source, target, key = open_account(server, amount=5), open_account(server), uuid.uuid4().hex
    assert transfer(pcx, source, target, 6, key).status == 400
    open_more = open_account(server, amount=100)
    assert transfer(pcx, open_more, source, 50, uuid.uuid4().hex).status == 200
    assert transfer(pcx, source, target, 6, key).status == 400
    assert balances(server, target)[0] == 0


def test_keys_of_two_callers_do_not_meet(server, pcx, pcx_admin):
    source, target, key = open_account(server, amount=100), open_account(server), uuid.uuid4().hex
    assert transfer(pcx, source, target, 1, key).status == 200
    other = transfer(pcx_admin, source, target, 1, key)
    assert "Idempotency-Replayed" not in other.headers


def test_one_key_in_parallel_happens_once(server):
    source, target, key = open_account(server, amount=100), open_account(server), uuid.uuid4().hex
    replies = []

    def run():
        replies.append(transfer(Pcx(server), source, target, 10, key))
    callers = [threading.Thread(target=run) for _ in range(20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert {reply.status for reply in replies} <= {200, 409}
    assert sum(reply.status == 200 and "Idempotency-Replayed" not in reply.headers
               for reply in replies) == 1
    assert balances(server, target)[0] == 10


def test_hostile_keys(pcx, server):
    source, target = open_account(server, amount=100), open_account(server)
    for key in ("x" * 4000, "a\tb", "\xe9\xff"):
        assert transfer(pcx, source, target, 1, key).status in (200, 400)


def test_fincode_s_own_header(fincode, platform):
    """x-idempotency-key is FinCode's name of it, also behind the GET that changes a permission."""
    made = platform.post("/accounts", {"user_id": fincode.user_id, "currency": "NGN"}, expect=201).data
    path = f"/account-maintenance/change-account-permission/{made['fincode_id']}"
    key = {"x-idempotency-key": uuid.uuid4().hex}
    first = fincode.get(f"{path}/READ_ONLY", headers=key, expect=200)
    fincode.get(f"{path}/FULL_ACCESS", expect=200)
    again = fincode.get(f"{path}/READ_ONLY", headers=key, expect=200)
    assert again.text == first.text and again.headers["Idempotency-Replayed"] == "true"
    now = fincode.get(f"/account-maintenance/list-accounts/{fincode.user_id}", headers=key, expect=200)
    assert "Idempotency-Replayed" not in now.headers
    assert {a["accountPermission"] for a in now.data if a["id"] == made["fincode_id"]} == {"FULL_ACCESS"}
    other = fincode.get(f"{path}/CREDIT_ONLY", headers=key, expect=422).json
    assert other["error"]["details"][0]["field"] == "x-idempotency-key", other


def test_postings_take_both_kinds_of_key(fincode, platform):
    source, target = (platform.post("/accounts", {"user_id": fincode.user_id, "currency": "NGN"},
                                    expect=201).data for _ in range(2))
    platform.deposit(source["account_id"], 10, "NGN")

    def post(amount, key, header):
        return fincode.post("/gateway/post-account", [{
            "primaryAccountNumber": source["account_number"], "currencyCode": "NGN",
            "creditDebitInstructionDirection": "DEBIT_PRIMARY_ACCOUNT_CREDIT_COUNTERPARTY_ACCOUNT",
            "counterParties": [{"accountNumber": target["account_number"], "amount": amount}],
            "instructionIdempotencykey": key}], headers={"x-idempotency-key": header})
    one, two, header, other = (uuid.uuid4().hex for _ in range(4))
    first = post(1, one, header)
    assert first.data[0]["status"] == "PAID"
    assert post(1, one, header).headers["Idempotency-Replayed"] == "true"
    assert post(1, two, header).status == 422
    again = post(1, one, other)
    assert again.data == first.data and "Idempotency-Replayed" not in again.headers
    assert fincode.get(f"/ledger/account-balance/{target['fincode_id']}").data["accountBalance"] == 1


def test_vaultspay(vaultspay):
    body = {"userId": vaultspay.user_id, "currencyId": 2, "accountType": "DIGITAL"}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = vaultspay.post("/be/api/v1/accounts", body, headers=key, expect=200)
    again = vaultspay.post("/be/api/v1/accounts", body, headers=key, expect=200)
    assert again.text == first.text and again.headers["Idempotency-Replayed"] == "true"
    other = vaultspay.post("/be/api/v1/accounts", {**body, "currencyId": 840}, headers=key, expect=422)
    assert (other.json["code"], other.json["errors"][0]["key"]) == (1000, "Idempotency-Key")


def test_a_login_makes_somebody_else_of_the_call(server, platform):
    """Its key belongs to who called, not to who the caller became; the next use of it is answered, not crashed on."""
    who = server.credentials["pcx"]["other_tenant"]["internal_admin"]
    key, body = uuid.uuid4().hex, {"email": who["email"], "password": who["password"], "tenant": "second"}

    def log_in(**change):
        return platform.post("/sessions", {**body, **change}, headers={"Idempotency-Key": key})
    first, again, other, last = log_in(), log_in(), log_in(password="another"), log_in()
    assert first.status == 201, first
    assert again.json["code"] == last.json["code"] == "IDEMPOTENCY_SECRET", again
    assert other.json["code"] == "IDEMPOTENCY_MISMATCH", other
