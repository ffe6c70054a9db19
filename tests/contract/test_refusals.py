"""What bad callers and bad requests get, for every implemented operation: never success, never a crash."""
import pytest

from client.fincode import Fincode
from client.http import Http
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


def dialect_of(row):
    return {"pcx": "pcx", "vp": "vaultspay", "fc": "fincode"}.get(row["id"].split("_")[0], "platform")


def takes_json(operation):
    """Callbacks of providers are checked by their signature, over bytes; everything else reads JSON."""
    return (operation["x-contract"].body_schema(operation) is not None
            and operation["operationId"] not in CALLBACKS)


CALLBACKS = {"pcx_receive_provider_webhook"}


def is_public(row):
    return row["roles"] == []


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
    return client.send(changes.get("method", operation["x-method"]), changes.get("path", path),
                       body if raw is None else None, params=query,
                       headers={**needed, **(headers or {})}, raw=raw)


def assert_refused(reply, statuses, row, *mentions):
    assert reply.status in statuses, f"expected {statuses}: {reply!r}"
    assert reply.headers["Content-Type"].startswith("application/json"), reply
    if dialect_of(row) == "vaultspay":
        assert {"code", "message", "type"} <= set(reply.json), reply
    for mention in mentions:
        assert mention in reply.text, f"the refusal does not name {mention!r}: {reply!r}"


def test_no_credentials(row, operation, server):
    if is_public(row):
        pytest.skip("needs no credentials")
    dialect, nobody = dialect_of(row), Http(server)
    for headers in [NOBODY[dialect], *WRONG[dialect]]:
        reply = send(nobody, operation, headers=headers)
        statuses = (401, 400) if dialect == "vaultspay" and "Authorization" in headers else (401,)
        assert_refused(reply, statuses, row)


def test_wrong_role(row, operation, callers):
    dialect = dialect_of(row)
    roles = set(row["roles"])
    strangers = [role for role in CALLERS.get(dialect, {})
                 if role not in roles and role not in ALL_POWERFUL]
    if is_public(row) or "any" in roles or not strangers:
        pytest.skip("every caller may")
    for role in strangers:
        assert_refused(send(callers(dialect, role), operation), (403,), row)


def test_malformed_body(row, operation, callers):
    if not takes_json(operation):
        pytest.skip("takes no JSON body")
    schema = operation["x-contract"].body_schema(operation)
    client = callers(dialect_of(row))
    bad = ['{"a":', "", "nonsense", '{"a":1}}', '{"a":1,"a":2}', b'{"a":"\xff"}', '{"a":"\\ud800"}',
           "[" * 40 + "]" * 40, '{"a":' * 40 + "1" + "}" * 40, "NaN", '{"a":01}']
    required = operation["x-contract"].resolve(operation["requestBody"]).get("required")
    for raw in bad:
        if raw == "" and not required:
            continue
        assert_refused(send(client, operation, raw=raw), (400, 422), row)
    kind = operation["x-contract"].type_of(schema)
    for other in {"object": ["[]", "1", '"text"'], "array": ["{}", "1"]}.get(kind, []):
        assert_refused(send(client, operation, raw=other), (400, 422), row)


def members_of(contract, schema, path=()):
    """(path, schema, required) of every member that an example of the schema holds, nested ones too."""
    if contract.type_of(schema) == "array":
        yield from members_of(contract, contract.resolve(schema).get("items", {}), path + (0,))
    elif contract.type_of(schema) == "object":
        members, required = contract.flat(schema)
        for name, member in members.items():
            yield path + (name,), member, name in required
            if name in required:
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


def test_each_required_field_missing(row, operation, callers):
    contract = operation["x-contract"]
    schema = contract.body_schema(operation)
    if not takes_json(operation):
        pytest.skip("takes no JSON body")
    client, tried = callers(dialect_of(row)), 0
    example = contract.request(operation)[3]
    for path, _, required in members_of(contract, schema):
        body = changed(example, path, remove=True) if required else None
        if body is None:
            continue
        tried += 1
        assert_refused(send(client, operation, body=body), (400, 422), row, path[-1])
        # null is as good as absent, unless the field may be null
        member = contract.resolve(contract.flat(schema)[0][path[0]]) if len(path) == 1 else {}
        if len(path) == 1 and "null" not in (member.get("type") or []):
            assert_refused(send(client, operation, body=changed(example, path, None)), (400, 422),
                           row, path[-1])
    if not tried:
        pytest.skip("requires no field")


