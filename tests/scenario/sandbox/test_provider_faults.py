"""What becomes of a payout when its provider fails, says nothing, answers twice or in riddles: silence is never a
failure, nothing is paid twice, and the money is where it should be at every step. The same table for both ways money
leaves: a naira withdrawal by Sarepay, a payment in pounds by Bridge."""
import pytest

from client.http import wait_until
from client.payouts import Payment, Withdrawal


@pytest.fixture(params=[Withdrawal, Payment], ids=["sarepay", "bridge"])
def payout(request, server):
    return request.param(server)


# outcome, how many calls, how the payout ends, how many movements the provider made
ENDS = [
    ("normal", 1, "completed", 1),
    ("delayed", 1, "completed", 1),
    ("fail", 1, "failed", 1),
    ("reject", 1, "failed", 0),
    ("timeout", 1, "completed", 1),      # it was done, the answer was lost, no callback came
    ("timeout", 3, "completed", 1),
    ("lost", 1, "completed", 1),         # the request never got there
    ("lost", 3, "completed", 1),
    ("malformed", 1, "completed", 1),    # done, and answered with a page instead of JSON
    ("broken", 1, "completed", 1),       # done, and answered with 500
    ("unavailable", 3, "completed", 1),  # 503, not done
    ("throttled", 2, "completed", 1),    # 429 with Retry-After
    ("drip", 1, "completed", 1),         # done, and the answer never ends
    ("twice", 1, "completed", 1),        # every callback twice
    ("early", 1, "completed", 1),        # the callback before the answer
    ("disordered", 1, "completed", 1),   # the end, then "pending"
]


@pytest.mark.parametrize("outcome,count,end,moves", ENDS, ids=[f"{row[0]}-{row[1]}" for row in ENDS])
def test_ends(payout, outcome, count, end, moves):
    payout.script(outcome, count)
    payout.start()
    for _ in range(3):
        assert payout.status in payout.open_words + (end,)
    payout.wait(end, step="PT2M")
    payout.sandbox.advance("PT3H")
    payout.check_end(end, moves)
    assert len({r["reference"] for r in payout.asked()}) == 1, "every attempt is the same to the provider"


@pytest.mark.parametrize("outcome,words", [("pending", None), ("unknown", "not understood")])
def test_silence_and_riddles_are_no_failure(payout, outcome, words):
    payout.script(outcome)
    payout.start()
    payout.asked()
    payout.wait("processing")
    for _ in range(4):
        payout.sandbox.advance("P1D")
        assert payout.is_open
    assert len(payout.asked("payout_status", 4)) >= 4, "it is asked after"
    assert not words or words in payout.server.log_tail(400)
    payout.tell("completed")
    payout.wait("completed")
    payout.check_end("completed", 1)


@pytest.mark.parametrize("outcome", ["unavailable", "throttled", "broken", "malformed", "timeout", "drip"])
def test_questions_that_fail_say_nothing(payout, outcome):
    payout.script("pending")
    payout.script(outcome, 2, "payout_status")
    payout.start()
    payout.asked()
    payout.asked("payout_status", 2, step="PT10M")
    assert payout.is_open
    payout.tell("completed")
    payout.wait("completed")
    payout.check_end("completed", 1)


def test_retry_after_is_kept(payout):
    """The simulated providers ask for two minutes."""
    payout.script("throttled")
    payout.start()
    payout.asked()
    payout.sandbox.advance("PT1M")
    payout.sandbox.advance("PT30S")
    assert len(payout.asked()) == 1 and payout.is_open
    payout.sandbox.advance("PT45S")
    payout.wait("completed")
    payout.check_end("completed", 1)
    assert len(payout.asked()) == 2


def test_a_closed_port_is_no_failure(payout):
    payout.sandbox.script(payout.provider, "*", "refused")
    try:
        payout.start()
        for _ in range(3):
            payout.sandbox.advance("PT10M")
            assert payout.is_open
        assert payout.moved() == []
    finally:
        payout.sandbox.script(payout.provider, "*", "reset")
    payout.wait("completed", step="PT5M")
    payout.check_end("completed", 1)


@pytest.mark.parametrize("outcome,end,later", [("normal", "completed", "failed"), ("fail", "failed", "completed")])
def test_a_contradiction_moves_nothing_and_people_are_told(payout, outcome, end, later):
    payout.script(outcome)
    payout.start().wait(end)
    alerts = payout.server.log_tail(400).count("contradicts")
    payout.tell(later)
    wait_until(lambda: payout.server.log_tail(400).count("contradicts") > alerts, what="an alert")
    payout.check_end(end, 1)


def test_contradicted_by_itself(payout):
    payout.script("contradicted")
    payout.start().wait("completed")
    wait_until(lambda: "contradicts" in payout.server.log_tail(400), what="an alert")
    payout.check_end("completed", 1)


def test_repeated_callbacks_count_once(payout):
    payout.start().wait("completed")
    payout.tell("completed", repeat=5)
    payout.check_end("completed", 1)


def test_a_forged_callback_is_refused(payout):
    payout.script("pending")
    payout.start()
    assert payout.tell("completed", signature="wrong")["status"] == 401
    payout.sandbox.advance("PT1S")
    assert payout.is_open
    payout.tell("failed")
    payout.wait("failed")
    payout.check_end("failed", 1)


def test_an_expired_key_is_no_failure(server):
    """Bridge knows a key for a day. After that it can only be told by its event."""
    payout = Payment(server)
    payout.script("timeout", 1000)
    payout.start()
    payout.asked()
    try:
        payout.sandbox.advance("PT25H")
        payout.asked(count=2)
    finally:
        payout.script("reset")
    for _ in range(3):
        payout.sandbox.advance("PT2H")
        assert payout.is_open
    payout.tell("completed")
    payout.wait("completed")
    assert len({t["reference"] for t in payout.moved()}) == 1
    payout.check_end("completed", 1)


def test_what_was_done_first_is_done_once(server):
    """The payee's account is made before the payout, and not again when only the payout has to be."""
    payout = Payment(server)
    payout.script("unavailable", 3)
    payout.start()
    payout.wait("completed", step="PT2M")
    payout.check_end("completed", 1)
    assert len(payout.asked("create_external_account")) == 1


def test_survives_a_kill(own_server):
    """kill -9 right after the approval: what was in the outbox is done after the restart, once."""
    server = own_server()
    payout = Withdrawal(server)
    payout.script("unavailable", 1000)
    payout.start()
    payout.wait("processing")
    server.kill()
    server.start()
    payout.asked_before = []
    payout.wait("completed", step="PT1M")
    payout.check_end("completed", 1)
    server.stop()
    server.verify()


def test_the_books_balance(platform):
    for asset in platform.get("/ledger/trial-balance", expect=200).data["assets"]:
        assert asset["balanced"] and asset["debits"] == asset["credits"]
