/* Webhook signatures and schedules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/digest.h"
#include "core/outbox.h"
#include "core/webhook/style.h"

static struct arena *arena;

static const char *header(const struct header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(headers[i].name, name))
            return arena_cstr(arena, headers[i].value);
    return "";
}

/* The test vector of the PCX contract's companion. */
static void test_pcx(void **state)
{
    (void)state;
    struct str body =
        STR("{\"event_id\":\"evt_0001\",\"event_type\":\"payment.completed\",\"created_at\":"
            "\"2025-03-16T10:00:00Z\",\"data\":{\"payment_id\":\"pay_0001\",\"status\":"
            "\"completed\",\"amount\":1000.0,\"currency\":\"GBP\"}}");
    struct webhook_occurrence event = {.event_id = 1};
    struct header headers[WEBHOOK_MAX_HEADERS];
    const struct webhook_style *style = webhook_style_find(STR("pcx"));
    assert_int_equal(body.len, 179);
    assert_int_equal(style->sign(arena, &event, STR("test_secret"), STR_NONE, 0, body, headers), 1);
    assert_string_equal(header(headers, 1, "X-PCX-Signature"),
                        "48e348dfb23ab4608d650d819d3c47e65fa1f51f5ce6a74963aeec50192bc088");
    assert_int_equal(style->sign(arena, &event, STR("new"), STR("test_secret"), 0, body, headers),
                     2);
    assert_string_equal(header(headers, 2, "X-PCX-Signature-Previous"),
                        "48e348dfb23ab4608d650d819d3c47e65fa1f51f5ce6a74963aeec50192bc088");
}

static void test_pcx_body(void **state)
{
    (void)state;
    struct webhook_occurrence event = {.event_id = 1,
                                       .event_type = STR("payment.completed"),
                                       .data = STR("{\"amount\":1000.0}"),
                                       .created_at = INT64_C(1742119200) * USEC_PER_SEC};
    struct str body;
    assert_true(webhook_style_find(STR("pcx"))->render(arena, &event, &body));
    struct str expected =
        arena_printf(arena,
                     "{\"event_id\":\"%.*s\",\"event_type\":\"payment.completed\",\"created_at\":"
                     "\"2025-03-16T10:00:00.000Z\",\"data\":{\"amount\":1000.0}}",
                     STR_FMT(id_print(arena, ID_EVENT, 1)));
    assert_string_equal(body.ptr, expected.ptr);
}

static void test_vaultspay(void **state)
{
    (void)state;
    struct webhook_occurrence event = {.event_id = 7,
                                       .event_type = STR("TRANSACTION_PERFORMED"),
                                       .data = STR("{\"transactionId\":1}")};
    struct header headers[WEBHOOK_MAX_HEADERS];
    struct str body;
    const struct webhook_style *style = webhook_style_find(STR("vaultspay"));
    assert_true(style->render(arena, &event, &body));
    assert_string_equal(arena_cstr(arena, body), "{\"transactionId\":1}");
    size_t count = style->sign(arena, &event, STR("whsec_1"), STR_NONE,
                               INT64_C(1700000000) * USEC_PER_SEC, body, headers);
    struct str mac =
        digest_hmac_sha256_hex(arena, STR("whsec_1"), STR("1700000000.{\"transactionId\":1}"));
    struct str expected = arena_printf(arena, "t=1700000000,v1=%.*s", STR_FMT(mac));
    assert_string_equal(header(headers, count, "VaultsPay-Signature"), expected.ptr);
    assert_string_not_equal(header(headers, count, "VaultsPay-Event-Id"), "");
    event.event_type = STR("payment.completed");
    assert_false(style->render(arena, &event, &body));
    /* 0, 30 seconds, 5 minutes, the end. */
    assert_int_equal(style->next_attempt(1, 0, 0), 30 * USEC_PER_SEC);
    assert_int_equal(style->next_attempt(2, 0, 30 * USEC_PER_SEC),
                     30 * USEC_PER_SEC + 5 * USEC_PER_MINUTE);
    assert_int_equal(style->next_attempt(3, 0, 0), 0);
}

/* 1 minute doubling, at most 6 hours apart, the last when the day is over. */
static void test_schedule(void **state)
{
    (void)state;
    usec_t now = 1, longest = 0;
    unsigned attempts = 0;
    for (;;) {
        usec_t next = webhook_retry_for_a_day(++attempts, 1, now);
        if (!next)
            break;
        assert_true(next > now);
        assert_true(next - now >= longest || next == 1 + USEC_PER_DAY);
        assert_true(next <= 1 + USEC_PER_DAY);
        longest = next - now > longest ? next - now : longest;
        now = next;
    }
    assert_int_equal(now, 1 + USEC_PER_DAY);
    /* Late itself, it is not tried once more. */
    assert_int_equal(webhook_retry_for_a_day(3, 1, 2 + USEC_PER_DAY), 0);
    assert_int_equal(longest, 6 * USEC_PER_HOUR);
    assert_true(attempts > 10 && attempts < 20);
    assert_int_equal(webhook_retry_for_a_day(1, 1, 1), 1 + USEC_PER_MINUTE);
}

static void test_backoff(void **state)
{
    (void)state;
    assert_int_equal(outbox_backoff(1, USEC_PER_HOUR), USEC_PER_SEC);
    assert_int_equal(outbox_backoff(4, USEC_PER_HOUR), 8 * USEC_PER_SEC);
    assert_int_equal(outbox_backoff(60, USEC_PER_HOUR), USEC_PER_HOUR);
}

int main(void)
{
    arena = arena_new(16 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pcx),       cmocka_unit_test(test_pcx_body),
        cmocka_unit_test(test_vaultspay), cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_backoff),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
