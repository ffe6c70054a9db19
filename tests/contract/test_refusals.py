"""What bad callers and bad requests get, for every implemented operation: never success, never a crash."""
import pytest

from client.fincode import Fincode
from client.http import Http, dumps
from client.mutants import is_failure
from client.pcx import Pcx, Platform
from client.vaultspay import VaultsPay

NOBODY = {"pcx": {}, "platform": {}, "fincode": {"platform": "fincode", "uuid": "200"},
          "vaultspay": {"x-device-os": "SAAS", "x-device-id": "1", "x-enable-encryption": "false"}}
WRONG = {
    "pcx": [{"Authorization": "NONE", "X-Api-Key": "NONE"},
            {"Authorization": "NONE"}, {"X-Api-Key": "NONE"},
            {"Authorization": "NONE", "X-Api-Key": "pcx_abc123_nobody"},
            {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30.", "X-Api-Key": "NONE"}],
    "platform": [{"Authorization": "NONE", "X-Api-Key": "NONE"},
                 {"Authorization": "Bearer nobody"}],
    "fincode": [{**NOBODY["fincode"], "X-Auth-Token": "eyJhbGciOiJub25lIn0.e30."}],
    "vaultspay": [{**NOBODY["vaultspay"], "Authorization": "Bearer nobody"}],
}
# Roles as x-roles writes them -> the credential of the sandbox that has that role and no other.
CALLERS = {
    "pcx": {"internal-admin": "internal_admin", "org-admin": "org_admin", "user": "user"},
    "platform": {"internal-admin": "internal_admin", "org-admin": "org_admin", "user": "user"},
    "fincode": {"ADMIN": "admin", "CASHIER": "cashier", "CUSTOMER": "customer"},
}
ALL_POWERFUL = {"internal-admin", "ADMIN"}


def applies(predicate):
    """The test runs for the operations for which the predicate holds."""
    def mark(function):
        function.applies = predicate
        return function
    return mark


def dialect_of(operation):
    return operation["x-row"]["dialect"]


def takes_json(operation):
    """Callbacks of providers are checked by their signature, over bytes; everything else reads JSON."""
    return (operation["x-contract"].body_schema(operation) is not None
            and not operation.get("x-raw"))


def is_public(operation):
    return operation["x-row"]["roles"] == []


def outsiders(operation):
    """Roles of the sandbox's callers that the contract does not let in."""
    roles = set(operation["x-row"]["roles"])
    if is_public(operation) or "any" in roles:
        return []
    return [role for role in CALLERS.get(dialect_of(operation), {})
            if role not in roles and role not in ALL_POWERFUL]


def caller(server, dialect, role=None):
    """Whoever may do everything there, or the caller with exactly `role`."""
    if dialect == "vaultspay":
        made = VaultsPay(server)
    elif dialect == "fincode":
        made = Fincode(server, CALLERS["fincode"][role or "ADMIN"])
    elif dialect == "platform":
        made = Platform(server, CALLERS["platform"][role or "internal-admin"])
    else:
        made = Pcx(server, CALLERS["pcx"][role or "internal-admin"])
    made.prefix = ""  # paths of the documents are whole
    return made


@pytest.fixture(scope="session")
def callers(server):
    made = {}

    def get(dialect, role=None):
        if (dialect, role) not in made:
            made[dialect, role] = caller(server, dialect, role)
        return made[dialect, role]
    return get


def send(client, operation, body=None, raw=None, headers=None, **changes):
    path, query, needed, example = operation["x-contract"].request(operation)
    if raw is None and body is None:
        body = example
    reply = client.send(changes.get("method", operation["x-method"]), changes.get("path", path),
                        body if raw is None else None, params=query,
                        headers={**needed, **(headers or {})}, raw=raw)
    if operation["operationId"] == "fc_logout":
        client.tokens = None  # it may have been heard
    return reply


def assert_refused(reply, statuses, operation, *mentions):
    assert reply.status in statuses, f"expected {statuses}: {reply!r}"
    assert reply.headers["Content-Type"].startswith("application/json"), reply
    if dialect_of(operation) == "vaultspay":
        assert {"code", "message", "type"} <= set(reply.json), reply
    for mention in mentions:
        assert mention in reply.text, f"the refusal does not name {mention!r}: {reply!r}"


@applies(lambda operation: not is_public(operation))
def test_no_credentials(operation, server):
    dialect, nobody = dialect_of(operation), Http(server)
    for headers in [NOBODY[dialect], *WRONG[dialect]]:
        reply = send(nobody, operation, headers=headers)
        statuses = (401, 400) if dialect == "vaultspay" and "Authorization" in headers else (401,)
        assert_refused(reply, statuses, operation)


@applies(outsiders)
def test_wrong_role(operation, callers):
    for role in outsiders(operation):
        reply = send(callers(dialect_of(operation), role), operation)
        assert_refused(reply, (403,), operation)


@applies(takes_json)
def test_malformed_body(operation, callers):
    schema = operation["x-contract"].body_schema(operation)
    client = callers(dialect_of(operation))
    bad = ['{"a":', "", "nonsense", '{"a":1}}', '{"a":1,"a":2}', b'{"a":"\xff"}', '{"a":"\\ud800"}',
           "[" * 40 + "]" * 40, '{"a":' * 40 + "1" + "}" * 40, "NaN", '{"a":01}']
    required = operation["x-contract"].resolve(operation["requestBody"]).get("required")
    for raw in bad:
        if raw == "" and not required:
            continue
        assert_refused(send(client, operation, raw=raw), (400, 422), operation)
    kind = operation["x-contract"].type_of(schema)
    for other in {"object": ["[]", "1", '"text"'], "array": ["{}", "1"]}.get(kind, []):
        assert_refused(send(client, operation, raw=other), (400, 422), operation)


DEEPEST = 6


def members_of(contract, schema, path=()):
    """(path, schema, required) of every member that the schema knows, nested ones too."""
    if contract.type_of(schema) == "array":
        yield from members_of(contract, contract.resolve(schema).get("items", {}), path + (0,))
    elif contract.type_of(schema) == "object":
        members, required = contract.flat(schema)
        for name, member in members.items():
            yield path + (name,), member, name in required
            if len(path) < DEEPEST:
                yield from members_of(contract, member, path + (name,))


def changed(example, path, value=None, remove=False):
    """A copy of the example with one member taken away or replaced; None when it is not there."""
    if not path:
        return value
    if isinstance(example, list):
        return None if not example else [changed(example[0], path[1:], value, remove), *example[1:]]
    if not isinstance(example, dict):
        return None
    copy = dict(example)
    if len(path) == 1:
        if remove:
            copy.pop(path[0], None)
        else:
            copy[path[0]] = value
        return copy
    if path[0] not in copy:
        return None
    copy[path[0]] = changed(copy[path[0]], path[1:], value, remove)
    return copy


def with_parents(contract, schema, example, path):
    """The example with what it leaves out, as far as the member at the path stands in it."""
    for length in range(1, len(path)):
        if present(example, path[:length]) is None:
            value = contract.example(contract.member(schema, path[:length]), str(path[length - 1]))
            example = changed(example, path[:length], value)
    return example


def present(value, path):
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def variants(operation):
    """(path, schema, required, example) of each member of the JSON body."""
    if not takes_json(operation):
        return
    contract = operation["x-contract"]
    schema, example = contract.body_schema(operation), contract.request(operation)[3]
    for path, member, required in members_of(contract, schema):
        whole = with_parents(contract, schema, example, path)
        yield path, contract.resolve(member), required, whole


def missing(operation):
    """(body, name) for each required member taken away, and for each that is null and may not be."""
    found = []
    for path, member, required, example in variants(operation):
        if not required:
            continue
        found.append((changed(example, path, remove=True), path[-1]))
        if "null" not in (member.get("type") or []) and "oneOf" not in member:
            found.append((changed(example, path, None), path[-1]))
    return [(body, name) for body, name in found if body is not None]


@applies(missing)
def test_each_required_field_missing(operation, callers):
    for body, name in missing(operation):
        reply = send(callers(dialect_of(operation)), operation, body=body)
        assert_refused(reply, (400, 422), operation, name)


WRONG_TYPES = {"string": [{"a": 1}, [1], True], "integer": ["x", 1.5, {}, True],
               "number": [{}, [], True, "ten"], "boolean": ["yes", 1, {}], "array": [{}, 1, "x"],
               "object": [[], 1, "x"]}


def of_wrong_type(operation):
    found = []
    for path, member, _, example in variants(operation):
        kinds = member.get("type")
        if isinstance(kinds, list) and len([kind for kind in kinds if kind != "null"]) > 1:
            continue  # either of several: which value is wrong is not for a table to say
        if "oneOf" in member or "anyOf" in member:
            continue
        for value in WRONG_TYPES.get(operation["x-contract"].type_of(member), []):
            found.append((changed(example, path, value), path[-1]))
    return [(body, name) for body, name in found if body is not None]


@applies(of_wrong_type)
def test_wrong_types(operation, callers):
    for body, name in of_wrong_type(operation):
        reply = send(callers(dialect_of(operation)), operation, body=body)
        assert_refused(reply, (400, 422), operation, name)


def outside_enum(operation):
    found = [(changed(example, path, "no such value"), path[-1])
             for path, member, _, example in variants(operation) if member.get("enum")]
    return [(body, name) for body, name in found if body is not None]


@applies(outside_enum)
def test_enums_are_closed(operation, callers):
    for body, name in outside_enum(operation):
        reply = send(callers(dialect_of(operation)), operation, body=body)
        assert_refused(reply, (400, 422), operation, name)


MARK = "\u2318"  # stands for the token under test
NUMBERS = ["0", "-0", "-1", "1e3", "1E400", "0.0000000000000000001", "1.005", "9007199254740993",
           "99999999999999999999999", "-99999999999999999999999", "0.1e-400"]
TEXTS = ['""', '"\\u0000"', '"' + "x" * 100000 + '"', '"\\u202e\U0001f4b8"', '"\'; DROP TABLE account;--"',
         '"../../etc/passwd"', '"%s%n"']


def odd_values(operation):
    """Raw JSON bodies with a number or a text where only a handler can judge it."""
    found = []
    for path, member, _, example in variants(operation):
        kind = operation["x-contract"].type_of(member)
        tokens = NUMBERS if kind in ("number", "integer") else TEXTS if kind == "string" else []
        body = changed(example, path, MARK)
        if body is not None and not member.get("enum"):
            found += [dumps(body).replace(f'"{MARK}"', token) for token in tokens]
    return found


@applies(odd_values)
def test_odd_values_are_no_server_error(operation, callers):
    for raw in odd_values(operation):
        assert_no_failure(send(callers(dialect_of(operation)), operation, raw=raw), operation)


def assert_no_failure(reply, operation):
    """VaultsPay documents 500 for refusals by business rules; nothing else may be 5xx."""
    assert not is_failure(operation["operationId"], reply.status, reply.text), reply
    assert reply.status != 401 or is_public(operation), f"the caller is not logged in: {reply!r}"


def required_headers(operation):
    """Names of headers without which there is no call; what is said of the envelope is the dialect's."""
    return [parameter["name"] for parameter in operation["x-contract"].parameters(operation)
            if parameter["in"] == "header" and parameter.get("required") and not parameter.get("x-envelope")]


@applies(lambda operation: operation["x-contract"].request(operation)[1] or required_headers(operation))
def test_required_parameters(operation, callers):
    path, query, headers, body = operation["x-contract"].request(operation)
    for name in query:
        rest = {key: value for key, value in query.items() if key != name}
        reply = callers(dialect_of(operation)).send(operation["x-method"], path, body, params=rest,
                                                    headers=headers)
        assert_refused(reply, (400, 422), operation, name)
    for name in required_headers(operation):
        assert_refused(send(callers(dialect_of(operation)), operation, headers={name: None}), (400, 422),
                       operation, name)


def wrong_arguments(operation):
    """(name, value) for each parameter of a query that a value cannot be."""
    contract, found = operation["x-contract"], []
    for parameter in contract.parameters(operation):
        schema = contract.resolve(parameter["schema"])
        wrong = {"integer": ["x", "1.5", "1e3", "99999999999999999999", "true"], "number": ["x", "1e3", "NaN"],
                 "boolean": ["2", "yes"]}.get(contract.type_of(schema), [])
        if schema.get("enum"):
            wrong = ["no such value"]
        elif schema.get("format") in ("date", "date-time"):
            wrong = ["yesterday", "2026-13-01", "2026-02-30T00:00:00Z"]
        if "minimum" in schema:
            wrong.append(str(schema["minimum"] - 1))
        if "maximum" in schema:
            wrong.append(str(schema["maximum"] + 1))
        if parameter["in"] == "query":
            found += [(parameter["name"], value) for value in wrong]
    return found


@applies(wrong_arguments)
def test_arguments_are_refused_by_name(operation, callers):
    path, query, headers, body = operation["x-contract"].request(operation)
    for name, value in wrong_arguments(operation):
        reply = callers(dialect_of(operation)).send(operation["x-method"], path, body, headers=headers,
                                                    params={**query, name: value})
        assert_refused(reply, (400, 422), operation, name)


@applies(takes_json)
def test_media_type(operation, callers):
    reply = send(callers(dialect_of(operation)), operation, headers={"Content-Type": "text/plain"})
    assert_refused(reply, (415,), operation)


def test_other_methods(operation, callers):
    client = callers(dialect_of(operation))
    path = operation["x-contract"].request(operation)[0]
    options = client.send("OPTIONS", path)
    assert options.status in (200, 204), options
    allowed = {method.strip() for method in options.headers["Allow"].split(",")}
    assert {operation["x-method"], "OPTIONS"} <= allowed, options.headers
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        if method not in allowed:
            reply = client.send(method, path, {})
            assert_refused(reply, (405,), operation)
            assert operation["x-method"] in reply.headers["Allow"]


@applies(lambda operation: "{" in operation["x-path"])
def test_no_id_of_any_shape_is_a_server_error(operation, callers):
    contract, client = operation["x-contract"], callers(dialect_of(operation))
    for text in ["0", "-1", "9" * 30, "nosuch", "pay_0000000000000", "%27%3B--", "%00", "..%2f..",
                 "00000000-0000-4000-8000-000000000000", "x" * 300, "%F0%9F%92%B8"]:
        path = operation["x-path"]
        for parameter in contract.parameters(operation):
            if parameter["in"] == "path":
                path = path.replace("{%s}" % parameter["name"], text)
        assert_no_failure(send(client, operation, path=path), operation)


def odd_queries(operation):
    """(name, value) for each query parameter: values of the wrong type, cursors that were tampered with."""
    found = []
    for parameter in operation["x-contract"].parameters(operation):
        if parameter["in"] == "query":
            found += [(parameter["name"], value) for value in
                      ("", "-1", "0", "99999999999999999999", "x" * 2000, "\x00", "\U0001f4b8", "' OR 1=1--",
                       "eyJwayI6IjEifQ==", "2026-13-45")]
    return found


@applies(odd_queries)
def test_odd_queries_are_no_server_error(operation, callers):
    path, query, headers, body = operation["x-contract"].request(operation)
    for name, value in odd_queries(operation):
        reply = callers(dialect_of(operation)).send(operation["x-method"], path, body, headers=headers,
                                                    params={**query, name: value})
        assert_no_failure(reply, operation)
