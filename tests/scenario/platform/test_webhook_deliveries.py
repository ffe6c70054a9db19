"""The life of a delivery: retries with backoff on the test clock, dead letter, replay, the log."""
import hashlib
import hmac
import json
import uuid

import pytest

from client.http import wait_until
from client.pcx import OtherTenant, Platform


@pytest.fixture
def failing(platform, sandbox):
    """failing(status, count): a registered hook that answers the first `count` deliveries so."""
    made = []

    def make(status, count):
        answer = sandbox.post("/hooks", {"fail": status, "count": count}, expect=201).json
        webhook = platform.post("/webhooks", {"url": answer["url"]}, expect=201).data
        made.append(webhook["webhook_id"])
        return answer["id"], webhook["webhook_id"]

    yield make
    for webhook_id in made:
        platform.delete(f"/webhooks/{webhook_id}", expect=(204, 404))


def notify(pcx):
    mark = uuid.uuid4().hex
    pcx.post("/public/webhooks/notify",
             {"org_id": pcx.org_id, "transaction_data": {"status": "completed", "mark": mark}},
             expect=200)
    return mark


def delivery_of(platform, webhook_id, **filters):
    found = platform.get("/webhook-deliveries", {"webhook_id": webhook_id, **filters}, expect=200).data
    return found[0] if found else None


def wait_for(platform, webhook_id, **fields):
    def reached():
        delivery = delivery_of(platform, webhook_id)
        return delivery and all(delivery[key] == value for key, value in fields.items()) and delivery
    return wait_until(reached, what=f"a delivery with {fields}")


def count(sandbox, hook_id):
    return sandbox.get(f"/hooks/{hook_id}", expect=200).json["count"]


def test_delivered(platform, pcx, failing):
    hook_id, webhook_id = failing(500, 0)
    mark = notify(pcx)
    delivery = wait_for(platform, webhook_id, status="delivered")
    assert delivery["attempts"] == 1 and delivery["last_status_code"] == 200
    assert delivery["delivered_at"] and not delivery.get("next_attempt_at")
    detail = platform.get(f"/webhook-deliveries/{delivery['delivery_id']}", expect=200).data
    assert json.loads(detail["body"])["data"]["mark"] == mark
    assert detail["last_response_body"] == '{"received":true}'


def test_retried_with_backoff_until_it_is_taken(platform, pcx, sandbox, failing):
    hook_id, webhook_id = failing(503, 3)
    notify(pcx)
    first = wait_for(platform, webhook_id, attempts=1)
    assert first["status"] == "pending" and first["last_status_code"] == 503
    assert first["next_attempt_at"]
    sandbox.advance("PT61S")
    wait_for(platform, webhook_id, attempts=2)
    sandbox.advance("PT30S")  # the second pause is two minutes
    assert delivery_of(platform, webhook_id)["attempts"] == 2
    sandbox.advance("PT95S")
    wait_for(platform, webhook_id, attempts=3)
    sandbox.advance("PT4M5S")
    assert wait_for(platform, webhook_id, attempts=4)["status"] == "delivered"
    assert count(sandbox, hook_id) == 4
    bodies = {caught["body"] for caught in sandbox.get(f"/hooks/{hook_id}").json["deliveries"]}
    assert len(bodies) == 1  # the same event id and body every time


def test_dead_after_a_day_then_replayed(platform, pcx, sandbox, failing):
    hook_id, webhook_id = failing(500, 100)
    notify(pcx)
    wait_for(platform, webhook_id, attempts=1)
    for _ in range(30):
        sandbox.advance("PT2H")
        if delivery_of(platform, webhook_id)["status"] == "dead":
            break
    dead = delivery_of(platform, webhook_id)
    assert dead["status"] == "dead" and not dead.get("next_attempt_at")
    assert 8 < dead["attempts"] < 20
    attempts = count(sandbox, hook_id)
    sandbox.advance("P2D")
    assert count(sandbox, hook_id) == attempts
    assert delivery_of(platform, webhook_id, status="dead")["delivery_id"] == dead["delivery_id"]
    replayed = platform.post(f"/webhook-deliveries/{dead['delivery_id']}/replay", expect=201).data
    assert replayed["delivery_id"] != dead["delivery_id"]
    assert replayed["event_id"] == dead["event_id"]
    wait_until(lambda: count(sandbox, hook_id) == attempts + 1, what="the replayed delivery")
    caught = sandbox.get(f"/hooks/{hook_id}").json["deliveries"]
    assert caught[0]["body"] == caught[-1]["body"]


def test_redirects_are_not_followed(platform, pcx, failing):
    hook_id, webhook_id = failing(302, 1)
    notify(pcx)
    delivery = wait_for(platform, webhook_id, attempts=1)
    assert delivery["status"] == "pending" and delivery["last_status_code"] == 302


def test_nobody_listens(platform, pcx, sandbox):
    webhook_id = platform.post("/webhooks", {"url": "http://127.0.0.1:9/hook"}, expect=201).data["webhook_id"]
    notify(pcx)
    delivery = wait_for(platform, webhook_id, attempts=1)
    assert delivery["status"] == "pending" and delivery["last_error"]
    assert not delivery.get("last_status_code")
    platform.delete(f"/webhooks/{webhook_id}", expect=204)
    sandbox.advance("PT2M")
    dropped = wait_for(platform, webhook_id, status="dead")
    platform.post(f"/webhook-deliveries/{dropped['delivery_id']}/replay", expect=409)


