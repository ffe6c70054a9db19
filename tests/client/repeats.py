"""Repeats what succeeded in the scenarios under an idempotency key: same request, another one, another caller.

One key for everything, because a key counts within its operation only. The contract gate judges what is written down
here (tests/contract/test_repeats.py).
"""
import json
import uuid

from client.contract import Router, contracts, operations
from client.mutants import caller_of, candidates, sound_one
from client.server import BUILD
from client.strangers import strangers_of


def is_write(row):
    return row["kind"] in ("write", "slow")


def answer(reply):
    return {"status": reply.status, "replayed": reply.headers.get("Idempotency-Replayed"), "reply": reply.text[:2000]}


def other_body(body):
    """Not the same bytes, though the same meaning."""
    return body + " "


def with_argument(url):
    return url + ("&" if "?" in url else "?") + "another=1"


def repeat(caller, strangers, sound, name, key):
    def send(who, url=sound.url, body=sound.body):
        return answer(who.send(sound.method, url, raw=body, headers={name: key}))

    return {"first": send(caller), "same": [send(caller), send(caller)], "other url": send(caller, with_argument(sound.url)),
            "other body": send(caller, body=other_body(sound.body)) if sound.body else None,
            "others": {who: send(other) for who, other in strangers.items()}}


def replay(server, path):
    """Writes one line per operation that writes, and a second one for FinCode's own name of the header."""
    by_dialect, callers, strangers = contracts(BUILD), {}, {}
    keys = {"Idempotency-Key": uuid.uuid4().hex, "x-idempotency-key": uuid.uuid4().hex}
    with open(path, "a", encoding="utf-8") as file:
        for row, requests in candidates(server, Router(operations(server.binary))).values():
            dialect = row["dialect"]
            if not is_write(row) or by_dialect[dialect].by_id[row["id"]].get("x-raw"):
                continue  # callbacks of providers are signed over their bytes; they have keys of their own
            if dialect not in callers:
                callers[dialect], strangers[dialect] = caller_of(server, dialect), strangers_of(server, dialect)
            callers[dialect].tokens = None  # one of the operations before may have ended the session
            sound, succeeds = sound_one(server, callers[dialect], requests)
            for name in ["Idempotency-Key"] + ["x-idempotency-key"] * (dialect == "fincode"):
                found = repeat(callers[dialect], strangers[dialect], sound, name, keys[name])
                file.write(json.dumps({"operation": row["id"], "kind": row["kind"], "public": row["roles"] == [],
                                       "header": name, "succeeds": succeeds, "request": [sound.method, sound.url],
                                       **found}) + "\n")
