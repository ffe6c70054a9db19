"""Who did what to which record: in order, chained, without secrets, of one's own tenant only."""
import hashlib
import uuid

from client.flows import open_account
from client.http import dumps
from client.pcx import OtherTenant


def audit(platform, **params):
    return platform.get("/audit", params, expect=200)


def test_a_change_is_audited(server, platform):
    account = open_account(server)
    platform.deposit(account, 5, "NGN", uuid.uuid4().hex)
    entry = audit(platform, limit=1).data[0]
    assert entry["operation_id"] == "platform_create_deposit" and entry["dialect"] == "platform"
    assert entry["user_id"] == platform.user_id and entry["credential_id"]
    assert entry["path"].endswith(f"/accounts/{account}/deposits")
    assert entry["details"]["body"]["amount"] == 5
    assert len(entry["hash"]) == 64 and entry["request_id"] and entry["outcome"]


def test_reads_and_refusals_are_not(server, platform):
    account = open_account(server)
    before = audit(platform, limit=1).data[0]["audit_id"]
    platform.get(f"/accounts/{account}", expect=200)
    platform.post(f"/accounts/{account}/deposits", {"amount": -1, "currency": "NGN"}, expect=400)
    platform.post(f"/accounts/{account}/deposits", {"amount": 1, "currency": "USD"}, expect=400)
    assert audit(platform, limit=1).data[0]["audit_id"] == before


def test_filters(server, platform, pcx):
    account, other = open_account(server), open_account(server)
    platform.deposit(account, 5, "NGN")
    platform.deposit(other, 5, "NGN")
    mine = audit(platform, subject_id=account).data
    assert [entry["operation_id"] for entry in mine] == ["platform_create_deposit"]
    assert audit(platform, subject_id=account[:-1] + "_").data == []
    assert audit(platform, subject_id="%").data == []
    assert audit(platform, subject_id=account, operation_id="platform_create_lien").data == []
    by_them = audit(platform, user_id=pcx.user_id, limit=5).data
    assert by_them and {entry["user_id"] for entry in by_them} == {pcx.user_id}
    at = mine[0]["created_at"]
    assert audit(platform, subject_id=account, **{"from": at}).data == mine
    assert audit(platform, subject_id=account, to=at).data == []


def test_pages_have_no_gaps(server, platform):
    account = open_account(server)
    for _ in range(5):
        platform.deposit(account, 1, "NGN")
    seen, cursor = [], None
    for _ in range(3):
        page = audit(platform, limit=2, cursor=cursor).json
        seen += [entry["audit_id"] for entry in page["data"]]
        cursor = page["meta"]["next_cursor"]
    assert seen == list(range(seen[0], seen[0] - 6, -1))
    assert platform.get("/audit", {"cursor": cursor, "operation_id": "x"}).status == 400


def test_a_long_request_is_abridged(server, platform, fincode):
    """Still told, and provably the one that was sent, without filling the trail."""
    accounts = [platform.get(f"/accounts/{open_account(server, amount=100)}", expect=200).data["account_number"]
                for _ in range(2)]
    narration = "rent " * 60
    body = dumps([{"primaryAccountNumber": accounts[0], "currencyCode": "NGN",
                   "creditDebitInstructionDirection": "DEBIT_PRIMARY_ACCOUNT_CREDIT_COUNTERPARTY_ACCOUNT",
                   "counterParties": [{"accountNumber": accounts[1], "amount": 1}], "narration": narration,
                   "instructionIdempotencykey": uuid.uuid4().hex} for _ in range(40)])
    fincode.send("POST", "/gateway/post-account", raw=body, expect=200)
    details = audit(platform, limit=1, operation_id="fc_ledger_post_account").data[0]["details"]
    assert details["abridged"] == {"bytes": len(body), "sha256": hashlib.sha256(body.encode()).hexdigest()}
    assert len(details["body"]) == 6 and details["body"][5] == "... (35 more)"
    assert details["body"][0]["narration"] == narration[:200] + "... (300 bytes)"
    assert len(dumps(details)) < 4000


def test_secrets_are_masked(server, platform, pcx_session):
    pcx_session.headers_for("/")
    everything = audit(platform, limit=200).text
    for who in ("org_admin", "user", "internal_admin"):
        assert server.credentials["pcx"][who]["password"] not in everything
        assert server.credentials["pcx"][who]["api_key"] not in everything


def test_other_tenants_have_their_own(server, platform):
    account = open_account(server)
    platform.deposit(account, 5, "NGN")
    stranger = OtherTenant(server)
    stranger.prefix = "/platform/v1"
    found = stranger.get("/audit", {"limit": 200}, expect=200)
    assert account not in found.text and platform.user_id not in found.text


def test_refuses(platform):
    for params in ({"limit": 0}, {"from": "x"}, {"cursor": "x"}):
        assert platform.get("/audit", params).status == 400
    assert platform.get("/audit", {"user_id": "usr_nobody"}).status == 404
