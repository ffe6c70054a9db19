"""What tools/generate refuses, and how it says so."""
import json
import os
import re
import subprocess
import sys
import textwrap

import jsonschema
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

GOOD = """\
openapi: 3.1.0
info: {title: Things, version: 1.0.0}
paths:
  /v1/things/{thing_id}:
    get:
      operationId: pcx_get_thing
      x-roles: [any]
      parameters:
        - {name: thing_id, in: path, required: true, schema: {type: string}}
      responses:
        '200':
          description: Success
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
components:
  schemas:
    Thing:
      type: object
      required: [thing_id]
      properties:
        thing_id: {type: string}
        totalAmount: {type: number, minimum: 0.5}
        parts:
          type: array
          items: {$ref: '#/components/schemas/Thing'}
        default: {type: [integer, 'null'], default: 3}
"""

OTHER = """\
openapi: 3.1.0
info: {title: Others, version: 1.0.0}
paths:
  /v1/others:
    post:
      operationId: pcx_create_other
      x-roles: [internal-admin]
      responses:
        '204': {description: Done}
"""


class Workplace:
    def __init__(self, root):
        self.root = root
        self.output = root / "out"
        (root / "src/core").mkdir(parents=True)
        (root / "src/dialect/pcx").mkdir(parents=True)
        (root / "src/core/roles.def").write_text(
            'ROLE(INTERNAL_ADMIN, 0, "internal-admin", "all")\nROLE(USER, 1, "user", "own")\n')
        self.contract("things", GOOD)

    def contract(self, group, text):
        directory = self.root / "api/pcx"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{group}.yaml").write_text(text)

    def handler(self, text):
        (self.root / "src/dialect/pcx/things.c").write_text(textwrap.dedent(text))

    def run(self):
        return subprocess.run(
            [sys.executable, os.path.join(ROOT, "tools/generate"), "--api", "api", "--source", "src",
             "--output", str(self.output)], cwd=self.root, capture_output=True, text=True, check=False)

    def made(self, name):
        done = self.run()
        assert done.returncode == 0, done.stderr
        return (self.output / name).read_text()


@pytest.fixture
def place(tmp_path):
    return Workplace(tmp_path)


def line_of(text, needle):
    return text[: text.index(needle)].count("\n") + 1


# What is changed in the good contract, the line that is named, and the words of the refusal.
REFUSALS = [
    ("operationId: pcx_get_thing", "operationId: get_thing", "operationId", "must be snake_case and begin with pcx_"),
    ("      operationId: pcx_get_thing\n", "", "x-roles", "has no operationId"),
    ("      x-roles: [any]\n", "", "operationId", "has no x-roles"),
    ("[any]", "[anybody]", "x-roles", "unknown role 'anybody'"),
    ("x-roles: [any]", "x-roles: [any]\n      x-kind: fast", "x-kind", "x-kind must be one of"),
    ("x-roles: [any]", "x-roles: [any]\n      x-rolse: []", "x-rolse", "unknown key 'x-rolse'"),
    ("x-roles: [any]", "x-roles: [any]\n      x-raw: 1", "x-raw", "x-raw is true or absent"),
    ("schemas/Thing'}\ncomponents", "schemas/Thin'}\ncomponents", "schemas/Thin'", "leads nowhere"),
    ("{thing_id}:", "{thing-id:", "{thing-id:", "must be a literal or one whole {parameter}"),
    ("{thing_id}:", "{other_id}:", "name: thing_id", "the path has no {thing_id}"),
    ("in: path", "in: cookie", "in: cookie", "is in 'cookie'"),
    ("schema: {type: string}}", "schema: {type: text}}", "type: text", "unknown type 'text'"),
    ("'200':", "'2xx':", "'2xx'", "is no status code"),
    ("'200':", "'404':", "'404'", "has no 2xx or 3xx response"),
    ("application/json", "text/xml", "text/xml", "unknown media type"),
    ("required: [thing_id]", "required: [thing]", "Thing:", "'thing' is not among the properties"),
    ("        thing_id: {type: string}", "        thing_id: {type: string, lenght: 3}", "lenght", "no 'lenght'"),
    ("thing_id: {type: string}\n", "thing_id: {type: string, pattern: '\\d+'}\n", "pattern", "POSIX extended"),
    ("thing_id: {type: string}\n", "thing_id: {type: string, format: iban}\n", "format: iban", "unknown format 'iban'"),
    ("minimum: 0.5", "minimum: many", "Thing:", "is no number"),
    ("minimum: 0.5", "x-decimals: 19", "totalAmount", "x-decimals goes on numbers, from 0 to 18"),
    ("thing_id: {type: string}\n", "thing_id: {type: string, x-decimals: 8}\n", "thing_id: {type: string, x", "x-decimals goes on numbers"),
    ("          items: {$ref: '#/components/schemas/Thing'}\n", "", "parts:", "says what its items are"),
    ("info:", "infos:", "infos", "unknown key 'infos'"),
    ("    Thing:\n", "    Thing:\n    Thing:\n", "Thing:\n    Thing:", "stands here twice"),
    ("x-roles: [any]", "x-roles: [any", "parameters", "did not find expected"),
    ("        - {name: thing_id, in: path, required: true, schema: {type: string}}\n", "", "parameters:",
     "is a list of mappings"),
    ("x-roles: [any]", "x-roles: &roles [*roles]", "x-roles", "an anchor contains itself"),
    ("x-roles: [any]", "x-roles: [any]\n      <<: 1", "<<", "is no value"),
]


