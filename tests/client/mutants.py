"""Replays what succeeded in the scenarios with one value changed to something odd.

Real ids carry each attempt past the checks that a made-up id would end at, up to the arithmetic and the SQL. What is
written down is what must not be: a failure, a nonsensical amount that was taken, a refusal that does not name the
value, a refused write that left something behind. The contract gate judges it (tests/contract/test_mutants.py).
"""
import json
import re
import urllib.parse
import uuid
from decimal import Decimal

from client import database
from client.contract import Router, contracts, operations
from client.fincode import Fincode
from client.http import dumps, loads
from client.pcx import Pcx, Platform
from client.server import BUILD
from client.vaultspay import VaultsPay

# No amount, whatever the currency; the last ones are no numbers.
NONSENSE = ["-1", "-0.01", "0.0000000000000000001", "99999999999999999999999", "-99999999999999999999999", "1e3",
            "1E400", "0.1e-400", "NaN", "Infinity", '"10"', "true", "[]"]
NUMBERS = NONSENSE + ["0", "-0", "0.001", "9007199254740993", "90071992547409.92", "null"]
TEXTS = ['""', '" "', '"\\u0000"', '"' + "x" * 20000 + '"', '"\\u202e\\ud83d\\udcb8"', '"\\ud800"',
         '"\'; DROP TABLE account;--"', '"../../etc/passwd"', '"%s%n"', "null", "7"]
