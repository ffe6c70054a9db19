/* Decimals, money, time and ids: the ground everything stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/id.h"
#include "base/money.h"

static struct decimal parsed(const char *text)
{
    struct decimal value = {0};
    assert_true(decimal_parse(str_from(text), &value));
    return value;
}

static void test_decimal_round_trips(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"0", "0"},
        {"-0", "0"},
        {"1000.00", "1000"},
        {"0.015", "0.015"},
        {"-2.50", "-2.5"},
        {"100", "100"},
        {"999999999999999999", "999999999999999999"},
        {"0.000000000000000001", "0.000000000000000001"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_true(str_is(decimal_print(arena, parsed(rows[i].in), 0), rows[i].out));
    assert_true(str_is(decimal_print(arena, parsed("10000"), 8), "10000.00000000"));
}

static void test_decimal_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      ".5",
                                      "1.",
                                      "01",
                                      "1e3",
                                      "1E3",
                                      "NaN",
                                      "Infinity",
                                      "0x10",
                                      " 1",
                                      "1 ",
                                      "1,5",
                                      "1000000000000000000",
                                      "0.1234567890123456789"};
    struct decimal value;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(decimal_parse(str_from(bad[i]), &value));
}

static void test_rounding(void **state)
{
    (void)state;
    assert_int_equal((int)divide_rounded(5, 2, ROUND_HALF_EVEN), 2);
    assert_int_equal((int)divide_rounded(7, 2, ROUND_HALF_EVEN), 4);
    assert_int_equal((int)divide_rounded(5, 2, ROUND_HALF_UP), 3);
    assert_int_equal((int)divide_rounded(-5, 2, ROUND_HALF_UP), -3);
    assert_int_equal((int)divide_rounded(-5, 2, ROUND_DOWN), -2);
    assert_int_equal((int)divide_rounded(1, 3, ROUND_UP), 1);
}

static void test_money(void **state)
{
    (void)state;
    const struct asset *gbp = asset_find(STR("GBP")), *jpy = asset_find(STR("JPY")),
                       *usdc = asset_find(STR("USDC"));
    money_t money;
    assert_int_equal(money_from_decimal(parsed("12.34"), gbp, &money), OK);
    assert_int_equal(money, 1234);
    assert_int_equal(money_from_decimal(parsed("12.345"), gbp, &money), ERR_AMOUNT_PRECISION);
    assert_int_equal(money_from_decimal(parsed("12.5"), jpy, &money), ERR_AMOUNT_PRECISION);
    assert_int_equal(money_from_decimal(parsed("90071992547409.91"), gbp, &money), OK);
    assert_int_equal(money_from_decimal(parsed("90071992547409.92"), gbp, &money),
                     ERR_AMOUNT_OVERFLOW);
    assert_int_equal(money_multiply(100000, parsed("0.015"), ROUND_HALF_UP, &money), OK);
    assert_int_equal(money, 1500);
    assert_int_equal(money_convert(100000000, gbp, parsed("1.27"), usdc, ROUND_HALF_EVEN, &money),
                     OK);
    assert_int_equal(money, 1270000000000);
    /* 10^9 NGN * 0.000000251234567 * 0.985 = 247.466048495 ETH */
    assert_int_equal(money_convert_share(100000000000, asset_find(STR("NGN")),
                                         parsed("0.000000251234567"), asset_find(STR("ETH")),
                                         parsed("0.985"), &money),
                     OK);
    assert_int_equal(money, 24746604849);
    /* Both factors with all the digits they can have. */
    assert_int_equal(money_convert_share(MONEY_MAX, gbp, parsed("0.999999999999999999"), gbp,
                                         parsed("0.999999999999999999"), &money),
                     OK);
    assert_int_equal(money, MONEY_MAX - 1);
    assert_int_equal(money_convert_share(100, gbp, parsed("2"), gbp, parsed("1"), &money), OK);
    assert_int_equal(money, 200);
    assert_int_equal(money_convert_share(MONEY_MAX, gbp, parsed("2"), gbp, parsed("0.9"), &money),
                     ERR_AMOUNT_OVERFLOW);
    assert_int_equal(asset_by_id(978)->scale, 2);
    assert_null(asset_find(STR("XXX")));
    assert_null(asset_find(STR("")));
    assert_null(asset_find(STR_NONE));
    assert_null(asset_find(STR("GBPGBPGBP")));
    assert_null(asset_by_id(-1));
    assert_null(asset_by_id(1 << 20));
    for (size_t i = 0; i < asset_count(); i++) {
        assert_ptr_equal(asset_find(str_from(asset_at(i)->code)), asset_at(i));
        assert_ptr_equal(asset_by_id(asset_at(i)->id), asset_at(i));
    }
}

static void test_time(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    usec_t t;
    assert_true(time_parse(STR("2024-02-29T23:59:59.5+01:00"), &t));
    assert_true(str_is(time_print(arena, t, TIME_RFC3339), "2024-02-29T22:59:59.500Z"));
    assert_true(str_is(time_print(arena, t, TIME_OFFSET_MILLIS), "2024-02-29T22:59:59.500+00:00"));
    assert_false(time_parse(STR("2023-02-29"), &t));
    assert_false(time_parse(STR("2024-01-15T10:30"), &t));
    assert_true(duration_parse(STR("P1DT2H"), &t));
    assert_int_equal(t, 26 * USEC_PER_HOUR);
    assert_false(duration_parse(STR("P"), &t));
    assert_false(duration_parse(STR("P1M"), &t));
}

static void test_ids(void **state)
{
    (void)state;
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    id_t64 last = 0, read;
    for (int i = 0; i < 1000; i++) {
        id_t64 id = id_new();
        assert_true(id > last && id < (INT64_C(1) << 53));
        last = id;
    }
    struct str text = id_print(arena, ID_PAYMENT, last);
    assert_true(id_parse(ID_PAYMENT, text, &read) && read == last);
    assert_false(id_parse(ID_ACCOUNT, text, &read));
    assert_false(id_parse(ID_PAYMENT, STR("pay_0000000000000"), &read));
    struct str uuid = id_print_uuid(arena, ID_ACCOUNT, last);
    assert_true(id_parse_uuid(ID_ACCOUNT, uuid, &read) && read == last);
    assert_false(id_parse_uuid(ID_USER, uuid, &read));
}

static void test_utf8(void **state)
{
    (void)state;
    assert_true(str_valid_utf8(STR("na\xc3\xafve \xf0\x9f\x92\xb8")));
    assert_false(str_valid_utf8(STR("\xc0\xaf")));
    assert_false(str_valid_utf8(STR("\xed\xa0\x80")));
    assert_false(str_valid_utf8(STR("\xf4\x90\x80\x80")));
    assert_false(str_valid_utf8(STR("abc\xe2\x82")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimal_round_trips),
        cmocka_unit_test(test_decimal_refuses),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_money),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
