"""The list of operations is the contracts', and says what answers."""
import json
import os
import subprocess

from client.server import BUILD


def test_as_the_command_prints_them(platform):
    printed = subprocess.run([os.path.join(BUILD, "cambist"), "operations", "--json"], capture_output=True,
                             text=True, check=True).stdout
    mine = [{"operation_id": row["id"], **{name: row[name] for name in (
        "dialect", "method", "path", "roles", "kind", "implemented")}} for row in json.loads(printed)]
    listed = platform.get("/operations", expect=200).data
    order = lambda row: row["operation_id"]
    assert sorted(listed, key=order) == sorted(mine, key=order)


def test_all_operations(platform):
    listed = platform.get("/operations", expect=200)
    rows = {row["operation_id"]: row for row in listed.data}
    assert len(rows) == len(listed.data) == listed.json["meta"]["count"]
    for count, dialect in ((230, "pcx"), (53, "vaultspay"), (138, "fincode"), (20, "platform")):
        assert sum(row["dialect"] == dialect for row in rows.values()) >= count, dialect
    transfer = rows["pcx_transfer_between_accounts"]
    assert (transfer["method"], transfer["kind"], transfer["implemented"]) == ("POST", "write", True)
    assert rows["vp_saas_login"]["roles"] == []
    assert rows["platform_list_operations"]["kind"] == "read"
    assert rows["platform_create_account"]["roles"] == ["internal-admin", "ADMIN", "operator"]


def test_filters(platform):
    fincode = platform.get("/operations", {"dialect": "fincode"}, expect=200).data
    assert {row["dialect"] for row in fincode} == {"fincode"}
    done = platform.get("/operations", {"implemented": "true"}, expect=200).data
    missing = platform.get("/operations", {"implemented": "false"}, expect=200).data
    everything = platform.get("/operations", expect=200).data
    assert len(done) + len(missing) == len(everything)
    assert "platform_list_operations" in [row["operation_id"] for row in done]
    assert platform.get("/operations", {"dialect": "latin"}).status == 400
