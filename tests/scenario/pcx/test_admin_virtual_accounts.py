"""Administrators of the platform: registry, detail, and the decisions on withdrawals."""
import uuid
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.http import wait_until
from client.people import register, with_key


BANK = {"beneficiary_name": "Ada Obi", "bank_code": "058", "beneficiary_account_number": "0123456789"}


def withdraw(caller, account_id, amount):
    return caller.post("/virtual-accounts/withdraw", {
        "account_id": account_id, "amount": Decimal(amount), "user_id": caller.user_id, **BANK},
        expect=200).data["transaction_id"]


def path_of(transaction_id):
    return f"/virtual-accounts/admin/transactions/{transaction_id}"


def test_detail_and_registry(pcx, pcx_admin, server):
    account_id = open_account(server, "GBP", "10.50")
    detail = pcx_admin.get(f"/virtual-accounts/admin/accounts/{account_id}", expect=200).data
    assert detail["user_email"] == pcx.who["email"] and detail["org_name"]
    assert Decimal(detail["balance"]) == Decimal("10.5")
    before = detail["transaction_count"]
    pcx_admin.post("/virtual-accounts/deposit", {"account_id": account_id, "amount": 1}, expect=200)
    after = pcx_admin.get(f"/virtual-accounts/admin/accounts/{account_id}", expect=200).data
    assert after["transaction_count"] == before + 1 and after["last_transaction_at"]
    for params in ({"org_id": pcx.org_id}, {"user_id": pcx.user_id}, {"currency": "gbp"},
                   {"status": "active"}, {"account_type": "currency"}, {"provider": "bridge"}):
        found = pcx_admin.get("/virtual-accounts/admin/registry", {"limit": 100, **params},
                              expect=200).data
        assert after in found
    for params in ({"currency": "USD"}, {"status": "suspended"}, {"provider": "squadco"}):
        found = pcx_admin.get("/virtual-accounts/admin/registry", {"limit": 100, **params},
                              expect=200).data
        assert account_id not in [a["account_id"] for a in found]
    pcx_admin.get("/virtual-accounts/admin/registry", {"currency": "???"}, expect=400)
    pcx_admin.get("/virtual-accounts/admin/accounts/va_0000000000001", expect=404)
    pcx.get(f"/virtual-accounts/admin/accounts/{account_id}", expect=403)
    pcx.get("/virtual-accounts/admin/registry", expect=403)


def test_transactions(pcx, pcx_admin, server):
    account_id = open_account(server, amount="20")
    transaction_id = withdraw(pcx, account_id, "5")
    listing = "/virtual-accounts/admin/transactions"
    for params in ({"account_id": account_id}, {"org_id": pcx.org_id}, {"user_id": pcx.user_id},
                   {"type": "debit"}, {"status": "pending"}):
        found = pcx_admin.get(listing, {"limit": 100, **params}, expect=200).data
        assert transaction_id in [e["transaction_id"] for e in found]
    entry = pcx_admin.get(path_of(transaction_id), expect=200).data
    assert entry["account_id"] == account_id and entry["status"] == "pending"
    pcx_admin.get(path_of("vat_0000000000001"), expect=404)
    pcx.get(listing, expect=403)
    pcx.get(path_of(transaction_id), expect=403)


def test_rejection_restores_amount_and_fee(pcx, pcx_admin, server):
    fee = pcx_admin.post("/virtual-accounts/fees", {
        "currency": "NGN", "transaction_type": "withdrawal", "fee_type": uuid.uuid4().hex,
        "fee_structure": "fixed_amount", "fee_value": 3}, expect=201).data["fee_id"]
    account_id = open_account(server, amount="100")
    transaction_id = withdraw(pcx, account_id, "97")
    pcx_admin.delete(f"/virtual-accounts/fees/{fee}", expect=200)
    assert balances(server, account_id) == (0, 100)
    pcx.post(path_of(transaction_id) + "/reject", expect=403)
    answer = pcx_admin.post(path_of(transaction_id) + "/reject", {"reason": "unknown payee"},
                            expect=200)
    assert answer.data == {}
    assert balances(server, account_id) == (100, 100)
    for action in ("reject", "approve"):
        pcx_admin.post(f"{path_of(transaction_id)}/{action}", expect=409)
    assert balances(server, account_id) == (100, 100)
    assert pcx_admin.get(path_of(transaction_id), expect=200).data["status"] == "rejected"


def test_approval_happens_once(pcx, pcx_admin, server, sandbox):
    account_id = open_account(server, amount="100")
    transaction_id = withdraw(pcx, account_id, "60")
    pcx.post(path_of(transaction_id) + "/approve", expect=403)
    pcx_admin.post(path_of(transaction_id) + "/approve", expect=200)
    for action in ("approve", "reject"):
        pcx_admin.post(f"{path_of(transaction_id)}/{action}", expect=409)
    wait_until(lambda: pcx_admin.get(path_of(transaction_id), expect=200).data["status"]
               == "completed", what="the payout")
    pcx_admin.post(path_of(transaction_id) + "/reject", expect=409)
    assert balances(server, account_id) == (40, 40)


