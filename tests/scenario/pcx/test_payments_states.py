"""The life cycle of a payment, walked arrow by arrow from the table the program is built from: by staff, by the relay
of a provider's word, and by a provider's own callbacks. Its transaction and its money move along."""
import os
import re
import time
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.http import Http, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
AMOUNT, OPENING = Decimal("10"), Decimal("100000")


def table(noun):
    with open(f"{ROOT}/src/core/states/{noun}.def", encoding="utf-8") as file:
        text = file.read()
    return (re.findall(r"^STATE\((\w+)", text, re.M),
            {(start, end) for start, end in re.findall(r"^TRANSITION\((\w+), \w+, (\w+)\)", text, re.M)})


STATES, ARROWS = table("payment")
TRANSACTION_OF = {"initiated": "initiated", "completed": "completed", "refunded": "completed", "failed": "failed",
                  "rejected": "failed", "canceled": "failed"}  # the others: pending
RELEASED = {"failed", "rejected", "canceled", "refunded"}


def way_to(state):
    """The states on the shortest way from initiated."""
    ways = {"initiated": []}
    while state not in ways:
        ways.update({end: ways[start] + [end] for start, end in sorted(ARROWS) if start in ways and end not in ways})
    return ways[state]


@pytest.fixture(scope="module")
def account(server):
    return open_account(server, "ZAR", OPENING)


@pytest.fixture(scope="module")
def payee(server):
    from client.pcx import Pcx
    return Pcx(server, "org_admin").post("/beneficiaries", {
        "account_type": "bank", "country": "ZA", "currency": "ZAR", "fname": "Thandi", "lname": "Nkosi",
        "bank_details": {"account_number": "55779911"}}, expect=201).json["beneficiary_id"]


@pytest.fixture
def make(pcx, account, payee):
    def payment(**changes):
        return pcx.post("/payments", {
            "amount": AMOUNT, "currency": "ZAR", "beneficiary_id": payee, "payment_method": "bank_transfer",
            "direction": "outbound", "source_account_id": account, "provider": "manual", **changes}, expect=201).json
    return payment


def check(pcx, payment, state):
    """The payment, its transaction and the look-ups of both agree."""
    shown = pcx.get(f"/payments/{payment['payment_id']}", expect=200).json
    paired = pcx.get(f"/transactions/{payment['transaction_id']}", expect=200).json
    assert (shown["status"], paired["status"]) == (state, TRANSACTION_OF.get(state, "pending"))
    assert paired["payment_id"] == payment["payment_id"]


def test_the_table_is_the_documented_one():
    assert len(STATES) == 10 and STATES[0] == "initiated"
    assert {start for start, _ in ARROWS} == set(STATES) - {"failed", "refunded", "rejected", "canceled"}
    assert {end for start, end in ARROWS if start == "completed"} == {"refunded"}


@pytest.mark.parametrize("relay", ["", "/webhook"], ids=["staff", "relay"])
@pytest.mark.parametrize("start", STATES)
def test_every_arrow_and_every_refused_one(server, pcx, pcx_admin, account, make, start, relay):
    for end in STATES:
        before = balances(server, account)[0]
        payment = make()
        path = f"/payments/{payment['payment_id']}"
        for state in way_to(start):
            pcx_admin.patch(path, {"status": state}, expect=200)
        held = before - (0 if start in RELEASED else AMOUNT)
        assert balances(server, account)[0] == held
        allowed = end == start or (start, end) in ARROWS
        reply = pcx_admin.patch(path + relay, {"status": end}, expect=200 if allowed else 409).json
        assert reply["status"] == (end if allowed else "error")
        check(pcx, payment, end if allowed else start)
        ends_released = (end if allowed else start) in RELEASED
        assert balances(server, account)[0] == before - (0 if ends_released else AMOUNT), (start, end)


class Payout:
    """A payment that a provider is told to pay out, and answers as scripted."""

    def __init__(self, sandbox, make, outcome, **changes):
        self.sandbox = sandbox
        known = len(self.asked())
        self.transfers = len(self.made())
        sandbox.script("bridge", "payout", outcome)
        self.payment = make(provider="fiat", **changes)
        wait_until(lambda: len(self.asked()) > known, what="the provider to be asked")
        self.reference = self.asked()[0]["reference"]

    def asked(self):
        return [r for r in self.sandbox.requests("bridge") if r["operation"] == "payout"]

    def made(self):
        return self.sandbox.get("/providers/bridge/transfers", expect=200).json["transfers"]

    def event(self, status, **rest):
        self.sandbox.event("bridge", {"reference": self.reference, "status": status, **rest})


def status_of(pcx, payment):
    return pcx.get(f"/payments/{payment['payment_id']}", expect=200).json["status"]


def wait_for(pcx, payment, status):
    wait_until(lambda: status_of(pcx, payment) == status, what=status)


def alerts(server):
    text = Http(server).get("/metrics", expect=200).text
    return int(re.search(r"^cambist_provider_alerts_total (\d+)", text, re.M)[1])


