"""Fixtures of the scenarios. One server per pytest worker; `own_server` for tests that kill or reconfigure.

CAMBIST_ENGINE   sqlite (default) or postgresql, then CAMBIST_TEST_POSTGRESQL is the server's URL
CAMBIST_BUILD    build directory, default build
CAMBIST_RECORD   directory that receives the record of requests and replies for the contract gate
"""
import os

import pytest

from client import foreign, mutants, repeats, strangers
from client.fincode import Fincode
from client.pcx import Cognito, Pcx, PcxSession, Platform
from client.sandbox import Sandbox
from client.server import ENGINE, Server
from client.vaultspay import VaultsPay


def record_path(request, kind=ENGINE):
    """Where scenarios leave their exchanges; the gate's own and the faults' are not recorded."""
    directory = os.environ.get("CAMBIST_RECORD")
    test = request.session.items[0]
    if not directory or "/scenario/" not in str(test.path):
        return None
    return os.path.join(directory, f"{kind}-{os.getpid()}.jsonl")


@pytest.fixture(scope="session")
def engine():
    return ENGINE


@pytest.fixture(scope="session")
def server(request):
    running = Server(record=record_path(request))
    try:
        running.start()
        yield running
    except BaseException:
        running.discard()
        raise
    if record_path(request):
        strangers.replay(running, record_path(request, "strangers-" + ENGINE))
        foreign.replay(running, record_path(request, "foreign-" + ENGINE))
        repeats.replay(running, record_path(request, "repeats-" + ENGINE))
        mutants.replay(running, record_path(request, "mutants-" + ENGINE))
    running.close()


@pytest.fixture
def own_server(request):
    """Makes servers of the test's own: own_server(options=["--config", path])."""
    made = []

    def make(start=True, **settings):
        made.append(Server(record=record_path(request), **settings))
        return made[-1].start() if start else made[-1]

    yield make
    for running in made:
        running.discard()


@pytest.fixture(autouse=True)
def server_survives(request):
    """A crash is reported at the test that caused it, with the end of the log."""
    yield
    if "server" not in request.fixturenames:
        return
    running = request.getfixturevalue("server")
    if running.process is None or running.process.poll() is not None:
        code = running.process.returncode if running.process else None
        tail = running.log_tail()
        running.process = None
        running.start()
        pytest.fail(f"cambist ended with {code} during the test:\n{tail}")


@pytest.fixture
def pcx(server):
    return Pcx(server, "org_admin")


@pytest.fixture
def pcx_admin(server):
    return Pcx(server, "internal_admin")


@pytest.fixture
def pcx_user(server):
    return Pcx(server, "user")


@pytest.fixture
def pcx_session(server):
    return PcxSession(server, "org_admin")


@pytest.fixture
def cognito(server):
    return Cognito(server)


@pytest.fixture
def platform(server):
    return Platform(server)


@pytest.fixture(params=["plain", "encrypted"])
def vaultspay(server, request):
    """The first app; every scenario runs in the clear and in the envelope."""
    return VaultsPay(server, encrypted=request.param == "encrypted")


@pytest.fixture
def vaultspay_plain(server):
    return VaultsPay(server)


@pytest.fixture
def vaultspay_other(server):
    return VaultsPay(server, app="other_app")


@pytest.fixture
def fincode(server):
    return Fincode(server, "admin")


@pytest.fixture
def fincode_cashier(server):
    return Fincode(server, "cashier")


@pytest.fixture
def fincode_customer(server):
    return Fincode(server, "customer")


@pytest.fixture
def fincode_other(server):
    return Fincode(server, "admin", other_tenant=True)


@pytest.fixture
def sandbox(server):
    return Sandbox(server)
