"""Providers that time out, fail, fall silent, say what nobody understands, or answer twice: money moves once."""
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.http import wait_until
from client.pcx import Pcx
from client.sandbox import Sandbox

AMOUNT = Decimal("250.25")
OPENING = Decimal(1000)
HELD, PAID = (OPENING - AMOUNT, OPENING), (OPENING - AMOUNT, OPENING - AMOUNT)


class Payout:
    """A naira withdrawal that was approved: from here on it is between us and the provider."""

    def __init__(self, server):
        self.server, self.sandbox = server, Sandbox(server)
        self.admin, owner = Pcx(server, "internal_admin"), Pcx(server, "org_admin")
        self.account_id = open_account(server, amount=OPENING)
        self.transaction_id = owner.post("/virtual-accounts/withdraw", {
            "account_id": self.account_id, "amount": AMOUNT, "user_id": owner.user_id,
            "beneficiary_name": "Ada Obi", "bank_code": "058",
            "beneficiary_account_number": "0123456789"}, expect=200).data["transaction_id"]
        self.path = f"/virtual-accounts/admin/transactions/{self.transaction_id}"

    def approve(self):
        self.before = len(self.transfers())
        self.admin.post(self.path + "/approve", expect=200)
        return self

    @property
    def status(self):
        return self.admin.get(self.path, expect=200).data["status"]

    @property
    def balances(self):
        return balances(self.server, self.account_id)

    def transfers(self):
        return self.sandbox.get("/providers/sarepay/transfers", expect=200).json["transfers"]

    def made(self):
        """Movements the provider made for this payout; newest first."""
        found = self.transfers()
        return found[:len(found) - self.before]

    def wait(self, status):
        wait_until(lambda: self.status == status, what=f"status {status} (is {self.status})")

    def asked(self):
        return wait_until(self.made, what="the provider to be asked")[0]


def test_normal(server):
    payout = Payout(server).approve()
    payout.wait("completed")
    assert payout.balances == PAID and len(payout.made()) == 1


@pytest.mark.parametrize("outcome", ["fail", "reject"])
def test_failure_gives_the_money_back(server, outcome):
    payout = Payout(server)
    payout.sandbox.script("sarepay", "payout", outcome)
    payout.approve().wait("failed")
    assert payout.balances == (OPENING, OPENING)
    assert [made["status"] for made in payout.made()] in ([], ["failed"])


def test_an_answer_that_is_lost_is_no_failure(server):
    payout = Payout(server)
    payout.sandbox.script("sarepay", "payout", "timeout")
    payout.approve()
    payout.asked()
    assert payout.status != "failed"
    wait_until(lambda: payout.sandbox.advance("PT5M") and payout.status == "completed", timeout=60,
               what="completion")
    assert payout.balances == PAID and len(payout.made()) == 1


def test_unavailable_is_tried_again(server):
    payout = Payout(server)
    payout.sandbox.script("sarepay", "payout", "unavailable", 3)
    payout.approve()
    assert payout.status != "failed" and payout.balances == HELD
    wait_until(lambda: payout.sandbox.advance("PT10M") and payout.status == "completed", timeout=60,
               what="completion")
    assert payout.balances == PAID and len(payout.made()) == 1


@pytest.mark.parametrize("outcome", ["pending", "unknown"])
def test_silence_and_unknown_words_are_no_failure(server, outcome):
    payout = Payout(server)
    payout.sandbox.script("sarepay", "payout", outcome)
    payout.approve()
    reference = payout.asked()["reference"]
    for _ in range(4):
        payout.sandbox.advance("P2D")
    assert payout.status in ("approved", "processing") and payout.balances == HELD
    payout.sandbox.event("sarepay", {"reference": reference, "status": "completed"})
    payout.wait("completed")
    assert payout.balances == PAID and len(payout.made()) == 1


def test_answers_that_come_twice_count_once(server):
    payout = Payout(server)
    payout.sandbox.script("sarepay", "payout", "twice")
    payout.approve().wait("completed")
    reference = payout.asked()["reference"]
    payout.sandbox.event("sarepay", {"reference": reference, "status": "completed", "repeat": 5})
    assert payout.balances == PAID and payout.status == "completed"


def test_a_late_contradiction_changes_nothing(server):
    payout = Payout(server).approve()
    payout.wait("completed")
    reference = payout.asked()["reference"]
    payout.sandbox.event("sarepay", {"reference": reference, "status": "failed"})
    assert payout.balances == PAID and payout.status == "completed"


def test_a_forged_callback_is_refused(server):
    payout = Payout(server)
    payout.sandbox.script("sarepay", "payout", "pending")
    payout.approve()
    reference = payout.asked()["reference"]
    answer = payout.sandbox.event("sarepay", {"reference": reference, "status": "completed",
                                              "signature": "wrong"}).json
    assert answer["status"] == 401
    assert payout.balances == HELD and payout.status in ("approved", "processing")


def test_kill_between_instruction_and_outcome(own_server):
    """The simulated provider forgets everything with the process; the instruction does not."""
    server = own_server()
    payout = Payout(server)
    payout.sandbox.script("sarepay", "payout", "unavailable", 100)
    payout.approve()
    server.kill()
    server.start()
    payout.before = 0
    assert payout.balances == HELD
    wait_until(lambda: payout.sandbox.advance("PT10M") and payout.status == "completed", timeout=60,
               what="completion")
    assert payout.balances == PAID and len(payout.made()) == 1
    server.stop()
    server.verify()
