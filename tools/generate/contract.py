"""Reads api/ and says what is wrong with it: components and operations per dialect, checked.

A dialect is a directory of api/; its files form one name space of components. `_shared.yaml` holds what
several groups use. References are relative: `#/components/...` in the same file, `_shared.yaml#/components/...`
in the shared one.
"""
import os
import re

from source import List, Map, Refusal, load, place_of

DIALECTS = {"pcx": "pcx", "vaultspay": "vp", "fincode": "fc", "platform": "platform"}
METHODS = ("get", "post", "put", "patch", "delete")
KINDS = ("read", "write", "slow", "slow-read")
SHARED = "_shared.yaml"

TOP_KEYS = {"openapi", "info", "security", "tags", "paths", "webhooks", "components", "servers"}
OPERATION_KEYS = {
    "operationId", "summary", "description", "tags", "externalDocs", "security", "parameters",
    "requestBody", "responses", "deprecated",
}
OPERATION_FLAGS = ("x-upload", "x-raw", "x-no-replay", "x-not-encrypted", "x-own")
OPERATION_EXTENSIONS = set(OPERATION_FLAGS) | {
    "x-roles", "x-kind", "x-also-paths", "x-also-method", "x-same-wire-call-as", "x-rules", "x-source",
    # Where the wire facts come from; carried into the documents, without effect on code.
    "x-doc", "x-completeness", "x-inferred", "x-inferred-parts", "x-path", "x-path-confidence",
    "x-path-inferred", "x-path-source", "x-roles-source", "x-method-source", "x-shape", "x-codes",
    "x-error-code", "x-source-note", "x-source-page", "x-not-in-index", "x-notes", "x-direction",
    "x-known-values", "x-roles-note", "x-required-inferred",
}
PARAMETER_KEYS = {
    "name", "in", "required", "description", "schema", "example", "examples", "deprecated",
    "x-envelope", "x-sensitive", "x-inferred", "x-source", "x-notes", "x-required-inferred",
}
BODY_KEYS = {"required", "description", "content", "x-inferred", "x-source", "x-notes"}
RESPONSE_KEYS = {"description", "content", "headers", "x-inferred", "x-error-code", "x-source",
                 "x-codes", "x-notes", "x-shape"}
MEDIA_KEYS = {"schema", "example", "examples", "encoding"}
SCHEMA_KEYS = {
    "$ref", "type", "format", "title", "description", "properties", "required", "items", "enum",
    "const", "default", "minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength",
    "minItems", "maxItems", "pattern", "additionalProperties", "allOf", "anyOf", "oneOf", "if",
    "then", "else", "example", "examples", "readOnly", "deprecated",
}
SCHEMA_TYPES = {"string", "integer", "number", "boolean", "object", "array", "null"}
MEDIA_TYPES = {
    "application/json", "multipart/form-data", "application/x-www-form-urlencoded", "text/plain",
}
MAX_PATH_PARAMETERS = 8


class Operation:
    """One operation as the contract states it; `body` and `replies` hold schemas yet to be typed."""

    def __init__(self, dialect, file, path, method, node):
        self.dialect, self.file, self.path, self.method, self.node = dialect, file, path, method, node
        self.place = node.at("operationId")
        self.id = node["operationId"]
        self.roles = node["x-roles"]
        self.kind = node.get("x-kind", "read" if method == "get" else "write")
        self.flags = {flag for flag in OPERATION_FLAGS if node.get(flag)}
        self.also_paths = list(node.get("x-also-paths", []))
        self.also_method = node.get("x-also-method")
        self.same_as = node.get("x-same-wire-call-as")
        self.parameters = []  # Maps, references followed
        self.body = None  # list of (media type, schema Map)
        self.body_required = False
        self.replies = []  # (status, media type or None, schema Map or None)

    @property
    def ways(self):
        """Its own method and path first, then the further ones."""
        methods = [self.method] + ([self.also_method] if self.also_method else [])
        return [(method, path) for method in methods for path in [self.path] + self.also_paths]

    @property
    def group(self):
        return os.path.splitext(os.path.basename(self.file))[0]


class Dialect:
    def __init__(self, name):
        self.name, self.prefix = name, DIALECTS[name]
        self.documents = {}  # file name -> Map
        self.components = {"schemas": {}, "parameters": {}, "responses": {}, "securitySchemes": {}}
        self.component_files = {}  # (kind, name) -> file name
        self.operations = []
        self.security = []


