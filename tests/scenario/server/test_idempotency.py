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