@pytest.mark.parametrize("old,new,needle,words", REFUSALS, ids=[words for *_, words in REFUSALS])
def test_refuses(place, old, new, needle, words):
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    place.contract("things", text)
    done = place.run()
    assert done.returncode == 1
    where, _, message = done.stderr.partition(": ")
    assert words in message
    file, _, line = where.rpartition(":")
    assert file == "api/pcx/things.yaml"
    # The place is the offending key, or the mapping that it is missing from.
    assert abs(int(line) - line_of(text, needle)) <= 2, done.stderr


def broken_contracts():
    """The good one without one of its lines, or with another value in it."""
    lines = GOOD.split("\n")
    for i, line in enumerate(lines):
        yield lines[:i] + lines[i + 1:]
        for value in ["null", "7", "[a, {b: 1}]"] if ":" in line else []:
            yield lines[:i] + [line.split(":", 1)[0] + ": " + value] + lines[i + 1:]
    yield from (["", "- a"], ["7"], ["\0"], ["paths: {1: 2}"], ["? [a]: b"])


def test_whatever_is_broken_is_refused_with_file_and_line(place):
    for lines in broken_contracts():
        place.contract("things", "\n".join(lines))
        done = place.run()
        assert done.returncode in (0, 1)
        assert done.returncode == 0 or re.match(r"api/pcx/things.yaml:\d+: \S", done.stderr), done.stderr


def test_refuses_an_operation_id_used_twice(place):
    place.contract("others", OTHER.replace("pcx_create_other", "pcx_get_thing"))
    assert "api/pcx/things.yaml:6: operationId 'pcx_get_thing' is used twice, first at api/pcx/others.yaml:6" \
        in place.run().stderr


@pytest.mark.parametrize("path", ["/v1/things/{id}", "/v1/things/{thing_id}"])
def test_refuses_routes_that_collide(place, path):
    text = OTHER.replace("/v1/others", path).replace("post:", "get:").replace(
        "      responses", "      parameters:\n        - {name: %s, in: path, required: true, schema: {type: string}}\n"
        "      responses" % path[path.index("{") + 1: -1])
    place.contract("others", text)
    assert "collides with pcx_create_other at api/pcx/others.yaml:6" in place.run().stderr


def test_refuses_a_further_path_that_collides(place):
    place.contract("others", OTHER)
    place.contract("more", OTHER.replace("/v1/others", "/v1/more").replace("_other", "_more").replace(
        "      x-roles", "      x-also-paths: [/v1/others]\n      x-roles"))
    assert "POST /v1/others collides with" in place.run().stderr


def test_refuses_a_further_method_that_collides_or_is_none(place):
    text = OTHER.replace("      x-roles", "      x-also-method: put\n      x-roles")
    more = "/v1/others:\n    put:\n      operationId: pcx_put_other"
    place.contract("others", text)
    place.contract("more", OTHER.replace("/v1/others:", more).replace("\n    post:\n      operationId: pcx_create_other", ""))
    assert "PUT /v1/others collides with" in place.run().stderr
    place.contract("others", text.replace("method: put", "method: patched"))
    assert "x-also-method must be one of" in place.run().stderr


