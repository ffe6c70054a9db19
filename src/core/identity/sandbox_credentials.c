/* Sandbox credentials: rows of names and JSON values, printed as a tree. */
#include "core/identity/sandbox_credentials.h"

#include "store/row.h"
#include "store/sql.h"

#define SANDBOX_CREDENTIAL_ROW(F) \
    F(INTEGER, id)                \
    F(TEXT, name)                 \
    F(SECRET, value)
ROW_STRUCT(sandbox_credential, SANDBOX_CREDENTIAL_ROW);
#define ROW_SELF struct sandbox_credential
ROW_TYPE(sandbox_credential, SANDBOX_CREDENTIAL_ROW);
#undef ROW_SELF

int sandbox_credential_put_json(struct call *c, const char *name, struct str json)
{
    struct sandbox_credential row;
    int error =
        sql_one(c->sql, c->arena, &sandbox_credential_row, &row,
                "SELECT * FROM sandbox_credential WHERE name = ?", sql_text(str_from(name)));
    if (error && error != ERR_NOT_FOUND)
        return error;
    if (!error && str_eq(row.value, json))
        return OK;
    /* Replaced under its old id, which is its place in the print. */
    struct sandbox_credential next = {
        .id = error ? id_new() : row.id, .name = str_from(name), .value = json};
    if (!error)
        TRY(sql_run(c->sql, "DELETE FROM sandbox_credential WHERE id = ?", sql_int(row.id)));
    return sql_insert(c->sql, "sandbox_credential", &sandbox_credential_row, &next);
}

int sandbox_credential_put(struct call *c, const char *name, struct str value)
{
    struct buf json = buf_new(c->arena, value.len + 16);
    json_add_string(&json, value);
    return sandbox_credential_put_json(c, name, buf_str(&json));
}

int sandbox_credential_get(struct sql *sql, struct arena *arena, const char *name,
                           struct str *ret_json)
{
    struct sandbox_credential row;
    TRY(sql_one(sql, arena, &sandbox_credential_row, &row,
                "SELECT * FROM sandbox_credential WHERE name = ?", sql_text(str_from(name))));
    *ret_json = row.value;
    return OK;
}

struct credential_rows {
    const struct sandbox_credential *rows;
    size_t count;
};

/* The first segment after `prefix`; absent when the name is not below it. */
static struct str member_below(struct str name, struct str prefix)
{
    if (!str_starts(name, prefix))
        return STR_NONE;
    struct str rest = {name.ptr + prefix.len, name.len - prefix.len};
    return str_cut(&rest, '.');
}

static bool seen_before(const struct credential_rows *rows, size_t index, struct str prefix,
                        struct str member)
{
    for (size_t i = 0; i < index; i++)
        if (str_eq(member_below(rows->rows[i].name, prefix), member))
            return true;
    return false;
}

static void print_group(struct buf *out, const struct credential_rows *rows, struct str prefix,
                        int depth)
{
    const char *separator = "";
    buf_add_char(out, '{');
    for (size_t i = 0; i < rows->count; i++) {
        struct str name = rows->rows[i].name;
        struct str member = member_below(name, prefix);
        if (str_empty(member) || seen_before(rows, i, prefix, member))
            continue;
        buf_printf(out, "%s\n%*s", separator, 2 * depth + 2, "");
        separator = ",";
        json_add_string(out, member);
        buf_add_cstr(out, ": ");
        if (prefix.len + member.len == name.len)
            buf_add_str(out, rows->rows[i].value);
        else
            print_group(out, rows, (struct str){name.ptr, prefix.len + member.len + 1}, depth + 1);
    }
    buf_printf(out, "\n%*s}", 2 * depth, "");
}

int sandbox_credentials_print(struct sql *sql, struct arena *arena, struct str *ret_document)
{
    struct credential_rows rows;
    TRY(sql_all(sql, arena, &sandbox_credential_row, &rows.rows, &rows.count,
                "SELECT * FROM sandbox_credential ORDER BY id"));
    if (rows.count == 0)
        return ERR_NOT_FOUND;
    struct buf out = buf_new(arena, 8192);
    print_group(&out, &rows, STR(""), 0);
    buf_add_char(&out, '\n');
    *ret_document = buf_str(&out);
    return OK;
}
