/* JWTs: reading is strict about form; nothing of a token is trusted before token_verify. */
#include "core/identity/token.h"

#include "base/digest.h"
#include "base/time.h"

#define TOKEN_MAX 8192

static bool read_part(struct arena *arena, struct str part, const struct json **ret_json)
{
    struct str text;
    return base64url_parse(arena, part, &text) && json_parse(arena, text, ret_json) == 0;
}

bool token_read(struct arena *arena, struct str text, struct token *ret_token)
{
    if (text.len > TOKEN_MAX)
        return false;
    struct str rest = text;
    struct str header = str_cut(&rest, '.');
    struct str payload = str_cut(&rest, '.');
    struct str signature = rest;
    const struct json *header_json;
    if (str_empty(header) || str_empty(payload) || str_empty(signature) ||
        memchr(signature.ptr, '.', signature.len) || !read_part(arena, header, &header_json) ||
        !str_is(json_string(json_get(header_json, "alg")), "RS256") ||
        json_count(json_get(header_json, "crit")) > 0 ||
        !read_part(arena, payload, &ret_token->claims) ||
        !base64url_parse(arena, signature, &ret_token->signature))
        return false;
    ret_token->kid = json_string(json_get(header_json, "kid"));
    ret_token->signed_text = (struct str){text.ptr, header.len + 1 + payload.len};
    return true;
}

bool token_verify(const struct token *token, const struct rsa_key *key)
{
    return rsa_verify_sha256(key, token->signed_text, token->signature);
}

struct str token_sign(struct arena *arena, const struct rsa_key *key, struct str kid,
                      struct str claims)
{
    struct str header =
        arena_printf(arena, "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"%.*s\"}", STR_FMT(kid));
    struct str header_part = base64url_print(arena, header);
    struct str payload_part = base64url_print(arena, claims);
    struct str signed_text =
        arena_printf(arena, "%.*s.%.*s", STR_FMT(header_part), STR_FMT(payload_part));
    struct str signature = base64url_print(arena, rsa_sign_sha256(arena, key, signed_text));
    return arena_printf(arena, "%.*s.%.*s", STR_FMT(signed_text), STR_FMT(signature));
}

bool token_expiry(const struct token *token, int64_t *ret_expires_at)
{
    int64_t seconds;
    if (!json_integer(json_get(token->claims, "exp"), &seconds) || seconds < 0 ||
        seconds > INT64_MAX / USEC_PER_SEC)
        return false;
    *ret_expires_at = seconds * USEC_PER_SEC;
    return true;
}
