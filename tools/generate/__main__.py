"""Contracts to code: python3 tools/generate --api api --source src --output DIR

Reads the contracts and the names of the handlers; writes <dialect>.h, <dialect>.c, routes.c and the merged OpenAPI
documents into DIR. A file is only touched when its text changes. A contract that cannot be turned into code is
refused with `file:line: message` and exit status 1; docs/contracts.md says what a contract may hold.
"""
import argparse
import os
import re
import sys

import emit_c
import emit_routes
import openapi
from contract import DIALECTS, Reader
from model import Model
from source import Refusal


def read_roles(source):
    """Role names of src/core/roles.def."""
    with open(os.path.join(source, "core", "roles.def"), encoding="utf-8") as stream:
        return re.findall(r'^ROLE\(\w+, \d+, "([^"]+)"', stream.read(), re.MULTILINE)


def write_if_changed(path, text):
    data = text.encode("utf-8")
    if os.path.exists(path):
        with open(path, "rb") as stream:
            if stream.read() == data:
                return
    with open(path, "wb") as stream:
        stream.write(data)


def generate(api, source, output, cache=None):
    """File name -> text of everything the contracts make."""
    dialects = Reader(api, read_roles(source), cache).read()
    models = [Model(dialect).build() for dialect in dialects]
    ids = {operation.id for dialect in dialects for operation in dialect.operations if not operation.same_as}
    handlers = emit_routes.scan_handlers(os.path.join(source, "dialect"), ids)
    files = {}
    for model in models:
        files[f"{model.dialect.name}.h"] = emit_c.header(model)
        files[f"{model.dialect.name}.c"] = emit_c.Descriptors(model).source()
    for name in DIALECTS:  # the build expects each file
        files.setdefault(f"{name}.h", "/* There are no contracts of this dialect. */\n")
        files.setdefault(f"{name}.c", f'#include "generated/{name}.h"\ntypedef int generated_{name};\n')
    files["routes.c"] = emit_routes.emit(models, handlers)
    files.update(openapi.emit(dialects, handlers))
    os.makedirs(output, exist_ok=True)
    for name, text in files.items():
        write_if_changed(os.path.join(output, name), text)


def main():
    parser = argparse.ArgumentParser(prog="tools/generate", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--api", required=True, help="directory of the contracts")
    parser.add_argument("--source", required=True, help="directory of the C sources")
    parser.add_argument("--output", required=True, help="directory to write to")
    parser.add_argument("--cache", help="directory for parsed contracts")
    arguments = parser.parse_args()
    try:
        generate(arguments.api, arguments.source, arguments.output, arguments.cache)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
