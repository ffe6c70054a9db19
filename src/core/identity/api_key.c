/* API keys. Invariant: the table never holds what would open a door, only its SHA-256. */
#include "core/identity/api_key.h"

#include "base/digest.h"
#include "core/app.h"
#include "core/identity/credentials.h"
#include "core/life_cycle.h"
#include "store/sql.h"

#define ROW_SELF struct api_key
ROW_TYPE(api_key, API_KEY_ROW);
#undef ROW_SELF

#define PREFIX_LENGTH 8
#define SECRET_LENGTH 32

/* Letters and digits, each equally likely. */
static void random_letters(char *out, size_t count, const char *alphabet, unsigned alphabet_size)
{
    unsigned limit = 256 - 256 % alphabet_size;
    for (size_t i = 0; i < count;) {
        uint8_t bytes[64];
        random_bytes(bytes, sizeof(bytes));
        for (size_t j = 0; j < sizeof(bytes) && i < count; j++)
            if (bytes[j] < limit)
                out[i++] = alphabet[bytes[j] % alphabet_size];
    }
}

struct str api_key_prefix(struct str key)
{
    if (key.len != 4 + PREFIX_LENGTH + 1 + SECRET_LENGTH || memcmp(key.ptr, "pcx_", 4) != 0 ||
        key.ptr[4 + PREFIX_LENGTH] != '_')
        return STR_NONE;
    return (struct str){key.ptr, 4 + PREFIX_LENGTH};
}

int api_key_create(struct call *c, struct api_key *key, struct str *ret_key)
{
    static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char mixed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char *text = arena_alloc(c->arena, 4 + PREFIX_LENGTH + 1 + SECRET_LENGTH + 1);
    memcpy(text, "pcx_", 4);
    random_letters(text + 4, PREFIX_LENGTH, lower, sizeof(lower) - 1);
    text[4 + PREFIX_LENGTH] = '_';
    random_letters(text + 4 + PREFIX_LENGTH + 1, SECRET_LENGTH, mixed, sizeof(mixed) - 1);
    *ret_key = str_from(text);
    uint8_t *digest = arena_alloc(c->arena, SHA256_SIZE);
    digest_sha256(*ret_key, digest);
    key->id = id_new();
    key->tenant_id = c->principal.tenant_id;
    key->prefix = api_key_prefix(*ret_key);
    key->key_hash = (struct str){(char *)digest, SHA256_SIZE};
    key->status = str_or(key->status, STR("active"));
    key->created_at = key->updated_at = c->now;
    return sql_insert(c->sql, "api_key", &api_key_row, key);
}

int api_key_get(struct call *c, id_t64 key_id, const char *field, struct api_key *ret_key)
{
    int error = sql_one(c->sql, c->arena, &api_key_row, ret_key,
                        "SELECT * FROM api_key WHERE tenant_id = ? AND id = ?",
                        sql_int(c->principal.tenant_id), sql_int(key_id));
    return error == ERR_NOT_FOUND ? call_refuse(c, error, field) : error;
}

int api_key_find(struct call *c, struct str prefix, const char *field, struct api_key *ret_key)
{
    int error = sql_one(c->sql, c->arena, &api_key_row, ret_key,
                        "SELECT * FROM api_key WHERE tenant_id = ? AND prefix = ?",
                        sql_int(c->principal.tenant_id), sql_text(prefix));
    return error == ERR_NOT_FOUND ? call_refuse(c, error, field) : error;
}

int api_key_step(struct call *c, struct api_key *key, const char *event, const char *field)
{
    TRY(life_cycle_step(c, &api_key_life_cycle, key->status, event, field, &key->status));
    key->updated_at = c->now;
    credentials_forget(c->app->credentials, key->id);
    return sql_update(c->sql, "api_key", &api_key_row, key);
}

int api_key_delete(struct call *c, const struct api_key *key)
{
    credentials_forget(c->app->credentials, key->id);
    return sql_run(c->sql, "DELETE FROM api_key WHERE tenant_id = ? AND id = ?",
                   sql_int(key->tenant_id), sql_int(key->id));
}

int api_key_list(struct call *c, id_t64 organisation_id, const struct page *page,
                 struct api_key **ret_keys, size_t *ret_count, int64_t *ret_total)
{
    TRY(sql_integer(c->sql, ret_total,
                    "SELECT COUNT(*) FROM api_key WHERE tenant_id = ? AND organisation_id = ?",
                    sql_int(c->principal.tenant_id), sql_int(organisation_id)));
    return sql_all(c->sql, c->arena, &api_key_row, ret_keys, ret_count,
                   "SELECT * FROM api_key WHERE tenant_id = ? AND organisation_id = ? AND id < ?"
                   " ORDER BY id DESC LIMIT ?",
                   sql_int(c->principal.tenant_id), sql_int(organisation_id), sql_int(page->before),
                   sql_int(page->limit + 1));
}
