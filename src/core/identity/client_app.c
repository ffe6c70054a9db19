/* Client apps: making them and checking their secrets. */
#include "core/identity/client_app.h"

#include "base/digest.h"
#include "store/sql.h"

#define ROW_SELF struct client_app
ROW_TYPE(client_app, CLIENT_APP_ROW);
#undef ROW_SELF

int client_app_create(struct call *c, struct client_app *app, struct str *ret_secret)
{
    app->id = id_new();
    app->tenant_id = c->principal.tenant_id;
    app->client_id = random_hex(c->arena, 13);
    app->status = STR("active");
    app->created_at = app->updated_at = c->now;
    if (ret_secret) {
        *ret_secret = random_hex(c->arena, 24);
        uint8_t *digest = arena_alloc(c->arena, SHA256_SIZE);
        digest_sha256(*ret_secret, digest);
        app->secret_hash = (struct str){(char *)digest, SHA256_SIZE};
    }
    return sql_insert(c->sql, "client_app", &client_app_row, app);
}

int client_app_get(struct call *c, id_t64 app_id, const char *field, struct client_app *ret_app)
{
    int error = sql_one(c->sql, c->arena, &client_app_row, ret_app,
                        "SELECT * FROM client_app WHERE tenant_id = ? AND id = ?",
                        sql_int(c->principal.tenant_id), sql_int(app_id));
    return error == ERR_NOT_FOUND ? call_refuse(c, error, field) : error;
}

int client_app_find(struct call *c, struct str kind, struct str client_id,
                    struct client_app *ret_app)
{
    return sql_one(
        c->sql, c->arena, &client_app_row, ret_app,
        "SELECT * FROM client_app WHERE client_id = ? AND kind = ? AND status = 'active'",
        sql_text(client_id), sql_text(kind));
}

bool client_app_secret_matches(const struct client_app *app, struct str secret)
{
    uint8_t digest[SHA256_SIZE];
    digest_sha256(secret, digest);
    return str_present(app->secret_hash) &&
           str_eq_secret(app->secret_hash, (struct str){(char *)digest, SHA256_SIZE});
}
