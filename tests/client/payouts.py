"""Money on its way out through a provider: a naira withdrawal by Sarepay, a payment in pounds by Bridge."""
from decimal import Decimal

from client.flows import balances, open_account
from client.http import wait_until
from client.pcx import Pcx
from client.sandbox import Sandbox

OPENING, AMOUNT = Decimal("50000.00"), Decimal("1250.50")


class Payout:
    """Money of an account of its own on its way out; from `start` on it is between us and the provider."""

    def __init__(self, server):
        self.server, self.sandbox = server, Sandbox(server)
        self.owner, self.admin = Pcx(server, "org_admin"), Pcx(server, "internal_admin")
        self.account_id = open_account(server, "NGN", OPENING)
        self.asked_before = self.sandbox.requests(self.provider)
        self.moved_before = self.all_transfers()

    def script(self, outcome, count=1, operation="payout", after=0):
        self.sandbox.script(self.provider, operation, outcome, count, after)

    def all_transfers(self):
        return self.sandbox.get(f"/providers/{self.provider}/transfers", expect=200).json["transfers"]

    def moved(self):
        """What the provider did for it, newest first."""
        return [t for t in self.all_transfers()[:-len(self.moved_before) or None] if t["operation"] == "payout"]

    def asked(self, operation="payout", count=1, step=None):
        """The provider's requests about it, oldest first, once there are so many; moves the clock by `step`."""
        def enough():
            made = [r for r in self.sandbox.requests(self.provider) if r["operation"] == operation]
            made = made[:len(made) - len([r for r in self.asked_before if r["operation"] == operation])]
            if len(made) < count and step:
                self.sandbox.advance(step)
            return len(made) >= count and made[::-1]
        return wait_until(enough, timeout=40, what=f"{count} requests {operation}")

    def tell(self, status, **more):
        return self.sandbox.event(self.provider, {"reference": self.asked()[0]["reference"], "status": status,
                                                  **more}).json

    def wait(self, status, step=None):
        """For the status, moving the clock by `step` as long as it is another."""
        wait_until(lambda: self.status == status or (step and self.sandbox.advance(step) and False), timeout=60,
                   what=f"{status}, is {self.status}")

    @property
    def balances(self):
        return balances(self.server, self.account_id)

    @property
    def is_open(self):
        """Neither ended nor given back."""
        return self.status in self.open_words and self.balances[0] == self.held

    def check_end(self, status, moves):
        assert self.status == status
        left = self.held if status == "completed" else OPENING
        assert self.balances == (left, left)
        assert len(self.moved()) == moves, self.moved()


class Withdrawal(Payout):
    provider, open_words = "sarepay", ("approved", "processing")

    def start(self):
        self.id = self.owner.post("/virtual-accounts/withdraw", {
            "account_id": self.account_id, "amount": AMOUNT, "user_id": self.owner.user_id,
            "beneficiary_name": "Ada Obi", "bank_code": "058",
            "beneficiary_account_number": "0123456789"}, expect=200).data["transaction_id"]
        self.held = self.balances[0]
        assert self.held <= OPENING - AMOUNT
        self.admin.post(f"/virtual-accounts/admin/transactions/{self.id}/approve", {}, expect=(200, 201))
        return self

    @property
    def status(self):
        return self.admin.get(f"/virtual-accounts/admin/transactions/{self.id}", expect=200).data["status"]


class Payment(Payout):
    provider, open_words = "bridge", ("initiated", "confirmed", "processing", "pending")

    def start(self):
        rate = self.admin.post("/organizations/admin/add-rate", {
            "org_id": self.owner.org_id, "rate": Decimal("0.0005"), "spread": 0, "from_currency": "NGN",
            "to_currency": "GBP"}, expect=201).data["org_rate_id"]
        # One payee for all of them: Bridge knows the account from the second time on.
        payee = self.owner.post("/beneficiaries", {
            "account_type": "bank", "country": "GB", "currency": "GBP", "fname": "Ada", "lname": "Lovelace",
            "bank_details": {"account_number": "55779911", "sort_code": "200000"}}, expect=201).json
        self.id = self.owner.post("/payments", {
            "amount": Decimal(20000), "currency": "NGN", "target_currency": "GBP", "org_rate_id": rate,
            "beneficiary_id": payee["beneficiary_id"], "payment_method": "bank_transfer", "direction": "outbound",
            "source_account_id": self.account_id}, expect=201).json["payment_id"]
        self.held = self.balances[0]
        assert self.held <= OPENING - 20000
        return self

    @property
    def status(self):
        return self.admin.get(f"/payments/{self.id}", expect=200).json["status"]
