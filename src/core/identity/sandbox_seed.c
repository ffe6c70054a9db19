/*
 * What a sandbox begins with (identity_seed_sandbox). All of it is made in one transaction;
 * passwords and keys are random, so two sandboxes share nothing.
 */
#include "base/digest.h"
#include "base/log.h"
#include "core/identity/api_key.h"
#include "core/identity/client_app.h"
#include "core/identity/identity.h"
#include "core/identity/keys.h"
#include "core/identity/organisation.h"
#include "core/identity/password.h"
#include "core/identity/sandbox_credentials.h"
#include "core/identity/tenant.h"
#include "core/identity/user.h"
#include "core/work.h"

#define SECOND_LABEL "second"

/* Passwords of the sandbox are random already; the cost keeps the first start quick. */
#define SANDBOX_PASSES 1
#define SANDBOX_MEMORY (64u << 10)

static int put(struct call *c, const char *group, const char *name, struct str value)
{
    return sandbox_credential_put(c, arena_printf(c->arena, "%s.%s", group, name).ptr, value);
}

static int put_number(struct call *c, const char *group, const char *name, int64_t value)
{
    return sandbox_credential_put_json(c, arena_printf(c->arena, "%s.%s", group, name).ptr,
                                       arena_printf(c->arena, "%lld", (long long)value));
}

struct person {
    const char *group; /* in the credentials; NULL: not printed */
    const char *first_name, *last_name, *email;
    const char *type;
    const char *role;
    role_set roles;
    id_t64 organisation_id;
    const char *member_role; /* NULL: no membership */
};

/* Makes a person who can sign in, and prints e-mail, password and id in the group. */
static int seed_person(struct call *c, const struct person *person, struct user *ret_user)
{
    struct str password = arena_printf(c->arena, "Sb1!%.*s", STR_FMT(random_hex(c->arena, 9)));
    *ret_user = (struct user){
        .id = id_new(),
        .organisation_id = person->organisation_id,
        .email = str_from(person->email),
        .first_name = str_from(person->first_name),
        .last_name = str_from(person->last_name),
        .type = str_from(person->type),
        .role = str_from(person->role),
        .roles = (int64_t)person->roles,
        .status = STR("active"),
        .kyc_status = STR("approved"),
        .kyc_approved_at = c->now,
        .country = STR("NG"),
        .confirmed = true,
    };
    password_set(c, ret_user, password);
    TRY(user_create(c, ret_user));
    if (person->member_role) {
        struct membership membership = {.organisation_id = person->organisation_id,
                                        .user_id = ret_user->id,
                                        .role = str_from(person->member_role)};
        TRY(membership_add(c, &membership, NULL));
    }
    if (!person->group)
        return OK;
    TRY(put(c, person->group, "email", ret_user->email));
    return put(c, person->group, "password", password);
}

static int seed_organisation(struct call *c, const char *name, const char *country, bool kyb,
                             id_t64 *ret_id)
{
    struct organisation organisation = {
        .name = str_from(name), .country = str_from(country), .kyb_complete = kyb};
    TRY(organisation_create(c, &organisation));
    *ret_id = organisation.id;
    return OK;
}

static int seed_pcx_person(struct call *c, const struct person *person)
{
    struct user user;
    struct str secret;
    struct api_key key = {.organisation_id = person->organisation_id, .name = STR("Sandbox")};
    TRY(seed_person(c, person, &user));
    key.user_id = user.id;
    TRY(api_key_create(c, &key, &secret));
    TRY(put(c, person->group, "api_key", secret));
    TRY(put(c, person->group, "user_id", id_print(c->arena, ID_USER, user.id)));
    return put(c, person->group, "org_id",
               id_print(c->arena, ID_ORGANISATION, person->organisation_id));
}

static int seed_pool(struct call *c, id_t64 organisation_id, struct client_app *ret_app)
{
    *ret_app = (struct client_app){
        .organisation_id = organisation_id, .kind = STR("pool"), .name = STR("Sandbox app client")};
    return client_app_create(c, ret_app, NULL);
}

