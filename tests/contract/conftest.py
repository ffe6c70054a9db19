"""The gate: everything that is said here is generated from the contracts, for every implemented operation.

A test that takes `operation` runs once per implemented operation for which its @applies predicate holds. The
documents are those that the build made; test_documents.py checks that clients are given the same.
"""
import functools

import pytest

from client import record
from client.contract import contracts, operations
from client.server import BUILD


@functools.cache
def implemented():
    """The implemented operations: OpenAPI nodes, with the row of `cambist operations` and the contract."""
    by_dialect = contracts(BUILD)
    found = []
    for row in operations(BUILD + "/cambist"):
        if row["implemented"]:
            contract = by_dialect[row["dialect"]]
            found.append(dict(contract.by_id[row["id"]], **{"x-contract": contract, "x-row": row}))
    return found


NEED_RECORD = {"test_foreign", "test_mutants", "test_record", "test_repeats", "test_strangers"}


@pytest.fixture(autouse=True)
def there_is_a_record(request):
    if request.module.__name__ in NEED_RECORD and not record.is_there():
        pytest.skip("CAMBIST_RECORD is not set: run the scenarios first (tests/run)")


def pytest_generate_tests(metafunc):
    if "operation" in metafunc.fixturenames:
        predicate = getattr(metafunc.function, "applies", lambda operation: True)
        chosen = [operation for operation in implemented() if predicate(operation)]
        metafunc.parametrize("operation", chosen, ids=[node["operationId"] for node in chosen])
