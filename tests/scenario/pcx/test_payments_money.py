"""What a payment moves, account by account and to the last minor unit: quotes, rounding, fees, holds, refunds."""
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from client.flows import balances, open_account
from client.http import loads, wait_until
from client.pcx import Pcx

D = Decimal


@pytest.fixture(scope="module")
def house(server):
    """An administrator who sets prices, and takes them away afterwards."""
    return House(Pcx(server, "internal_admin"), Pcx(server, "org_admin"))


class House:
    def __init__(self, admin, owner):
        self.admin, self.owner = admin, owner
        self.ids = []

    def rate(self, source, target, rate, spread="0", **rest):
        return self.admin.post("/organizations/admin/add-rate", {
            "org_id": self.owner.org_id, "rate": D(rate), "spread": D(spread), "from_currency": source,
            "to_currency": target, **rest}, expect=201).data["org_rate_id"]

    def fee(self, currency, value, structure="percentage", kind="withdrawal", **rest):
        made = self.admin.post("/virtual-accounts/fees", {
            "currency": currency, "transaction_type": kind, "fee_type": f"money_{len(self.ids)}",
            "fee_structure": structure, "fee_value": D(value), **rest}, expect=201).data["fee_id"]
        self.ids.append(made)
        return made

    def drop_fees(self):
        for fee_id in self.ids:
            self.admin.delete(f"/virtual-accounts/fees/{fee_id}", expect=(200, 404))

    def payee(self, country="GB", currency="GBP", **details):
        return self.owner.post("/beneficiaries", {
            "account_type": "bank", "country": country, "currency": currency, "fname": "Ada", "lname": "Lovelace",
            "bank_details": details or {"account_number": "55779911", "sort_code": "200000"}},
            expect=201).json["beneficiary_id"]

    def pay(self, account, payee, amount, currency, target=None, expect=201, **changes):
        body = {"amount": D(amount), "currency": currency, "beneficiary_id": payee, "payment_method": "bank_transfer",
                "direction": "outbound", "source_account_id": account, "provider": "manual", **changes}
        if target:
            body["target_currency"] = target
        return self.owner.post("/payments", body, expect=expect).json

    def move(self, payment, status, expect=200):
        return self.admin.patch(f"/payments/{payment['payment_id']}", {"status": status}, expect=expect).json


@pytest.fixture
def fees(house):
    yield house.fee
    house.drop_fees()


def books(platform):
    """What each kind of account has by (currency, kind, name): credits less debits, posted and pending."""
    found = {}
    for asset in platform.get("/ledger/trial-balance", expect=200).data["assets"]:
        assert asset["balanced"]
        for row in asset["accounts"]:
            found[asset["currency"], row["kind"], row.get("name", "")] = (
                D(row["credits"]) - D(row["debits"]),
                D(row.get("credits_pending", 0)) - D(row.get("debits_pending", 0)))
    return found


def moved(before, after):
    """Kinds whose books changed: {(currency, kind, name): (posted, pending)}."""
    changes = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key, (0, 0)), after.get(key, (0, 0))
        if old != new:
            changes[key] = (new[0] - old[0], new[1] - old[1])
    return changes


def test_every_account_at_every_step(server, house, platform, fees):
    """80,000 NGN at 0.0005 less 1.5 %: the payee gets 39.40, the spread is 0.60; 1 % and 50 are the fee."""
    account, payee = open_account(server, "NGN", "100000"), house.payee()
    house.rate("NGN", "GBP", "0.0005", "1.5")
    fees("NGN", 1)
    fees("NGN", 50, "fixed_amount")
    start = books(platform)
    payment = house.pay(account, payee, "80000", "NGN", "GBP")
    assert (payment["target_amount"], payment["total_fees"]) == (D("39.4"), 850) and len(payment["fee_ids"]) == 2
    parts = {("NGN", "customer", ""): D(-80850), ("NGN", "FX position", ""): D(80000), ("NGN", "fee income", ""): D(850),
             ("GBP", "FX position", ""): D("-40"), ("GBP", "settlement", "manual"): D("39.4"),
             ("GBP", "FX income", ""): D("0.6")}
    assert moved(start, books(platform)) == {key: (0, amount) for key, amount in parts.items()}
    house.move(payment, "completed")
    assert moved(start, books(platform)) == {key: (amount, 0) for key, amount in parts.items()}
    assert balances(server, account) == (19150, 19150)
    house.move(payment, "refunded")
    assert moved(start, books(platform)) == {} and balances(server, account) == (100000, 100000)
    other = house.pay(account, payee, "80000", "NGN", "GBP")
    house.move(other, "canceled")
    assert moved(start, books(platform)) == {}
    journals = platform.get("/ledger/journals", {"reference": payment["payment_id"]}, expect=200).data
    assert [row["description"] for row in journals] == ["payment refunded", "payment completed", "payment held"]