# State -> action -> (status of the reply, state afterwards). "completed" and "failed" are the provider's words.
STATES = {
    "pending": {"approve": (200, "completed"), "reject": (200, "rejected"), "process": (409, "pending"),
                "cross": (400, "pending")},
    "approved": {"approve": (409, "completed"), "reject": (409, "completed"), "process": (200, "completed"),
                 "cross": (400, "completed")},  # the outbox goes on sending it
    "processing": {"approve": (409, "processing"), "reject": (409, "processing"), "process": (200, "processing"),
                   "completed": (200, "completed"), "failed": (200, "failed"), "pending": (200, "processing"),
                   "cross": (400, "processing")},
    "completed": {"approve": (409, "completed"), "reject": (409, "completed"), "process": (409, "completed"),
                  "completed": (200, "completed"), "failed": (200, "completed"), "pending": (200, "completed"),
                  "cross": (400, "completed")},
    "failed": {"approve": (409, "failed"), "reject": (409, "failed"), "process": (409, "failed"),
               "completed": (200, "failed"), "failed": (200, "failed"), "pending": (200, "failed"),
               "cross": (400, "failed")},
    "rejected": {"approve": (409, "rejected"), "reject": (409, "rejected"), "process": (409, "rejected"),
                 "cross": (400, "rejected")},
}
# Of 100 on the account, of which 40 are withdrawn: (available, with what is pending).
LEFT = {"pending": (60, 100), "approved": (60, 100), "processing": (60, 100), "completed": (60, 60),
        "failed": (100, 100), "rejected": (100, 100)}


def sent(sandbox):
    return {t["reference"] for t in sandbox.get("/providers/sarepay/transfers", expect=200).json["transfers"]}


@pytest.fixture
def withdrawal_in(pcx, pcx_admin, server, sandbox):
    """A withdrawal of 40 out of 100, brought into a state; its account, id and reference at the provider."""
    def make(state):
        nonlocal before
        account_id, before = open_account(server, amount="100"), sent(sandbox)
        transaction_id = withdraw(pcx, account_id, "40")
        if state == "rejected":
            pcx_admin.post(path_of(transaction_id) + "/reject", expect=200)
        elif state != "pending":
            if state != "completed":
                sandbox.script("sarepay", "payout", {"approved": "throttled", "processing": "pending",
                                                     "failed": "fail"}[state])
            pcx_admin.post(path_of(transaction_id) + "/approve", expect=200)
        wait_until(lambda: pcx_admin.get(path_of(transaction_id), expect=200).data["status"] == state, what=state)
        return account_id, transaction_id, next(iter(sent(sandbox) - before), None)

    before = None
    yield make
    assert len(sent(sandbox) - before) <= 1, "paid twice"


@pytest.mark.parametrize("state, action", [(state, action) for state, row in STATES.items() for action in row])
def test_every_step_of_a_withdrawal(pcx_admin, platform, server, sandbox, withdrawal_in, state, action):
    account_id, transaction_id, reference = withdrawal_in(state)
    status, after = STATES[state][action]
    assert balances(server, account_id) == LEFT[state]
    if action in ("completed", "failed", "pending"):
        for _ in range(2):
            assert sandbox.event("sarepay", {"reference": reference, "status": action}).json["status"] == status
    elif action == "cross":
        pcx_admin.post(path_of(transaction_id) + "/cross-rail-payout", BANK, expect=status)
    elif action == "process":
        pcx_admin.post(f"/virtual-accounts/admin/squadco/withdrawals/{transaction_id}/process", expect=status)
    else:
        pcx_admin.post(f"{path_of(transaction_id)}/{action}", expect=status)

    def reached():
        if state == "approved":  # the provider asked us to wait
            sandbox.advance("PT3M")
        return pcx_admin.get(path_of(transaction_id), expect=200).data["status"] == after

    wait_until(reached, what=after)
    sandbox.advance("PT5S")
    assert pcx_admin.get(path_of(transaction_id), expect=200).data["status"] == after
    assert balances(server, account_id) == LEFT[after]
    books = platform.get("/ledger/trial-balance", expect=200).data
    assert books["balanced"] and all(asset["balanced"] for asset in books["assets"])


@pytest.mark.parametrize("status", ["inactive", "suspended"])
def test_nothing_is_approved_on_an_account_that_was_stopped(pcx, pcx_admin, server, status):
    account_id = open_account(server, amount="100")
    first, second = withdraw(pcx, account_id, "40"), withdraw(pcx, account_id, "10")
    pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": status}, expect=200)
    pcx_admin.delete(f"/virtual-accounts/{account_id}", expect=409)
    pcx_admin.post(path_of(first) + "/approve", expect=400)
    assert balances(server, account_id) == (50, 100)
    pcx_admin.post(path_of(second) + "/reject", expect=200)
    assert balances(server, account_id) == (60, 100)
    pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": "active"}, expect=200)
    pcx_admin.post(path_of(first) + "/approve", expect=200)
    wait_until(lambda: balances(server, account_id) == (60, 60), what="the payout")


