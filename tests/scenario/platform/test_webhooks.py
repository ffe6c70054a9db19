"""Webhook endpoints under /platform/v1: registration, secrets and their rotation, filters."""
import hashlib
import hmac
import json
import time
import uuid

import pytest

from client.pcx import OtherTenant, Platform


def mac(secret, text):
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def header(delivery, name):
    return {key.lower(): value for key, value in delivery["headers"].items()}.get(name.lower())


@pytest.fixture
def register(platform, sandbox):
    made = []

    def make(caller=None, **fields):
        hook = sandbox.hook()
        webhook = (caller or platform).post("/webhooks", {"url": hook.url, **fields}, expect=201).data
        made.append(webhook["webhook_id"])
        return hook, webhook

    yield make
    for webhook_id in made:
        platform.delete(f"/webhooks/{webhook_id}", expect=(204, 404))


def notify(pcx, status="completed", **data):
    pcx.post("/public/webhooks/notify",
             {"org_id": pcx.org_id, "transaction_data": {"status": status, **data}}, expect=200)


def test_register_list_delete(platform, register):
    hook, webhook = register()
    assert webhook["dialect"] == "platform" and webhook["status"] == "active"
    assert webhook["secret"].startswith("whsec_")
    listed = platform.get("/webhooks", {"limit": 100}, expect=200).data
    mine = [item for item in listed if item["webhook_id"] == webhook["webhook_id"]]
    assert len(mine) == 1 and "secret" not in mine[0]
    platform.post("/webhooks", {"url": hook.url}, expect=409)
    platform.delete(f"/webhooks/{webhook['webhook_id']}", expect=204)
    platform.delete(f"/webhooks/{webhook['webhook_id']}", expect=404)
    assert webhook["webhook_id"] not in [
        item["webhook_id"] for item in platform.get("/webhooks", {"limit": 100}, expect=200).data]


def test_pages_of_the_list(platform, register):
    made = {register()[1]["webhook_id"] for _ in range(5)}
    seen, cursor = [], None
    for _ in range(200):
        page = platform.get("/webhooks", {"limit": 2, **({"cursor": cursor} if cursor else {})},
                            expect=200).json
        seen += [item["webhook_id"] for item in page["data"]]
        cursor = page["meta"].get("next_cursor")
        if not cursor:
            break
    assert made <= set(seen) and len(seen) == len(set(seen))
    page = platform.get("/webhooks", {"limit": 2}, expect=200).json
    cursor = page["meta"]["next_cursor"]
    broken = cursor[:-1] + ("0" if cursor[-1] != "0" else "1")
    platform.get("/webhooks", {"limit": 2, "cursor": broken}, expect=400)


@pytest.mark.parametrize("body", [{}, {"url": "nonsense"}, {"url": "ftp://127.0.0.1/"}, {"url": 3},
                                  {"url": "http://127.0.0.1/", "dialect": "klingon"}])
def test_register_refuses(platform, body):
    platform.post("/webhooks", body, expect=400)


def test_another_tenant_sees_nothing(server, register):
    _, webhook = register()
    other = OtherTenant(server)
    other.prefix = "/platform/v1"
    other.delete(f"/webhooks/{webhook['webhook_id']}", expect=404)
    other.post(f"/webhooks/{webhook['webhook_id']}/rotate-secret", expect=404)
    assert webhook["webhook_id"] not in [
        item["webhook_id"] for item in other.get("/webhooks", {"limit": 100}, expect=200).data]


def test_an_organisation_sees_its_own(server, register):
    _, of_tenant = register()
    administrator = Platform(server, "org_admin")
    _, own = register(administrator)
    assert own["organisation_id"] == administrator.org_id
    listed = [item["webhook_id"]
              for item in administrator.get("/webhooks", {"limit": 100}, expect=200).data]
    assert own["webhook_id"] in listed and of_tenant["webhook_id"] not in listed
    administrator.delete(f"/webhooks/{of_tenant['webhook_id']}", expect=404)


def test_events_are_chosen(pcx, register):
    everything, _ = register()
    failures, _ = register(events=["transaction.failed"])
    notify(pcx, "completed")
    notify(pcx, "failed")
    everything.wait(2)
    types = [json.loads(delivery["body"])["event_type"] for delivery in failures.wait(1)]
    assert types == ["transaction.failed"]


def test_rotation_signs_with_both_for_a_day(platform, pcx, sandbox, register):
    hook, webhook = register()
    old = webhook["secret"]
    new = platform.post(f"/webhooks/{webhook['webhook_id']}/rotate-secret", expect=200).data["secret"]
    assert new != old
    notify(pcx)
    delivery = hook.wait(1)[0]
    assert header(delivery, "X-PCX-Signature") == mac(new, delivery["body"])
    assert header(delivery, "X-PCX-Signature-Previous") == mac(old, delivery["body"])
    sandbox.advance("PT25H")
    notify(pcx)
    delivery = hook.wait(2)[0]
    assert header(delivery, "X-PCX-Signature") == mac(new, delivery["body"])
    assert header(delivery, "X-PCX-Signature-Previous") is None


def test_dialects_get_only_their_events(pcx, register):
    hook, webhook = register(dialect="vaultspay")
    control, _ = register()
    notify(pcx, note=uuid.uuid4().hex)
    control.wait(1)
    time.sleep(0.3)
    assert hook.deliveries() == []
    assert webhook["dialect"] == "vaultspay"
