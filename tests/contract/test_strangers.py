"""Ids of another tenant are refused as unknown or forbidden, and nothing of their owner shows."""
import functools

from client.mutants import is_failure, was_refused
from client.record import by_operation
from client.strangers import ids_in


def refused(attempt):
    return was_refused(attempt["status"], attempt["reply"])


def has_credentials(operation):
    return operation["x-row"]["roles"] != []


def writes(operation):
    """A list filtered by somebody else's ids is rightly empty, also when it is asked for by POST."""
    return operation["x-method"] != "GET" and operation.get("x-kind") not in ("read", "slow-read")


@functools.cache
def replayed():
    return by_operation("strangers")


def test_strangers_are_refused(operation):
    """Operations that no scenario used with success are missing here; test_record says so."""
    for attempt in replayed()[operation["operationId"]]:
        assert not is_failure(operation["operationId"], attempt["status"], attempt["reply"]), attempt
        mentioned = ids_in(attempt["url"]) | ids_in(attempt["request"])
        leaked = (ids_in(attempt["reply"]) & set(attempt["owned"])) - mentioned
        assert not leaked, f"a stranger learnt {leaked}: {attempt}"
        if attempt["named"] and writes(operation):
            assert refused(attempt), f"a stranger's write succeeded: {attempt}"
        elif ids_in(attempt["url"].split("?")[0]):
            assert refused(attempt), f"a stranger may read: {attempt}"


test_strangers_are_refused.applies = has_credentials


def test_there_were_attempts():
    assert replayed()
