"""`cambist demo`: the whole payment as a new user runs it, and that it does not call a failure a success."""
import subprocess

import pytest


@pytest.fixture(scope="module")
def demo(request):
    from client.server import Server
    server = Server().start()
    yield server, lambda: subprocess.run(server.command("demo"), capture_output=True, text=True, timeout=120,
                                         check=False)
    server.close()


def test_tells_its_story_and_again(demo):
    _, run = demo
    for _ in range(2):
        done = run()
        assert done.returncode == 0, done.stdout + done.stderr
        assert "everything agrees" in done.stdout.splitlines()[-1]
        for part in ("bridge was asked: POST /transfers", "held 1010000, available 3990000",
                     "balance NGN 3990000, held 0", "payment.completed", "(checked)", "payment held"):
            assert part in done.stdout, part


@pytest.mark.parametrize("outcome", ["fail", "reject"])
def test_a_payment_that_fails_ends_it(demo, outcome):
    from client.sandbox import Sandbox
    server, run = demo
    Sandbox(server).script("bridge", "payout", outcome)
    done = run()
    assert done.returncode == 1 and "was not completed" in done.stderr
    assert "fee 10000 " in run().stdout, "the fee of the one that failed is still charged"


def test_without_a_sandbox_it_says_so(tmp_path):
    from client.server import BUILD
    done = subprocess.run([f"{BUILD}/cambist", "demo", "--data", str(tmp_path)],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and done.stderr