def test_filters_and_pages(platform, pcx, failing):
    hook_id, webhook_id = failing(500, 0)
    for _ in range(5):
        notify(pcx)
    wait_until(lambda: len(platform.get("/webhook-deliveries", {
        "webhook_id": webhook_id, "status": "delivered"}, expect=200).data) == 5, what="5 deliveries")
    seen, cursor = [], None
    while True:
        page = platform.get("/webhook-deliveries", {"webhook_id": webhook_id, "limit": 2,
                                                    **({"cursor": cursor} if cursor else {})},
                            expect=200).json
        seen += [item["delivery_id"] for item in page["data"]]
        cursor = page["meta"].get("next_cursor")
        if not cursor:
            break
    assert len(seen) == 5 and len(set(seen)) == 5
    listed = platform.get("/webhook-deliveries", {"webhook_id": webhook_id}, expect=200).data
    assert [item["delivery_id"] for item in listed] == seen
    times = [item["created_at"] for item in listed]
    assert times == sorted(times, reverse=True)
    assert platform.get("/webhook-deliveries", {"webhook_id": webhook_id, "status": "dead"},
                        expect=200).data == []
    assert platform.get("/webhook-deliveries", {"webhook_id": webhook_id,
                                                "event_type": "payment.completed"},
                        expect=200).data == []
    created = platform.get("/webhook-deliveries", {"webhook_id": webhook_id},
                           expect=200).data[0]["created_at"]
    assert len(platform.get("/webhook-deliveries", {"webhook_id": webhook_id, "from": created},
                            expect=200).data) >= 1
    assert platform.get("/webhook-deliveries", {"webhook_id": webhook_id, "to": "2020-01-01T00:00:00Z"},
                        expect=200).data == []
    platform.get("/webhook-deliveries", {"webhook_id": webhook_id, "from": "yesterday"}, expect=400)
    platform.get("/webhook-deliveries", {"status": "lost"}, expect=400)


def test_replay_of_what_arrived_is_signed_afresh(platform, pcx, sandbox, failing):
    hook_id, webhook_id = failing(500, 0)
    notify(pcx)
    first = wait_for(platform, webhook_id, status="delivered")
    secret = platform.post(f"/webhooks/{webhook_id}/rotate-secret", expect=200).data["secret"]
    again = platform.post(f"/webhook-deliveries/{first['delivery_id']}/replay", expect=201).data
    assert (again["status"], again["attempts"], again["event_id"]) == ("pending", 0, first["event_id"])
    wait_until(lambda: count(sandbox, hook_id) == 2, what="the replayed delivery")
    caught = sandbox.get(f"/hooks/{hook_id}", expect=200).json["deliveries"]
    assert caught[0]["body"] == caught[1]["body"]
    expected = hmac.new(secret.encode(), caught[0]["body"].encode(), hashlib.sha256).hexdigest()
    signed = [{name.lower(): value for name, value in one["headers"].items()}["x-pcx-signature"]
              for one in caught]
    assert signed.count(expected) == 1
    wait_for(platform, webhook_id, status="delivered", delivery_id=again["delivery_id"])
    unchanged = platform.get(f"/webhook-deliveries/{first['delivery_id']}", expect=200).data
    assert (unchanged["attempts"], unchanged["delivered_at"]) == (1, first["delivered_at"])


def test_an_organisation_sees_its_own(server, platform, pcx, sandbox, failing):
    """Not what the tenant's own endpoint was told of it: neither its URL nor its answers, and no replay."""
    _, webhook_id = failing(500, 0)
    caller = Platform(server, "org_admin")
    own = caller.post("/webhooks", {"url": sandbox.hook().url}, expect=201).data["webhook_id"]
    notify(pcx)
    theirs = wait_for(platform, webhook_id, status="delivered")["delivery_id"]
    mine = wait_for(caller, own, status="delivered")["delivery_id"]
    caller.get(f"/webhook-deliveries/{mine}", expect=200)
    caller.post(f"/webhook-deliveries/{mine}/replay", expect=201)
    assert delivery_of(caller, webhook_id) is None
    caller.get(f"/webhook-deliveries/{theirs}", expect=404)
    caller.post(f"/webhook-deliveries/{theirs}/replay", expect=404)
    caller.delete(f"/webhooks/{own}", expect=204)


def test_another_tenant_sees_nothing(server, platform, pcx, failing):
    hook_id, webhook_id = failing(500, 0)
    notify(pcx)
    delivery_id = wait_for(platform, webhook_id, status="delivered")["delivery_id"]
    other = OtherTenant(server)
    other.prefix = "/platform/v1"
    other.get(f"/webhook-deliveries/{delivery_id}", expect=404)
    other.post(f"/webhook-deliveries/{delivery_id}/replay", expect=404)
    assert delivery_id not in [item["delivery_id"] for item in
                               other.get("/webhook-deliveries", {"limit": 100}, expect=200).data]
