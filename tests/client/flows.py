"""Steps that many tests take first: accounts with money in them, what is on them afterwards."""
import uuid
from decimal import Decimal

from client.pcx import Pcx, Platform


def open_account(server, currency="NGN", amount=None, role="org_admin"):
    """A new virtual account of the sandbox's organisation, funded in major units; its id."""
    owner = Pcx(server, role)
    account_id = owner.post("/virtual-accounts/currency", {
        "org_id": owner.org_id, "user_id": owner.user_id, "currency": currency},
        expect=201).data["account_id"]
    if amount is not None:
        Platform(server).deposit(account_id, Decimal(amount), currency, uuid.uuid4().hex)
    return account_id


def balances(server, account_id):
    """(available, with what is pending) in major units."""
    account = Pcx(server, "internal_admin").get(
        f"/virtual-accounts/admin/accounts/{account_id}", expect=200).data
    return Decimal(account["balance"]), Decimal(account["ledger_balance"])
