/* Argon2id. The cost is OWASP's recommendation (19 MiB, 2 passes) unless set otherwise. */
#include "core/identity/password.h"

#include <assert.h>
#include <ctype.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <sodium.h>

#include "core/identity/srp.h"

static uint64_t cost_passes = 2;
static size_t cost_memory = 19u << 20;

void password_set_cost(uint64_t passes, size_t memory_bytes)
{
    cost_passes = passes;
    cost_memory = memory_bytes;
}

struct str password_hash(struct arena *arena, struct str password)
{
    int ready = sodium_init();
    assert(ready >= 0);
    char out[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str_alg(out, password.ptr, password.len, cost_passes, cost_memory,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        abort(); /* out of memory */
    return arena_copy(arena, str_from(out));
}

void password_set(struct call *c, struct user *user, struct str password)
{
    struct str pool = id_print(c->arena, ID_TENANT, c->principal.tenant_id);
    str_cut(&pool, '_');
    user->password_hash = password_hash(c->arena, password);
    user->srp_verifier =
        srp_make_verifier(c->arena, pool, id_print_uuid(c->arena, ID_USER, user->id), password);
}

/* The hash of something nobody types, at the current cost. */
static const char *dummy_hash(void)
{
    static _Atomic(char *) made;
    char *hash = atomic_load(&made);
    if (hash)
        return hash;
    hash = malloc(crypto_pwhash_STRBYTES);
    uint8_t secret[16];
    int ready = sodium_init();
    assert(hash && ready >= 0);
    randombytes_buf(secret, sizeof(secret));
    if (crypto_pwhash_str_alg(hash, (const char *)secret, sizeof(secret), cost_passes, cost_memory,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        abort();
    char *first = NULL;
    if (!atomic_compare_exchange_strong(&made, &first, hash)) {
        free(hash);
        hash = first;
    }
    return hash;
}

bool password_verify(struct str hash, struct str password)
{
    char text[crypto_pwhash_STRBYTES] = {0};
    bool known = hash.len > 0 && hash.len < sizeof(text);
    if (known)
        memcpy(text, hash.ptr, hash.len);
    const char *against = known ? text : dummy_hash();
    return crypto_pwhash_str_verify(against, password.ptr, password.len) == 0 && known;
}

int password_check_policy(struct call *c, struct str password, const char *field)
{
    bool upper = false, lower = false, digit = false, other = false;
    size_t characters = 0;
    for (size_t i = 0; i < password.len; i++) {
        unsigned char letter = (unsigned char)password.ptr[i];
        characters += (letter & 0xc0) != 0x80;
        upper = upper || isupper(letter);
        lower = lower || islower(letter);
        digit = digit || isdigit(letter);
        other = other || !isalnum(letter);
    }
    if (characters < PASSWORD_MIN_LENGTH || characters > PASSWORD_MAX_LENGTH || !upper || !lower ||
        !digit || !other)
        return call_refuse_text(c, ERR_WEAK_PASSWORD, field,
                                "must have 8 to 128 characters with an upper-case and a lower-case "
                                "letter, a digit and a special character");
    return OK;
}