ARGUMENTS = ["", " ", "-1", "0", "1e3", "NaN", "99999999999999999999", "x" * 2000, "\x00", "\U0001f4b8", "' OR 1=1--",
             "eyJwayI6IjEifQ==", "2026-13-45", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
CURSOR = re.compile("cursor|evaluated_?key|next_?token", re.I)
SIZE = re.compile("limit|pagesize|perpage", re.I)
MARK = "\u2318"
POSITIVE = ("amount", "target_amount", "rate")  # zero is as nonsensical
# Refusals of the body as a whole, which cannot be read as far as the value, and VaultsPay's of a refresh token, whose
# documented shape has no place for a field.
FIELDLESS = ["not valid JSON", "INVALID_TOKEN"]


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


def put(text, path, token):
    """The JSON text with the token, as it is, at the path."""
    return dumps(with_mark(loads(text), path)).replace(json.dumps(MARK, ensure_ascii=False), token)


def with_argument(url, name, value):
    """The URL with one query parameter set to something else."""
    path, _, query = url.partition("?")
    rest = [pair for pair in urllib.parse.parse_qsl(query, keep_blank_values=True) if pair[0] != name]
    return path + "?" + urllib.parse.urlencode(rest + [(name, value)])


class Mutant:
    """One request that differs from one that succeeded in one place."""

    def __init__(self, method, url, body, place=(), token="", nonsense=False):
        self.method, self.url, self.body = method, url, body
        self.place, self.token, self.nonsense = place, token, nonsense

    def send(self, caller):
        return caller.send(self.method, self.url, raw=self.body)


def fresh(text):
    """The body under other names, for what can be made only once."""
    made = {"email": lambda: uuid.uuid4().hex + "@example.com", "phone": lambda: str(uuid.uuid4().int)[:9],
            "reference": lambda: uuid.uuid4().hex, "label": lambda: "t" + uuid.uuid4().hex[:12],
            "instructionIdempotencykey": lambda: uuid.uuid4().hex,
            "cognito_username": lambda: uuid.uuid4().hex}
    for path, value in list(places(loads(text))):
        if path[-1] in made:
            text = put(text, path, f'"{made[path[-1]]()}"')
        elif path[-1] in ("url", "endpoint_url"):
            text = put(text, path, f'"{value}?{uuid.uuid4().hex}"')
    return text


def under_new_keys(text, but):
    """A key of a posting stands for what it was first sent with, whatever comes with it later."""
    for path, _ in list(places(loads(text))):
        if path[-1] == "instructionIdempotencykey" and path != but:
            text = put(text, path, f'"{uuid.uuid4().hex}"')
    return text


def fund(server, text):
    """Money for the accounts that a body names, which the scenarios may have emptied."""
    platform = Platform(server)
    for account_id in set(re.findall(r"\bva_[0-9a-z]{13}\b", text or "")):
        account = platform.get(f"/accounts/{account_id}")
        if account.ok:
            platform.post(f"/accounts/{account_id}/deposits",
                          {"amount": 1000000, "currency": account.data["currency"]})


def is_amount(contract, operation, path):
    """Does the contract call the member of the body a decimal?"""
    schema = contract.member(contract.body_schema(operation), path)
    return schema is not None and contract.type_of(schema) == "number"


def mutants(contract, operation, sound):
    method, url, text = sound.method, sound.url, sound.body
    if text and contract.body_schema(operation) is not None:
        yield Mutant(method, url, None, (), "no body")
        for path, value in places(loads(text)):
            amount = is_amount(contract, operation, path)
            for token in NUMBERS if amount or isinstance(value, (int, Decimal)) else TEXTS:
                nonsense = amount and (token in NONSENSE or (token in ("0", "-0") and path[-1] in POSITIVE))
                yield Mutant(method, url, put(under_new_keys(text, path), path, token), path, token, nonsense)
    for parameter in contract.parameters(operation):
        if parameter["in"] == "query":
            for value in ARGUMENTS:
                yield Mutant(method, with_argument(url, parameter["name"], value), text,
                             (parameter["name"],), value)


def cursors_in(value):
    """Every cursor that a reply hands out."""
    if isinstance(value, dict):
        for key, member in value.items():
            if CURSOR.search(key) and isinstance(member, str) and member:
                yield member
            yield from cursors_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from cursors_in(member)


def spoilt(cursor):
    """The cursor with one thing changed, and what was never one."""
    middle = len(cursor) // 2
    for at in (0, 7, 15, middle, len(cursor) - 1):
        yield cursor[:at] + ("0" if cursor[at:at + 1] != "0" else "1") + cursor[at + 1:]
    yield from (cursor[:-1], cursor + "0", cursor[:16], cursor[::-1])
    yield from ("x", "0" * 40, "{}", "\x00", "eyJwayI6IjEifQ==", "f" * 40)


def with_place(operation, contract, sound):
    """(place, request with a value in it) for each cursor and each page size that the operation takes."""
    for parameter in contract.parameters(operation):
        if parameter["in"] == "query":
            yield parameter["name"], lambda value, name=parameter["name"]: Mutant(
                sound.method, with_argument(sound.url, name, value), sound.body, (name,), value, True)
    schema = contract.body_schema(operation)
    for name in contract.flat(schema)[0] if schema and sound.body and sound.body.startswith("{") else []:
        yield name, lambda value, name=name: Mutant(
            sound.method, sound.url, dumps({**loads(sound.body), name: value}), (name,), str(value), True)


def tampered(caller, contract, operation, sound, cursors):
    """Requests with a cursor of this list that was changed, or with one of another list (`cursors`, by operation)."""
    makers = list(with_place(operation, contract, sound))
    taken = [make for name, make in makers if CURSOR.search(name)]
    small = [make(1) for name, make in makers if SIZE.search(name)]
    for page in small if taken else []:
        for cursor in cursors_in(page.send(caller).json):
            cursors.setdefault(operation["operationId"], cursor)
    own = cursors.get(operation["operationId"], "0" * 40)
    others = [cursor for key, cursor in cursors.items() if key != operation["operationId"]][:3]
    for make in taken:
        for value in dict.fromkeys([*spoilt(own), *others]):
            yield make(value)


def was_refused(status, text):
    """FinCode's post-account answers 200 with the outcome of each element, and FAILED when none was good."""
    return status >= 400 or (text.startswith("{") and json.loads(text).get("status") == "FAILED")


def is_failure(operation_id, status, text):
    """VaultsPay numbers refusals by business rules 500; its internal errors have a sentence of their own."""
    if status < 500:
        return False
    refusal = operation_id.startswith("vp_") and status == 500
    return not (refusal and json.loads(text).get("code") in (1010, 1018, 1050)
                and "internal error" not in text)


# Wrong passwords lock their person out, who may be the one that tries the other operations.
LOG_INS = ("fc_login", "platform_create_session")


def caller_of(server, dialect):
    made = {"pcx": lambda: Pcx(server, "internal_admin"), "platform": lambda: Platform(server),
            "fincode": lambda: Fincode(server, "admin"), "vaultspay": lambda: VaultsPay(server)}[dialect]()
    made.prefix = ""
    return made


def candidates(server, router):
    """operation id -> (row, requests that succeeded, those first that have most in them to change)."""
    found = {}
    for exchange in server.recorder.kept:
        row = router.find(exchange["method"], exchange["url"])
        size = len(exchange["request"] or "") + len(exchange["url"])
        if row and row["implemented"] and 200 <= exchange["status"] < 300 and size < 4000 \
                and not CURSOR.search(exchange["url"] + (exchange["request"] or "")):
            found.setdefault(row["id"], (row, []))[1].append(
                Mutant(exchange["method"], exchange["url"], exchange["request"]))
    for row, requests in found.values():
        requests.sort(key=lambda sound: -len(sound.body or "") - len(sound.url))
    return found


def sound_one(server, caller, requests):
    """(one that still succeeds, or else the first; does it succeed?)"""
    for sound in requests[:30]:
        fund(server, sound.body)
        try:
            bodies = [sound.body, fresh(sound.body)] if sound.body else [None]
        except ValueError:
            bodies = [sound.body]  # a form, or bytes that are no JSON
        for sound.body in bodies:
            if sound.send(caller).ok:
                return sound, True
    return requests[0], False


def judge(row, mutant, reply):
    """What is wrong with the answer, or None."""
    if is_failure(row["id"], reply.status, reply.text):
        return "failed"
    refused = was_refused(reply.status, reply.text)
    if mutant.nonsense and not refused:
        return "taken"
    names = [str(part) for part in mutant.place if not isinstance(part, int)]
    by_field = reply.status in (400, 422) or (refused and reply.status == 200)
    told = not names or any(text in reply.text for text in names + FIELDLESS)
    return "unnamed" if by_field and not told else None


def words_of(reply):
    """The refusal without what differs from call to call."""
    body = reply.json
    return reply.status, body.get("message"), body.get("errors"), body.get("data")


def left_behind(server, caller, attempts):
    """Tables that refused calls changed; work that goes on beside them is given time to end."""
    changed = {}
    for _ in range(4):
        before = database.digest(server)
        for mutant in attempts:
            mutant.send(caller)
        changed = database.difference(before, database.digest(server))
        if not changed:
            break
    return changed


def replay_operation(server, caller, contract, row, requests, cursors):
    """Yields what is to be noted."""
    operation, refused, count = contract.by_id[row["id"]], [], 0
    sound, succeeds = sound_one(server, caller, requests)
    try:
        variants = [*mutants(contract, operation, sound), *tampered(caller, contract, operation, sound, cursors)]
    except ValueError:
        return  # a form, or bytes that are no JSON
    for mutant in variants:
        reply = mutant.send(caller)
        count += 1
        if reply.status >= 400:
            refused.append(mutant)
        problem = judge(row, mutant, reply)
        if problem == "unnamed" and (mutant.token in ('""', "null") or words_of(sound.send(caller)) == words_of(reply)):
            problem = None  # as if it were not sent; or it is not the value that is refused
        if problem:
            yield {"problem": problem, "method": mutant.method, "url": mutant.url[:300], "place": mutant.place,
                   "token": mutant.token[:80], "status": reply.status, "reply": reply.text[:500]}
    if sound.method != "GET" or row["kind"] in ("write", "slow"):
        if refused and (changed := left_behind(server, caller, refused)):
            yield {"problem": "changed", "tables": changed, "attempts": len(refused)}
    yield {"problem": None, "attempts": count, "succeeds": succeeds, "request": [sound.method, sound.url, sound.body]}


def replay(server, path):
    """Writes one line per problem, and one per operation to say that it was tried."""
    by_dialect, callers, cursors = contracts(BUILD), {}, {}
    with open(path, "a", encoding="utf-8") as file:
        found_by_id = candidates(server, Router(operations(server.binary)))
        for row, requests in sorted(found_by_id.values(), key=lambda found: found[0]["id"] in LOG_INS):
            contract = by_dialect[row["dialect"]]
            if contract.by_id[row["id"]].get("x-raw"):
                continue  # callbacks of providers are signed over their bytes
            if row["dialect"] not in callers:
                callers[row["dialect"]] = caller_of(server, row["dialect"])
            callers[row["dialect"]].tokens = None  # logging out is an operation, too
            for found in replay_operation(server, callers[row["dialect"]], contract, row, requests, cursors):
                file.write(json.dumps({"operation": row["id"], **found}) + "\n")
