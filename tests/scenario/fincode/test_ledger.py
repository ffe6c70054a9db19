"""Postings with all their rules, and what the ledger shows of them."""
import threading
import uuid
from decimal import Decimal

import pytest

from client.fincode import Fincode
from client.http import dumps
from client.pcx import Platform

DEBIT = "DEBIT_PRIMARY_ACCOUNT_CREDIT_COUNTERPARTY_ACCOUNT"
CREDIT = "CREDIT_PRIMARY_ACCOUNT_DEBIT_COUNTERPARTY_ACCOUNT"
POST = "/gateway/post-account"


class Account:
    """A wallet as the tests name it: the number to post by, the UUID to read by."""

    def __init__(self, platform, user_id, amount=None, currency="NGN", **limits):
        self.platform = platform
        made = platform.post("/accounts", {"user_id": user_id, "currency": currency, **limits},
                             expect=201).data
        self.number, self.uuid, self.id = made["account_number"], made["fincode_id"], made["account_id"]
        self.currency = currency
        if amount:
            platform.deposit(self.id, amount, currency)

    @property
    def balance(self):
        return self.platform.get(f"/accounts/{self.id}", expect=200).data["balance"]

    def set(self, **change):
        self.platform.patch(f"/accounts/{self.id}", change, expect=200)


@pytest.fixture
def account(platform, fincode_customer):
    def make(amount=None, currency="NGN", owner=None, **limits):
        return Account(platform, owner or fincode_customer.user_id, amount, currency, **limits)
    return make


def instruction(primary, *parties, direction=DEBIT, key=None, **rest):
    """parties: (account, amount) pairs."""
    return {"primaryAccountNumber": getattr(primary, "number", primary), "currencyCode": "NGN",
            "creditDebitInstructionDirection": direction,
            "counterParties": [{"accountNumber": getattr(who, "number", who), "amount": amount}
                               for who, amount in parties],
            "instructionIdempotencykey": key or uuid.uuid4().hex, **rest}


def post(caller, *instructions, **rest):
    return caller.post(POST, list(instructions), **rest)


def paid(caller, *instructions):
    results = post(caller, *instructions, expect=200).data
    assert [result["status"] for result in results] == ["PAID"] * len(instructions), results
    return results


AMOUNT, PRIMARY, NUMBER, KEY = ("counterParties.amount", "primaryAccountNumber", "counterParties.accountNumber",
                               "instructionIdempotencykey")
# The field that a rule of the ledger is about.
FIELD_OF = {"INSUFFICIENT_FUNDS": AMOUNT, "LEDGER_OVERDRAFT_EXCEEDED": AMOUNT, "LEDGER_KEY_MISMATCH": KEY,
            "LEDGER_ACCOUNTS_SAME": NUMBER}


def failed(caller, one, code, field=None):
    field = field or FIELD_OF[code]
    reply = post(caller, one, expect=200)
    result, = reply.data
    assert reply.json["status"] == "FAILED"
    assert (result["status"], result["errorCode"], result.get("field")) == ("FAILED", code, field), result
    assert result["message"] and result["entries"] == []
    return result


def handler(mode=None, source=None):
    made = {"insufficientFundAuthorizationMode": mode,
            "overDraftFundOriginatingAccountNumberId": getattr(source, "number", source)}
    return {"insufficientFundHandler": {k: v for k, v in made.items() if v is not None}}


def shown(entries):
    return [(e["accountId"], e["ledgerType"], e["transactionAmount"], e["previousAccountBalance"],
             e["newBalance"]) for e in entries]


# ---- Posting ----

def test_debit_primary(fincode_customer, account):
    source, target = account(100), account()
    key, interaction = uuid.uuid4().hex, "interaction-" + uuid.uuid4().hex
    reply = post(fincode_customer, instruction(source, (target, Decimal("30.25")), key=key),
                 headers={"x-fapi-interaction-id": interaction}, expect=200)
    assert reply.json["status"] == "SUCCESS"
    result, = reply.data
    assert (result["status"], result["instructionIdempotencykey"]) == ("PAID", key)
    assert shown(result["entries"]) == [
        (source.uuid, "DEBIT", Decimal("30.25"), 100, Decimal("69.75")),
        (target.uuid, "CREDIT", Decimal("30.25"), 0, Decimal("30.25"))]
    for entry in result["entries"]:
        assert entry["idempotencyKey"] == key and entry["externalCorrelationId"] == interaction
        assert entry["postingGroupId"] == result["postingGroupId"]
        assert entry["status"] == "PAID" and entry["currencyCode"] == "NGN"
        assert entry["actionPerformedByUser"] == fincode_customer.user_id
    assert (source.balance, target.balance) == (Decimal("69.75"), Decimal("30.25"))


