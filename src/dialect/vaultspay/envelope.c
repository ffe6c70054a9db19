/*
 * VaultsPay's encryption, as DECISIONS 15 and docs/identity.md read it: the body under
 * AES-256-GCM, the AES key under our RSA key in x-auth-signature (nothing is signed there, despite
 * the name), the nonce in x-session-nonce. The reply is under the same key with a nonce of its own.
 *
 * Whatever is wrong with an envelope ends in one and the same refusal, so that nobody can probe
 * padding.
 */
#include "base/config.h"
#include "base/crypto.h"
#include "base/digest.h"
#include "core/app.h"
#include "core/identity/keys.h"
#include "core/identity/replay.h"
#include "dialect/vaultspay/vaultspay.h"

/* c->dialect_state of an encrypted call. */
struct envelope {
    uint8_t key[AES_KEY_SIZE];
    struct str nonce;
};

static bool plain_allowed(const struct call *c)
{
    return c->app->sandbox || c->app->config->sandbox || c->app->config->vaultspay_plain;
}

/* 32 bytes, or the Base64 text of 32 bytes. */
static bool read_aes_key(struct call *c, struct str unwrapped, uint8_t ret_key[AES_KEY_SIZE])
{
    struct str bytes = unwrapped;
    if (unwrapped.len != AES_KEY_SIZE &&
        (unwrapped.len != 44 || !base64_parse(c->arena, unwrapped, &bytes)))
        return false;
    if (bytes.len != AES_KEY_SIZE)
        return false;
    memcpy(ret_key, bytes.ptr, AES_KEY_SIZE);
    return true;
}

static bool unwrap_with(struct call *c, const struct key_pair *pair, struct str wrapped,
                        uint8_t ret_key[AES_KEY_SIZE])
{
    static const enum rsa_padding paddings[] = {RSA_OAEP_SHA256, RSA_OAEP_SHA256_MGF1_SHA1,
                                                RSA_PKCS1};
    size_t count = str_is(c->app->config->vaultspay_padding, "oaep,pkcs1") ? 3 : 2;
    struct str unwrapped;
    for (size_t i = 0; i < count; i++)
        if (rsa_decrypt(c->arena, pair->rsa, paddings[i], wrapped, &unwrapped))
            return read_aes_key(c, unwrapped, ret_key);
    return false;
}

static bool unwrap_key(struct call *c, struct str wrapped, uint8_t ret_key[AES_KEY_SIZE])
{
    const struct key_pair *pair;
    if (keys_current(c->app, KEY_ENVELOPE, 0, &pair))
        return false;
    if (unwrap_with(c, pair, wrapped, ret_key))
        return true;
    pair = keys_previous(c->app, KEY_ENVELOPE, 0);
    return pair && unwrap_with(c, pair, wrapped, ret_key);
}

/* {"encryptedData": "..."}, a JSON string, or the bare Base64 text. */
static bool read_ciphertext(struct call *c, struct str body, struct str *ret_bytes)
{
    struct str text = str_trim(body);
    const struct json *json = NULL;
    if (text.len && (text.ptr[0] == '{' || text.ptr[0] == '"')) {
        if (json_parse(c->arena, text, &json))
            return false;
        const char *member = arena_cstr(c->arena, c->app->config->vaultspay_body_key);
        text = json_string(text.ptr[0] == '{' ? json_get(json, member) : json);
    }
    return base64_parse(c->arena, text, ret_bytes);
}

static bool seen_before(struct call *c, struct str nonce, struct str wrapped)
{
    uint8_t digest[SHA256_SIZE];
    struct buf both = buf_new(c->arena, nonce.len + wrapped.len);
    buf_add_str(&both, nonce);
    buf_add_str(&both, wrapped);
    digest_sha256(buf_str(&both), digest);
    return !replay_first_time(replay_of(c->app), digest, c->now);
}

static bool open_body(struct call *c, struct envelope *envelope)
{
    struct str sealed, clear;
    struct str wrapped;
    if (!base64_parse(c->arena, call_header(c, "x-session-nonce"), &envelope->nonce) ||
        envelope->nonce.len != (size_t)c->app->config->vaultspay_nonce_length ||
        !base64_parse(c->arena, call_header(c, "x-auth-signature"), &wrapped) ||
        !unwrap_key(c, wrapped, envelope->key))
        return false;
    if (!str_empty(c->raw_body)) {
        if (!read_ciphertext(c, c->raw_body, &sealed) ||
            !aes_gcm_open(c->arena, envelope->key, envelope->nonce, STR_NONE, sealed, &clear))
            return false;
        c->raw_body = clear;
    }
    return !seen_before(c, envelope->nonce, wrapped);
}

int vaultspay_open_envelope(struct call *c)
{
    if (!c->route || (c->route->flags & ROUTE_NOT_ENCRYPTED))
        return OK;
    if (str_is(call_header(c, "x-enable-encryption"), "false"))
        return plain_allowed(c) ? OK : call_refuse(c, ERR_INVALID_HEADERS, NULL);
    struct envelope *envelope = ARENA_NEW(c->arena, struct envelope);
    if (!open_body(c, envelope))
        return call_refuse(c, ERR_INVALID_HEADERS, NULL);
    c->dialect_state = envelope;
    return OK;
}

int vaultspay_render_reply(struct call *c, int status, struct str *body)
{
    (void)status;
    const struct envelope *envelope = c->dialect_state;
    if (!envelope)
        return OK;
    struct str nonce = envelope->nonce;
    if (!str_is(c->app->config->vaultspay_response_nonce, "request")) {
        char *fresh = arena_alloc(c->arena, nonce.len + 1);
        random_bytes(fresh, nonce.len);
        nonce.ptr = fresh;
    }
    struct str sealed =
        base64_print(c->arena, aes_gcm_seal(c->arena, envelope->key, nonce, STR_NONE, *body));
    struct buf out = buf_new(c->arena, sealed.len + 32);
    buf_add_char(&out, '{');
    json_add_string(&out, c->app->config->vaultspay_body_key);
    buf_add_char(&out, ':');
    json_add_string(&out, sealed);
    buf_add_char(&out, '}');
    *body = buf_str(&out);
    call_reply_header(c, "x-session-nonce", base64_print(c->arena, nonce));
    return OK;
}
