"""Writes generated/<dialect>.h (structs, prototypes) and <dialect>.c (descriptors)."""
from decimal import Decimal, InvalidOperation
import json

from model import ARRAY_TYPES, MAX_DECIMAL_DIGITS
from names import c_string
from source import Refusal

BANNER = "/* Made by tools/generate from the contracts in api/. */\n"


def header(model):
    dialect = model.dialect
    guard = f"GENERATED_{dialect.name.upper()}_H"
    out = [BANNER, f"#ifndef {guard}\n#define {guard}\n\n", '#include "core/call.h"\n\n']
    for name in model.structs:
        out.append(f"struct {name};\n")
    out.append("\n")
    for name, item in array_order(model):
        out.append(f"struct {name} {{\n    {declare(item, '*items')};\n    size_t count;\n}};\n")
    out.append("\n")
    for struct in model.structs.values():
        out += struct_definition(struct)
    for typed in model.operations:
        if typed.struct_out and typed.struct_out.name != f"{typed.operation.id}_out":
            out.append(f"#define {typed.operation.id}_out {typed.struct_out.name} /* answers the bare record */\n")
            out.append(f"#define {typed.operation.id}_out_type {typed.struct_out.name}_type\n")
    out.append("\n")
    for struct in model.structs.values():
        out.append(f"extern const struct type {struct.name}_type;\n")
    out.append("\n")
    for typed in model.operations:
        out += prototype(typed)
    out.append("\n#endif\n")
    return "".join(out)


def array_order(model):
    """Arrays of arrays hold theirs by value, so the inner ones come first."""
    generic = set(ARRAY_TYPES.values())
    arrays = [(name, item) for name, item in model.arrays.items() if name not in generic]
    return sorted(arrays, key=lambda pair: (pair[0].count("_array"), pair[0]))


def declare(c_type, name):
    return f"{c_type}{'' if c_type.endswith('*') else ' '}{name}"


def struct_definition(struct):
    out = [f"struct {struct.name} {{\n"]
    for field in struct.fields:
        if field.has:
            out.append(f"    bool has_{field.member};\n")
        note = comment_of(field)
        out.append(f"    {declare(field.value.c_type, field.member)};{note}\n")
    if struct.extra:
        out.append("    struct type_map extra;\n")
    out.append("};\n")
    return out


def comment_of(field):
    notes = []
    if field.name != field.member:
        notes.append(field.name.replace("*/", ""))
    if field.value.values and len(field.value.values) <= 8:
        notes.append(" | ".join(field.value.values).replace("*/", ""))
    return f" /* {'; '.join(notes)} */" if notes else ""


def prototype(typed):
    operation = typed.operation
    out = [f"/* {operation.method.upper()} {operation.path} */\n"]
    if not typed.struct_in:
        out.append(f"struct {operation.id}_in; /* takes nothing: in is NULL */\n")
    if not typed.struct_out:
        out.append(f"struct {operation.id}_out; /* answers without a body: out is NULL */\n")
    if operation.kind.startswith("slow"):
        out.append(f"int {operation.id}_prepare(struct call *c, const struct {operation.id}_in *in);\n")
    if operation.kind in ("write", "slow"):
        out.append(f"int {operation.id}_expect(struct call *c, const struct {operation.id}_in *in);\n")
    out.append(f"int {operation.id}(struct call *c, const struct {operation.id}_in *in, struct {operation.id}_out *out);\n")
    return out