@pytest.mark.parametrize("status, left", [("completed", (60, 60)), ("failed", (100, 100))])
def test_the_providers_word_counts_on_an_account_that_was_stopped(pcx_admin, server, sandbox, withdrawal_in,
                                                                  status, left):
    account_id, transaction_id, reference = withdrawal_in("processing")
    pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": "suspended"}, expect=200)
    sandbox.event("sarepay", {"reference": reference, "status": status})
    wait_until(lambda: pcx_admin.get(path_of(transaction_id), expect=200).data["status"] == status, what=status)
    assert balances(server, account_id) == left


def test_approvals_of_a_suspended_organisation_wait(server, sandbox, pcx_admin):
    owner = with_key(server, pcx_admin, register(server, sandbox))
    account_id = owner.post("/virtual-accounts/currency", {
        "org_id": owner.org_id, "user_id": owner.user_id, "currency": "NGN"}, expect=201).data["account_id"]
    credit = pcx_admin.post("/virtual-accounts/deposit", {"account_id": account_id, "amount": 9},
                            expect=200).data["transaction_id"]
    transaction_id = withdraw(owner, account_id, "5")
    pcx_admin.put(f"/organizations/admin/status/{owner.org_id}", {"status": "suspended"}, expect=200)
    pcx_admin.post(path_of(transaction_id) + "/approve", expect=403)
    pcx_admin.post(path_of(credit) + "/cross-rail-payout", BANK, expect=403)
    pcx_admin.post(path_of(transaction_id) + "/reject", expect=200)
    assert balances(server, account_id) == (9, 9)


def test_only_naira_withdrawals_are_decided(pcx_admin, server):
    account_id = open_account(server)
    deposit = pcx_admin.post("/virtual-accounts/deposit", {"account_id": account_id, "amount": 5},
                             expect=200).data["transaction_id"]
    for action in ("approve", "reject"):
        pcx_admin.post(f"{path_of(deposit)}/{action}", expect=409)
        pcx_admin.post(f"{path_of('vat_0000000000001')}/{action}", expect=404)


def test_a_payout_that_times_out_is_paid_once(pcx, pcx_admin, server, sandbox):
    account_id = open_account(server, amount="100")
    transaction_id = withdraw(pcx, account_id, "30")
    sandbox.script("sarepay", "payout", "timeout")
    pcx_admin.post(path_of(transaction_id) + "/approve", expect=200)

    def completed():
        sandbox.advance("PT1M")
        return pcx_admin.get(path_of(transaction_id), expect=200).data["status"] == "completed"

    wait_until(completed, timeout=60, interval=0.3, what="the payout")
    assert balances(server, account_id) == (70, 70)


def test_cross_rail_payout(pcx, pcx_admin, server):
    account_id = open_account(server)
    credit = pcx_admin.post("/virtual-accounts/deposit", {
        "account_id": account_id, "amount": Decimal("75.25")}, expect=200).data["transaction_id"]
    path = path_of(credit) + "/cross-rail-payout"
    pcx.post(path, BANK, expect=403)
    pcx_admin.post(path, {}, expect=400)
    payout = pcx_admin.post(path, BANK, expect=200).data
    assert payout["type"] == "debit" and Decimal(payout["amount"]) == Decimal("75.25")
    pcx_admin.post(path, BANK, expect=409)
    wait_until(lambda: pcx_admin.get(path_of(payout["transaction_id"]), expect=200).data["status"]
               == "completed", what="the payout")
    assert balances(server, account_id) == (0, 0)
    pcx_admin.post(path, BANK, expect=409)
    pcx_admin.post(path_of(payout["transaction_id"]) + "/cross-rail-payout", BANK, expect=400)
    pcx_admin.post(path_of("vat_0000000000001") + "/cross-rail-payout", BANK, expect=404)


@pytest.mark.parametrize("outcome", ["fail"])
def test_a_failed_cross_rail_payout_can_be_tried_again(pcx_admin, server, sandbox, outcome):
    account_id = open_account(server)
    credit = pcx_admin.post("/virtual-accounts/deposit", {"account_id": account_id, "amount": 9},
                            expect=200).data["transaction_id"]
    path = path_of(credit) + "/cross-rail-payout"
    sandbox.script("sarepay", "payout", outcome)
    first = pcx_admin.post(path, BANK, expect=200).data["transaction_id"]
    wait_until(lambda: pcx_admin.get(path_of(first), expect=200).data["status"] == "failed",
               what="the failure")
    assert balances(server, account_id) == (9, 9)
    pcx_admin.post(path, BANK, expect=200)