def test_credit_primary(fincode_customer, account):
    source, target = account(100), account()
    result, = paid(fincode_customer, instruction(target, (source, 40), direction=CREDIT))
    assert shown(result["entries"]) == [(source.uuid, "DEBIT", 40, 100, 60),
                                        (target.uuid, "CREDIT", 40, 0, 40)]


def test_several_counterparties(fincode_customer, account):
    source, one, two, three = account(100), account(), account(), account()
    result, = paid(fincode_customer, instruction(source, (one, 10), (two, 20), (three, Decimal("30.5"))))
    assert (source.balance, one.balance, two.balance, three.balance) == (
        Decimal("39.5"), 10, 20, Decimal("30.5"))
    assert len(result["entries"]) == 6 and len({e["postingGroupId"] for e in result["entries"]}) == 1
    debits = [e for e in result["entries"] if e["ledgerType"] == "DEBIT"]
    assert [(e["previousAccountBalance"], e["newBalance"]) for e in debits] == [
        (100, 90), (90, 70), (70, Decimal("39.5"))]


def test_several_debited_counterparties(fincode_customer, account):
    target, one, two = account(), account(10), account(20)
    paid(fincode_customer, instruction(target, (one, 10), (two, 20), direction=CREDIT))
    assert (target.balance, one.balance, two.balance) == (30, 0, 0)


def test_all_counterparties_or_none(fincode_customer, account):
    source, one, two = account(25), account(), account()
    failed(fincode_customer, instruction(source, (one, 20), (two, 10)), "INSUFFICIENT_FUNDS")
    target, rich, poor = account(), account(50), account(5)
    failed(fincode_customer, instruction(target, (rich, 20), (poor, 10), direction=CREDIT),
           "INSUFFICIENT_FUNDS")
    assert (source.balance, one.balance, two.balance) == (25, 0, 0)
    assert (target.balance, rich.balance, poor.balance) == (0, 50, 5)


def test_array_in_order_each_with_its_status(fincode_customer, account):
    source, middle, target = account(100), account(), account()
    items = [instruction(source, (middle, 60)), instruction(source, (middle, 60)),
             instruction(middle, (target, 60)), instruction(source, ("00000000000000", 1)),
             instruction(source, (target, 40))]
    reply = post(fincode_customer, *items, expect=200)
    assert reply.json["status"] == "SUCCESS"
    assert [r["status"] for r in reply.data] == ["PAID", "FAILED", "PAID", "FAILED", "PAID"]
    assert [r.get("errorCode") for r in reply.data] == [
        None, "INSUFFICIENT_FUNDS", None, "LEDGER_CREDIT_ACCOUNT_NOT_FOUND", None]
    assert [r["instructionIdempotencykey"] for r in reply.data] == [
        i["instructionIdempotencykey"] for i in items]
    assert (source.balance, middle.balance, target.balance) == (0, 0, 100)


def test_wrapped_arrays(fincode_customer, account):
    source, target = account(10), account()
    for body in ({"accountPostings": [instruction(source, (target, 1))]},
                 {"data": [instruction(source, (target, 1))], "metadata": {}}):
        assert fincode_customer.post(POST, body, expect=200).data[0]["status"] == "PAID"
    assert target.balance == 2


def test_a_thousand_at_once(fincode_customer, account):
    source, target = account(100), account()
    results = paid(fincode_customer, *(instruction(source, (target, Decimal("0.01")))
                                       for _ in range(1000)))
    assert len({r["postingGroupId"] for r in results}) == 1000
    assert (source.balance, target.balance) == (90, 10)


def test_narration(fincode_customer, account):
    source, target = account(10), account()
    one = instruction(source, (target, 1), narration="Rent")
    two = instruction(source, (target, 1), narration="Rent")
    two["counterParties"][0]["narration"] = "Rent for May"
    results = paid(fincode_customer, one, two)
    assert [r["entries"][0]["paymentReference"] for r in results] == ["Rent", "Rent for May"]


# ---- Keys ----

def test_replay(fincode_customer, account):
    source, target, interaction = account(100), account(), uuid.uuid4().hex
    one = instruction(source, (target, 30), narration="First")
    first = post(fincode_customer, one, headers={"x-fapi-interaction-id": interaction}, expect=200)
    paid(fincode_customer, instruction(source, (target, 5)))
    for _ in range(2):
        again = post(fincode_customer, one, expect=200)
        assert again.data == first.data
    assert (source.balance, target.balance) == (65, 35)


def test_replay_by_another_caller(fincode_customer, fincode, account):
    source, target = account(100), account()
    one = instruction(source, (target, 30))
    first, = paid(fincode_customer, one)
    again, = paid(fincode, one)
    assert again == first and source.balance == 70


def test_replay_within_one_array(fincode_customer, account):
    source, target = account(100), account()
    one = instruction(source, (target, 30))
    first, second = paid(fincode_customer, one, one)
    assert first == second and source.balance == 70