def test_refuses_a_component_defined_twice(place):
    place.contract("others", OTHER + "components:\n  schemas:\n    Thing: {type: string}\n")
    done = place.run()
    assert "component 'Thing' is defined twice, first at api/pcx/others.yaml:" in done.stderr


def test_refuses_another_file_than_the_shared_one(place):
    place.contract("others", OTHER.replace("{description: Done}", "{$ref: 'things.yaml#/components/responses/Done'}"))
    assert "leads nowhere" in place.run().stderr


def test_refuses_a_handler_without_operation(place):
    place.handler("""\
        #include "generated/pcx.h"

        int pcx_get_thnig(struct call *c, const struct pcx_get_thnig_in *in, struct pcx_get_thnig_out *out)
        {
        }
        """)
    assert place.run().stderr.startswith("src/dialect/pcx/things.c:3: handler pcx_get_thnig belongs to no operation")


def test_refuses_a_handler_that_takes_anothers_input(place):
    place.contract("others", OTHER)
    place.handler("int pcx_get_thing(struct call *c, const struct pcx_create_other_in *in, void *out)\n{\n}\n")
    assert "one of the two names is wrong" in place.run().stderr


def test_refuses_a_preparation_of_what_is_not_slow(place):
    place.handler("int pcx_get_thing_prepare(struct call *c, const struct pcx_get_thing_in *in)\n{\n}\n")
    assert "pcx_get_thing is of kind read, which has no preparation" in place.run().stderr


def test_makes_structs_and_rows(place):
    place.contract("others", OTHER)
    header = place.made("pcx.h")
    assert "struct pcx_thing_array parts;" in header
    assert "struct decimal total_amount; /* totalAmount */" in header
    assert "bool has_default_;\n    int64_t default_;" in header
    assert "struct pcx_create_other_in; /* takes nothing: in is NULL */" in header
    source = place.made("pcx.c")
    assert ".minimum = {5, 1}" in source
    assert '.default_text = "3"' in source
    routes = place.made("routes.c")
    assert '.operation_id = "pcx_get_thing"' in routes
    assert ".handle" not in routes
    assert "ROLE_INTERNAL_ADMIN" in routes


def test_links_the_handlers_that_are_there(place):
    place.handler("int pcx_get_thing(struct call *c, const struct pcx_get_thing_in *in,\n"
                  "                  struct pcx_thing *out)\n{\n}\n")
    assert ".handle = handle_pcx_get_thing" in place.made("routes.c")


def test_touches_only_what_changes(place):
    place.made("pcx.h")
    before = {path.name: path.stat().st_mtime_ns for path in place.output.iterdir()}
    place.handler("int pcx_get_thing(struct call *c, const struct pcx_get_thing_in *in, void *out)\n{\n}\n")
    place.made("pcx.h")
    changed = {path.name for path in place.output.iterdir() if path.stat().st_mtime_ns != before[path.name]}
    assert changed == {"routes.c", "pcx.json", "openapi.json"}  # no type or prototype


def test_documents_are_sound(tmp_path):
    """The merged document of the real contracts: references lead somewhere, schemas are schemas, examples fit."""
    subprocess.run([sys.executable, os.path.join(ROOT, "tools/generate"), "--api", os.path.join(ROOT, "api"),
                    "--source", os.path.join(ROOT, "src"), "--output", str(tmp_path)], check=True)
    document = json.loads((tmp_path / "openapi.json").read_text())
    resolver = jsonschema.RefResolver("", document)
    checked = 0

    def walk(node):
        nonlocal checked
        if isinstance(node, list):
            for item in node:
                walk(item)
        if not isinstance(node, dict):
            return
        if isinstance(node.get("$ref"), str):
            resolver.resolve(node["$ref"])
        if isinstance(node.get("schema"), dict):
            jsonschema.Draft202012Validator.check_schema(node["schema"])
            if "example" in node:
                jsonschema.Draft202012Validator(node["schema"], resolver=resolver).validate(node["example"])
            checked += 1
        for value in node.values():
            walk(value)

    walk(document)
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert checked > 1000
