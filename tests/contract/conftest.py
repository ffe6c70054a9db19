"""The gate: everything that is said here is generated from the contracts, for every implemented operation."""
import json

import pytest
import requests

from client.contract import Contract, operations
from client.server import BUILD


def implemented():
    return [row for row in operations(BUILD + "/cambist") if row["implemented"]]


def pytest_generate_tests(metafunc):
    if "row" in metafunc.fixturenames:
        rows = implemented()
        metafunc.parametrize("row", rows, ids=[row["id"] for row in rows])


@pytest.fixture(scope="session")
def contracts(server):
    """Dialect name -> Contract, from the documents that the server gives its clients."""
    made = {}
    for dialect in ("pcx", "vaultspay", "fincode", "platform"):
        reply = requests.get(f"{server.url}/openapi/{dialect}.json", timeout=30)
        assert reply.status_code == 200, f"/openapi/{dialect}.json: {reply.status_code}"
        made[dialect] = Contract(json.loads(reply.text))
    return made


@pytest.fixture
def operation(row, contracts):
    for contract in contracts.values():
        if row["id"] in contract.by_id:
            found = dict(contract.by_id[row["id"]])
            found["x-contract"] = contract
            return found
    pytest.fail(f"{row['id']} is in no OpenAPI document")