static int seed_pcx(struct call *c)
{
    id_t64 operations, merchant, other;
    struct client_app pool;
    TRY(seed_organisation(c, "Cambist Operations", "NG", true, &operations));
    TRY(seed_organisation(c, "Lagos Trading Company", "NG", true, &merchant));
    TRY(seed_organisation(c, "Abuja Imports", "NG", true, &other));
    TRY(seed_pool(c, operations, &pool));
    TRY(put(c, "pcx", "client_id", pool.client_id));
    const struct person people[] = {
        {"pcx.internal_admin", "Ada", "Obi", "internal-admin@pcx.example", "internal-admin",
         "super-admin", ROLE_OPERATOR, operations, "admin"},
        {"pcx.org_admin", "Bola", "Ade", "org-admin@pcx.example", "org-admin", "admin", 0, merchant,
         "admin"},
        {"pcx.user", "Chidi", "Eze", "user@pcx.example", "user", "retail", 0, merchant, "user"},
        {"pcx.other_org_admin", "Efe", "Ojo", "org-admin@abuja.example", "org-admin", "admin", 0,
         other, "admin"},
    };
    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
        TRY(seed_pcx_person(c, &people[i]));
    return OK;
}

static int seed_vaultspay_app(struct call *c, const char *group, const char *name,
                              const char *email)
{
    id_t64 organisation;
    struct user owner;
    struct str secret;
    TRY(seed_organisation(c, name, "AE", true, &organisation));
    const struct person person = {NULL, name, "Owner",      email,  "merchant",
                                  NULL, 0,    organisation, "admin"};
    TRY(seed_person(c, &person, &owner));
    struct client_app app = {.organisation_id = organisation,
                             .owner_user_id = owner.id,
                             .kind = STR("saas"),
                             .name = str_from(name)};
    TRY(client_app_create(c, &app, &secret));
    TRY(put(c, group, "client_id", app.client_id));
    TRY(put(c, group, "client_secret", secret));
    TRY(put_number(c, group, "app_id", app.id));
    return put_number(c, group, "user_id", owner.id);
}

static int seed_vaultspay(struct call *c)
{
    TRY(seed_vaultspay_app(c, "vaultspay", "Dubai Wallet", "owner@wallet.example"));
    TRY(sandbox_credential_put_json(c, "vaultspay.plain_allowed", STR("true")));
    return seed_vaultspay_app(c, "vaultspay.other_app", "Sharjah Wallet", "owner@sharjah.example");
}

/* One FinCode person of the caller's tenant; ids are UUIDs there. */
static int seed_fincode_person(struct call *c, const char *group, const char *first_name,
                               const char *email, role_set role, id_t64 organisation)
{
    struct user user;
    const struct person person = {group, first_name, "Fincode",    email, "user",
                                  NULL,  role,       organisation, NULL};
    TRY(seed_person(c, &person, &user));
    return group ? put(c, group, "user_id", id_print_uuid(c->arena, ID_USER, user.id)) : OK;
}

static int seed_songhai(struct call *c, id_t64 organisation)
{
    struct user user;
    struct str secret, password;
    const struct person person = {NULL,   "Songhai", "Partner",    "partner@songhai.example",
                                  "user", NULL,      ROLE_PARTNER, organisation,
                                  NULL};
    TRY(seed_person(c, &person, &user));
    struct client_app app = {.organisation_id = organisation,
                             .owner_user_id = user.id,
                             .kind = STR("partner"),
                             .name = STR("Songhai partner")};
    TRY(client_app_create(c, &app, &secret));
    password = arena_printf(c->arena, "Sb1!%.*s", STR_FMT(random_hex(c->arena, 9)));
    user.username = STR("songhai");
    password_set(c, &user, password);
    TRY(user_update(c, &user));
    TRY(put(c, "fincode.songhai", "client_id", app.client_id));
    TRY(put(c, "fincode.songhai", "client_secret", secret));
    TRY(put(c, "fincode.songhai", "username", user.username));
    return put(c, "fincode.songhai", "password", password);
}

static int seed_fincode(struct call *c)
{
    id_t64 organisation;
    TRY(put(c, "fincode", "host", STR(TENANT_DEFAULT_LABEL ".localhost")));
    TRY(put(c, "fincode", "tenant_id", id_print_uuid(c->arena, ID_TENANT, c->principal.tenant_id)));
    TRY(seed_organisation(c, "Fincode Remittance", "GB", true, &organisation));
    TRY(seed_fincode_person(c, "fincode.admin", "Amina", "admin@fincode.example", ROLE_ADMIN,
                            organisation));
    TRY(seed_fincode_person(c, "fincode.cashier", "Kofi", "cashier@fincode.example", ROLE_CASHIER,
                            organisation));
    TRY(seed_fincode_person(c, "fincode.customer", "Cleo", "customer@fincode.example",
                            ROLE_CUSTOMER, organisation));
    TRY(seed_fincode_person(c, NULL, "Manu", "manager@fincode.example", ROLE_MANAGER,
                            organisation));
    TRY(seed_fincode_person(c, NULL, "Adjoa", "agent@fincode.example", ROLE_AGENT, organisation));
    return seed_songhai(c, organisation);
}