def test_replay_of_several_counterparties(fincode_customer, account):
    source, one, two = account(100), account(), account()
    body = instruction(source, (one, 30), (two, 20))
    first, = paid(fincode_customer, body)
    assert paid(fincode_customer, body) == [first] and source.balance == 50


@pytest.mark.parametrize("change", [
    {"narration": "Other"}, {"creditDebitInstructionDirection": CREDIT}, {"amount": 31},
    {"insufficientFundHandler": {"insufficientFundAuthorizationMode": "ON_AVAILABLE_BALANCE"}},
    {"primaryAccountNumber": "00000000000000"}, {"currencyCode": "USD"}, {"currencyCode": "XXX"},
])
def test_key_with_another_instruction(fincode_customer, account, change):
    source, target = account(100), account(100)
    one = instruction(source, (target, 30))
    paid(fincode_customer, one)
    other = {**one, **change}
    if "amount" in other:
        other["counterParties"] = [{**one["counterParties"][0], "amount": other.pop("amount")}]
    failed(fincode_customer, other, "LEDGER_KEY_MISMATCH")
    assert (source.balance, target.balance) == (70, 130)
    assert paid(fincode_customer, one)[0]["status"] == "PAID"


def test_a_refused_key_stays_refused(fincode_customer, platform, account):
    source, target = account(10), account()
    one = instruction(source, (target, 30))
    failed(fincode_customer, one, "INSUFFICIENT_FUNDS")
    platform.deposit(source.id, 100, "NGN")
    failed(fincode_customer, one, "INSUFFICIENT_FUNDS")
    failed(fincode_customer, {**one, "narration": "Other"}, "LEDGER_KEY_MISMATCH")
    assert (source.balance, target.balance) == (110, 0)
    paid(fincode_customer, {**one, "instructionIdempotencykey": uuid.uuid4().hex})


def test_a_key_refused_before_the_ledger_stays_refused(fincode_customer, account):
    source, target = account(100), account()
    one = instruction(source, (target, Decimal("1.001")))
    failed(fincode_customer, one, "AMOUNT_PRECISION", "counterParties.amount")
    failed(fincode_customer, instruction(source, (target, 1), key=one["instructionIdempotencykey"]),
           "LEDGER_KEY_MISMATCH")
    failed(fincode_customer, one, "AMOUNT_PRECISION", "counterParties.amount")
    assert target.balance == 0


