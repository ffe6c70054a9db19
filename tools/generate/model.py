"""From schemas to C: which struct, member and descriptor each schema becomes.

    string, enum, format   struct str           number    struct decimal       free object, any   struct str (JSON text)
    integer                int64_t              boolean   bool                 map of typed       struct type_map
    object                 struct X *           array     struct X_array, struct str_array, ...

allOf is merged into one struct; anyOf and oneOf of objects too, with only the members required in all of them;
anyOf of `required` lists is kept as a rule of the struct. A union of scalar types stays JSON text.
"""
import names
from contract import Reader, path_parameters
from source import List, Map, Refusal, place_of

FORMATS = {
    "date-time": "FORMAT_DATE_TIME", "date": "FORMAT_DATE", "email": "FORMAT_EMAIL",
    "uuid": "FORMAT_UUID", "uri": "FORMAT_URI", "binary": "FORMAT_BINARY",
}
IGNORED_FORMATS = {"float", "double", "int32", "int64", "password", "uri-reference", "byte"}
SCALARS = {"string": "TYPE_STRING", "integer": "TYPE_INTEGER", "number": "TYPE_DECIMAL", "boolean": "TYPE_BOOLEAN"}
C_TYPES = {
    "TYPE_STRING": "struct str", "TYPE_INTEGER": "int64_t", "TYPE_BOOLEAN": "bool",
    "TYPE_DECIMAL": "struct decimal", "TYPE_MAP": "struct type_map", "TYPE_JSON": "struct str",
}
ARRAY_TYPES = {
    "TYPE_STRING": "str_array", "TYPE_INTEGER": "int64_array", "TYPE_BOOLEAN": "bool_array",
    "TYPE_DECIMAL": "decimal_array", "TYPE_MAP": "type_map_array", "TYPE_JSON": "str_array",
}
HAS_KINDS = ("TYPE_INTEGER", "TYPE_BOOLEAN", "TYPE_DECIMAL")
MAX_DECIMAL_DIGITS = 18
MAX_DECIMALS = 18
MAX_FIELDS = 256  # src/base/json_decode.c


class Value:
    def __init__(self, kind):
        self.kind, self.format, self.nullable, self.sensitive = kind, "FORMAT_NONE", False, False
        self.object = self.items = self.values = self.pattern = None
        self.minimum = self.maximum = None
        self.exclusive_minimum = self.object_only = False
        self.min_length = self.max_length = self.min_fraction = 0
        self.wrapped_in = None
        self.default = None  # JSON value

    def copy(self):
        other = Value(self.kind)
        other.__dict__.update(self.__dict__)
        return other

    @property
    def c_type(self):
        if self.kind == "TYPE_OBJECT":
            return f"struct {self.object.name} *"
        if self.kind == "TYPE_ARRAY":
            return f"struct {self.array_name}"
        return C_TYPES[self.kind]

    @property
    def array_name(self):
        if self.items.kind == "TYPE_OBJECT":
            return f"{self.items.object.name}_array"
        if self.items.kind == "TYPE_ARRAY":
            return f"{self.items.array_name}_array"
        return ARRAY_TYPES[self.items.kind]

    @property
    def item_type(self):
        """What an array holds: objects by value, unlike members, which are pointers."""
        if self.items.kind == "TYPE_OBJECT":
            return f"struct {self.items.object.name}"
        return self.items.c_type


class Field:
    def __init__(self, name, value, required, place="body"):
        self.name, self.value, self.required, self.place = name, value, required, place
        self.member = None
        self.default = value.default

    @property
    def has(self):
        return self.value.kind in HAS_KINDS and (not self.required or self.value.nullable)


class Struct:
    def __init__(self, name, comment):
        self.name, self.comment = name, comment
        self.fields, self.open, self.any_required, self.extra = [], True, [], False

    def finish(self):
        if len(self.fields) > MAX_FIELDS:
            raise Refusal(self.comment, f"{self.name} has more than {MAX_FIELDS} members")
        taken = set()
        for field in self.fields:
            field.member = names.member(field.name, taken)
        for field in self.fields:
            if field.has and f"has_{field.member}" in taken:
                field.member = names.member(field.member + "_value", taken)
        if self.extra and "extra" in taken:
            raise Refusal(self.comment, f"{self.name} has a member 'extra' and unnamed members")


class Shape:
    """A schema with references followed and allOf merged: what it takes to make a Value of it."""

    def __init__(self):
        self.identity = None  # component name, when the schema is exactly this component
        self.keys = {}
        self.properties = {}  # name -> (schema Map, file)
        self.required = []
        self.any_required = []
        self.nullable = False
        self.place = ""


