"""Writes generated/routes.c: the table of operations, the tree that finds them, and the thunks."""
import os
import re

from contract import path_parameters
from names import c_string
from source import Refusal

HANDLER = re.compile(r"^int\s+(\w+)\(\s*struct call \*\w+,\s*const struct (\w+)_in \*", re.MULTILINE)
C_DIALECT = {"pcx": "DIALECT_PCX", "vaultspay": "DIALECT_VAULTSPAY", "fincode": "DIALECT_FINCODE",
             "platform": "DIALECT_PLATFORM"}
C_KIND = {"read": "OPERATION_READ", "write": "OPERATION_WRITE", "slow": "OPERATION_SLOW",
          "slow-read": "OPERATION_SLOW_READ"}
C_METHODS = ("get", "post", "put", "patch", "delete")  # order of enum http_method
C_FLAG = {"x-upload": "ROUTE_UPLOAD", "x-raw": "ROUTE_RAW", "x-no-replay": "ROUTE_NO_REPLAY",
          "x-not-encrypted": "ROUTE_NOT_ENCRYPTED", "x-own": "ROUTE_OWN"}
C_PLACE = {"path": "IN_PATH", "query": "IN_QUERY", "header": "IN_HEADER"}


def scan_handlers(directory, operation_ids):
    """Names of the handlers and preparations defined under src/dialect."""
    found = {}
    for root, _, files in sorted(os.walk(directory)):
        for file in sorted(files):
            if not file.endswith(".c"):
                continue
            path = os.path.join(root, file)
            with open(path, encoding="utf-8") as stream:
                text = stream.read()
            for match in HANDLER.finditer(text):
                place = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
                check_handler(match[1], match[2], operation_ids, place)
                if match[1] in found:
                    raise Refusal(place, f"handler {match[1]} is defined twice, first at {found[match[1]]}")
                found[match[1]] = place
    return found


def check_handler(name, takes, operation_ids, place):
    if name not in (takes, f"{takes}_prepare", f"{takes}_expect"):
        raise Refusal(place, f"handler {name} takes struct {takes}_in: one of the two names is wrong")
    if takes not in operation_ids:
        raise Refusal(place, f"handler {name} belongs to no operation of the contracts")


class Row:
    """One row of routes[]: an operation under one of its methods and paths."""

    def __init__(self, typed, operation, alias, method=None, path=None):
        self.typed, self.operation, self.alias = typed, operation, alias
        self.method, self.path = method or operation.method, path or operation.path


def rows_of(models):
    """Every operation under its own path first, in the order of the contracts; its further ways after them."""
    rows, aliases = [], []
    for model in models:
        typed = {t.operation.id: t for t in model.operations}
        for operation in model.dialect.operations:
            if operation.same_as:
                rows.append(Row(typed[operation.same_as], operation, True))
                continue
            rows.append(Row(typed[operation.id], operation, False))
            aliases += [Row(typed[operation.id], operation, True, *way) for way in operation.ways[1:]]
    return rows + aliases


class Node:
    def __init__(self, text):
        self.text, self.children, self.parameter = text, {}, None
        self.routes = {}


def tree_of(rows):
    root = Node("")
    for index, row in enumerate(rows):
        if row.operation.same_as:
            continue
        node = root
        for segment in row.path.split("/")[1:]:
            if segment.startswith("{"):
                node.parameter = node.parameter or Node("")
                node = node.parameter
            else:
                node = node.children.setdefault(segment, Node(segment))
        node.routes[row.method] = index
    return root


def emit(models, handlers):
    rows = rows_of(models)
    out = ["/* Made by tools/generate from the contracts in api/ and the handlers in src/dialect. */\n"]
    out.append('#include "core/route.h"\n#include "core/route_tree.h"\n')
    for model in models:
        out.append(f'#include "generated/{model.dialect.name}.h"\n')
    out.append("\n")
    for model in models:
        for typed in model.operations:
            out += fields_extern(typed)
    out.append("\n")
    for model in models:
        for typed in model.operations:
            out += thunks(typed, handlers)
            out += replies(typed)
    for index, row in enumerate(rows):
        out += parameters(index, row)
    out.append("\nconst struct route routes[] = {\n")
    for index, row in enumerate(rows):
        out += route(index, row, handlers)
    out.append(f"}};\nconst size_t route_count = {len(rows)};\n\n")
    out += tree(tree_of(rows))
    return "".join(out)


def fields_extern(typed):
    out = []
    for struct in (typed.struct_in, typed.struct_out if typed.reply_value else None):
        if struct:
            out.append(f"extern const struct type_field {struct.name}_fields[];\n")
    return out


