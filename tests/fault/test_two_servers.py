"""Two processes on one PostgreSQL database move the money of one tenant: one chain, no batch lost, none twice."""
import threading
import uuid
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.pcx import Pcx
from client.server import ENGINE, Server

CALLS, CALLERS = 60, 8


@pytest.mark.skipif(ENGINE == "sqlite", reason="SQLite has one process")
def test_two_processes_share_a_tenant(own_server):
    first = own_server()
    second = Server(options=["--node", "7", "--key-file", first.data + "/master.key"])
    second.database.drop()
    second.database = first.database
    second.sandbox = False
    second.start()
    second.known_credentials = dict(first.credentials, base_url=second.url)
    second.known_credentials["pcx"] = dict(first.credentials["pcx"], base_url=second.url + "/v1")
    source, target = open_account(first, amount=10000), open_account(first, amount=10000)
    failures = []

    def move(number):
        client = Pcx([first, second][number % 2], "org_admin")
        for i in range(CALLS):
            there, back = (source, target) if (number + i) % 2 else (target, source)
            headers = {"Idempotency-Key": uuid.uuid4().hex} if i % 3 else {}
            reply = client.post("/virtual-accounts/transfer", {
                "from_account_id": there, "to_account_id": back, "amount": Decimal("1.00"),
                "user_id": client.user_id}, headers=headers)
            if reply.status != 200:
                failures.append(reply)

    callers = [threading.Thread(target=move, args=[number]) for number in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not failures, failures[:3]
    assert balances(first, source)[0] + balances(first, target)[0] == 20000
    assert balances(second, source) == balances(first, source)
    try:
        second.stop()
    finally:
        second.kill()
    first.stop()
    first.verify()
