/* cambist key create: an API key for a user, shown once. cambist key rotate: a new RSA key pair. */
#include <stdio.h>

#include "base/json_build.h"
#include "cli/identity.h"
#include "core/identity/api_key.h"
#include "core/identity/keys.h"
#include "core/identity/organisation.h"
#include "core/identity/user.h"

int cli_key(int argc, char **argv);

enum { OPTION_EMAIL, OPTION_NAME, OPTION_PURPOSE, OPTION_TENANT, OPTION_COUNT };

/* In the user's organisation; somebody without one gets one, because a key acts for an
 * organisation. */
static int place(struct call *c, struct user *user)
{
    if (user->organisation_id)
        return OK;
    struct organisation organisation = {.name = user_full_name(c->arena, user)};
    if (str_empty(organisation.name))
        organisation.name = user->email;
    TRY(organisation_create(c, &organisation));
    user->organisation_id = organisation.id;
    struct membership membership = {
        .organisation_id = organisation.id, .user_id = user->id, .role = STR("admin")};
    TRY(membership_add(c, &membership, NULL));
    return user_update(c, user);
}

static int create(struct call *c, const struct cli_option *options, struct buf *out)
{
    struct user user;
    struct str secret;
    int error = user_find_by_email(c, options[OPTION_EMAIL].value, &user);
    if (error)
        return error == ERR_NOT_FOUND ? call_refuse(c, error, "email") : error;
    TRY(place(c, &user));
    struct api_key key = {.organisation_id = user.organisation_id,
                          .user_id = user.id,
                          .name = str_or(options[OPTION_NAME].value, STR("command line"))};
    TRY(api_key_create(c, &key, &secret));
    json_put(out, "api_key", secret);
    json_put(out, "api_key_id", call_id(c, ID_API_KEY, key.id));
    json_put(out, "org_id", call_id(c, ID_ORGANISATION, key.organisation_id));
    json_put(out, "user_id", call_id(c, ID_USER, key.user_id));
    return OK;
}

/* Tokens and the envelope are the installation's, encrypted fields each tenant's. */
static int rotate(struct call *c, const struct cli_option *options, struct buf *out)
{
    enum key_purpose purpose;
    struct str kid;
    if (!key_purpose_find(options[OPTION_PURPOSE].value, &purpose))
        return call_refuse_text(c, ERR_NOT_ALLOWED, "purpose", "must be token, envelope or fields");
    TRY(keys_replace(c, purpose, purpose == KEY_FIELDS ? c->principal.tenant_id : 0, &kid));
    json_put(out, "purpose", options[OPTION_PURPOSE].value);
    json_put(out, "kid", kid);
    return OK;
}

int cli_key(int argc, char **argv)
{
    struct cli_option options[OPTION_COUNT] = {
        [OPTION_EMAIL] = {"--email", STR_NONE, "create: whose key it is"},
        [OPTION_NAME] = {"--name", STR_NONE, "create: what it is for"},
        [OPTION_PURPOSE] = {"--purpose", STR_NONE, "rotate: token, envelope or fields"},
        [OPTION_TENANT] = {"--tenant", STR_NONE, "label of the tenant; default: default"},
    };
    struct cli_session session;
    bool rotates = argc > 1 && strcmp(argv[1], "rotate") == 0;
    if (rotates || (argc > 1 && strcmp(argv[1], "create") == 0)) {
        argc--;
        argv++;
    }
    if (!cli_take_options(&argc, argv, options, OPTION_COUNT))
        return 2;
    int code = cli_session_open(&session, argc, argv, "key create | key rotate", options,
                                OPTION_COUNT, options[OPTION_TENANT].value);
    if (code)
        return code;
    struct buf out = json_object(session.arena);
    int error =
        rotates ? rotate(&session.call, options, &out) : create(&session.call, options, &out);
    struct str text = json_object_end(&out);
    if (!error)
        printf("%.*s\n", STR_FMT(text));
    return cli_session_close(&session, error);
}