def test_without_a_conversion_and_inbound(server, house, platform, fees):
    account, payee = open_account(server, "EUR", "100"), house.payee("DE", "EUR", iban="DE89370400440532013000")
    fees("EUR", "2.5")
    fees("EUR", "1.25", "fixed_amount", kind="deposit")
    start = books(platform)
    out = house.pay(account, payee, "40", "EUR")
    assert out["total_fees"] == 1 and out["target_amount"] == 40 and out["target_currency"] == "EUR"
    house.move(out, "completed")
    paid = {("EUR", "customer", ""): (-41, 0), ("EUR", "settlement", "manual"): (40, 0), ("EUR", "fee income", ""): (1, 0)}
    assert moved(start, books(platform)) == paid
    house.move(out, "refunded")
    back = house.pay(account, payee, "40", "EUR", direction="inbound")
    assert back["total_fees"] == D("1.25") and moved(start, books(platform)) == {}
    house.move(back, "completed")
    assert moved(start, books(platform)) == {
        ("EUR", "customer", ""): (D("38.75"), 0), ("EUR", "settlement", "manual"): (-40, 0),
        ("EUR", "fee income", ""): (D("1.25"), 0)}
    house.move(back, "refunded")
    assert moved(start, books(platform)) == {}
    for direction, amount, status in (("inbound", "1.24", 400), ("inbound", "1.25", 201), ("external", "1.24", 201)):
        made = house.pay(account, payee, amount, "EUR", direction=direction, expect=status)
        assert status == 201 or "amount" in made["message"]
    external = house.pay(account, payee, "40", "EUR", direction="external")
    house.move(external, "completed")
    house.move(external, "refunded")
    assert moved(start, books(platform)) == {} and external["total_fees"] == 0 and external["fee_ids"] == []


def test_a_refund_needs_the_money(server, house, fees):
    account, payee = open_account(server, "EUR"), house.payee("DE", "EUR", iban="DE89370400440532013000")
    payment = house.pay(account, payee, "40", "EUR", direction="inbound")
    house.move(payment, "completed")
    house.move(house.pay(account, payee, "0.01", "EUR"), "completed")
    assert "status" in str(house.move(payment, "refunded", expect=400))
    assert balances(server, account) == (D("39.99"), D("39.99"))
    assert house.owner.get(f"/payments/{payment['payment_id']}").json["status"] == "completed"


@pytest.mark.parametrize("source, target, rate, spread, amount, gets", [
    ("NGN", "GBP", "0.0005", "0", "19.99", None),          # 0.009995: less than a penny
    ("NGN", "GBP", "0.0005", "0", "20", "0.01"),
    ("NGN", "GBP", "0.0005", "0", "39.99", "0.01"),        # rounded down: the remainder stays with the house
    ("NGN", "GBP", "0.0005", "1.5", "20.30", None),        # 0.01015 is a penny, 0.0099978 is none
    ("NGN", "GBP", "0.0005", "99.999999999999", "100000", None),
    ("USD", "JPY", "151.239", "0", "1.99", "300"),         # 300.96561: yen have no decimals
    ("USD", "JPY", "151.239", "0.25", "1.99", "300"),      # 300.21...
    ("RWF", "USD", "0.00069", "0", "1450", "1"),           # 1.0005
    ("NGN", "USDC", "0.000625", "0.5", "1234.57", "0.767748"),       # 0.76774821875: six decimals
    ("NGN", "BTC", "0.0000000093", "0", "1000.5", "0.0000093"),     # 0.00000930465: eight
    ("NGN", "ETH", "0.000000251234567", "1.5", "1000000000", "247.46604849"),
    ("GBP", "KES", "165.5", "0", "0.01", "1.65"),
    ("GBP", "KES", "999999999999999999", "0", "1", None),           # more than there can be
])
def test_what_the_payee_gets(server, house, platform, source, target, rate, spread, amount, gets):
    account = open_account(server, source, amount)
    house.rate(source, target, rate, spread)
    start = books(platform)
    payment = house.pay(account, house.payee(), amount, source, target, expect=201 if gets else 400)
    if not gets:
        assert "amount" in payment["message"] and balances(server, account)[0] == D(amount)
        return
    assert payment["target_amount"] == D(gets)
    house.move(payment, "completed")
    changes = moved(start, books(platform))
    gross = -changes[target, "FX position", ""][0]
    assert changes[target, "settlement", "manual"][0] == D(gets)
    assert gross - D(gets) == changes.get((target, "FX income", ""), (0, 0))[0] >= 0
    assert D(amount) * D(rate) - gross < D(1).scaleb(gross.as_tuple().exponent if target != "JPY" else 0)
    assert balances(server, account) == (0, 0)


