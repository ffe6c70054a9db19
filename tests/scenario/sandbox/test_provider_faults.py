"""What becomes of a payout when its provider fails, says nothing, answers twice or in riddles: silence is never a
failure, nothing is paid twice, and the money is where it should be at every step."""
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.http import wait_until

BALANCE, AMOUNT = Decimal("5000.00"), Decimal("1250.50")


class Withdrawal:
    """Naira to a bank account, approved, so that Sarepay is told."""

    def __init__(self, server, pcx, admin, sandbox, provider="sarepay"):
        self.server, self.admin, self.sandbox, self.provider = server, admin, sandbox, provider
        self.account_id = open_account(server, "NGN", BALANCE)
        self.id = pcx.post("/virtual-accounts/withdraw", {
            "account_id": self.account_id, "amount": AMOUNT, "user_id": pcx.user_id,
            "beneficiary_name": "Ada Obi", "bank_code": "058",
            "beneficiary_account_number": "0123456789"}, expect=200).data["transaction_id"]

    def approve(self):
        self.admin.post(f"/virtual-accounts/admin/transactions/{self.id}/approve", {},
                        expect=(200, 201))
        return self

    @property
    def status(self):
        return self.admin.get(f"/virtual-accounts/admin/transactions/{self.id}", expect=200).data["status"]

    def wait(self, status):
        wait_until(lambda: self.status == status, what=f"withdrawal {status}, is {self.status}")

    def wait_asked(self, count=1, operation="payout"):
        """The references of Sarepay's requests about this withdrawal, oldest first."""
        def asked():
            requests = [r for r in self.sandbox.requests(self.provider) if r["operation"] == operation
                        and r["number"] > self.mark]
            return len(requests) >= count and requests[::-1]
        return wait_until(asked, what=f"{count} requests {operation}")

    def paid(self):
        transfers = self.sandbox.get(f"/providers/{self.provider}/transfers").json["transfers"]
        return [t for t in transfers if t["reference"] in self.references]

    references = ()
    mark = 0


@pytest.fixture
def withdrawal(server, pcx, pcx_admin, sandbox):
    made = Withdrawal(server, pcx, pcx_admin, sandbox)
    made.mark = max([r["number"] for r in sandbox.requests("sarepay")], default=0)
    return made


def charge(withdrawal):
    """What the withdrawal takes from the account: the amount and whatever fee is configured."""
    return BALANCE - balances(withdrawal.server, withdrawal.account_id)[0]


def test_completes_by_callback(withdrawal):
    held = charge(withdrawal)
    assert held >= AMOUNT
    withdrawal.approve().wait("completed")
    request = withdrawal.wait_asked()[0]
    assert request["body"]["amount"] == "1250.50" and request["body"]["bank_code"] == "058"
    assert request["body"]["customer_reference"] == request["reference"]
    assert balances(withdrawal.server, withdrawal.account_id) == (BALANCE - held, BALANCE - held)


def test_fails_by_callback(withdrawal, sandbox):
    sandbox.script("sarepay", "payout", "fail")
    withdrawal.approve().wait("failed")
    assert balances(withdrawal.server, withdrawal.account_id) == (BALANCE, BALANCE)


def test_refused_at_once(withdrawal, sandbox):
    sandbox.script("sarepay", "payout", "reject")
    withdrawal.approve().wait("failed")
    assert balances(withdrawal.server, withdrawal.account_id) == (BALANCE, BALANCE)


def test_lost_answer_pays_once(withdrawal, sandbox):
    """The provider does it, the answer never comes: asked again by reference, not sent again."""
    held = charge(withdrawal)
    sandbox.script("sarepay", "payout", "timeout")
    withdrawal.approve()
    withdrawal.references = [withdrawal.wait_asked()[0]["reference"]]
    sandbox.advance("PT2M")
    withdrawal.wait("completed")
    assert len(withdrawal.paid()) == 1
    assert balances(withdrawal.server, withdrawal.account_id) == (BALANCE - held, BALANCE - held)


def test_silence_is_pending(withdrawal, sandbox):
    """No event for days: polled with backoff, never failed, the money stays held; then the event comes."""
    held = charge(withdrawal)
    sandbox.script("sarepay", "payout", "pending")
    withdrawal.approve().wait("processing")
    reference = withdrawal.wait_asked()[0]["reference"]
    for _ in range(4):
        sandbox.advance("PT12H")
    assert len(withdrawal.wait_asked(3, "payout_status")) >= 3
    assert withdrawal.status == "processing"
    assert balances(withdrawal.server, withdrawal.account_id)[0] == BALANCE - held
    sandbox.event("sarepay", {"reference": reference, "status": "completed"})
    withdrawal.wait("completed")


def test_polling_finds_the_end_without_an_event(withdrawal, sandbox):
    sandbox.script("sarepay", "payout", "timeout")
    withdrawal.approve()
    withdrawal.wait_asked()
    sandbox.advance("PT1H")
    withdrawal.wait("completed")


def test_unknown_status_stays_pending(withdrawal, sandbox):
    held = charge(withdrawal)
    sandbox.script("sarepay", "payout", "unknown")
    withdrawal.approve().wait("processing")
    sandbox.advance("PT2H")
    assert withdrawal.status == "processing"
    assert balances(withdrawal.server, withdrawal.account_id)[0] == BALANCE - held
    assert "not understood" in withdrawal.server.log_tail(400)


def test_not_available_is_sent_again(withdrawal, sandbox):
    sandbox.script("sarepay", "payout", "unavailable", count=3)
    withdrawal.approve()
    withdrawal.references = {r["reference"] for r in withdrawal.wait_asked()}
    for _ in range(6):
        sandbox.advance("PT1M")
    withdrawal.wait("completed")
    requests = withdrawal.wait_asked(4)
    assert len({r["reference"] for r in requests}) == 1
    assert len(withdrawal.paid()) == 1


def test_every_callback_twice(withdrawal, sandbox):
    held = charge(withdrawal)
    sandbox.script("sarepay", "payout", "twice")
    withdrawal.approve().wait("completed")
    reference = withdrawal.wait_asked()[0]["reference"]
    sandbox.event("sarepay", {"reference": reference, "status": "completed", "repeat": 3})
    assert balances(withdrawal.server, withdrawal.account_id) == (BALANCE - held, BALANCE - held)


def test_an_end_is_an_end(withdrawal, sandbox):
    """A late failure after the completion changes nothing here; it is the provider's to explain."""
    held = charge(withdrawal)
    withdrawal.approve().wait("completed")
    reference = withdrawal.wait_asked()[0]["reference"]
    sandbox.event("sarepay", {"reference": reference, "status": "failed"})
    sandbox.advance("PT1M")
    assert withdrawal.status == "completed"
    assert balances(withdrawal.server, withdrawal.account_id) == (BALANCE - held, BALANCE - held)


def test_survives_a_kill(own_server):
    """kill -9 right after the approval: what was in the outbox is done after the restart, once."""
    from client.pcx import Pcx
    from client.sandbox import Sandbox
    server = own_server()
    sandbox = Sandbox(server)
    made = Withdrawal(server, Pcx(server, "org_admin"), Pcx(server, "internal_admin"), sandbox)
    sandbox.script("sarepay", "payout", "unavailable", count=1000)
    made.approve()
    server.kill()
    server.start()
    made.wait("completed")
    assert len(sandbox.get("/providers/sarepay/transfers").json["transfers"]) == 1
    server.stop()
    server.verify()