WRONG_TYPES = {"string": [{"a": 1}, [1], True], "integer": ["x", 1.5, {}, True],
               "number": [{}, [], True, "ten"], "boolean": ["yes", 1, {}], "array": [{}, 1, "x"],
               "object": [[], 1, "x"]}


def test_wrong_types(row, operation, callers):
    contract = operation["x-contract"]
    schema = contract.body_schema(operation)
    if not takes_json(operation):
        pytest.skip("takes no JSON body")
    client, tried = callers(dialect_of(row)), 0
    example = contract.request(operation)[3]
    for path, member, _ in members_of(contract, schema):
        member = contract.resolve(member)
        if isinstance(member.get("type"), list) or "oneOf" in member or "anyOf" in member:
            continue
        for value in WRONG_TYPES.get(contract.type_of(member), []):
            body = changed(example, path, value)
            if body is None:
                continue
            tried += 1
            assert_refused(send(client, operation, body=body), (400, 422), row, path[-1])
    if not tried:
        pytest.skip("no field has one type")


def test_enums_are_closed(row, operation, callers):
    contract = operation["x-contract"]
    schema = contract.body_schema(operation)
    client, tried = callers(dialect_of(row)), 0
    example = contract.request(operation)[3]
    for path, member, _ in members_of(contract, schema) if schema else []:
        if contract.resolve(member).get("enum"):
            body = changed(example, path, "no such value")
            if body is not None:
                tried += 1
                assert_refused(send(client, operation, body=body), (400, 422), row, path[-1])
    if not tried:
        pytest.skip("no field is an enum")


def test_required_parameters(row, operation, callers):
    contract = operation["x-contract"]
    path, query, headers, body = contract.request(operation)
    if not query:
        pytest.skip("no query parameter is required")
    for name in query:
        rest = {key: value for key, value in query.items() if key != name}
        reply = callers(dialect_of(row)).send(operation["x-method"], path, body, params=rest,
                                              headers=headers)
        assert_refused(reply, (400, 422), row, name)


def test_media_type(row, operation, callers):
    if not takes_json(operation):
        pytest.skip("takes no JSON body")
    reply = send(callers(dialect_of(row)), operation, headers={"Content-Type": "text/plain"})
    assert_refused(reply, (415,), row)


def test_other_methods(row, operation, callers, contracts):
    client = callers(dialect_of(row))
    path = operation["x-contract"].request(operation)[0]
    options = client.send("OPTIONS", path)
    assert options.status in (200, 204), options
    allowed = {method.strip() for method in options.headers["Allow"].split(",")}
    assert {operation["x-method"], "OPTIONS"} <= allowed, options.headers
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        if method not in allowed:
            reply = client.send(method, path, {})
            assert_refused(reply, (405,), row)
            assert operation["x-method"] in reply.headers["Allow"]


def test_no_id_of_any_shape_is_a_server_error(row, operation, callers):
    """Ids that are none, of another kind, or hostile: refused, and VaultsPay's 500 is a documented one."""
    if "{" not in operation["x-path"]:
        pytest.skip("has no path parameter")
    contract, client = operation["x-contract"], callers(dialect_of(row))
    for text in ["0", "-1", "9" * 30, "nosuch", "pay_0000000000000", "%27%3B--", "%00", "..%2f..",
                 "00000000-0000-4000-8000-000000000000", "x" * 300, "%F0%9F%92%B8"]:
        path = operation["x-path"]
        for parameter in contract.parameters(operation):
            if parameter["in"] == "path":
                path = path.replace("{%s}" % parameter["name"], text)
        reply = send(client, operation, path=path)
        if dialect_of(row) == "vaultspay" and reply.status == 500:
            assert reply.json["code"] in (1010, 1050), reply
        else:
            assert reply.status < 500, reply
