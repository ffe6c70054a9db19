"""The contracts as a client sees them: operations, their schemas, arguments made from schemas."""
import functools
import json
import os
import re
import subprocess
import uuid

import jsonschema

METHODS = ("get", "post", "put", "patch", "delete")
DIALECTS = ("pcx", "vaultspay", "fincode", "platform")


def operations(binary):
    """What `cambist operations --json` lists: id, method, path, roles, implemented."""
    printed = subprocess.run([binary, "operations", "--json"], capture_output=True, text=True,
                             timeout=30, check=False)
    if printed.returncode != 0:
        raise RuntimeError(f"cambist operations: {printed.stderr}")
    found = json.loads(printed.stdout)
    return found["operations"] if isinstance(found, dict) else found


def segments(path):
    return [part for part in path.split("?")[0].split("/") if part]


class Router:
    """Which operation a request belongs to: literal segments win over parameters, left to right."""

    def __init__(self, rows):
        self.rows = [(row["method"], segments(path), row) for row in rows
                     for path in [row["path"], *row.get("also", [])]]

    def find(self, method, url):
        asked = segments(url)
        best = None
        for row_method, parts, row in self.rows:
            if row_method != method.upper() or len(parts) != len(asked):
                continue
            literal = [not part.startswith("{") for part in parts]
            if all(part == seen for part, seen, exact in zip(parts, asked, literal) if exact):
                if best is None or literal > best[0]:
                    best = (literal, row)
        return best[1] if best else None


FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time")
def is_date_time(value):
    return not isinstance(value, str) or bool(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value))


@FORMATS.checks("uuid")
def is_uuid(value):
    return not isinstance(value, str) or bool(
        re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value))


@FORMATS.checks("date")
def is_date(value):
    return not isinstance(value, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value))


