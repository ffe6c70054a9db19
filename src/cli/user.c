/* cambist user create: the first administrator of an installation, who makes all others over
 * HTTP. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_build.h"
#include "cli/identity.h"
#include "core/identity/organisation.h"
#include "core/identity/password.h"
#include "core/identity/user.h"

int cli_user(int argc, char **argv);

enum {
    OPTION_EMAIL,
    OPTION_PASSWORD,
    OPTION_TYPE,
    OPTION_ORGANISATION,
    OPTION_FIRST_NAME,
    OPTION_LAST_NAME,
    OPTION_TENANT,
    OPTION_OPERATOR,
    OPTION_COUNT
};

/* From the option, the environment, or a line of standard input: what is typed shows in `ps`. */
static struct str read_password(struct arena *arena, struct str given)
{
    char line[256];
    if (str_present(given))
        return given;
    const char *environment = getenv("CAMBIST_PASSWORD");
    if (environment)
        return str_from(environment);
    fprintf(stderr, "password: ");
    if (!fgets(line, sizeof(line), stdin))
        return STR("");
    line[strcspn(line, "\r\n")] = '\0';
    return arena_copy(arena, str_from(line));
}

static int join_organisation(struct call *c, struct str name, struct user *user)
{
    if (str_empty(name))
        return OK;
    struct organisation organisation = {.name = name, .created_by = user->id};
    TRY(organisation_create(c, &organisation));
    user->organisation_id = organisation.id;
    struct membership membership = {
        .organisation_id = organisation.id, .user_id = user->id, .role = STR("admin")};
    return membership_add(c, &membership, NULL);
}

static int create(struct call *c, const struct cli_option *options, struct user *ret_user)
{
    bool may_operate = str_is(options[OPTION_OPERATOR].value, "yes");
    struct str password = read_password(c->arena, options[OPTION_PASSWORD].value);
    *ret_user = (struct user){
        .id = id_new(),
        .email = str_or(options[OPTION_EMAIL].value, STR("")),
        .first_name = options[OPTION_FIRST_NAME].value,
        .last_name = options[OPTION_LAST_NAME].value,
        .type = str_or(options[OPTION_TYPE].value, STR("internal-admin")),
        .status = STR("active"),
        .confirmed = true,
    };
    bool admin = str_is(ret_user->type, "internal-admin");
    ret_user->roles = (int64_t)((admin ? ROLE_ADMIN : 0) | (may_operate ? ROLE_OPERATOR : 0));
    ret_user->role = admin ? STR("super-admin") : STR_NONE;
    if (!admin && !str_is(ret_user->type, "user") && !str_is(ret_user->type, "merchant"))
        return call_refuse_text(c, ERR_NOT_ALLOWED, "type",
                                "must be internal-admin, merchant or user");
    TRY(password_check_policy(c, password, "password"));
    password_set(c, ret_user, password);
    TRY(join_organisation(c, options[OPTION_ORGANISATION].value, ret_user));
    return user_create(c, ret_user);
}

static void print_user(struct call *c, const struct user *user)
{
    struct buf out = json_object(c->arena);
    json_put(&out, "user_id", call_id(c, ID_USER, user->id));
    json_put(&out, "email", user->email);
    if (user->organisation_id)
        json_put(&out, "org_id", call_id(c, ID_ORGANISATION, user->organisation_id));
    json_put(&out, "tenant_id", call_id(c, ID_TENANT, user->tenant_id));
    struct str text = json_object_end(&out);
    printf("%.*s\n", STR_FMT(text));
}

int cli_user(int argc, char **argv)
{
    struct cli_option options[OPTION_COUNT] = {
        [OPTION_EMAIL] = {"--email", STR_NONE, "e-mail address to sign in with"},
        [OPTION_PASSWORD] = {"--password", STR_NONE, "else CAMBIST_PASSWORD, else asked for"},
        [OPTION_TYPE] = {"--type", STR_NONE, "internal-admin (default), merchant or user"},
        [OPTION_ORGANISATION] = {"--organisation", STR_NONE,
                                 "makes one of this name and puts the user in charge"},
        [OPTION_FIRST_NAME] = {"--first-name", STR_NONE, "given name"},
        [OPTION_LAST_NAME] = {"--last-name", STR_NONE, "family name"},
        [OPTION_TENANT] = {"--tenant", STR_NONE, "label of the tenant; default: default"},
        [OPTION_OPERATOR] = {"--operator", STR_NONE, "yes: may make tenants"},
    };
    struct cli_session session;
    struct user user;
    if (argc > 1 && strcmp(argv[1], "create") == 0) {
        argc--;
        argv++;
    }
    if (!cli_take_options(&argc, argv, options, OPTION_COUNT))
        return 2;
    int code = cli_session_open(&session, argc, argv, "user create --email ADDRESS", options,
                                OPTION_COUNT, options[OPTION_TENANT].value);
    if (code)
        return code;
    int error = create(&session.call, options, &user);
    if (!error)
        print_user(&session.call, &user);
    return cli_session_close(&session, error);
}
