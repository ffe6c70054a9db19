"""Many callers, one balance: exactly as many succeed as it covers."""
import threading
import uuid
from decimal import Decimal

from client.flows import balances, open_account
from client.pcx import Pcx


def test_fifty_withdrawals_of_a_balance_for_twenty(own_server):
    server = own_server()
    account_id = open_account(server, amount=2000)
    statuses, gate = [], threading.Barrier(50)

    def withdraw():
        client = Pcx(server, "org_admin")
        gate.wait()
        reply = client.post("/virtual-accounts/withdraw", {
            "account_id": account_id, "amount": Decimal("100.00"), "user_id": client.user_id,
            "beneficiary_name": "Ada Obi", "bank_code": "058",
            "beneficiary_account_number": "0123456789"},
            headers={"Idempotency-Key": uuid.uuid4().hex})
        statuses.append(reply.status)

    callers = [threading.Thread(target=withdraw) for _ in range(50)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(statuses) == [200] * statuses.count(200) + [201] * statuses.count(201) + [400] * 30
    assert len(statuses) == 50
    assert balances(server, account_id) == (0, 2000)
    server.stop()
    server.verify()