@pytest.mark.parametrize("fee, amount, costs", [
    ({"value": "100"}, "10", "10"), ({"value": "0"}, "10", "0"), ({"value": "0.125"}, "4", "0.01"),
    ({"value": "0.125"}, "3.99", "0"), ({"value": "33.3333"}, "0.03", "0.01"),
    ({"value": "1.005"}, "100", "1.01"),           # half up
    ({"value": "1", "min_fee": D("5")}, "10", "5"), ({"value": "50", "max_fee": D("0")}, "10", "0"),
    ({"value": "1", "min_fee": D("2"), "max_fee": D("2")}, "1000", "2"),
    ({"value": "25", "structure": "fixed_amount"}, "10", "25"),      # more than the amount
    ({"value": "25", "structure": "fixed_amount", "max_fee": D("1")}, "10", "25"),
])
def test_what_it_costs(server, house, fees, fee, amount, costs):
    total = D(amount) + D(costs)
    fees("GBP", **fee)
    short = open_account(server, "GBP", total - D("0.01"))
    payee = house.payee()
    assert "amount" in house.pay(short, payee, amount, "GBP", expect=400)["errors"][0]["field"]
    assert balances(server, short) == (total - D("0.01"),) * 2
    account = open_account(server, "GBP", total)
    payment = house.pay(account, payee, amount, "GBP")
    assert payment["total_fees"] == D(costs) and balances(server, account) == (0, total)
    previewed = house.owner.post("/virtual-accounts/fees/preview", {
        "transaction_type": "withdrawal", "amount": D(amount), "currency": "GBP"}, expect=200).data
    assert (previewed["fee_amount"], previewed["total_amount"]) == (D(costs), total)
    house.move(payment, "completed")
    assert balances(server, account) == (0, 0)


def test_what_was_quoted_stays(server, house, platform, fees):
    account, payee = open_account(server, "NGN", "100000"), house.payee()
    rate_id, fee_id = house.rate("NGN", "GBP", "0.0005", "1"), fees("NGN", 10)
    start = books(platform)
    first = house.pay(account, payee, "10000", "NGN", "GBP", org_rate_id=rate_id)
    second = house.pay(account, payee, "10000", "NGN", "GBP", org_rate_id=rate_id)
    house.admin.put(f"/virtual-accounts/fees/{fee_id}", {
        "currency": "NGN", "transaction_type": "withdrawal", "fee_type": "other", "fee_structure": "percentage",
        "fee_value": 50}, expect=200)
    house.rate("NGN", "GBP", "0.001", "50")
    house.move(first, "completed")
    house.admin.delete(f"/virtual-accounts/fees/{fee_id}", expect=200)
    house.admin.delete(f"/organizations/admin/rates/{rate_id}", expect=200)
    house.move(second, "completed")
    house.move(first, "refunded")
    shown = house.owner.get(f"/payments/{second['payment_id']}", expect=200).json
    assert (shown["target_amount"], shown["total_fees"], shown["fee_ids"]) == (D("4.95"), 1000, [fee_id])
    assert moved(start, books(platform)) == {
        ("NGN", "customer", ""): (-11000, 0), ("NGN", "FX position", ""): (10000, 0),
        ("NGN", "fee income", ""): (1000, 0), ("GBP", "FX position", ""): (-5, 0),
        ("GBP", "settlement", "manual"): (D("4.95"), 0), ("GBP", "FX income", ""): (D("0.05"), 0)}