class Descriptors:
    """The tables of one dialect, each written once however often it is used."""

    def __init__(self, model):
        self.model = model
        self.out = []
        self.enums, self.values, self.any_required = {}, {}, {}

    def source(self):
        name = self.model.dialect.name
        self.out = [BANNER, f'#include "generated/{name}.h"\n\n', "#include <stddef.h>\n\n"]
        tail = []
        for struct in self.model.structs.values():
            tail += self.struct(struct)
        return "".join(self.out + tail)

    def struct(self, struct):
        out = []
        if struct.fields:
            out.append(f"const struct type_field {struct.name}_fields[] = {{\n")
            for field in struct.fields:
                out.append("    " + self.field(struct, field) + ",\n")
            out.append("};\n")
        out.append(f"const struct type {struct.name}_type = {{\n    .name = \"{struct.name}\",\n")
        out.append(f"    .size = sizeof(struct {struct.name}),\n")
        if struct.fields:
            out.append(f"    .fields = {struct.name}_fields,\n    .field_count = {len(struct.fields)},\n")
        if struct.open:
            out.append("    .open = true,\n")
        extra = f"offsetof(struct {struct.name}, extra)" if struct.extra else "-1"
        out.append(f"    .extra_offset = {extra},\n")
        if struct.any_required:
            out.append(f"    .any_required = {self.any_required_table(struct)},\n")
        out.append("};\n")
        return out

    def field(self, struct, field):
        has = f"offsetof(struct {struct.name}, has_{field.member})" if field.has else "-1"
        parts = [f".name = {c_string(field.name)}", f'.member = "{field.member}"',
                 f".offset = offsetof(struct {struct.name}, {field.member})", f".has_offset = {has}"]
        if field.required:
            parts.append(".required = true")
        parts.append(f".value = {self.value(field.value, struct)}")
        if field.default is not None:
            parts.append(f".default_text = {c_string(json.dumps(field.default, ensure_ascii=False))}")
        return "{" + ", ".join(parts) + "}"

    def value(self, value, struct):
        parts = [f".kind = {value.kind}"]
        if value.format != "FORMAT_NONE":
            parts.append(f".format = {value.format}")
        for flag in ("nullable", "sensitive", "object_only"):
            if getattr(value, flag):
                parts.append(f".{flag} = true")
        if value.object:
            parts.append(f".object = &{value.object.name}_type")
        if value.items:
            parts.append(f".items = &{self.items(value.items, struct)}")
        if value.kind == "TYPE_ARRAY":
            parts.append(f".item_size = sizeof({value.item_type})")
        if value.wrapped_in:
            parts.append(f".wrapped_in = {c_string(value.wrapped_in)}")
        if value.values:
            parts.append(f".values = {self.enum(value.values)}")
        if value.pattern:
            parts.append(f".pattern = {c_string(value.pattern)}")
        for bound in ("minimum", "maximum"):
            number = getattr(value, bound)
            if number is not None:
                parts.append(f".has_{bound} = true, .{bound} = {decimal(number, struct)}")
        if value.exclusive_minimum:
            parts.append(".exclusive_minimum = true")
        for bound in ("min_length", "max_length", "min_fraction"):
            if getattr(value, bound):
                parts.append(f".{bound} = {getattr(value, bound)}")
        return "{" + ", ".join(parts) + "}"

    def items(self, value, struct):
        text = self.value(value, struct)
        if text not in self.values:
            name = f"value_{len(self.values)}"
            self.values[text] = name
            self.out.append(f"static const struct type_value {name} = {text};\n")
        return self.values[text]

    def enum(self, values):
        key = tuple(values)
        if key not in self.enums:
            name = f"enum_{len(self.enums)}"
            self.enums[key] = name
            items = ", ".join(c_string(value) for value in values)
            self.out.append(f"static const char *const {name}[] = {{{items}, NULL}};\n")
        return self.enums[key]

    def any_required_table(self, struct):
        """NULL-terminated list of alternatives, each a NULL-terminated list of member names."""
        if len(struct.any_required) > 1:
            raise Refusal(struct.comment, f"{struct.name} has several sets of alternatives")
        name = f"{struct.name}_alternatives"
        rows = []
        for index, members in enumerate(struct.any_required[0]):
            items = ", ".join(c_string(member) for member in members)
            self.out.append(f"static const char *const {name}_{index}[] = {{{items}, NULL}};\n")
            rows.append(f"{name}_{index}")
        self.out.append(f"static const char *const *const {name}[] = {{{', '.join(rows)}, NULL}};\n")
        return name


def decimal(number, struct):
    try:
        exact = Decimal(str(number)).normalize()
    except InvalidOperation:
        raise Refusal(struct.comment, f"'{number}' is no number") from None
    sign, digits, exponent = exact.as_tuple()
    coefficient = int("".join(map(str, digits))) * 10 ** max(exponent, 0)
    if len(str(coefficient)) > MAX_DECIMAL_DIGITS or -exponent > MAX_DECIMAL_DIGITS:
        raise Refusal(struct.comment, f"'{number}' has more than {MAX_DECIMAL_DIGITS} digits")
    return f"{{{'-' if sign else ''}{coefficient}, {max(-exponent, 0)}}}"
