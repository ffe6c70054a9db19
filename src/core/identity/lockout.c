/* Lock-out: counters of an account are in its record, those of an address and of nobody in memory. */
#include "core/identity/lockout.h"

#include "base/digest.h"
#include "base/log.h"
#include "core/app.h"
#include "core/identity/credentials.h"
#include "core/identity/password.h"
#include "core/work.h"
#include "store/sql.h"

/* A sandbox is one address with many clients. */
static unsigned address_limit(const struct call *c)
{
    return c->app->sandbox ? LOCKOUT_ADDRESS_FAILURES * 1000 : LOCKOUT_ADDRESS_FAILURES;
}

int lockout_check_address(struct call *c)
{
    unsigned count = credentials_count_failure(c->app->credentials, c->client_address, c->now,
                                               LOCKOUT_ADDRESS_WINDOW, false);
    return count >= address_limit(c) ? ERR_LOCKED_OUT : OK;
}

void lockout_count_address(struct call *c)
{
    unsigned count = credentials_count_failure(c->app->credentials, c->client_address, c->now,
                                               LOCKOUT_ADDRESS_WINDOW, true);
    if (count == address_limit(c))
        log_warn("address locked out", LOG_STR("address", c->client_address));
}

static int count_failure(struct call *c, void *argument)
{
    id_t64 user_id = *(const id_t64 *)argument;
    struct user user;
    TRY(sql_one(c->sql, c->arena, &user_row, &user,
                "SELECT * FROM user_account WHERE tenant_id = ? AND id = ?" SQL_FOR_UPDATE,
                sql_int(c->principal.tenant_id), sql_int(user_id)));
    bool was_locked = user.locked_until && user.locked_until <= c->now;
    int64_t failures = was_locked ? 1 : user.failed_logins + 1;
    usec_t locked_until = failures >= LOCKOUT_FAILURES ? c->now + LOCKOUT_PERIOD : 0;
    if (locked_until)
        log_warn("account locked out", LOG_INT("user", user_id));
    return sql_run(c->sql,
                   "UPDATE user_account SET failed_logins = ?, locked_until = ?"
                   " WHERE tenant_id = ? AND id = ?",
                   sql_int(failures), sql_int(locked_until), sql_int(c->principal.tenant_id),
                   sql_int(user_id));
}

static uint64_t key_of_nobody(struct call *c, id_t64 nobody)
{
    uint8_t key[32], digest[SHA256_SIZE];
    uint64_t out;
    store_derive_key(c->app->store, "lock-out of nobody", key);
    digest_hmac_sha256(
        (struct str){(char *)key, sizeof(key)},
        arena_printf(c->arena, "%lld:%lld", (long long)c->principal.tenant_id, (long long)nobody),
        digest);
    memcpy(&out, digest, sizeof(out));
    return out;
}

/* Who is locked out learns nothing about the proof. */
static int check_locks(struct call *c, const struct user *user, id_t64 nobody)
{
    TRY(lockout_check_address(c));
    bool locked =
        user     ? user->locked_until > c->now
        : nobody ? credentials_nobody_locked(c->app->credentials, key_of_nobody(c, nobody), c->now)
                 : false;
    return locked ? ERR_LOCKED_OUT : OK;
}

static int settle(struct call *c, const struct user *user, id_t64 nobody, bool right)
{
    if (right)
        return OK;
    lockout_count_address(c);
    if (user) {
        id_t64 user_id = user->id;
        TRY(writer_run(c, count_failure, &user_id));
    } else if (nobody) {
        credentials_count_nobody(c->app->credentials, key_of_nobody(c, nobody), c->now,
                                 LOCKOUT_FAILURES, LOCKOUT_PERIOD);
    }
    return ERR_WRONG_CREDENTIALS;
}

int lockout_check_password(struct call *c, const struct user *user, id_t64 nobody,
                           struct str password)
{
    TRY(check_locks(c, user, nobody));
    return settle(c, user, nobody,
                  password_verify(user ? user->password_hash : STR_NONE, password));
}

int lockout_check_proof(struct call *c, const struct user *user, id_t64 nobody, bool right)
{
    TRY(check_locks(c, user, nobody));
    return settle(c, user, nobody, right);
}

int lockout_clear(struct call *c, const struct user *user)
{
    if (!user->failed_logins && !user->locked_until)
        return OK;
    return sql_run(c->sql,
                   "UPDATE user_account SET failed_logins = 0, locked_until = 0"
                   " WHERE tenant_id = ? AND id = ?",
                   sql_int(user->tenant_id), sql_int(user->id));
}
