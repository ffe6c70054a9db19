"""The scenarios' own record: every implemented operation was used with success, every reply is as documented."""
import functools
import json
import re
from collections import defaultdict

from client.contract import Router, operations
from client.record import exchanges
from client.server import BUILD

CALLBACK = "pcx_receive_provider_webhook"


def callback(exchange):
    """The simulated providers send signed callbacks; the control API tells how they were answered."""
    return dict(exchange, status=json.loads(exchange["reply"])["status"], content_type="")


@functools.cache
def record():
    """operationId -> exchanges of the scenario run on this engine."""
    router, found = Router(operations(BUILD + "/cambist")), defaultdict(list)
    for exchange in exchanges():
        if re.match("/sandbox/providers/[a-z]+/events", exchange["url"]):
            if exchange["status"] == 200 and json.loads(exchange["reply"]).get("status"):
                found[CALLBACK].append(callback(exchange))
        elif row := router.find(exchange["method"], exchange["url"]):
            found[row["id"]].append(exchange)
    return found


def test_was_used_with_success(operation):
    seen = record()[operation["operationId"]]
    assert any(200 <= exchange["status"] < 400 for exchange in seen), (
        f"no scenario uses {operation['x-method']} {operation['x-path']} with success; "
        f"statuses seen: {sorted({exchange['status'] for exchange in seen})}")


def test_every_reply_is_as_documented(operation):
    contract, wrong = operation["x-contract"], []
    for exchange in record()[operation["operationId"]]:
        where = f"{exchange['method']} {exchange['url']} {exchange['status']} in {exchange['test']}"
        documented, schema = contract.reply_schema(operation, exchange["status"])
        if not documented and exchange["status"] < 400:
            wrong.append(f"{where}: the status is not documented")
            continue
        if not documented:
            schema = contract.error_schema(operation)
        if schema is None or not (exchange["content_type"] or "").startswith("application/json"):
            continue
        try:
            reply = json.loads(exchange["reply"])
        except ValueError:
            wrong.append(f"{where}: no JSON: {exchange['reply'][:100]!r}")
            continue
        wrong += [f"{where}: {problem}" for problem in contract.problems(schema, reply)]
    assert not wrong, "\n".join(dict.fromkeys(wrong[:20]))
