/*
 * API keys: "pcx_<8 characters>_<32 characters>". The part before the second underscore is the
 * prefix that names the key; the whole is shown once and kept as a hash.
 */
#ifndef CORE_IDENTITY_API_KEY_H
#define CORE_IDENTITY_API_KEY_H

#include "core/call.h"
#include "store/row.h"

/* status: active | inactive | revoked. Only active keys open anything. */
#define API_KEY_ROW(F)          \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, organisation_id) \
    F(INTEGER, user_id)         \
    F(TEXT, name)               \
    F(TEXT, prefix)             \
    F(BYTES, key_hash)          \
    F(TEXT, status)             \
    F(INTEGER, created_at)      \
    F(INTEGER, updated_at)
ROW_STRUCT(api_key, API_KEY_ROW);

/* Makes the key for organisation, user, name and status (active when absent) of *key. *ret_key is
 * the secret. */
int api_key_create(struct call *c, struct api_key *key, struct str *ret_key);
int api_key_get(struct call *c, id_t64 key_id, const char *field, struct api_key *ret_key);
int api_key_find(struct call *c, struct str prefix, const char *field, struct api_key *ret_key);
/* By states/api_key.def, at once for all threads; ERR_WRONG_STATE for `field`. */
int api_key_step(struct call *c, struct api_key *key, const char *event, const char *field);
int api_key_delete(struct call *c, const struct api_key *key);
int api_key_list(struct call *c, id_t64 organisation_id, const struct page *page,
                 struct api_key **ret_keys, size_t *ret_count, int64_t *ret_total);

/* "pcx_abc12345" of a whole key; absent unless it has the form of one. */
struct str api_key_prefix(struct str key);

#endif
