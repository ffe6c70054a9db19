"""The Nth call to a provider fails, for N = 1, 2 ... until a run has no fault: money moves once, and the books agree.
(What each kind of fault means for a payout is tests/scenario/sandbox/test_provider_faults.py.)"""
import pytest

from client.payouts import Payment, Withdrawal

FAULTS = ["timeout", "lost", "malformed", "broken", "unavailable", "throttled"]


@pytest.mark.parametrize("kind", [Withdrawal, Payment], ids=["sarepay", "bridge"])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_call_fails_once(own_server, kind, fault):
    server = own_server()
    failed = 0
    for number in range(1, 20):
        payout = kind(server)
        payout.script(fault, after=number - 1, operation="*")
        payout.start().wait("completed", step="PT3M")
        payout.check_end("completed", 1)
        payout.script("reset", operation="*")
        calls = len(payout.sandbox.requests(kind.provider)) - len(payout.asked_before)
        if calls < number:
            break
        failed += 1
    assert failed >= 1 and calls < number, "the last run had no fault"
    server.stop()
    server.verify()
