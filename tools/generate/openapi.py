"""Merges the contracts into OpenAPI documents: one per dialect and one of all."""
import json
import re

from contract import DIALECTS

TITLES = {"pcx": "PCX", "vaultspay": "VaultsPay", "fincode": "FinCode", "platform": "Platform"}


def plain(node, rename):
    """A copy in which references lead to `#/components/...` of the merged document."""
    if isinstance(node, dict):
        result = {}
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                kind, name = re.search(r"#/components/(\w+)/(\w+)$", value).groups()
                result[key] = f"#/components/{kind}/{rename(name)}"
            elif key in ("example", "examples"):
                result[key] = value
            else:
                result[str(key)] = plain(value, rename)
        return result
    if isinstance(node, list):
        return [plain(item, rename) for item in node]
    return node


def operation_node(dialect, operation, rename):
    node = plain(operation.node, rename)
    node["tags"] = [f"{TITLES[dialect.name]}: {operation.group}"]
    if not operation.roles:
        node["security"] = []
    elif "security" not in node:
        node["security"] = plain(dialect.security, rename)
    node["security"] = [{rename(name): scopes for name, scopes in entry.items()} for entry in node["security"]]
    return node


def add_dialect(document, dialect, rename):
    groups = []
    for operation in dialect.operations:
        tag = f"{TITLES[dialect.name]}: {operation.group}"
        if tag not in groups:
            groups.append(tag)
        if not operation.same_as:
            item = document["paths"].setdefault(operation.path, {})
            item[operation.method] = operation_node(dialect, operation, rename)
    for contract in dialect.documents.values():
        for name, hook in contract.get("webhooks", {}).items():
            document.setdefault("webhooks", {})[f"{dialect.name}: {name}"] = plain(hook, rename)
    for kind, components in dialect.components.items():
        target = document["components"].setdefault(kind, {})
        for name, node in components.items():
            target[rename(name)] = plain(node, rename)
    document["tags"] += [{"name": tag} for tag in groups]


def new_document(title):
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1.0.0", "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "tags": [], "paths": {}, "components": {},
    }


def emit(dialects):
    """File name -> JSON text."""
    documents = {}
    everything = new_document("Cambist")
    for dialect in dialects:
        single = new_document(f"Cambist: {TITLES[dialect.name]}")
        add_dialect(single, dialect, lambda name: name)
        documents[f"{dialect.name}.json"] = single
        prefix = dialect.prefix.capitalize()
        add_dialect(everything, dialect, lambda name, prefix=prefix: prefix + name)
    for name in DIALECTS:  # the build expects each file
        documents.setdefault(f"{name}.json", new_document(f"Cambist: {TITLES[name]}"))
    documents["openapi.json"] = everything
    return {name: json.dumps(document, ensure_ascii=False, separators=(",", ":")) for name, document in documents.items()}
