"""kill -9 while arrays of keyed postings are made: the index of keys, its runs and merges included, comes back with
what was acknowledged. Test builds make a run of 40 keys, so merges of several levels are always under way."""
import os
import random
import threading
import time
import uuid
from decimal import Decimal

import requests

from client.fincode import Fincode
from client.flows import balances
from client.http import wait_until
from client.pcx import Platform

ROUNDS = 30 if os.environ.get("CAMBIST_TEST_LONG") else 4
WRITERS = 3
KEYS = 60  # of each array
POST = "/gateway/post-account"


def open_account(platform, user_id):
    made = platform.post("/accounts", {"user_id": user_id, "currency": "NGN"}, expect=201).data
    return made["account_id"], made["account_number"]


class Arrays:
    """Arrays of postings of 0.01, and the journals of those that were acknowledged."""

    def __init__(self, server, source, target):
        self.server, self.source, self.target = server, source, target
        self.lock = threading.Lock()
        self.asked, self.acknowledged = [], {}  # arrays of keys; key -> journal

    def send(self, caller, keys):
        return caller.post(POST, [
            {"primaryAccountNumber": self.source, "currencyCode": "NGN", "instructionIdempotencykey": key,
             "creditDebitInstructionDirection": "DEBIT_PRIMARY_ACCOUNT_CREDIT_COUNTERPARTY_ACCOUNT",
             "counterParties": [{"accountNumber": self.target, "amount": Decimal("0.01")}]}
            for key in keys])

    def note(self, reply):
        results = reply.data
        assert reply.status == 200 and all(one["status"] == "PAID" for one in results), reply
        return {one["instructionIdempotencykey"]: one["postingGroupId"] for one in results}

    def run(self, stop, caller):
        while not stop.is_set():
            keys = [uuid.uuid4().hex for _ in range(KEYS)]
            with self.lock:
                self.asked.append(keys)
            try:
                journals = self.note(self.send(caller, keys))
            except requests.RequestException:
                return  # killed: nobody knows what became of it
            with self.lock:
                self.acknowledged.update(journals)

    def settle(self, caller):
        """Asks again for everything: each key that was acknowledged leads to its journal of then."""
        for keys in self.asked:
            for key, journal in self.note(self.send(caller, keys)).items():
                assert self.acknowledged.setdefault(key, journal) == journal, key


def test_kill_while_keys_are_merged(own_server):
    server = own_server()
    platform = Platform(server)
    user_id = Fincode(server, "customer").user_id
    (source_id, source), (target_id, target) = open_account(platform, user_id), open_account(platform, user_id)
    platform.deposit(source_id, 1_000_000, "NGN")
    arrays = Arrays(server, source, target)
    for number in range(ROUNDS):
        known = len(arrays.acknowledged)
        callers, stop = [Fincode(server, "admin") for _ in range(WRITERS)], threading.Event()
        writers = [threading.Thread(target=arrays.run, args=(stop, caller)) for caller in callers]
        for writer in writers:
            writer.start()
        wait_until(lambda: len(arrays.acknowledged) > known + 5 * KEYS, what="some arrays")
        time.sleep(random.Random(number).uniform(0, 0.3))
        server.kill()
        stop.set()
        for writer in writers:
            writer.join()
        server.verify()
        server.start()
        arrays.settle(Fincode(server, "admin"))
    moved = sum(len(keys) for keys in arrays.asked) * Decimal("0.01")
    assert balances(server, target_id)[0] == moved
    server.stop()
    server.verify()