def test_which_rates_are_no_quote(server, house, sandbox, pcx_admin):
    account, payee = open_account(server, "NGN", "100000"), house.payee()

    def refused(rate_id, word="org_rate_id", **changes):
        answer = house.pay(account, payee, "1000", "NGN", "GBP", org_rate_id=rate_id, expect=400, **changes)
        assert word in str(answer)

    old = house.rate("NGN", "GBP", "0.0004")
    good = house.rate("NGN", "GBP", "0.0005")
    refused(old)  # replaced
    refused(house.rate("GBP", "NGN", "2000"))  # the other way
    refused(house.rate("NGN", "EUR", "0.0006"))  # another pair
    foreign = pcx_admin.post("/organizations/admin/add-rate", {
        "org_id": pcx_admin.org_id, "rate": D("0.5"), "from_currency": "NGN", "to_currency": "GBP"}, expect=201).data
    refused(foreign["org_rate_id"])
    refused("rate_0000000000001")
    refused("nonsense")
    assert house.pay(account, payee, "1000", "NGN", "GBP", org_rate_id=good)["target_amount"] == D("0.5")
    pcx_admin.put(f"/organizations/admin/rates/{good}/deactivate", expect=200)
    refused(good)  # deactivated between quote and payment
    refused(None, "rate")
    future = house.rate("NGN", "GBP", "0.0006", effective_from="2999-01-01T00:00:00Z")
    refused(future)
    refused(None, "rate")
    ends = datetime.fromisoformat(sandbox.clock()["now"].replace("Z", "+00:00")) + timedelta(days=1)
    soon = house.rate("NGN", "GBP", "0.0007", effective_to=ends.isoformat())
    assert house.pay(account, payee, "1000", "NGN", "GBP", org_rate_id=soon)["target_amount"] == D("0.7")
    sandbox.advance("P1D")
    refused(soon)  # expired
    refused(None, "rate")
    same = house.pay(account, payee, "1000", "NGN", "NGN")  # the same currency needs none
    assert same["target_amount"] == 1000


def test_another_provider_takes_over_until_one_is_told(server, house, platform, sandbox):
    account, payee = open_account(server, "USD", "100"), house.payee("US", "USD", account_number="1", routing_number="2")
    start = books(platform)
    payment = house.pay(account, payee, "30", "USD")
    path = f"/payments/{payment['payment_id']}"
    house.admin.patch(path, {"provider": "paystack"}, expect=400)
    assert moved(start, books(platform)) == {("USD", "customer", ""): (0, -30), ("USD", "settlement", "manual"): (0, 30)}
    sandbox.script("bridge", "payout", "pending")
    changed = house.admin.patch(path, {"provider": "fiat", "payment_path_method": "direct"}, expect=200).json
    assert changed["provider"] == "fiat" and changed["payout_initiated"] is True
    assert moved(start, books(platform)) == {("USD", "customer", ""): (0, -30), ("USD", "settlement", "bridge"): (0, 30)}
    wait_until(lambda: house.owner.get(path).json["status"] == "processing", what="processing")
    house.admin.patch(path, {"provider": "manual"}, expect=409)
    house.admin.patch(path + "/webhook", {"status": "completed"}, expect=200)
    assert moved(start, books(platform)) == {("USD", "customer", ""): (-30, 0), ("USD", "settlement", "bridge"): (30, 0)}
    house.admin.patch(path, {"provider": "manual"}, expect=409)
    external = house.pay(account, payee, "30", "USD", direction="external")
    assert house.admin.patch(f"/payments/{external['payment_id']}", {"provider": "paystack"},
                             expect=200).json["provider"] == "paystack"


