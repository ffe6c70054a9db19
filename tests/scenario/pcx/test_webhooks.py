"""PCX's own webhook calls: registration and manual dispatch."""
import hashlib
import hmac
import json
import uuid

import pytest
import requests

from client.people import register
from client.pcx import PcxSession


def signature(secret, body):
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


def header(delivery, name):
    return {key.lower(): value for key, value in delivery["headers"].items()}.get(name.lower())


@pytest.fixture
def endpoint(pcx, sandbox, platform):
    """A hook registered by the organisation; removed afterwards, so that other tests' events stay away."""
    hook = sandbox.hook()
    made = pcx.post("/public/webhooks", {"endpoint_url": hook.url}, expect=201).data
    yield hook, made
    platform.delete(f"/webhooks/{made['webhook_id']}", expect=(204, 404))


def test_register(pcx, endpoint):
    hook, made = endpoint
    assert made["endpoint_url"] == hook.url
    assert made["org_id"] == pcx.org_id
    assert made["status"] == "active"
    assert made["secret"].startswith("whsec_") and len(made["secret"]) > 40
    again = pcx.post("/public/webhooks", {"endpoint_url": hook.url}, expect=409)
    assert again.json["status"] == "error"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/hook", "not a url", "", "file:///etc/passwd", 7, None])
def test_register_refuses(pcx, url):
    pcx.post("/public/webhooks", {"endpoint_url": url}, expect=400)


def test_outside_a_sandbox_there_is_no_control_api(own_server, monkeypatch):
    """The rule about URLs itself is tested in unit/test_providers.c: nobody has credentials there."""
    monkeypatch.setenv("CAMBIST_KEY", "00" * 32)
    server = own_server(sandbox=False)
    assert requests.get(server.url + "/sandbox/clock", timeout=5).status_code == 404


def test_notify(pcx, endpoint):
    hook, made = endpoint
    data = {"transaction_id": "txn_abc123", "status": "completed", "amount": 500, "currency": "USD"}
    reply = pcx.post("/public/webhooks/notify", {"org_id": pcx.org_id, "transaction_data": data},
                     expect=200)
    assert reply.data == {}
    delivery = hook.wait()[0]
    event = json.loads(delivery["body"])
    assert event["event_type"] == "transaction.completed"
    assert event["event_id"].startswith("evt_")
    assert event["created_at"].endswith("Z")
    assert event["data"] == data
    assert header(delivery, "X-PCX-Signature") == signature(made["secret"], delivery["body"])
    assert header(delivery, "Content-Type") == "application/json"


def test_notify_without_endpoint(pcx):
    pcx.post("/public/webhooks/notify",
             {"org_id": pcx.org_id, "transaction_data": {"status": uuid.uuid4().hex}}, expect=200)


def test_notify_another_organisation(pcx, pcx_admin):
    other = pcx_admin.post("/organizations", {
        "org_name": "Hooks " + uuid.uuid4().hex[:8], "country": "NG",
        "created_by": pcx_admin.user_id}, expect=201).data["org_id"]
    body = {"org_id": other, "transaction_data": {"status": "completed"}}
    pcx.post("/public/webhooks/notify", body, expect=403)
    pcx_admin.post("/public/webhooks/notify", body, expect=200)
    pcx.post("/public/webhooks/notify", {**body, "org_id": "org_nonsense"}, expect=400)


def test_who_has_no_organisation_hears_of_none(server, sandbox):
    """An endpoint of no organisation would be the tenant's own, which gets the events of all."""
    loner = PcxSession(server, register(server, sandbox, org_name=None))
    assert loner.post("/public/webhooks", {"endpoint_url": sandbox.hook().url}, expect=403).json["status"] == "error"


def test_every_endpoint_of_the_organisation_and_no_other(server, sandbox, pcx_admin):
    owners = [PcxSession(server, register(server, sandbox)) for _ in range(2)]
    hooks = [sandbox.hook() for _ in range(3)]
    for owner, hook in zip((owners[0], owners[0], owners[1]), hooks):
        made = owner.post("/public/webhooks", {"endpoint_url": hook.url}, expect=201).data
        assert made["org_id"] == owner.org_id
    for status, event_type in (("failed", "failed"), ("Not A Word!", "updated"), (None, "updated")):
        data = {"transaction_id": uuid.uuid4().hex, "status": status}
        owners[0].post("/public/webhooks/notify", {"org_id": owners[0].org_id, "transaction_data": data}, expect=200)
        for hook in hooks[:2]:
            found = [json.loads(got["body"]) for got in hook.wait()]
            while not any(event["data"] == data for event in found):
                found = [json.loads(got["body"]) for got in hook.wait(len(found) + 1)]
            event = next(event for event in found if event["data"] == data)
            assert event["event_type"] == "transaction." + event_type
    assert hooks[2].deliveries() == []


@pytest.mark.parametrize("changes", [{"org_id": None}, {"transaction_data": None}, {"transaction_data": "text"},
                                     {"transaction_data": []}, {"org_id": 7}])
def test_notify_refuses(pcx, changes):
    body = {"org_id": pcx.org_id, "transaction_data": {"status": "completed"}, **changes}
    reply = pcx.post("/public/webhooks/notify", body, expect=400)
    assert [error["field"] for error in reply.json["errors"]] == list(changes)