class Contract:
    """One dialect's OpenAPI document."""

    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver.from_schema(document)
        self.by_id = {}
        for path, item in document["paths"].items():
            for method in METHODS:
                if method in item:
                    operation = item[method]
                    operation["x-path"], operation["x-method"] = path, method.upper()
                    operation["x-shared"] = item.get("parameters", [])
                    self.by_id[operation["operationId"]] = operation

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            node = self.resolver.resolve(node["$ref"])[1]
        return node

    def parameters(self, operation):
        return [self.resolve(p) for p in operation["x-shared"] + operation.get("parameters", [])]

    def body_schema(self, operation):
        """The JSON body's schema, or None when there is none (or it is no JSON)."""
        body = self.resolve(operation.get("requestBody"))
        content = (body or {}).get("content", {}).get("application/json")
        return content.get("schema") if content else None

    def reply_schema(self, operation, status):
        """(documented?, schema or None) of a reply with this status."""
        replies = operation.get("responses", {})
        reply = self.resolve(replies.get(str(status), replies.get(f"{status // 100}XX",
                                                                  replies.get("default"))))
        if reply is None:
            return False, None
        content = reply.get("content", {}).get("application/json")
        return True, content.get("schema") if content else None

    def error_schema(self, operation):
        """The shape of any documented refusal of the operation: refusals share one."""
        for status in operation.get("responses", {}):
            if status[0] in "45":
                schema = self.reply_schema(operation, int(status))[1] if status.isdigit() else None
                if schema:
                    return schema
        return None

    def problems(self, schema, value):
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver,
                                                    format_checker=FORMATS)
        return [f"{'.'.join(map(str, error.absolute_path)) or '(whole)'}: {error.message[:200]}"
                for error in validator.iter_errors(value)]

    # Arguments

    def flat(self, schema, alternatives=False):
        """Object members, and those that are required: always, or with the first of oneOf/anyOf as well."""
        members, required = {}, []

        def collect(node, demands):
            node = self.resolve(node)
            members.update(node.get("properties", {}))
            if demands:
                required.extend(node.get("required", []))
            for part in node.get("allOf", []):
                collect(part, demands)
            for key in ("oneOf", "anyOf"):
                for part in node.get(key, [])[:1]:
                    collect(part, demands and alternatives)

        collect(schema, True)
        return members, [name for name in dict.fromkeys(required) if name in members]

    def member(self, schema, path):
        """The schema of what stands at the path in a value, or None."""
        for part in path:
            schema = self.resolve(schema)
            if isinstance(part, int):
                schema = schema.get("items")
            else:
                schema = self.flat(schema)[0].get(part)
            if schema is None:
                return None
        return self.resolve(schema)

    def type_of(self, schema):
        schema = self.resolve(schema)
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((k for k in kind if k != "null"), None)
        if kind:
            return kind
        for part in schema.get("allOf", []) + schema.get("oneOf", [])[:1] + schema.get("anyOf", [])[:1]:
            if kind := self.type_of(part):
                return kind
        return "object" if "properties" in schema else None

    def example(self, schema, name="", depth=0):
        """A value that satisfies the schema, as small as can be."""
        schema = self.resolve(schema)
        for key in ("const", "default", "example"):
            if key in schema and schema[key] is not None:
                return schema[key]
        for key in ("enum", "examples"):
            if schema.get(key):
                return schema[key][0]
        kind = self.type_of(schema)
        if kind == "object":
            members, required = self.flat(schema, alternatives=True)
            return {key: self.example(members[key], key, depth + 1) for key in required}
        if kind == "array":
            return [self.example(schema.get("items", {}), name, depth + 1)] \
                if schema.get("minItems", 0) or depth < 6 else []
        if kind == "integer":
            return max(schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1)
        if kind == "number":
            return max(schema.get("minimum", 1), 1)
        if kind == "boolean":
            return True
        return self.text(schema, name)

    def text(self, schema, name):
        fixed = {"uuid": str(uuid.uuid4()), "date-time": "2026-01-15T10:30:00Z", "date": "2026-01-15",
                 "email": "someone@example.com", "uri": "https://example.com/x"}
        if schema.get("format") in fixed:
            return fixed[schema["format"]]
        if "pattern" in schema:
            for candidate in PATTERN_EXAMPLES:
                if re.search(schema["pattern"], candidate):
                    return candidate
        value = SAMPLES.get(name, "sample")
        low, high = schema.get("minLength", 1), schema.get("maxLength", 255)
        return (value * (low // len(value) + 1))[:max(low, len(value))][:high]

    def request(self, operation):
        """(path with example values, query, headers, body) that pass validation."""
        path, query, headers = operation["x-path"], {}, {}
        for parameter in self.parameters(operation):
            value = self.example(parameter.get("schema", {}), parameter["name"])
            if parameter["in"] == "path":
                path = path.replace("{%s}" % parameter["name"], str(value))
            elif parameter.get("required") and parameter["in"] == "query":
                query[parameter["name"]] = value
            elif parameter.get("required") and parameter["in"] == "header":
                headers[parameter["name"]] = str(value)
        schema = self.body_schema(operation)
        return path, query, headers, None if schema is None else self.example(schema)


@functools.cache
def contracts(build):
    """Dialect -> its contract, from the documents that the build made."""
    found = {}
    for dialect in DIALECTS:
        with open(os.path.join(build, "src/generated", dialect + ".json"), encoding="utf-8") as file:
            found[dialect] = Contract(json.load(file))
    return found


# For fields whose schema says less than the reader knows.
SAMPLES = {"currency": "NGN", "currencyCode": "NGN", "country": "NG", "email": "someone@example.com",
           "amount": "10"}
PATTERN_EXAMPLES = ["Bearer nobody", "NGN", "NG", "NGA", "1", "12", "123", "1234", "123456", "0123456789", "12345678901",
                    "+2348012345678", "2348012345678", "01/2030", "2026-01-15", "15/01/2026", "10.00",
                    "someone@example.com", "https://example.com/x", "abc", "Abcdef1!", "a" * 32]
