/*
 * Fields that FinCode clients send encrypted (passwords, PINs): Base64 of RSA-OAEP under the
 * tenant's key. SHA-256 is the label's hash; for MGF1 both SHA-256 and SHA-1 are taken, because the
 * documented Java cipher name means SHA-1 there unless told better.
 */
#include "base/digest.h"
#include "core/app.h"
#include "core/identity/keys.h"
#include "dialect/fincode/fincode.h"

static bool decrypt_with(struct call *c, const struct key_pair *pair, struct str cipher,
                         struct str *ret_clear)
{
    return rsa_decrypt(c->arena, pair->rsa, RSA_OAEP_SHA256, cipher, ret_clear) ||
           rsa_decrypt(c->arena, pair->rsa, RSA_OAEP_SHA256_MGF1_SHA1, cipher, ret_clear);
}

/* Replacing a tenant's key makes the one before invalid at once, as documented: keys_previous is
 * not asked. */
int fincode_open_field(struct call *c, bool encrypted, struct str value, const char *field,
                       struct str *ret_clear)
{
    const struct key_pair *pair;
    struct str cipher;
    *ret_clear = value;
    if (!encrypted || !str_present(value))
        return OK;
    TRY(keys_current(c->app, KEY_FIELDS, c->principal.tenant_id, &pair));
    if (!base64_parse(c->arena, value, &cipher) || !decrypt_with(c, pair, cipher, ret_clear) ||
        !str_valid_utf8(*ret_clear))
        return call_refuse_text(c, ERR_INVALID, field, "cannot be decrypted");
    return OK;
}
