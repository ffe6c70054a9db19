"""Merges the contracts into OpenAPI documents: one per dialect and one of all."""
import json
import re

from contract import DIALECTS

INTRODUCTIONS = {
    "pcx": "Every call carries `Authorization` and `X-Api-Key`; the one that is not used says `NONE`. Tokens come from "
           "`/cognito`, keys from `POST /v1/public/api-keys/create`. Amounts are decimals in major units.",
    "vaultspay": "Log in with `POST /as/api/v1/saas-login`, then send `Authorization: Bearer`, `x-device-os: SAAS` and "
                 "the app's id in `x-device-id`. Bodies travel in the encryption envelope unless the server allows plain ones.",
    "fincode": "Log in with `PUT /api/v6/services/securitymanagement/login`, then send `X-Auth-Token`. The first label of "
               "the host name is the tenant.",
    "platform": "What no documented API has, for operators and staff: PCX's two headers, a Bearer token of any log-in, or "
                "the console's cookie.",
}
ALL = "All dialects of Cambist. Each has a document of its own: `/openapi/pcx.json`, `/openapi/vaultspay.json`, " \
      "`/openapi/fincode.json`, `/openapi/platform.json`."
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


def group_title(operation):
    words = operation.group.replace("-", " ").capitalize().split(" ")
    return " ".join(word.upper() if word.lower() in ("api", "kyb", "kyc", "otp") else word for word in words)


def operation_node(dialect, operation, rename, tag, implemented):
    node = plain(operation.node, rename)
    node["tags"] = [tag]
    if not implemented:
        node["x-implemented"] = False
    if not operation.roles:
        node["security"] = []
    elif "security" not in node:
        node["security"] = plain(dialect.security, rename)
    node["security"] = [{rename(name): scopes for name, scopes in entry.items()} for entry in node["security"]]
    return node


def add_dialect(document, dialect, rename, handlers, tag_prefix=""):
    groups = []
    for operation in dialect.operations:
        tag = tag_prefix + group_title(operation)
        if tag not in groups:
            groups.append(tag)
        if not operation.same_as:
            item = document["paths"].setdefault(operation.path, {})
            item[operation.method] = operation_node(dialect, operation, rename, tag, operation.id in handlers)
    for contract in dialect.documents.values():
        for name, hook in contract.get("webhooks", {}).items():
            document.setdefault("webhooks", {})[f"{dialect.name}: {name}"] = plain(hook, rename)
    for kind, components in dialect.components.items():
        target = document["components"].setdefault(kind, {})
        for name, node in components.items():
            target[rename(name)] = plain(node, rename)
    document["tags"] += [{"name": tag} for tag in groups]


def new_document(title, introduction):
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1.0.0", "description": introduction,
                 "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "tags": [], "paths": {}, "components": {},
    }


def emit(dialects, handlers):
    """File name -> JSON text."""
    documents = {}
    everything = new_document("Cambist", ALL)
    for dialect in dialects:
        single = new_document(f"Cambist: {TITLES[dialect.name]}", INTRODUCTIONS[dialect.name])
        add_dialect(single, dialect, lambda name: name, handlers)
        documents[f"{dialect.name}.json"] = single
        prefix = dialect.prefix.capitalize()
        add_dialect(everything, dialect, lambda name, prefix=prefix: prefix + name, handlers,
                    f"{TITLES[dialect.name]}: ")
    for name in DIALECTS:  # the build expects each file
        documents.setdefault(f"{name}.json", new_document(f"Cambist: {TITLES[name]}", INTRODUCTIONS[name]))
    documents["openapi.json"] = everything
    return {name: json.dumps(document, ensure_ascii=False, separators=(",", ":")) for name, document in documents.items()}
