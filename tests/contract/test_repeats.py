"""An idempotency key on every write: the same reply for the same request, a refusal for another one, nobody else's."""
import functools

from client.record import by_operation
from client.repeats import is_write

MISMATCH = {"pcx": 409, "platform": 409, "vaultspay": 422, "fincode": 422}


@functools.cache
def noted():
    return by_operation("repeats")


def writes(operation):
    return is_write(operation["x-row"]) and not operation.get("x-raw")


def code_of(reply):
    """What the dialects say of a reply that is not given twice."""
    return "shown once" if "shown once" in reply["reply"] else None


def test_a_key_is_good_for_one_request(operation):
    attempts, mismatch = noted()[operation["operationId"]], MISMATCH[operation["x-row"]["dialect"]]
    assert attempts, "no scenario used it with success"
    for attempt in attempts:
        first = attempt["first"]
        assert first["replayed"] is None and "idempotency key" not in first["reply"], attempt
        for same in attempt["same"]:
            if operation.get("x-no-replay") and first["status"] < 300:
                assert (same["status"], code_of(same)) == (mismatch, "shown once"), attempt
            else:
                assert same == {**first, "replayed": "true"}, attempt
        for other in (attempt["other url"], attempt["other body"]):
            if other:
                assert (other["status"], other["replayed"]) == (mismatch, None), attempt


test_a_key_is_good_for_one_request.applies = writes


def test_a_key_is_its_callers_own(operation):
    """Somebody else's use of it is neither answered with the reply nor refused for it."""
    for attempt in noted()[operation["operationId"]]:
        for who, reply in attempt["others"].items():
            assert reply["replayed"] is None, (who, attempt)
            assert "idempotency key" not in reply["reply"].lower(), (who, attempt)


test_a_key_is_its_callers_own.applies = lambda operation: writes(operation) and operation["x-row"]["roles"] != []


def test_most_were_tried_on_requests_that_succeed():
    last = [attempts[-1] for attempts in noted().values()]
    assert sum(attempt["first"]["status"] < 300 for attempt in last) >= len(last) / 3
