"""kill -9 under concurrent writes: what was acknowledged is there, exactly once, and the books balance."""
import os
import random
import threading
import time
import uuid
from decimal import Decimal

import pytest
import requests

from client.flows import balances, open_account
from client.http import wait_until
from client.pcx import Pcx, Platform

ROUNDS = 200 if os.environ.get("CAMBIST_TEST_LONG") else 20
WRITERS = 8


class Writes:
    """Deposits and transfers, each under its own idempotency key, and what became of each."""

    def __init__(self, server, source, target):
        self.server, self.source, self.target = server, source, target
        self.lock = threading.Lock()
        self.asked = {}  # key -> (kind, amount)
        self.acknowledged = set()

    def send(self, client, key, kind, amount):
        if kind == "deposit":
            caller, path, body = client[1], f"/accounts/{self.source}/deposits", {
                "amount": amount, "currency": "NGN", "reference": key}
        else:
            caller, path, body = client[0], "/virtual-accounts/transfer", {
                "from_account_id": self.source, "to_account_id": self.target, "amount": amount,
                "user_id": client[0].user_id}
        return caller.post(path, body, headers={"Idempotency-Key": key})

    def clients(self):
        return Pcx(self.server, "org_admin"), Platform(self.server)

    def run(self, stop, seed):
        chance, client = random.Random(seed), self.clients()
        while not stop.is_set():
            key = str(uuid.UUID(int=chance.getrandbits(128)))
            kind = chance.choice(["deposit", "transfer", "transfer"])
            amount = Decimal(chance.randint(1, 500)) / 100
            with self.lock:
                self.asked[key] = kind, amount
            try:
                reply = self.send(client, key, kind, amount)
            except requests.RequestException:
                return  # killed: nobody knows what became of it
            assert reply.status in (200, 201), reply
            with self.lock:
                self.acknowledged.add(key)

    def settle(self):
        """Asks again for everything: what was acknowledged must replay, the rest happens now or replays."""
        client = self.clients()
        for key, (kind, amount) in self.asked.items():
            reply = self.send(client, key, kind, amount)
            assert reply.status in (200, 201), reply
            if key in self.acknowledged:
                assert reply.headers.get("Idempotency-Replayed") == "true", \
                    f"acknowledged, then lost: {kind} {key}: {reply!r}"
        self.acknowledged = set(self.asked)

    def total(self, kind):
        return sum((amount for asked, amount in self.asked.values() if asked == kind), Decimal(0))


def test_kill_under_load(own_server):
    server = own_server()
    opening = Decimal(1_000_000)
    source, target = open_account(server, amount=opening), open_account(server)
    expected_source, expected_target = opening, Decimal(0)
    for number in range(ROUNDS):
        writes, stop = Writes(server, source, target), threading.Event()
        writers = [threading.Thread(target=writes.run, args=(stop, f"{number}-{n}"))
                   for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        wait_until(lambda: writes.acknowledged, what="the first write")
        time.sleep(random.Random(number).uniform(0, 0.4))
        server.kill()
        stop.set()
        for writer in writers:
            writer.join()
        server.start()
        writes.settle()
        expected_source += writes.total("deposit") - writes.total("transfer")
        expected_target += writes.total("transfer")
        assert balances(server, source)[0] == expected_source, f"round {number}"
        assert balances(server, target)[0] == expected_target, f"round {number}"
        if number % 5 == 4:
            server.kill()
            server.verify()
            server.start()
    server.stop()
    server.verify()


def test_drain_loses_nothing(own_server):
    """SIGTERM under load: every request that was accepted is answered, and the process ends well."""
    server = own_server()
    source, target = open_account(server, amount=1_000_000), open_account(server)
    writes, stop = Writes(server, source, target), threading.Event()
    writers = [threading.Thread(target=writes.run, args=(stop, n)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    time.sleep(0.3)
    server.stop()
    stop.set()
    for writer in writers:
        writer.join()
    assert len(writes.asked) - len(writes.acknowledged) <= WRITERS
    server.start()
    writes.settle()
    assert balances(server, target)[0] == writes.total("transfer")
    server.stop()
    server.verify()


def test_postgresql_connection_cut(own_server, engine):
    """Connections of the database are cut again and again during writes: none is lost, none doubled."""
    if engine != "postgresql":
        pytest.skip("SQLite has no connection to cut")
    server = own_server()
    source, target = open_account(server, amount=1_000_000), open_account(server)
    writes, stop, failures = Writes(server, source, target), threading.Event(), []

    def run(seed):
        chance, client = random.Random(seed), writes.clients()
        while not stop.is_set():
            key, amount = uuid.uuid4().hex, Decimal(chance.randint(1, 500)) / 100
            with writes.lock:
                writes.asked[key] = "transfer", amount
            reply = writes.send(client, key, "transfer", amount)
            if reply.status in (200, 201):
                with writes.lock:
                    writes.acknowledged.add(key)
            elif reply.status != 503:
                failures.append(reply)

    writers = [threading.Thread(target=run, args=(n,)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    cut = 0
    for _ in range(10):
        time.sleep(0.2)
        cut += server.database.cut_connections()
    time.sleep(0.5)
    stop.set()
    for writer in writers:
        writer.join()
    assert cut >= 10 and not failures, failures[:3]
    writes.settle()
    assert balances(server, target)[0] == writes.total("transfer")
    server.stop()
    server.verify()