@pytest.mark.parametrize("outcome, end", [("twice", "completed"), ("fail", "failed")])
@pytest.mark.parametrize("start", ["initiated", "reviewed", "confirmed", "processing", "pending"])
def test_the_providers_word_ends_every_open_state(server, pcx, pcx_admin, sandbox, account, make, start, outcome, end):
    before = balances(server, account)[0]
    payout = Payout(sandbox, make, "throttled")  # not taken: it is sent again later
    for state in way_to(start):
        pcx_admin.patch(f"/payments/{payout.payment['payment_id']}", {"status": state}, expect=200)
    check(pcx, payout.payment, start)
    assert balances(server, account)[0] == before - AMOUNT
    sandbox.script("bridge", "payout", outcome)
    # Again and again: the worker may still be writing down that it was told to wait.
    wait_until(lambda: sandbox.advance("PT5M") and status_of(pcx, payout.payment) == end, timeout=60, interval=0.2, what=end)
    check(pcx, payout.payment, end)
    assert balances(server, account)[0] == before - (AMOUNT if end == "completed" else 0)


@pytest.mark.parametrize("first, then", [("completed", "failed"), ("failed", "completed")])
def test_the_providers_first_word_counts(server, pcx, sandbox, account, make, first, then):
    before = balances(server, account)[0]
    payout = Payout(sandbox, make, "pending")
    payout.event(first)
    wait_for(pcx, payout.payment, first)
    counted = alerts(server)
    payout.event(then)
    wait_until(lambda: alerts(server) > counted, what="an alert")
    check(pcx, payout.payment, first)
    assert balances(server, account)[0] == before - (AMOUNT if first == "completed" else 0)


@pytest.mark.parametrize("relayed", ["completed", "failed"])
def test_what_has_ended_is_not_sent_any_more(server, pcx, pcx_admin, sandbox, account, make, relayed):
    """The provider is down; staff learns from it by another way how the payment ended."""
    before = balances(server, account)[0]
    payout = Payout(sandbox, make, "throttled")
    pcx_admin.patch(f"/payments/{payout.payment['payment_id']}/webhook", {"status": relayed}, expect=200)
    for _ in range(4):
        sandbox.advance("PT10M")
        time.sleep(0.2)
    check(pcx, payout.payment, relayed)
    assert len(payout.made()) == payout.transfers
    assert balances(server, account)[0] == before - (AMOUNT if relayed == "completed" else 0)


@pytest.mark.parametrize("relayed, then", [("completed", "failed"), ("failed", "completed")])
def test_a_provider_that_contradicts_what_staff_relayed(server, pcx, pcx_admin, sandbox, account, make, relayed, then):
    before = balances(server, account)[0]
    payout = Payout(sandbox, make, "pending")
    pcx_admin.patch(f"/payments/{payout.payment['payment_id']}/webhook", {"status": relayed}, expect=200)
    counted = alerts(server)
    payout.event(then)
    wait_until(lambda: alerts(server) > counted, what="an alert")
    check(pcx, payout.payment, relayed)
    assert balances(server, account)[0] == before - (AMOUNT if relayed == "completed" else 0)


def test_a_changed_transaction_takes_its_payment_along(server, pcx, pcx_admin, sandbox, account, make):
    """PATCH /transactions/{id} is the documented way a transaction's status changes: the two never disagree."""
    before = balances(server, account)[0]
    for way, end, left in ((["pending", "completed"], "completed", AMOUNT), (["pending", "failed"], "failed", 0),
                           (["completed"], "completed", AMOUNT), (["failed"], "failed", 0)):
        payment, opening = make(), balances(server, account)[0] + AMOUNT
        for status in way:
            changed = pcx_admin.patch(f"/transactions/{payment['transaction_id']}", {"status": status}, expect=200).json
            assert changed["status"] == status
            check(pcx, payment, status)
        assert balances(server, account)[0] == opening - left
        for status in ("initiated", "pending", "failed" if end == "completed" else "completed"):
            pcx_admin.patch(f"/transactions/{payment['transaction_id']}", {"status": status}, expect=409)
    assert balances(server, account)[0] == before - 2 * AMOUNT
    silent = Payout(sandbox, make, "pending").payment
    pcx_admin.patch(f"/transactions/{silent['transaction_id']}", {"status": "failed", "payout_id": "po_x"}, expect=409)
    assert pcx.get(f"/transactions/{silent['transaction_id']}").json.get("payout_id") != "po_x"
    # Under review is pending for the transaction already.
    reviewed = make()
    pcx_admin.patch(f"/payments/{reviewed['payment_id']}", {"status": "reviewed"}, expect=200)
    pcx_admin.patch(f"/transactions/{reviewed['transaction_id']}", {"status": "pending"}, expect=200)
    check(pcx, reviewed, "reviewed")


@pytest.mark.parametrize("word, left", [("completed", 90), ("failed", 100)])
def test_the_providers_word_counts_on_a_suspended_account(server, pcx, pcx_admin, sandbox, make, word, left):
    mine = open_account(server, "ZAR", "100")
    payout = Payout(sandbox, make, "pending", source_account_id=mine)
    pcx_admin.put(f"/virtual-accounts/status/{mine}", {"status": "suspended"}, expect=200)
    payout.event(word)
    wait_for(pcx, payout.payment, word)
    assert balances(server, mine) == (left, left)