class Model:
    """All structs of one dialect."""

    def __init__(self, dialect):
        self.dialect = dialect
        self.structs = {}  # C name -> Struct
        self.arrays = {}  # array struct name -> C type of items
        self.operations = []  # TypedOperation
        self.component_values = {}

    def build(self):
        for name in self.dialect.components["schemas"]:
            self.component(name)
        for operation in self.dialect.operations:
            if not operation.same_as:
                self.operations.append(TypedOperation(self, operation))
        return self

    def new_struct(self, name, place):
        if name in self.structs:
            raise Refusal(place, f"struct {name} would be made twice, first for {self.structs[name].comment}")
        struct = self.structs[name] = Struct(name, place)
        return struct

    def component_name(self, name):
        plain = names.snake(name)
        prefix = self.dialect.prefix + "_"
        return plain if plain.startswith(prefix) else prefix + plain

    def component(self, name):
        if name not in self.component_values:
            node = self.dialect.components["schemas"][name]
            file = self.dialect.component_files["schemas", name]
            shape = self.shape(node, file)
            if shape.identity:  # an alias of another component
                self.component_values[name] = self.component(shape.identity)
            else:
                self.component_values[name] = None  # being made; only objects may lead back to it
                self.component_values[name] = self.value_of(shape, self.component_name(name), component=name)
        value = self.component_values[name]
        if value is None:
            struct = self.structs.get(self.component_name(name))
            if struct is None:
                place = place_of(self.dialect.components["schemas"][name], "")
                raise Refusal(place, f"schema '{name}' contains itself")
            value = Value("TYPE_OBJECT")
            value.object = struct
        return value

    # -- shapes -------------------------------------------------------------------------------------

    def shape(self, node, file):
        shape = Shape()
        shape.place = node.place
        if "$ref" in node:
            target = Reader.follow(self.dialect, file, node)
            name = node["$ref"].rsplit("/", 1)[1]
            target_file = self.dialect.component_files["schemas", name]
            shape = self.shape(target, target_file)
            shape.identity = shape.identity or name
            shape.place = node.place
        for part in node.get("allOf", []):
            self.merge(shape, self.shape(part, file), len(node["allOf"]) == 1)
        for key in ("anyOf", "oneOf"):
            if key in node:
                self.merge_alternatives(shape, node[key], file)
        self.merge_own(shape, node, file)
        return shape

    @staticmethod
    def merge(shape, part, only):
        fresh = not (shape.keys or shape.properties)
        shape.identity = part.identity if only and fresh else None
        shape.keys.update(part.keys)
        shape.properties.update(part.properties)
        shape.required += [name for name in part.required if name not in shape.required]
        shape.any_required += part.any_required
        shape.nullable = shape.nullable or part.nullable

    def merge_alternatives(self, shape, parts, file):
        if all(set(part) <= {"required", "x-inferred", "description"} for part in parts):
            shape.any_required.append([list(part["required"]) for part in parts])
            return
        shapes = [self.shape(part, file) for part in parts if part.get("type") != "null"]
        if len(shapes) < len(parts):
            shape.nullable = True
        if len(shapes) == 1:
            self.merge(shape, shapes[0], True)
            return
        shape.identity = None
        if all(part.properties for part in shapes):
            for part in shapes:
                shape.properties.update(part.properties)
            shape.required = [n for n in shapes[0].required if all(n in part.required for part in shapes)]
            shape.keys["type"] = "object"
        elif all(part.keys.get("type") == "object" for part in shapes):
            shape.keys["type"] = "object"
        else:
            shape.keys["type"] = "any"

    def merge_own(self, shape, node, file):
        own = {k: v for k, v in node.items()
               if k not in ("$ref", "allOf", "anyOf", "oneOf", "properties", "required", "description",
                            "title", "examples", "example")}
        types = own.get("type")
        if isinstance(types, List):
            if "null" in types:
                shape.nullable = True
            types = [t for t in types if t != "null"]
            own["type"] = types[0] if len(types) == 1 else "any"
        changing = [k for k in own if not k.startswith("x-") and k not in ("default", "readOnly", "deprecated")]
        if changing or node.get("properties"):
            if shape.keys or shape.properties:
                shape.identity = None
        shape.keys.update(own)
        for name, member in node.get("properties", {}).items():
            shape.properties[name] = (member, file)
        for name in node.get("required", []):
            if name not in shape.required:
                shape.required.append(name)

    # -- values -------------------------------------------------------------------------------------

    def value(self, node, file, name):
        shape = self.shape(node, file)
        if shape.identity:
            value = self.component(shape.identity).copy()
        else:
            value = self.value_of(shape, name)
        value.nullable = value.nullable or shape.nullable
        value.sensitive = value.sensitive or bool(shape.keys.get("x-sensitive"))
        if "default" in shape.keys:
            value.default = shape.keys["default"]
        return value

    def value_of(self, shape, name, component=None):
        kind = shape.keys.get("type") or self.implied_type(shape)
        if kind == "object":
            value = self.object_value(shape, name)
        elif kind == "array":
            value = Value("TYPE_ARRAY")
            items = shape.keys["items"]
            value.items = self.value(items, self.file_of(items, shape), self.item_name(name))
            value.wrapped_in = shape.keys.get("x-also-wrapped-in")
            value.min_length = shape.keys.get("minItems", 0)
            value.max_length = shape.keys.get("maxItems", 0)
            self.arrays.setdefault(value.array_name, value.item_type)
        elif kind in SCALARS:
            value = self.scalar_value(shape, kind)
        else:
            value = Value("TYPE_JSON")
        value.nullable = shape.nullable
        value.sensitive = bool(shape.keys.get("x-sensitive"))
        value.default = shape.keys.get("default")
        return value

    @staticmethod
    def implied_type(shape):
        if shape.properties:
            return "object"
        if "items" in shape.keys:
            return "array"
        samples = shape.keys.get("enum") or ([shape.keys["const"]] if "const" in shape.keys else [])
        if samples and all(isinstance(sample, str) for sample in samples):
            return "string"
        return "any"

    def file_of(self, node, shape):
        """The file a nested schema stands in: references are relative to it."""
        return place_of(node, shape.place).rsplit(":", 1)[0].rsplit("/", 1)[1]

    @staticmethod
    def item_name(name):
        return name + "_item"

    def object_value(self, shape, name):
        additional = shape.keys.get("additionalProperties")
        if not shape.properties:
            value = Value("TYPE_MAP" if isinstance(additional, Map) else "TYPE_JSON")
            value.object_only = value.kind == "TYPE_JSON"
            if value.kind == "TYPE_MAP":
                value.items = self.value(additional, self.file_of(additional, shape), name + "_value")
            return value
        value = Value("TYPE_OBJECT")
        value.object = struct = self.new_struct(name, shape.place)
        struct.open = additional is not False
        struct.extra = isinstance(additional, Map) or bool(shape.keys.get("x-keep-unknown"))
        struct.any_required = shape.any_required
        self.fill(struct, shape, name)
        return value

    def fill(self, struct, shape, name):
        for member, (node, file) in shape.properties.items():
            inner = self.value(node, file, f"{name}_{names.snake(member)}")
            struct.fields.append(Field(member, inner, member in shape.required))
        for member in shape.required:
            if member not in shape.properties:
                raise Refusal(shape.place, f"required member '{member}' is not among the properties")
        for alternatives in shape.any_required:
            for alternative in alternatives:
                for member in alternative:
                    if member not in shape.properties:
                        raise Refusal(shape.place, f"required member '{member}' is not among the properties")
        struct.finish()

    def scalar_value(self, shape, kind):
        keys = shape.keys
        value = Value(SCALARS[kind])
        if "format" in keys and kind == "string":
            if keys["format"] not in FORMATS and keys["format"] not in IGNORED_FORMATS:
                raise Refusal(shape.place, f"unknown format '{keys['format']}'")
            value.format = FORMATS.get(keys["format"], "FORMAT_NONE")
        enum = keys.get("enum") or ([keys["const"]] if "const" in keys else None)
        if enum and not keys.get("x-open-enum"):
            if None in enum:
                shape.nullable = True
            value.values = [scalar_text(item) for item in enum if item is not None]
        value.pattern = keys.get("pattern")
        value.min_length = keys.get("minLength", 0)
        value.max_length = keys.get("maxLength", 0)
        if kind in ("integer", "number"):
            value.minimum, value.maximum = keys.get("minimum"), keys.get("maximum")
            if "exclusiveMinimum" in keys:
                value.minimum, value.exclusive_minimum = keys["exclusiveMinimum"], True
        if "x-decimals" in keys:
            if kind != "number" or keys["x-decimals"] not in range(MAX_DECIMALS + 1):
                raise Refusal(shape.place, f"x-decimals goes on numbers, from 0 to {MAX_DECIMALS}")
            value.min_fraction = keys["x-decimals"]
        return value


