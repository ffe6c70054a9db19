"""Replays what succeeded in the scenarios with one value changed to something odd: never a server error.

Real ids carry each attempt past the checks that a made-up id would end at, up to the arithmetic and the SQL.
"""
import json

from client.contract import Router, operations
from client.fincode import Fincode
from client.http import dumps, loads
from client.pcx import Pcx, Platform
from client.vaultspay import VaultsPay

NUMBERS = ["0", "-0", "-1", "0.001", "1e3", "1E400", "0.0000000000000000001", "9007199254740993",
           "90071992547409.92", "99999999999999999999999", "-99999999999999999999999", '"10"', "null"]
TEXTS = ['""', '" "', '"\\u0000"', '"' + "x" * 20000 + '"', '"\\u202e\\ud83d\\udcb8"', '"\\ud800"',
         '"\'; DROP TABLE account;--"', '"../../etc/passwd"', '"%s%n"', "null"]
MARK = "\u2318"
AMOUNTS = ("amount", "fee_value", "initial_balance")


def places(value, path=()):
    """Paths of all numbers and texts in a JSON value."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from places(member, path + (key,))
    elif isinstance(value, list):
        for index, member in enumerate(value[:1]):
            yield from places(member, path + (index,))
    elif not isinstance(value, bool) and value is not None:
        yield path, value


def with_mark(value, path):
    if not path:
        return MARK
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = with_mark(copy[path[0]], path[1:])
    return copy


def mutants(text):
    """(path, raw body) for each odd value in each place."""
    body = loads(text)
    yield (), "no body", None
    for path, value in places(body):
        marked = dumps(with_mark(body, path))
        for token in TEXTS if isinstance(value, str) else NUMBERS:
            yield path, token, marked.replace(json.dumps(MARK, ensure_ascii=False), token)


def caller_of(server, dialect):
    made = {"pcx": lambda: Pcx(server, "internal_admin"), "platform": lambda: Platform(server),
            "fincode": lambda: Fincode(server, "admin"), "vaultspay": lambda: VaultsPay(server)}[dialect]()
    made.prefix = ""
    return made


def replay(server, path):
    """Writes down every answer that was a failure, and every nonsensical amount that was accepted."""
    router, chosen, callers = Router(operations(server.binary)), {}, {}
    for exchange in server.recorder.kept:
        row = router.find(exchange["method"], exchange["url"])
        if row and exchange["request"] and 200 <= exchange["status"] < 300 and row["id"] not in chosen:
            try:
                chosen[row["id"]] = row, exchange, list(mutants(exchange["request"]))
            except ValueError:
                pass  # a form, or bytes that are no JSON
    with open(path, "a", encoding="utf-8") as file:
        for row, exchange, variants in chosen.values():
            if row["dialect"] not in callers:
                callers[row["dialect"]] = caller_of(server, row["dialect"])
            for place, token, raw in variants:
                reply = callers[row["dialect"]].send(exchange["method"], exchange["url"], raw=raw)
                taken = 200 <= reply.status < 300 and place in [(name,) for name in AMOUNTS]
                if reply.status >= 500 or (taken and token == "-1"):
                    file.write(json.dumps({"operation": row["id"], "method": exchange["method"],
                                           "url": exchange["url"], "place": place, "token": token[:80],
                                           "status": reply.status, "reply": reply.text[:500]}) + "\n")
