"""Replays what succeeded in the scenarios as somebody of another tenant (VaultsPay: of another app).

The scenarios' ids are real, so each refusal is about the owner and not about a made-up id. The contract gate
judges what is written down here (tests/contract/test_strangers.py).
"""
import json
import re

from client.contract import Router, operations
from client.fincode import Fincode
from client.pcx import OtherTenant, Pcx, Platform
from client.vaultspay import VaultsPay

# Public ids: prefix and 13 digits of base 32, UUIDs. VaultsPay's integers are told apart by their size.
ID = re.compile(r"\b[a-z]{2,6}_[0-9a-z]{13}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b\d{15,16}\b")


# The hook catcher's ids are random hexadecimal, which now and then is all digits.
HOOK = re.compile(r"/sandbox/hooks/[0-9a-f]+")


def ids_in(text):
    return set(ID.findall(HOOK.sub("", text or "")))


def ids_of(caller):
    """The caller's own ids: an administrator's list rightly shows them to others and to itself."""
    return {str(getattr(caller, name, None)) for name in ("user_id", "org_id", "app_id", "tenant_id")}


def strangers_of(server, dialect):
    """Name -> caller with every right at home and none here."""
    if dialect == "vaultspay":
        return {"other app": VaultsPay(server, app="other_app")}
    if dialect == "fincode":
        found = {"other tenant": Fincode(server, "admin", other_tenant=True)}
    else:
        found = {"other tenant": OtherTenant(server), "other organisation": Pcx(server, "other_org_admin")}
        # Another organisation's administrator shares the tenant.
        mine = Platform(server).get("/sessions/current", expect=200).data
        found["other organisation"].tenant_id = mine["tenant_id"]
    for caller in found.values():
        caller.prefix = ""
    return found


def replay(server, path):
    """Writes one line per operation that was used with success on a URL or with a body that names an id."""
    router, chosen, strangers = Router(operations(server.binary)), {}, {}
    for exchange in list(server.recorder.kept):
        row = router.find(exchange["method"], exchange["url"])
        if row and row["roles"] != [] and 200 <= exchange["status"] < 300:
            named = ids_in(exchange["url"]) | ids_in(exchange["request"])
            if row["dialect"] not in strangers:
                strangers[row["dialect"]] = strangers_of(server, row["dialect"])
            if any(named & ids_of(caller) for caller in strangers[row["dialect"]].values()):
                continue  # what they did at home is their right
            chosen.setdefault(row["id"], (row, exchange, named))
            if named and not chosen[row["id"]][2]:
                chosen[row["id"]] = (row, exchange, named)
    with open(path, "a", encoding="utf-8") as file:
        for row, exchange, named in chosen.values():
            for who, caller in strangers[row["dialect"]].items():
                reply = caller.send(exchange["method"], exchange["url"], raw=exchange["request"])
                file.write(json.dumps({
                    "operation": row["id"], "who": who, "method": exchange["method"],
                    "url": exchange["url"], "request": exchange["request"], "named": sorted(named),
                    "status": reply.status, "reply": reply.text,
                    "owned": sorted((ids_in(exchange["reply"]) | named) - ids_of(caller))}) + "\n")
