"""Account activity: what is logged, filters, pages, and counts over it."""
from client.flows import open_account
from client.pcx import OtherTenant, Pcx


def logs(caller, **params):
    return caller.get("/virtual-accounts/logs", {"limit": 100, **params}, expect=200).data


def test_what_happens_is_logged(pcx, pcx_admin, server):
    account_id = open_account(server, amount="10")
    pcx_admin.put(f"/virtual-accounts/{account_id}", {"virtual_account_name": "Till"}, expect=200)
    pcx_admin.put(f"/virtual-accounts/status/{account_id}", {"status": "suspended"}, expect=200)
    found = logs(pcx_admin, account_id=account_id)
    types = [line["type"] for line in found]
    assert types[0] == "account.status" and types[-1] == "account.created"
    assert "account.updated" in types and len(types) >= 4
    assert all(line["account_id"] == account_id and line["org_id"] == pcx.org_id for line in found)
    assert all(line["created_at"] and line["message"] for line in found)
    assert [line["type"] for line in logs(pcx_admin, account_id=account_id,
                                          type="account.status")] == ["account.status"]
    assert len(logs(pcx_admin, org_id=pcx.org_id)) >= len(found)
    assert logs(pcx_admin, account_id=account_id, end_date="2020-01-01") == []
    assert logs(pcx_admin, org_id="org_0000000000001") == []


def test_pages(pcx_admin, server):
    account_id = open_account(server)
    for name in ("a", "b", "c", "d"):
        pcx_admin.put(f"/virtual-accounts/{account_id}", {"virtual_account_name": name}, expect=200)
    ids, key = [], None
    while True:
        params = {"account_id": account_id, "limit": 2, **({"last_evaluated_key": key} if key else {})}
        page = pcx_admin.get("/virtual-accounts/logs", params, expect=200).json
        ids += [line["log_id"] for line in page["data"]]
        key = page["meta"].get("last_evaluated_key")
        if not key:
            break
    assert len(ids) == len(set(ids)) == 5
    pcx_admin.get("/virtual-accounts/logs", {"last_evaluated_key": "x"}, expect=400)
    pcx_admin.get("/virtual-accounts/logs", {"limit": 101}, expect=400)
    pcx_admin.get("/virtual-accounts/logs", {"start_date": "2024-13-01"}, expect=400)


def test_metrics(pcx, pcx_user, pcx_admin, server):
    account_id = open_account(server, amount="3")
    pcx_admin.put(f"/virtual-accounts/{account_id}", {"virtual_account_name": "x"}, expect=200)
    data = pcx_admin.get("/virtual-accounts/logs/metrics", {"account_id": account_id},
                         expect=200).data
    assert data["total_events"] == len(logs(pcx_admin, account_id=account_id))
    assert sum(data["by_type"].values()) == sum(data["by_status"].values()) == data["total_events"]
    assert data["by_type"]["account.created"] == 1 and data["by_type"]["account.updated"] == 1
    assert data["first_event_at"] <= data["last_event_at"]
    own = pcx.get("/virtual-accounts/logs/metrics", expect=200).data
    assert own["total_events"] >= data["total_events"]
    pcx_user.get("/virtual-accounts/logs/metrics", {"account_id": account_id}, expect=403)
    pcx.get("/virtual-accounts/logs/metrics", {"org_id": "org_0000000000001"}, expect=(403, 404))
    pcx.get("/virtual-accounts/logs", expect=403)


def test_filters_combine(pcx, pcx_admin, server, sandbox):
    account_id, today = open_account(server, amount="4"), sandbox.clock()["now"][:10]
    both = {"account_id": account_id, "org_id": pcx.org_id}
    assert {line["type"] for line in logs(pcx_admin, **both)} == {"account.created", "deposit"}
    assert [line["type"] for line in logs(pcx_admin, **both, type="deposit", start_date=today,
                                          end_date=today)] == ["deposit"]
    assert logs(pcx_admin, account_id=account_id, org_id="org_0000000000001") == []
    assert logs(pcx_admin, **both, type="nothing of the kind") == []
    for params in ({"org_id": "nonsense"}, {"account_id": "usr_0000000000001"},
                   {"start_date": "2024-02-02", "end_date": "2024-02-01"}):
        reply = pcx_admin.get("/virtual-accounts/logs", params, expect=400)
        assert list(params)[-1] in reply.text
    assert OtherTenant(server).get("/virtual-accounts/logs", {"account_id": account_id}, expect=200).data == []


def test_metrics_of_others(pcx, pcx_user, server):
    account_id = open_account(server)
    other, path = Pcx(server, "other_org_admin"), "/virtual-accounts/logs/metrics"
    for params in ({"account_id": account_id}, {"org_id": pcx.org_id}):
        other.get(path, params, expect=403)
        assert OtherTenant(server).get(path, {"account_id": account_id}, expect=200).data["total_events"] == 0
    for params in ({"account_id": "nonsense"}, {"org_id": "nonsense"}):
        assert list(params)[0] in pcx.get(path, params, expect=400).text
    assert other.get(path, expect=200).data["by_type"].get("account.created", 0) == \
        other.get(path, {"org_id": other.org_id}, expect=200).data["by_type"].get("account.created", 0)
    empty = OtherTenant(server).get(path, {"org_id": OtherTenant(server).org_id}, expect=200).data
    assert empty["total_events"] == sum(empty["by_type"].values())
