/* Commands that write people and keys: on the database itself, so also when no server runs yet. */
#include "cli/identity.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/identity/tenant.h"

bool cli_take_options(int *argc, char **argv, struct cli_option *options, size_t count)
{
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        size_t at = 0;
        while (at < count && strcmp(argv[i], options[at].name) != 0)
            at++;
        if (at == count) {
            argv[kept++] = argv[i];
            continue;
        }
        if (i + 1 == *argc) {
            fprintf(stderr, "cambist: %s needs a value\n", argv[i]);
            return false;
        }
        options[at].value = str_from(argv[++i]);
    }
    *argc = kept;
    argv[kept] = NULL;
    return true;
}

static struct str usage_text(struct arena *arena, const char *usage,
                             const struct cli_option *options, size_t count)
{
    struct buf out = buf_new(arena, 1024);
    buf_printf(&out, "usage: cambist %s [options]\n\n", usage);
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "  %-18s %s\n", options[i].name, options[i].help);
    buf_add_cstr(&out, "\n");
    return buf_str(&out);
}

static int find_tenant(struct call *c, struct str label)
{
    struct tenant tenant;
    label = str_or(label, STR(TENANT_DEFAULT_LABEL));
    int error = tenant_find_by_label(c, label, &tenant);
    if (error == ERR_NOT_FOUND && str_is(label, TENANT_DEFAULT_LABEL)) {
        tenant = (struct tenant){.name = STR("Default"), .host_label = label};
        error = tenant_create(c, &tenant);
    }
    if (error == ERR_NOT_FOUND)
        return call_refuse(c, error, "tenant");
    c->principal.tenant_id = tenant.id;
    return error;
}

int cli_session_open(struct cli_session *session, int argc, char **argv, const char *usage,
                     struct cli_option *options, size_t option_count, struct str tenant_label)
{
    *session = (struct cli_session){.arena = arena_new(4 << 20)};
    struct str help = usage_text(session->arena, usage, options, option_count);
    int code = database_open(session->arena, argc, argv, arena_cstr(session->arena, help), false,
                             &session->config, &session->app.store);
    if (code) {
        session->arena = arena_free(session->arena);
        return code;
    }
    session->app.config = &session->config;
    session->call = (struct call){
        .arena = session->arena,
        .app = &session->app,
        .sql = store_acquire(session->app.store, true),
        .principal = {.staff = true, .dialect = DIALECT_PLATFORM},
        .now = clock_now(),
    };
    int error = sql_begin(session->call.sql);
    if (!error)
        error = find_tenant(&session->call, tenant_label);
    return error ? cli_session_close(session, error) : 0;
}

static void say_refusal(const struct call *c, int error)
{
    const struct json_problem *problem = c->problems;
    const char *text = c->error_text ? c->error_text : error_message(error);
    if (problem)
        fprintf(stderr, "cambist: %.*s: %s\n", STR_FMT(problem->path), text);
    else
        fprintf(stderr, "cambist: %s\n", text);
}

int cli_session_close(struct cli_session *session, int error)
{
    struct sql *sql = session->call.sql;
    if (!error)
        error = sql_commit(sql);
    else
        sql_rollback(sql);
    if (error)
        say_refusal(&session->call, error);
    store_release(session->app.store, sql);
    store_close(session->app.store);
    session->arena = arena_free(session->arena);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