static int seed_second_tenant(struct call *c)
{
    struct tenant tenant = {.name = STR("Second"), .host_label = STR(SECOND_LABEL)};
    TRY(tenant_create(c, &tenant));
    id_t64 first = c->principal.tenant_id;
    c->principal.tenant_id = tenant.id;
    id_t64 organisation;
    struct client_app pool;
    TRY(seed_organisation(c, "Second Remittance", "GB", true, &organisation));
    TRY(seed_pool(c, organisation, &pool));
    TRY(put(c, "pcx.other_tenant", "client_id", pool.client_id));
    const struct person admin = {"pcx.other_tenant.internal_admin",
                                 "Dami",
                                 "Cole",
                                 "internal-admin@second.example",
                                 "internal-admin",
                                 "super-admin",
                                 0,
                                 organisation,
                                 "admin"};
    TRY(seed_pcx_person(c, &admin));
    TRY(put(c, "fincode.other_tenant", "host", STR(SECOND_LABEL ".localhost")));
    TRY(seed_fincode_person(c, "fincode.other_tenant.admin", "Sena", "admin@second.example",
                            ROLE_ADMIN, organisation));
    c->principal.tenant_id = first;
    return OK;
}

static int put_addresses(struct call *c)
{
    struct str base = c->app->base_url;
    TRY(sandbox_credential_put(c, "base_url", base));
    TRY(put(c, "pcx", "base_url", arena_printf(c->arena, "%.*s/v1", STR_FMT(base))));
    TRY(put(c, "pcx", "cognito_url", arena_printf(c->arena, "%.*s/cognito", STR_FMT(base))));
    TRY(put(c, "vaultspay", "base_url", base));
    return put(c, "fincode", "base_url", base);
}

static int seed(struct call *c, void *unused)
{
    (void)unused;
    struct tenant tenant;
    struct str known;
    TRY(tenant_find_by_label(c, STR(TENANT_DEFAULT_LABEL), &tenant));
    c->principal.tenant_id = tenant.id;
    int error = sandbox_credential_get(c->sql, c->arena, "pcx.client_id", &known);
    if (error && error != ERR_NOT_FOUND)
        return error;
    TRY(put_addresses(c));
    if (!error)
        return OK;
    TRY(seed_pcx(c));
    TRY(seed_vaultspay(c));
    TRY(seed_fincode(c));
    return seed_second_tenant(c);
}

/* ---- Key pairs, which take their time ---- */

struct public_keys {
    id_t64 tenant_id;
    struct str envelope, fields, fields_private;
};

static int put_keys(struct call *c, void *argument)
{
    const struct public_keys *keys = argument;
    TRY(put(c, "vaultspay", "public_key", keys->envelope));
    TRY(put(c, "fincode", "public_key", keys->fields));
    return put(c, "fincode", "private_key", keys->fields_private);
}

static struct str base64_der(struct arena *arena, const struct key_pair *pair, bool private_half)
{
    return base64_print(arena, private_half ? rsa_private_der(arena, pair->rsa)
                                            : rsa_public_der(arena, pair->rsa));
}

static int seed_keys(struct call *c)
{
    struct tenant first, second;
    const struct key_pair *envelope, *fields, *other;
    TRY(tenant_find_by_label(c, STR(TENANT_DEFAULT_LABEL), &first));
    TRY(tenant_find_by_label(c, STR(SECOND_LABEL), &second));
    TRY(keys_current(c->app, KEY_ENVELOPE, 0, &envelope));
    TRY(keys_current(c->app, KEY_FIELDS, first.id, &fields));
    struct public_keys keys = {
        .tenant_id = first.id,
        .envelope = base64_der(c->arena, envelope, false),
        .fields = base64_der(c->arena, fields, false),
        .fields_private = base64_der(c->arena, fields, true),
    };
    TRY(writer_run(c, put_keys, &keys));
    return keys_current(c->app, KEY_FIELDS, second.id, &other);
}

static void seed_keys_job(struct app *app, void *unused)
{
    (void)unused;
    struct arena *arena ARENA_SCOPED = arena_new(4 << 20);
    struct call c;
    work_call_init(&c, app, arena, 0);
    c.sql = work_read_connection(app);
    if (seed_keys(&c))
        log_error("the sandbox's key pairs could not be made");
}

int identity_seed_sandbox(struct app *app)
{
    struct arena *arena ARENA_SCOPED = arena_new(4 << 20);
    struct call c;
    password_set_cost(SANDBOX_PASSES, SANDBOX_MEMORY);
    work_call_init(&c, app, arena, 0);
    TRY(writer_run(&c, seed, NULL));
    workers_submit(app, seed_keys_job, NULL);
    return OK;
}