def test_the_list_of_movements_explains_the_balance(server, house, sandbox, fees):
    account, payee = open_account(server, "EUR", "100"), house.payee("DE", "EUR", iban="DE89370400440532013000")
    hook = sandbox.hook()
    house.owner.post("/public/webhooks", {"endpoint_url": hook.url}, expect=201)
    fees("EUR", "1", "fixed_amount")
    fees("EUR", "0.5", "fixed_amount", kind="deposit")

    def shows(*expected):
        rows = house.owner.get(f"/virtual-accounts/{account}/transactions", {"limit": 100}, expect=200).data
        lines = [(row["reference"], row["type"], row["status"], row["amount"], row["fee"]) for row in rows]
        assert lines[:-1] == list(expected), lines
        assert all(row["payment_rail"] == "bank_transfer" for row in rows[:-1])
        settled = sum(row["amount"] - row["fee"] if row["type"] == "credit" else -row["amount"] - row["fee"]
                      for row in rows if row["status"] == "completed")
        waiting = sum(row["amount"] + row["fee"] for row in rows if row["status"] in ("pending", "approved", "processing"))
        assert balances(server, account) == (settled - waiting, settled)

    one, two = house.pay(account, payee, "10", "EUR"), house.pay(account, payee, "20", "EUR")
    names = [p["payment_id"] for p in (one, two)]
    for status, shown in (("initiated", "pending"), ("reviewed", "pending"), ("confirmed", "approved"),
                          ("processing", "processing"), ("pending", "processing"), ("completed", "completed")):
        house.move(one, status)
        shows((names[1], "debit", "pending", 20, 1), (names[0], "debit", shown, 10, 1))
    house.move(two, "canceled")
    shows((names[1], "debit", "rejected", 20, 1), (names[0], "debit", "completed", 10, 1))
    house.move(one, "refunded")
    given_back = [(names[0], "credit", "completed", 11, 0), (names[1], "debit", "rejected", 20, 1),
                  (names[0], "debit", "completed", 10, 1)]
    shows(*given_back)
    comes = house.pay(account, payee, "5", "EUR", direction="inbound")
    shows(*given_back)  # nothing has moved yet
    house.move(comes, "completed")
    credit = (comes["payment_id"], "credit", "completed", 5, D("0.5"))
    shows(credit, *given_back)
    house.move(comes, "refunded")
    shows((comes["payment_id"], "debit", "completed", D("4.5"), 0), credit, *given_back)

    def told():
        events = [loads(d["body"]) for d in hook.deliveries()]
        return [(e["event_type"], e["data"]["amount"]) for e in events if e["data"].get("account_id") == account]

    wait_until(lambda: sorted(told()) == [
        ("virtual_account.credited", 5), ("virtual_account.credited", 11),
        ("virtual_account.debited", D("4.5")), ("virtual_account.debited", 10)], what="the account's events")


def test_a_repeated_request_pays_again_unless_its_key_says_otherwise(server, house):
    account, payee = open_account(server, "GBP", "100"), house.payee()
    body = {"amount": 10, "currency": "GBP", "beneficiary_id": payee, "payment_method": "bank_transfer",
            "direction": "outbound", "source_account_id": account, "provider": "manual"}
    ids = {house.owner.post("/payments", body, expect=201).json["payment_id"] for _ in range(2)}
    assert len(ids) == 2 and balances(server, account) == (80, 100)
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = house.owner.post("/payments", body, headers=key, expect=201)
    again = house.owner.post("/payments", body, headers=key, expect=201)
    assert again.text == first.text and balances(server, account) == (70, 100)
    house.owner.post("/payments", {**body, "amount": 11}, headers=key, expect=409)


def test_as_many_at_once_as_the_balance_covers(server, house, platform, fees):
    fees("GBP", "0.5", "fixed_amount")
    account, payee = open_account(server, "GBP", "50"), house.payee()
    body = {"amount": 10, "currency": "GBP", "beneficiary_id": payee, "payment_method": "bank_transfer",
            "direction": "outbound", "source_account_id": account, "provider": "manual"}
    with ThreadPoolExecutor(12) as pool:
        callers = [Pcx(server, "org_admin") for _ in range(12)]
        replies = list(pool.map(lambda caller: caller.post("/payments", body, expect=(201, 400)), callers))
        made = [reply.json for reply in replies if reply.status == 201]
        assert len(made) == 4 and balances(server, account) == (8, 50)
        # The end is reached once, whoever says it how often.
        admins = [Pcx(server, "internal_admin") for _ in range(12)]
        start = books(platform)
        list(pool.map(lambda pair: pair[0].patch(
            f"/payments/{made[0]['payment_id']}", {"status": pair[1]}, expect=(200, 409)),
            [(admin, ("completed", "canceled")[n % 2]) for n, admin in enumerate(admins)]))
    ended = house.owner.get(f"/payments/{made[0]['payment_id']}", expect=200).json["status"]
    assert balances(server, account) == ((8, D("39.5")) if ended == "completed" else (D("18.5"), 50))
    assert moved(start, books(platform))["GBP", "customer", ""] == ((D("-10.5"), D("10.5")) if ended == "completed" else (0, D("10.5")))
