"""Contract files as plain Python values that remember where they stood.

Mappings are `Map` and sequences `List`: a dict and a list with `.place` ("file:line"); a Map also knows the
place of each key. Every refusal of the generator is a `Refusal` and starts with such a place.
"""
import hashlib
import os
import pickle

import yaml

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML without libyaml: slower, same result
    from yaml import SafeLoader as Loader


class Refusal(Exception):
    """A contract that cannot be turned into code: `file:line: message`."""

    def __init__(self, place, message):
        super().__init__(f"{place}: {message}")


class Map(dict):
    place = ""
    key_places = None

    def at(self, key):
        return (self.key_places or {}).get(key, self.place)


class List(list):
    place = ""


def place_of(value, otherwise):
    return getattr(value, "place", "") or otherwise


class _Builder:
    def __init__(self, file):
        self.file = file
        self.scalars = yaml.constructor.SafeConstructor()
        self.open = set()  # nodes being built: an alias may not lead back into its own anchor

    def place(self, node):
        return f"{self.file}:{node.start_mark.line + 1}"

    def build(self, node):
        if id(node) in self.open:
            raise Refusal(self.place(node), "an anchor contains itself")
        self.open.add(id(node))
        try:
            return self.build_value(node)
        finally:
            self.open.discard(id(node))

    def build_value(self, node):
        if isinstance(node, yaml.MappingNode):
            result = Map()
            result.place = self.place(node)
            result.key_places = {}
            for key_node, value_node in node.value:
                key = self.build(key_node)
                if isinstance(key, (Map, List)):
                    raise Refusal(self.place(key_node), "a key must be a plain value")
                if key in result:
                    raise Refusal(self.place(key_node), f"'{key}' stands here twice")
                result[key] = self.build(value_node)
                result.key_places[key] = self.place(key_node)
            return result
        if isinstance(node, yaml.SequenceNode):
            result = List(self.build(item) for item in node.value)
            result.place = self.place(node)
            return result
        if node.tag == "tag:yaml.org,2002:timestamp":  # an example date stays the text it is
            return node.value
        try:
            return self.scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            raise Refusal(self.place(node), f"'{node.value}' is no value: {str(error).splitlines()[0]}") from None


def parse(text, file):
    try:
        node = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Refusal(f"{file}:{line}", error.problem or "not YAML") from None
    except yaml.YAMLError as error:
        raise Refusal(f"{file}:1", str(error).splitlines()[0]) from None
    if not isinstance(node, yaml.MappingNode):
        raise Refusal(f"{file}:1", "a contract is a mapping")
    return _Builder(file).build(node)


def load(path, file, cache_directory=None):
    """Parses the file at `path`; `file` is its name in messages. Parsed files are cached by content."""
    with open(path, "rb") as stream:
        text = stream.read()
    if not cache_directory:
        return parse(text, file)
    with open(__file__, "rb") as stream:
        key = hashlib.sha256(stream.read() + file.encode() + b"\0" + text).hexdigest()
    cached = os.path.join(cache_directory, key)
    if os.path.exists(cached):
        with open(cached, "rb") as stream:
            return pickle.load(stream)
    document = parse(text, file)
    os.makedirs(cache_directory, exist_ok=True)
    temporary = f"{cached}.{os.getpid()}"
    with open(temporary, "wb") as stream:
        pickle.dump(document, stream, protocol=pickle.HIGHEST_PROTOCOL)
    os.replace(temporary, cached)
    return document