def path_parameters(path):
    return re.findall(r"\{([^{}]*)\}", path)


def path_shape(path):
    """Two paths with one shape cannot be told apart: parameters count as one, whatever their names."""
    return re.sub(r"\{[^{}]*\}", "{}", path)


def check_keys(node, allowed, what, place, extensions=()):
    """`place` is for what is no mapping and so has none of its own."""
    if not isinstance(node, Map):
        raise Refusal(place, f"{what} is a mapping")
    for key in node:
        if key in allowed or key in extensions:
            continue
        raise Refusal(node.at(key), f"{what} has the unknown key '{key}'")


def want(node, key, kind, what):
    if key not in node:
        raise Refusal(node.place, f"{what} has no {key}")
    if not isinstance(node[key], kind):
        raise Refusal(node.at(key), f"{key} of {what} has the wrong type")
    return node[key]


class Reader:
    def __init__(self, api, roles, cache_directory=None):
        self.api, self.roles, self.cache = api, set(roles) | {"any"}, cache_directory

    def read(self):
        dialects = []
        for name in DIALECTS:
            directory = os.path.join(self.api, name)
            if os.path.isdir(directory):
                dialects.append(self.read_dialect(name, directory))
        if not dialects:
            raise Refusal(f"{self.api}:1", "there is no dialect in this directory")
        self.check_operation_ids(dialects)
        self.check_routes(dialects)
        return dialects

    # -- one dialect --------------------------------------------------------------------------------

    def read_dialect(self, name, directory):
        dialect = Dialect(name)
        for file in sorted(os.listdir(directory)):
            if not file.endswith(".yaml"):
                continue
            document = load(os.path.join(directory, file), f"{self.api}/{name}/{file}", self.cache)
            check_keys(document, TOP_KEYS, "the contract", document.place)
            want(document, "openapi", str, "the contract")
            if "paths" not in document and file != SHARED:
                raise Refusal(document.place, "the contract has no paths")
            dialect.documents[file] = document
        if SHARED in dialect.documents:
            dialect.security = dialect.documents[SHARED].get("security", [])
        for file, document in dialect.documents.items():
            self.collect_components(dialect, file, document)
        for file, document in dialect.documents.items():
            self.check_references(dialect, file, document)
        for file, document in dialect.documents.items():
            self.collect_operations(dialect, file, document)
        return dialect

    def collect_components(self, dialect, file, document):
        for kind, components in document.get("components", {}).items():
            if kind not in dialect.components:
                raise Refusal(document["components"].at(kind), f"unknown kind of component '{kind}'")
            for name, node in components.items():
                if name in dialect.components[kind]:
                    first = place_of(dialect.components[kind][name], "")
                    raise Refusal(components.at(name), f"component '{name}' is defined twice, first at {first}")
                if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", name):
                    raise Refusal(components.at(name), f"'{name}' is no component name")
                dialect.components[kind][name] = node
                dialect.component_files[kind, name] = file
                if kind == "schemas":
                    self.check_schema(node, components.at(name))

    def check_references(self, dialect, file, node):
        if isinstance(node, Map):
            reference = node.get("$ref")
            if isinstance(reference, str):
                self.follow(dialect, file, node)
            for key, value in node.items():
                if key != "example" and key != "examples":
                    self.check_references(dialect, file, value)
        elif isinstance(node, List):
            for value in node:
                self.check_references(dialect, file, value)

    @staticmethod
    def follow(dialect, file, node):
        """The component that node's $ref names."""
        reference = node["$ref"]
        match = re.fullmatch(r"([\w.-]*)#/components/(\w+)/(\w+)", reference)
        target = match and dialect.components.get(match[2], {}).get(match[3])
        if target is None or dialect.component_files[match[2], match[3]] != (match[1] or file):
            raise Refusal(node.at("$ref"), f"the reference '{reference}' leads nowhere")
        return target

    # -- operations ---------------------------------------------------------------------------------

    def collect_operations(self, dialect, file, document):
        for path, item in document.get("paths", {}).items():
            place = document["paths"].at(path)
            self.check_path(path, place)
            if not isinstance(item, Map):
                raise Refusal(place, "a path holds its methods")
            check_keys(item, METHODS, f"path {path}", place)
            for method, node in item.items():
                dialect.operations.append(self.read_operation(dialect, file, path, method, node, item.at(method)))

    @staticmethod
    def check_path(path, place):
        if not path.startswith("/"):
            raise Refusal(place, f"path '{path}' must begin with /")
        for segment in path.split("/"):
            if ("{" in segment or "}" in segment) and not re.fullmatch(r"\{[A-Za-z][\w-]*\}", segment):
                raise Refusal(place, f"segment '{segment}' must be a literal or one whole {{parameter}}")
        names = path_parameters(path)
        if len(names) != len(set(names)):
            raise Refusal(place, f"path '{path}' names a parameter twice")
        if len(names) > MAX_PATH_PARAMETERS:
            raise Refusal(place, f"path '{path}' has more than {MAX_PATH_PARAMETERS} parameters")

    def read_operation(self, dialect, file, path, method, node, place):
        what = f"{method.upper()} {path}"
        if not isinstance(node, Map):
            raise Refusal(place, f"{what} is empty")
        check_keys(node, OPERATION_KEYS, what, place, OPERATION_EXTENSIONS)
        if not re.fullmatch(dialect.prefix + r"_[a-z0-9_]+", want(node, "operationId", str, what)):
            raise Refusal(node.at("operationId"),
                          f"operationId '{node['operationId']}' must be snake_case and begin with {dialect.prefix}_")
        for role in want(node, "x-roles", List, what):
            if role not in self.roles:
                raise Refusal(node.at("x-roles"), f"unknown role '{role}'")
        if node.get("x-kind", "read") not in KINDS:
            raise Refusal(node.at("x-kind"), f"x-kind must be one of {', '.join(KINDS)}")
        for flag in OPERATION_FLAGS:
            if not isinstance(node.get(flag, True), bool):
                raise Refusal(node.at(flag), f"{flag} is true or absent")
        if node.get("x-also-method", "put") not in METHODS:
            raise Refusal(node.at("x-also-method"), f"x-also-method must be one of {', '.join(METHODS)}")
        operation = Operation(dialect, file, path, method, node)
        for other in operation.also_paths:
            self.check_path(other, node.at("x-also-paths"))
            if sorted(path_parameters(other)) != sorted(path_parameters(path)):
                raise Refusal(node.at("x-also-paths"), f"'{other}' has other parameters than {path}")
        self.read_parameters(dialect, file, operation)
        self.read_body(operation)
        self.read_replies(dialect, file, operation)
        return operation

    @staticmethod
    def parameter_list(operation):
        listed = operation.node.get("parameters", [])
        if not isinstance(listed, list) or not all(isinstance(node, Map) for node in listed):
            raise Refusal(operation.node.at("parameters"), f"parameters of {operation.id} is a list of mappings")
        return listed

    def read_parameters(self, dialect, file, operation):
        seen = set()
        for node in self.parameter_list(operation):
            parameter = self.follow(dialect, file, node) if "$ref" in node else node
            check_keys(parameter, PARAMETER_KEYS, "a parameter", node.place)
            name = want(parameter, "name", str, "a parameter")
            place = want(parameter, "in", str, f"parameter '{name}'")
            if place not in ("path", "query", "header"):
                raise Refusal(parameter.at("in"), f"parameter '{name}' is in '{place}'")
            self.check_schema(want(parameter, "schema", Map, f"parameter '{name}'"), parameter.at("schema"))
            if (place, name.lower()) in seen:
                raise Refusal(node.place, f"parameter '{name}' stands here twice")
            seen.add((place, name.lower()))
            if place == "path" and name not in path_parameters(operation.path):
                raise Refusal(node.place, f"the path has no {{{name}}}")
            operation.parameters.append(parameter)
        for name in path_parameters(operation.path):
            if ("path", name.lower()) not in seen:
                raise Refusal(operation.place, f"path parameter '{name}' of {operation.id} is not described")

    def read_body(self, operation):
        body = operation.node.get("requestBody")
        if body is None:
            return
        check_keys(body, BODY_KEYS, "requestBody", operation.node.at("requestBody"))
        content = want(body, "content", Map, "requestBody")
        operation.body_required = bool(body.get("required", False))
        operation.body = [(media, schema) for media, schema in self.read_content(content) if schema is not None]
        if not operation.body:
            raise Refusal(content.place, "requestBody has no content")

    def read_replies(self, dialect, file, operation):
        responses = want(operation.node, "responses", Map, operation.id)
        for status, node in responses.items():
            if not re.fullmatch(r"[1-5][0-9][0-9]", str(status)):
                raise Refusal(responses.at(status), f"'{status}' is no status code")
            response = self.follow(dialect, file, node) if isinstance(node, Map) and "$ref" in node else node
            check_keys(response, RESPONSE_KEYS, f"response {status}", responses.at(status))
            content = self.read_content(want(response, "content", Map, f"response {status}")) \
                if "content" in response else []
            if str(status)[0] not in "23":
                continue
            media, schema = content[0] if content else (None, None)
            operation.replies.append((int(status), media, schema))
        if not operation.replies:
            raise Refusal(responses.place, f"{operation.id} has no 2xx or 3xx response")

    def read_content(self, content):
        result = []
        for media, node in content.items():
            if media not in MEDIA_TYPES:
                raise Refusal(content.at(media), f"unknown media type '{media}'")
            check_keys(node, MEDIA_KEYS, f"content {media}", content.at(media))
            schema = want(node, "schema", Map, f"content {media}")
            self.check_schema(schema, node.at("schema"))
            result.append((media, schema))
        return result

    # -- schemas ------------------------------------------------------------------------------------

    def check_schema(self, node, place):
        if not isinstance(node, Map):
            raise Refusal(place, "a schema is a mapping")
        for key in node:
            if key not in SCHEMA_KEYS and not str(key).startswith("x-"):
                raise Refusal(node.at(key), f"a schema has no '{key}'")
        types = node.get("type", [])
        for name in types if isinstance(types, List) else [types] if types else []:
            if name not in SCHEMA_TYPES:
                raise Refusal(node.at("type"), f"unknown type '{name}'")
        if "$ref" in node and not isinstance(node["$ref"], str):
            raise Refusal(node.at("$ref"), "$ref is text")
        if "enum" in node and (not isinstance(node["enum"], List) or not node["enum"]):
            raise Refusal(node.at("enum"), "enum lists at least one value")
        if "required" in node and not isinstance(node["required"], List):
            raise Refusal(node.at("required"), "required lists member names")
        if "pattern" in node:
            self.check_pattern(node)
        if "properties" in node:
            if not isinstance(node["properties"], Map):
                raise Refusal(node.at("properties"), "properties is a mapping")
            for name, member in node["properties"].items():
                self.check_schema(member, node["properties"].at(name))
        if types == "array" and "items" not in node:
            raise Refusal(node.place, "an array says what its items are")
        if "items" in node:
            self.check_schema(node["items"], node.at("items"))
        if isinstance(node.get("additionalProperties"), Map):
            self.check_schema(node["additionalProperties"], node.at("additionalProperties"))
        for key in ("allOf", "anyOf", "oneOf"):
            if key in node:
                if not isinstance(node[key], List) or not node[key]:
                    raise Refusal(node.at(key), f"{key} lists schemas")
                for part in node[key]:
                    self.check_schema(part, node.at(key))

    @staticmethod
    def check_pattern(node):
        """Patterns run as POSIX extended expressions: what means something else there is refused."""
        pattern = node["pattern"]
        if not isinstance(pattern, str):
            raise Refusal(node.at("pattern"), "pattern is text")
        outside = re.sub(r"\[[^]]*\]", "", pattern)
        if re.search(r"\\[a-zA-Z0-9]|\(\?|[*+?}]\?", outside) or re.search(r"\[[^]]*\\", pattern):
            raise Refusal(node.at("pattern"), f"pattern '{pattern}' is no POSIX extended expression")

    # -- across dialects ----------------------------------------------------------------------------

    @staticmethod
    def check_operation_ids(dialects):
        seen = {}
        for dialect in dialects:
            for operation in dialect.operations:
                first = seen.setdefault(operation.id, operation)
                if first is not operation:
                    raise Refusal(operation.place,
                                  f"operationId '{operation.id}' is used twice, first at {first.place}")
        for operation in seen.values():
            if operation.same_as is None:
                continue
            other = seen.get(operation.same_as)
            if other is None or other.same_as or (other.method, other.path) != (operation.method, operation.path):
                raise Refusal(operation.node.at("x-same-wire-call-as"),
                              f"'{operation.same_as}' is not the same call")

    @staticmethod
    def check_routes(dialects):
        seen = {}
        for dialect in dialects:
            for operation in dialect.operations:
                if operation.same_as:
                    continue
                for method, path in operation.ways:
                    first = seen.setdefault((method, path_shape(path)), operation)
                    if first is not operation:
                        raise Refusal(operation.place,
                                      f"{method.upper()} {path} collides with {first.id} at {first.place}")