def test_one_key_in_parallel(server, account):
    source, target = account(100), account()
    one, seen = instruction(source, (target, 30)), []

    def run():
        seen.append(post(Fincode(server, "customer"), one, expect=200).data)
    callers = [threading.Thread(target=run) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert {results[0]["status"] for results in seen} == {"PAID"}
    assert len({results[0]["postingGroupId"] for results in seen}) == 1
    assert (source.balance, target.balance) == (70, 30)


def test_keys_of_tenants_do_not_meet(fincode, fincode_other, account):
    source, target = account(100), account()
    one = instruction(source, (target, 30))
    paid(fincode, one)
    failed(fincode_other, one, "LEDGER_DEBIT_ACCOUNT_NOT_FOUND", "primaryAccountNumber")


# ---- Funds ----

def test_insufficient(fincode_customer, account):
    source, target = account(10), account()
    failed(fincode_customer, instruction(source, (target, Decimal("10.01"))), "INSUFFICIENT_FUNDS")
    paid(fincode_customer, instruction(source, (target, 10)))


def test_liens_are_not_spent(fincode_customer, platform, account):
    source, target = account(100), account()
    platform.post(f"/accounts/{source.id}/liens", {"amount": 60, "reason": "x"}, expect=201)
    failed(fincode_customer, instruction(source, (target, Decimal("40.01"))), "INSUFFICIENT_FUNDS")
    paid(fincode_customer, instruction(source, (target, 40)))
    failed(fincode_customer, instruction(source, (target, 1), **handler("ON_AVAILABLE_BALANCE")),
           "INSUFFICIENT_FUNDS")


def test_arranged_overdraft(fincode_customer, account):
    source, target = account(10, overdraft_limit=5), account()
    failed(fincode_customer, instruction(source, (target, Decimal("15.01"))), "LEDGER_OVERDRAFT_EXCEEDED")
    paid(fincode_customer, instruction(source, (target, 15)))
    assert source.balance == -5


def test_available_balance_leaves_the_overdraft_alone(fincode_customer, account):
    source, target = account(10, overdraft_limit=5), account()
    only = handler("ON_AVAILABLE_BALANCE")
    failed(fincode_customer, instruction(source, (target, Decimal("10.01")), **only), "INSUFFICIENT_FUNDS")
    paid(fincode_customer, instruction(source, (target, 10), **only))
    other = account(10, overdraft_limit=5)
    failed(fincode_customer, instruction(target, (source, 1), (other, 10), direction=CREDIT, **only),
           "INSUFFICIENT_FUNDS")
    assert (source.balance, other.balance) == (0, 10)


def test_available_balance_counts_all_counterparties(fincode_customer, account):
    source, one, two = account(10), account(), account()
    only = handler("ON_AVAILABLE_BALANCE")
    failed(fincode_customer, instruction(source, (one, 6), (two, 6), **only), "INSUFFICIENT_FUNDS")
    result, = paid(fincode_customer, instruction(source, (one, 6), (two, 4), **only))
    assert len(result["entries"]) == 4


def test_force_needs_cashier_authority(server, fincode_customer, account):
    source, target = account(10), account()
    one = instruction(source, (target, 15), **handler("FORCE_ON_UNARRANGED_OVERDRAFT"))
    before = instruction(source, (target, 1))
    reply = post(fincode_customer, before, one)
    assert reply.status == 403 and reply.json["status"] == "FAILED", reply
    assert (source.balance, target.balance) == (10, 0)


@pytest.mark.parametrize("role", ["cashier", "admin"])
def test_force(server, account, role):
    source, target = account(10, overdraft_limit=1), account()
    one = instruction(source, (target, 15), **handler("FORCE_ON_UNARRANGED_OVERDRAFT"))
    result, = paid(Fincode(server, role), one)
    assert (source.balance, target.balance) == (-5, 15)
    assert result["entries"][0]["newBalance"] == -5


def test_overdraft_source(fincode_customer, account):
    source, target, reserve = account(10), account(), account(100)
    one = instruction(source, (target, 30), **handler(source=reserve))
    result, = paid(fincode_customer, one)
    assert (source.balance, target.balance, reserve.balance) == (0, 30, 80)
    assert shown(result["entries"])[:2] == [(reserve.uuid, "DEBIT", 20, 100, 80),
                                            (source.uuid, "CREDIT", 20, 10, 30)]
    again, = paid(fincode_customer, one)
    assert again == result and reserve.balance == 80


def test_overdraft_source_is_asked_only_for_what_is_missing(fincode_customer, account):
    source, target, reserve = account(10, overdraft_limit=5), account(), account(100)
    paid(fincode_customer, instruction(source, (target, 10), **handler(source=reserve)))
    assert reserve.balance == 100
    paid(fincode_customer, instruction(source, (target, 5), **handler(source=reserve)))
    assert (reserve.balance, source.balance) == (100, -5)
    paid(fincode_customer, instruction(source, (target, 7), **handler(source=reserve)))
    assert (reserve.balance, source.balance) == (93, -5)
    fresh = account(10, overdraft_limit=5)
    paid(fincode_customer, instruction(fresh, (target, 12), **handler("ON_AVAILABLE_BALANCE", reserve)))
    assert (reserve.balance, fresh.balance) == (91, 0)


def test_overdraft_source_of_several(fincode_customer, account):
    target, one, two, three, reserve = account(), account(1), account(2), account(50), account(100)
    result, = paid(fincode_customer, instruction(
        target, (one, 10), (two, 10), (three, 10), (one, 5), direction=CREDIT, **handler(source=reserve)))
    assert (target.balance, one.balance, two.balance, three.balance) == (35, 0, 0, 40)
    assert reserve.balance == 100 - 14 - 8 and len(result["entries"]) == 2 * 6


def test_overdraft_source_refuses(fincode_customer, fincode, account):
    source, target, poor = account(10), account(), account(5)
    field = "insufficientFundHandler.overDraftFundOriginatingAccountNumberId"
    failed(fincode_customer, instruction(source, (target, 30), **handler(source=poor)), "INSUFFICIENT_FUNDS")
    failed(fincode_customer, instruction(source, (target, 30), **handler(source="00000000000000")),
           "LEDGER_DEBIT_ACCOUNT_NOT_FOUND", field)
    failed(fincode_customer, instruction(source, (target, 30), **handler(source=account(100, "USD"))),
           "CURRENCY_MISMATCH", field)
    failed(fincode_customer, instruction(source, (target, 30), **handler(source=source)),
           "LEDGER_ACCOUNTS_SAME")
    theirs = account(100, owner=fincode.user_id)
    assert post(fincode_customer, instruction(source, (target, 30), **handler(source=theirs))).status == 403
    assert (source.balance, target.balance, poor.balance, theirs.balance) == (10, 0, 5, 100)


# ---- Accounts ----

def test_unknown_accounts(fincode, account):
    known = account(10)
    for number in ("00000000000000", " ", "'; --", known.uuid):
        failed(fincode, instruction(number, (known, 1)), "LEDGER_DEBIT_ACCOUNT_NOT_FOUND",
               "primaryAccountNumber")
        failed(fincode, instruction(known, (number, 1)), "LEDGER_CREDIT_ACCOUNT_NOT_FOUND",
               "counterParties.accountNumber")


def test_same_account(fincode_customer, account):
    source = account(10)
    failed(fincode_customer, instruction(source, (source, 1)), "LEDGER_ACCOUNTS_SAME")


def test_currencies(fincode_customer, account):
    naira, dollar = account(10), account(10, "USD")
    failed(fincode_customer, instruction(naira, (dollar, 1)), "CURRENCY_MISMATCH",
           "counterParties.accountNumber")
    failed(fincode_customer, instruction(dollar, (naira, 1)), "CURRENCY_MISMATCH", "primaryAccountNumber")
    one = instruction(naira, (account(), 1))
    one["counterParties"][0]["currencyCode"] = "USD"
    failed(fincode_customer, one, "CURRENCY_MISMATCH", "counterParties.currencyCode")
    failed(fincode_customer, {**instruction(naira, (account(), 1)), "currencyCode": "XXX"},
           "UNKNOWN_CURRENCY", "currencyCode")
    paid(fincode_customer, {**instruction(dollar, (account(currency="USD"), 1)), "currencyCode": "USD"})


def test_status_comes_before_currency_and_funds(fincode_customer, account):
    source, target, dollar = account(10), account(), account(10, "USD")
    source.set(status="suspended")
    failed(fincode_customer, instruction(source, (dollar, 100)), "LEDGER_ACCOUNT_FROZEN", PRIMARY)
    failed(fincode_customer, instruction(source, (target, 100)), "LEDGER_ACCOUNT_FROZEN", PRIMARY)
    source.set(status="active")
    failed(fincode_customer, instruction(source, (dollar, 100)), "CURRENCY_MISMATCH",
           "counterParties.accountNumber")


def test_inactive_accounts(fincode_customer, account):
    source, target = account(10), account()
    for status in ("inactive", "suspended"):
        target.set(status=status)
        failed(fincode_customer, instruction(source, (target, 1)), "LEDGER_ACCOUNT_FROZEN", NUMBER)
        failed(fincode_customer, instruction(target, (source, 1), direction=CREDIT), "LEDGER_ACCOUNT_FROZEN",
               PRIMARY)
    target.set(status="active")
    paid(fincode_customer, instruction(source, (target, 1)))


def test_customers_debit_their_own(server, fincode_customer, fincode_cashier, fincode, account):
    theirs, own = account(100, owner=fincode.user_id), account(100)
    assert post(fincode_customer, instruction(theirs, (own, 1))).status == 403
    assert post(fincode_customer, instruction(own, (theirs, 1), direction=CREDIT)).status == 403
    assert (theirs.balance, own.balance) == (100, 100)
    result, = paid(fincode_customer, instruction(own, (theirs, 1)))
    debit, credit = result["entries"]
    assert (debit["newBalance"], credit["accountId"]) == (99, theirs.uuid)
    assert "newBalance" not in credit and "previousAccountBalance" not in credit
    result, = paid(fincode_cashier, instruction(theirs, (own, 1)))
    assert [e["newBalance"] for e in result["entries"]] == [100, 100]


# ---- Amounts and other fields ----

@pytest.mark.parametrize("amount", [0, -1, Decimal("-0.01"), Decimal("0.00"), "10", None, True, [], {},
                                    10 ** 20])
def test_amounts_that_refuse_the_call(fincode_customer, account, amount):
    source, target = account(100), account()
    good = instruction(source, (target, 1))
    reply = post(fincode_customer, good, instruction(source, (target, amount)))
    assert reply.status == 422 and reply.json["status"] == "FAILED", reply
    assert "amount" in str(reply.json["error"]["details"]), reply
    assert target.balance == 0


@pytest.mark.parametrize("text", ["1e2", "1E+2", "NaN", "Infinity", "0x10", "1.", ".5", "01", "+1", "--1"])
def test_odd_numbers(fincode_customer, account, text):
    source, target = account(100), account()
    raw = dumps([instruction(source, (target, Decimal("7777")))]).replace("7777", text)
    assert fincode_customer.post(POST, raw=raw).status == 422
    assert target.balance == 0


def test_amounts_that_fail_their_instruction(fincode_customer, account):
    source, target = account(100), account()
    failed(fincode_customer, instruction(source, (target, Decimal("0.001"))), "AMOUNT_PRECISION",
           "counterParties.amount")
    failed(fincode_customer, instruction(source, (target, 10 ** 14)), "AMOUNT_OVERFLOW",
           "counterParties.amount")
    paid(fincode_customer, instruction(source, (target, Decimal("1.000"))))
    most = Decimal("90071992547409.91")
    failed(fincode_customer, instruction(source, (target, most)), "INSUFFICIENT_FUNDS")
    failed(fincode_customer, instruction(source, (target, most), (target, most),
                                         **handler("ON_AVAILABLE_BALANCE")),
           "LEDGER_AMOUNT_OVERFLOW", "counterParties.amount")


def test_scales_of_currencies(fincode_customer, account):
    yen, dinar = account(100, "JPY"), account(Decimal("1.234"), "KWD")
    failed(fincode_customer, {**instruction(yen, (account(currency="JPY"), Decimal("0.5"))),
                              "currencyCode": "JPY"}, "AMOUNT_PRECISION", "counterParties.amount")
    paid(fincode_customer, {**instruction(dinar, (account(currency="KWD"), Decimal("0.001"))),
                            "currencyCode": "KWD"})
    assert dinar.balance == Decimal("1.233")


@pytest.mark.parametrize("change", [
    {"primaryAccountNumber": None}, {"primaryAccountNumber": 12}, {"primaryAccountNumber": ""},
    {"currencyCode": None}, {"creditDebitInstructionDirection": "BOTH"},
    {"creditDebitInstructionDirection": None}, {"counterParties": []}, {"counterParties": None},
    {"counterParties": [{"amount": 1}]}, {"counterParties": [{"accountNumber": "1"}]},
    {"instructionIdempotencykey": None}, {"instructionIdempotencykey": ""},
    {"instructionIdempotencykey": "k" * 121}, {"instructionIdempotencykey": 7},
    {"insufficientFundHandler": {"insufficientFundAuthorizationMode": "PLEASE"}},
])
def test_malformed(fincode_customer, account, change):
    source, target = account(100), account()
    reply = post(fincode_customer, {**instruction(source, (target, 1)), **change})
    assert reply.status == 422 and reply.json["error"]["details"], reply
    assert target.balance == 0


def test_malformed_bodies(fincode_customer):
    for raw in ("[]", "{}", '"x"', "null", "[1]", '[{"a":', '{"accountPostings":[]}'):
        assert fincode_customer.post(POST, raw=raw).status == 422, raw


def test_unicode_keys(fincode_customer, account):
    source, target = account(10), account()
    key = "clé-" + uuid.uuid4().hex + "-日本"
    one = instruction(source, (target, 1), key=key)
    assert paid(fincode_customer, one) == paid(fincode_customer, one)
    assert target.balance == 1


# ---- Reading ----

def test_balance(fincode_customer, platform, account):
    wallet = account(100, overdraft_limit=50)
    paid(fincode_customer, instruction(wallet, (account(), 120)))
    found = fincode_customer.get(f"/ledger/account-balance/{wallet.uuid}", expect=200).data
    assert (found["accountBalance"], found["availableBalance"]) == (-20, -20)
    assert (found["overDraftLimit"], found["newOverDraftBalance"]) == (50, 20)
    assert (found["accountStatus"], found["currencyCode"]) == ("ACTIVATED", "NGN")
    assert (found["accountId"], found["accountNumber"]) == (wallet.uuid, wallet.number)
    assert found["accountOwnerId"] == fincode_customer.user_id
    platform.deposit(wallet.id, 120, "NGN")
    platform.post(f"/accounts/{wallet.id}/liens", {"amount": 30, "reason": "x"}, expect=201)
    found = fincode_customer.get(f"/ledger/account-balance/{wallet.uuid}", expect=200).data
    assert (found["accountBalance"], found["availableBalance"], found["totalLienAmount"]) == (100, 70, 30)


def test_status_words(fincode_customer, account):
    wallet = account()
    for status, word in (("inactive", "DEACTIVATED"), ("suspended", "SUSPENDED"), ("active", "ACTIVATED")):
        wallet.set(status=status)
        found = fincode_customer.get(f"/ledger/account-balance/{wallet.uuid}", expect=200).data
        assert found["accountStatus"] == word


def test_who_may_see(fincode, fincode_cashier, fincode_customer, fincode_other, account):
    theirs = account(5, owner=fincode.user_id)
    history = f"/ledger/account-ledger-history/{theirs.uuid}/0/10"
    for path in (f"/ledger/account-balance/{theirs.uuid}", history,
                 f"/account-maintenance/list-accounts/{fincode.user_id}"):
        assert fincode_customer.get(path).status == 403
        assert fincode_other.get(path).status == 404
        fincode_cashier.get(path, expect=200)
        fincode.get(path, expect=200)
    for path in ("/ledger/account-balance/" + str(uuid.uuid4()),
                 f"/ledger/account-ledger-history/{uuid.uuid4()}/0/10",
                 f"/account-maintenance/list-accounts/{uuid.uuid4()}"):
        assert fincode.get(path).status == 404
    assert fincode.get("/ledger/account-balance/me").status == 422


def test_history(fincode_customer, account):
    wallet, target = account(100), account()
    for amount in (1, 2, 3, 4):
        paid(fincode_customer, instruction(wallet, (target, amount)))
    path = f"/ledger/account-ledger-history/{wallet.uuid}"
    found = fincode_customer.get(f"{path}/0/10", expect=200).json
    assert shown(found["data"]) == [
        (wallet.uuid, "DEBIT", 4, 94, 90), (wallet.uuid, "DEBIT", 3, 97, 94),
        (wallet.uuid, "DEBIT", 2, 99, 97), (wallet.uuid, "DEBIT", 1, 100, 99),
        (wallet.uuid, "CREDIT", 100, 0, 100)]
    assert (found["page"], found["size"], found["totalElements"], found["totalPages"]) == (0, 10, 5, 1)


def test_history_pages(fincode_customer, account):
    wallet = account()
    for amount in range(1, 6):
        wallet.platform.deposit(wallet.id, amount, "NGN")
    path = f"/ledger/account-ledger-history/{wallet.uuid}"

    def amounts(page, size=2):
        return [e["transactionAmount"] for e in
                fincode_customer.get(f"{path}/{page}/{size}", expect=200).data]
    assert amounts(0) == amounts(1) == [5, 4]
    assert [amounts(2), amounts(3), amounts(4), amounts(1000000)] == [[3, 2], [1], [], []]
    assert fincode_customer.get(f"{path}/2/2").json["totalPages"] == 3
    for page, size in ((-1, 10), (0, 0), (0, -1), (0, 1001), (2 ** 40, 10), ("x", 10), (0, "x")):
        assert fincode_customer.get(f"{path}/{page}/{size}").status == 422, (page, size)
    assert amounts(2 ** 31 - 1, 1000) == []


def test_history_shows_holds(server, fincode, account, pcx):
    """What other dialects hold and release is in the history, and moves no balance."""
    from client.flows import open_account
    held = open_account(server, amount=100)
    pcx.post("/virtual-accounts/withdraw", {
        "account_id": held, "amount": 10, "user_id": pcx.user_id, "bank_code": "058",
        "beneficiary_account_number": "0123456789", "beneficiary_name": "Ada Obi"},
        expect=(200, 201, 202))
    found = Platform(server).get(f"/accounts/{held}", expect=200).data
    entries = fincode.get(f"/ledger/account-ledger-history/{found['fincode_id']}/0/10", expect=200).data
    assert entries[0]["status"] == "PENDING"
    assert entries[0]["previousAccountBalance"] == entries[0]["newBalance"] == 100


def look_up(caller, header, value, **rest):
    name = {"x-fapi-interaction-id": "interaction-id", "x-idempotency-key": "idempotency-key"}[header]
    return caller.get(f"/ledger/account-ledger-history-{name}", headers={header: value}, **rest)


def test_look_up_by_interaction(fincode_customer, fincode_other, fincode, account):
    source, target, interaction = account(100), account(), "interaction-12345-" + uuid.uuid4().hex
    headers = {"x-fapi-interaction-id": interaction}
    post(fincode_customer, instruction(source, (target, 1)), instruction(source, (target, 2)),
         headers=headers, expect=200)
    post(fincode_customer, instruction(source, (target, 3)), headers=headers, expect=200)
    found = look_up(fincode_customer, "x-fapi-interaction-id", interaction, expect=200).data
    assert sorted(e["transactionAmount"] for e in found) == [1, 1, 2, 2, 3, 3]
    assert {e["externalCorrelationId"] for e in found} == {interaction}
    assert len({e["postingGroupId"] for e in found}) == 3
    assert look_up(fincode, "x-fapi-interaction-id", interaction, expect=200).data == found
    assert look_up(fincode_other, "x-fapi-interaction-id", interaction, expect=200).data == []
    assert look_up(fincode_customer, "x-fapi-interaction-id", uuid.uuid4().hex, expect=200).data == []
    assert fincode_customer.get("/ledger/account-ledger-history-interaction-id").status == 422


def test_look_up_by_key(fincode_customer, fincode_other, account):
    source, target, key = account(100), account(), "unique-key-" + uuid.uuid4().hex
    result, = paid(fincode_customer, instruction(source, (target, 5), key=key))
    found = look_up(fincode_customer, "x-idempotency-key", key, expect=200).data
    assert found == result["entries"]
    assert look_up(fincode_other, "x-idempotency-key", key, expect=200).data == []
    refused = uuid.uuid4().hex
    failed(fincode_customer, instruction(source, (target, 500), key=refused), "INSUFFICIENT_FUNDS")
    assert look_up(fincode_customer, "x-idempotency-key", refused, expect=200).data == []
    assert look_up(fincode_customer, "x-idempotency-key", None).status == 422


def test_look_up_shows_one_s_own_side(fincode_customer, fincode, account):
    own, theirs, interaction = account(100), account(owner=fincode.user_id), uuid.uuid4().hex
    post(fincode_customer, instruction(own, (theirs, 5)), expect=200,
         headers={"x-fapi-interaction-id": interaction})
    mine = look_up(fincode_customer, "x-fapi-interaction-id", interaction, expect=200).data
    assert [e["accountId"] for e in mine] == [own.uuid]
    assert len(look_up(fincode, "x-fapi-interaction-id", interaction, expect=200).data) == 2


@pytest.mark.parametrize("value", ["x" * 256, "x" * 4000, "a\tb", b"\xff\xfe"],
                         ids=["256", "4000", "tab", "no UTF-8"])
def test_odd_interaction_ids(fincode_customer, account, value):
    source, target = account(10), account()
    reply = post(fincode_customer, instruction(source, (target, 1)),
                 headers={"x-fapi-interaction-id": value})
    assert reply.status == 422, reply
    assert target.balance == 0


def test_interaction_ids_of_other_words(fincode_customer, account):
    source, target = account(10), account()
    for value in ("x" * 255, "free text", "日本".encode()):
        post(fincode_customer, instruction(source, (target, 1)), expect=200,
             headers={"x-fapi-interaction-id": value})
        assert len(look_up(fincode_customer, "x-fapi-interaction-id", value, expect=200).data) >= 2


def test_list_accounts(fincode_customer, platform, account):
    owner = fincode_customer.user_id
    wallet, euro = account(7), account(currency="EUR")
    found = fincode_customer.get(f"/account-maintenance/list-accounts/{owner}", expect=200).data
    by_id = {a["id"]: a for a in found}
    assert by_id[wallet.uuid]["availableBalance"] == 7
    assert by_id[wallet.uuid]["accountPermission"] == "FULL_ACCESS"
    assert by_id[euro.uuid]["currencyCode"] == "EUR"
    assert {a["accountOwnerId"] for a in found} == {owner}


# ---- Permissions ----

def permit(caller, wallet, permission, **rest):
    return caller.get(f"/account-maintenance/change-account-permission/{wallet.uuid}/{permission}", **rest)


def test_permissions(fincode_customer, account):
    wallet, other = account(100), account(100)
    receive, spend = (instruction(other, (wallet, 1)), instruction(wallet, (other, 1)))

    def outcome(template):
        one = {**template, "instructionIdempotencykey": uuid.uuid4().hex}
        result, = post(fincode_customer, one, expect=200).data
        if result["status"] == "FAILED":
            assert result["field"] == (NUMBER if template is receive else PRIMARY)
        return result.get("errorCode", result["status"])

    for permission, received, spent in (
            ("READ_ONLY", "LEDGER_ACCOUNT_READ_ONLY", "LEDGER_ACCOUNT_READ_ONLY"),
            ("DEBIT_ONLY", "LEDGER_ACCOUNT_DEBIT_ONLY", "PAID"),
            ("CREDIT_ONLY", "PAID", "LEDGER_ACCOUNT_CREDIT_ONLY"),
            ("FULL_ACCESS", "PAID", "PAID")):
        changed = permit(fincode_customer, wallet, permission, expect=200).data
        assert (changed["accountPermission"], changed["id"]) == (permission, wallet.uuid)
        assert (outcome(receive), outcome(spend)) == (received, spent), permission


def test_asking_for_headers_changes_nothing(fincode_customer, account):
    wallet = account(10)
    path = f"/account-maintenance/change-account-permission/{wallet.uuid}/READ_ONLY"
    reply = fincode_customer.send("HEAD", path)
    assert reply.status == 405 and reply.headers["Allow"] == "GET, OPTIONS", reply
    paid(fincode_customer, instruction(wallet, (account(), 1)))
    assert fincode_customer.send("HEAD", f"/ledger/account-balance/{wallet.uuid}").status == 200


def test_permission_outlives_status(fincode_customer, account):
    wallet = account(10)
    permit(fincode_customer, wallet, "READ_ONLY", expect=200)
    wallet.set(status="suspended")
    wallet.set(status="active", overdraft_limit=5)
    failed(fincode_customer, instruction(wallet, (account(), 1)), "LEDGER_ACCOUNT_READ_ONLY", PRIMARY)


def test_permission_refuses(fincode_customer, fincode_cashier, fincode, fincode_other, account):
    own, theirs = account(), account(owner=fincode.user_id)
    for word in ("READONLY", "read_only", "ALL"):
        assert permit(fincode_customer, own, word).status == 422
    assert permit(fincode_customer, theirs, "READ_ONLY").status == 403
    assert permit(fincode_cashier, own, "READ_ONLY").status == 403
    assert permit(fincode_other, own, "READ_ONLY").status == 404
    permit(fincode, own, "CREDIT_ONLY", expect=200)


def test_no_credentials(server, account):
    wallet = account()
    for method, path in (("GET", f"/ledger/account-balance/{wallet.uuid}"), ("POST", POST),
                         ("GET", f"/ledger/account-ledger-history/{wallet.uuid}/0/10")):
        caller = Fincode(server, "customer")
        reply = caller.send(method, path, [] if method == "POST" else None,
                            headers={"X-Auth-Token": None})
        assert reply.status == 401 and reply.json["error"]["code"] == "AUTH_REQUIRED", reply
