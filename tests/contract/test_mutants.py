"""Odd values in requests that would otherwise succeed: refused by name, never failed on (client/mutants.py)."""
import functools

import pytest

from client.record import notes

PROBLEMS = {
    "failed": "an odd value is a server error",
    "taken": "a nonsensical amount is taken",
    "unnamed": "a refusal does not name the field",
    "changed": "refused writes left something behind",
}
# Of the operations that take something, so many at least must still succeed when they are replayed unchanged.
STILL_SUCCEED = 0.75


@functools.cache
def noted():
    return notes("mutants")


@pytest.mark.parametrize("problem", PROBLEMS)
def test_no_mutant_shows_a_problem(problem):
    bad = [found for found in noted() if found["problem"] == problem]
    assert not bad, f"{PROBLEMS[problem]}:\n" + "\n".join(str(attempt) for attempt in bad[:30])


def test_every_operation_was_tried(operation):
    if not operation.get("x-raw"):
        assert operation["operationId"] in {found["operation"] for found in noted()}


def test_most_were_tried_on_requests_that_succeed():
    """Else the mutants end at a refusal that has nothing to do with them."""
    tried = [found for found in noted() if found["problem"] is None and found["attempts"]]
    succeed = {found["operation"] for found in tried if found["succeeds"]}
    failing = {found["operation"] for found in tried} - succeed
    assert len(succeed) >= STILL_SUCCEED * (len(succeed) + len(failing)), sorted(failing)
