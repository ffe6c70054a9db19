/* Verification codes. Invariant: what the table holds does not help to guess a code without the
 * master key. */
#include "core/identity/verification.h"

#include "base/digest.h"
#include "core/app.h"
#include "core/work.h"
#include "store/row.h"
#include "store/sql.h"

#define VERIFICATION_CODE_ROW(F) \
    F(INTEGER, id)               \
    F(INTEGER, tenant_id)        \
    F(TEXT, purpose)             \
    F(TEXT, subject)             \
    F(BYTES, code_mac)           \
    F(INTEGER, attempts)         \
    F(INTEGER, sent)             \
    F(INTEGER, first_sent_at)    \
    F(INTEGER, expires_at)       \
    F(INTEGER, created_at)
ROW_STRUCT(verification_code, VERIFICATION_CODE_ROW);
#define ROW_SELF struct verification_code
ROW_TYPE(verification_code, VERIFICATION_CODE_ROW);
#undef ROW_SELF

/* Bound to purpose, subject and the row, so that it proves nothing elsewhere. */
static struct str code_mac(struct call *c, const struct verification_code *row, struct str code)
{
    uint8_t key[32];
    store_derive_key(c->app->store, "verification code", key);
    struct str message = arena_printf(c->arena, "%lld:%.*s:%.*s:%.*s", (long long)row->id,
                                      STR_FMT(row->purpose), STR_FMT(row->subject), STR_FMT(code));
    uint8_t *mac = arena_alloc(c->arena, SHA256_SIZE);
    digest_hmac_sha256((struct str){(char *)key, sizeof(key)}, message, mac);
    return (struct str){(char *)mac, SHA256_SIZE};
}

/* 000000..999999, each as likely. */
static unsigned random_code(void)
{
    uint32_t number;
    do
        random_bytes(&number, sizeof(number));
    while (number >= UINT32_MAX - UINT32_MAX % 1000000);
    return number % 1000000;
}

static int remove_code(struct call *c, const char *purpose, struct str subject)
{
    return sql_run(c->sql,
                   "DELETE FROM verification_code WHERE tenant_id = ? AND purpose = ?"
                   " AND subject = ?",
                   sql_int(c->principal.tenant_id), sql_text(str_from(purpose)), sql_text(subject));
}

static int find_code(struct call *c, const char *purpose, struct str subject,
                     struct verification_code *ret_row)
{
    return sql_one(c->sql, c->arena, &verification_code_row, ret_row,
                   "SELECT * FROM verification_code WHERE tenant_id = ? AND purpose = ?"
                   " AND subject = ?" SQL_FOR_UPDATE,
                   sql_int(c->principal.tenant_id), sql_text(str_from(purpose)), sql_text(subject));
}

int verification_create(struct call *c, const char *purpose, struct str subject, usec_t lifetime,
                        struct str *ret_code)
{
    struct verification_code before;
    int error = find_code(c, purpose, subject, &before);
    if (error && error != ERR_NOT_FOUND)
        return error;
    bool counts = !error && c->now - before.first_sent_at < VERIFICATION_WINDOW;
    if (counts && before.sent >= VERIFICATION_CODES)
        return ERR_RATE_LIMITED;
    TRY(remove_code(c, purpose, subject));
    struct verification_code row = {
        .id = id_new(),
        .tenant_id = c->principal.tenant_id,
        .purpose = str_from(purpose),
        .subject = subject,
        .sent = counts ? before.sent + 1 : 1,
        .first_sent_at = counts ? before.first_sent_at : c->now,
        .expires_at = c->now + lifetime,
        .created_at = c->now,
    };
    *ret_code = arena_printf(c->arena, "%06u", random_code());
    row.code_mac = code_mac(c, &row, *ret_code);
    return sql_insert(c->sql, "verification_code", &verification_code_row, &row);
}

/*
 * Whoever does not have the code is told only that it is wrong: not whether one was sent, is too old or
 * was tried too often, because that tells who there is.
 */
static int judge(struct call *c, const struct verification_code *row, struct str code)
{
    bool dead = row->expires_at <= c->now || row->attempts >= VERIFICATION_ATTEMPTS;
    if (!str_eq_secret(row->code_mac, code_mac(c, row, code)))
        return ERR_CODE_MISMATCH;
    return dead ? ERR_CODE_EXPIRED : OK;
}

struct check {
    const char *purpose;
    struct str subject;
    struct str code;
    int result;
};

/* The result travels beside the return value, so that a wrong try stays counted. */
static int check_code(struct call *c, void *argument)
{
    struct check *check = argument;
    struct verification_code row;
    int error = find_code(c, check->purpose, check->subject, &row);
    check->result = error == ERR_NOT_FOUND ? ERR_CODE_MISMATCH
                    : error                ? error
                                           : judge(c, &row, check->code);
    if (error || check->result != ERR_CODE_MISMATCH)
        return error == ERR_NOT_FOUND ? OK : error;
    return sql_run(c->sql,
                   "UPDATE verification_code SET attempts = attempts + 1 WHERE tenant_id = ?"
                   " AND id = ?",
                   sql_int(row.tenant_id), sql_int(row.id));
}

int verification_check(struct call *c, const char *purpose, struct str subject, struct str code)
{
    struct check check = {.purpose = purpose, .subject = subject, .code = code};
    TRY(writer_run(c, check_code, &check));
    return check.result;
}

int verification_consume(struct call *c, const char *purpose, struct str subject, struct str code)
{
    struct verification_code row;
    int error = find_code(c, purpose, subject, &row);
    if (error)
        return error == ERR_NOT_FOUND ? ERR_CODE_MISMATCH : error;
    TRY(judge(c, &row, code));
    return remove_code(c, purpose, subject);
}