def scalar_text(item):
    return str(item).lower() if isinstance(item, bool) else str(item)


class TypedOperation:
    """An operation with its structs: `struct_in` and `struct_out` are None when there is nothing in them."""

    def __init__(self, model, operation):
        self.operation, self.model = operation, model
        self.file = operation.file
        self.struct_in = self.body_field = self.struct_out = self.reply_value = None
        self.replies = []  # (status, "object" | "value" | None, media type)
        self.make_in()
        self.make_out()

    def make_in(self):
        operation, model = self.operation, self.model
        described = {p["name"]: p for p in operation.parameters if p["in"] == "path"}
        parameters = [described[name] for name in path_parameters(operation.path)]
        parameters += [p for p in operation.parameters if p["in"] != "path" and not p.get("x-envelope")]
        struct = Struct(f"{operation.id}_in", operation.place)
        for parameter in parameters:
            schema = parameter["schema"]
            file = place_of(schema, parameter.place).rsplit(":", 1)[0].rsplit("/", 1)[1]
            value = model.value(schema, file, f"{operation.id}_{names.snake(parameter['name'])}")
            if value.kind in ("TYPE_OBJECT", "TYPE_ARRAY", "TYPE_MAP"):
                raise Refusal(parameter.place, f"parameter '{parameter['name']}' must be a scalar")
            if value.kind == "TYPE_JSON":
                value.kind, value.object_only = "TYPE_STRING", False
            value.sensitive = value.sensitive or bool(parameter.get("x-sensitive"))
            required = parameter["in"] == "path" or bool(parameter.get("required"))
            struct.fields.append(Field(parameter["name"], value, required, parameter["in"]))
        if operation.body and "x-raw" not in operation.flags:
            self.body_field = Field("body", self.body_value(), operation.body_required)
            struct.fields.append(self.body_field)
        if struct.fields:
            # The body keeps its name whatever the parameters are called.
            if self.body_field:
                struct.fields.insert(0, struct.fields.pop())
            struct.finish()
            if self.body_field:
                struct.fields.append(struct.fields.pop(0))
            self.struct_in = model.structs[struct.name] = struct

    def body_value(self):
        """One struct for all media types of the body: a form or multipart body has the same members."""
        operation, model = self.operation, self.model
        shapes = [model.shape(schema, self.file) for _, schema in operation.body]
        if len(shapes) == 1 or all(s.identity and s.identity == shapes[0].identity for s in shapes):
            return model.value(operation.body[0][1], self.file, f"{operation.id}_body")
        merged = Shape()
        merged.place, merged.keys["type"] = operation.place, "object"
        for shape in shapes:
            for member, schema in shape.properties.items():
                merged.properties.setdefault(member, schema)
        merged.required = [n for n in shapes[0].required if all(n in s.required for s in shapes)]
        return model.value_of(merged, f"{operation.id}_body")

    def make_out(self):
        operation, model = self.operation, self.model
        schemas = [(status, media, schema) for status, media, schema in operation.replies]
        shapes = [model.shape(schema, self.file) for _, _, schema in schemas if schema is not None]
        objects = shapes and all(shape.properties for shape in shapes)
        name = f"{operation.id}_out"
        if objects and len(schemas) == 1 and set(schemas[0][2]) == {"$ref"}:
            # A bare component: its own struct, so that one function can fill the replies of many operations.
            self.struct_out = model.value(schemas[0][2], self.file, name).object
        elif objects:
            merged = Shape()
            for shape in shapes:
                merged.properties.update({k: v for k, v in shape.properties.items() if k not in merged.properties})
                merged.any_required += shape.any_required
                merged.keys.update(shape.keys)
            merged.place = operation.place
            merged.required = [n for n in shapes[0].required if all(n in s.required for s in shapes)]
            self.struct_out = model.object_value(merged, name).object
        elif shapes:
            if len(shapes) > 1:
                raise Refusal(operation.place, f"{operation.id} has several replies that are not objects")
            schema = next(schema for _, _, schema in schemas if schema is not None)
            self.reply_value = Field("body", model.value(schema, self.file, f"{operation.id}_out_body"), True)
            struct = Struct(name, operation.place)
            struct.fields.append(self.reply_value)
            struct.finish()
            self.struct_out = model.structs[name] = struct
        for status, media, schema in schemas:
            kind = None if schema is None else "object" if objects else "value"
            self.replies.append((status, kind, media))