def thunks(typed, handlers):
    name, out = typed.operation.id, []
    if name in handlers:
        out.append(f"static int handle_{name}(struct call *c, const void *in, void *out)\n"
                   f"{{\n    return {name}(c, in, out);\n}}\n")
    if f"{name}_prepare" in handlers:
        out.append(f"static int prepare_{name}(struct call *c, const void *in, void *out)\n"
                   f"{{\n    (void)out;\n    return {name}_prepare(c, in);\n}}\n")
        if not typed.operation.kind.startswith("slow"):
            raise Refusal(handlers[f"{name}_prepare"], f"{name} is of kind {typed.operation.kind}, "
                          "which has no preparation")
    if f"{name}_expect" in handlers:
        out.append(f"static int expect_{name}(struct call *c, const void *in, void *out)\n"
                   f"{{\n    (void)out;\n    return {name}_expect(c, in);\n}}\n")
        if typed.operation.kind not in ("write", "slow"):
            raise Refusal(handlers[f"{name}_expect"], f"{name} is of kind {typed.operation.kind}: "
                          "only what the writer runs can be expected")
    return out


def replies(typed):
    name = typed.operation.id
    out = [f"static const struct route_reply replies_{name}[] = {{"]
    for status, kind, media in typed.replies:
        parts = [f".status = {status}"]
        if kind == "object":
            parts.append(f".body = &{name}_out_type")
        elif kind == "value":
            parts.append(f".value = &{name}_out_fields[0].value")
        if media not in (None, "application/json"):
            parts.append(f".media_type = {c_string(media)}")
        out.append("{" + ", ".join(parts) + "}, ")
    out.append("};\n")
    return out


def parameters(index, row):
    """Path parameters first, in the order of this row's path."""
    struct = row.typed.struct_in
    if row.operation.same_as or not struct:
        return []
    fields = {(field.place, field.name): position for position, field in enumerate(struct.fields)}
    order = [("path", name) for name in path_parameters(row.path)]
    order += [key for key in fields if key[0] in ("query", "header")]
    if not order:
        return []
    items = [f"{{{C_PLACE[place]}, &{struct.name}_fields[{fields[place, name]}]}}" for place, name in order]
    return [f"static const struct route_parameter parameters_{index}[] = {{{', '.join(items)}}};\n"]


def route(index, row, handlers):
    typed, operation = row.typed, row.operation
    name = typed.operation.id
    struct_in = typed.struct_in
    flags = [C_FLAG[flag] for flag in sorted(typed.operation.flags)]
    if not operation.roles:
        flags.append("ROUTE_PUBLIC")
    if any(media == "application/x-www-form-urlencoded" for media, _ in typed.operation.body or []):
        flags.append("ROUTE_FORM")
    roles = ["ROLE_ANY"] if not operation.roles or "any" in operation.roles else [
        "ROLE_" + role.replace("-", "_").upper() for role in operation.roles]
    parts = [
        f".operation_id = \"{operation.id}\"", f".dialect = {C_DIALECT[typed.model.dialect.name]}",
        f".method = HTTP_{row.method.upper()}", f".path = {c_string(row.path)}",
        f".kind = {C_KIND[typed.operation.kind]}", f".roles = {' | '.join(roles)}",
        f".flags = {' | '.join(flags) or '0'}",
    ]
    if row.alias:
        parts.append(".alias = true")
    if struct_in:
        parts.append(f".in = &{name}_in_type")
        if typed.body_field:
            parts.append(f".body_field = &{name}_in_fields[{struct_in.fields.index(typed.body_field)}]")
        count = len([f for f in struct_in.fields if f is not typed.body_field])
        if count and not operation.same_as:
            parts.append(f".parameters = parameters_{index}, .parameter_count = {count}")
    if typed.operation.body_required:
        parts.append(".body_required = true")
    if typed.struct_out:
        parts.append(f".out = &{name}_out_type")
    parts.append(f".replies = replies_{name}, .reply_count = {len(typed.replies)}")
    if f"{name}_prepare" in handlers:
        parts.append(f".prepare = prepare_{name}")
    if f"{name}_expect" in handlers:
        parts.append(f".expect = expect_{name}")
    if name in handlers:
        parts.append(f".handle = handle_{name}")
    return ["    {" + ", ".join(parts) + "},\n"]


def tree(root):
    """Breadth first, so that the children of a node stand together; they are sorted by length, then bytes."""
    nodes, lines = [root], []
    position = 0
    while position < len(nodes):
        node = nodes[position]
        children = sorted(node.children.values(), key=lambda n: (len(n.text), n.text.encode()))
        first = len(nodes)
        nodes += children
        parameter = 0
        if node.parameter:
            parameter = len(nodes)
            nodes.append(node.parameter)
        routes = ", ".join(str(node.routes.get(method, -1)) for method in C_METHODS)
        lines.append(f"    {{{c_string(node.text)}, {len(node.text)}, {first}, {len(children)}, {parameter}, "
                     f"{{{routes}}}}},\n")
        position += 1
    return ["const struct route_node route_nodes[] = {\n"] + lines + ["};\n"]
