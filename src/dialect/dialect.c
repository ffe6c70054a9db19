/* What the dialects share: whose path it is, and the words of errors. */
#include "dialect/dialect.h"

const struct dialect_ops *const dialects[DIALECT_COUNT] = {
    [DIALECT_PCX] = &pcx_dialect,
    [DIALECT_VAULTSPAY] = &vaultspay_dialect,
    [DIALECT_FINCODE] = &fincode_dialect,
    [DIALECT_PLATFORM] = &platform_dialect,
};

/* Longer prefixes before the shorter ones they start with. */
static const struct {
    const char *prefix;
    enum dialect dialect;
} prefixes[] = {
    {"/v1/ping", DIALECT_VAULTSPAY},
    {"/v1/services", DIALECT_FINCODE},
    {"/v1", DIALECT_PCX},
    {"/api/v6", DIALECT_FINCODE},
    {"/api/v1", DIALECT_FINCODE},
    {"/gateway", DIALECT_FINCODE},
    {"/oauth", DIALECT_FINCODE},
    {"/as", DIALECT_VAULTSPAY},
    {"/us", DIALECT_VAULTSPAY},
    {"/be", DIALECT_VAULTSPAY},
    {"/tc", DIALECT_VAULTSPAY},
    {"/tme", DIALECT_VAULTSPAY},
    {"/pcs", DIALECT_VAULTSPAY},
    {"/re", DIALECT_VAULTSPAY},
    {"/platform", DIALECT_PLATFORM},
};

enum dialect dialect_of_path(struct str path)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        struct str prefix = str_from(prefixes[i].prefix);
        if (str_starts(path, prefix) && (path.len == prefix.len || path.ptr[prefix.len] == '/'))
            return prefixes[i].dialect;
    }
    return DIALECT_PLATFORM;
}

/* Sentences start with a capital letter; rules about a field continue its name. */
static bool is_field_rule(const char *sentence)
{
    return sentence[0] >= 'a' && sentence[0] <= 'z';
}

struct str dialect_problem_reason(struct call *c, const struct json_problem *problem)
{
    (void)c;
    return str_present(problem->detail) ? problem->detail : str_from(error_message(problem->error));
}

struct str dialect_error_message(struct call *c)
{
    const struct json_problem *problem = c->problems;
    const char *sentence = c->error_text ? c->error_text : error_message(c->error);
    if (!is_field_rule(sentence))
        return str_from(sentence);
    if (!problem)
        return arena_printf(c->arena, "The request %s", sentence);
    struct str reason = dialect_problem_reason(c, problem);
    if (str_empty(problem->path))
        return arena_printf(c->arena, "The request %.*s", STR_FMT(reason));
    return arena_printf(c->arena, "%.*s %.*s", STR_FMT(problem->path), STR_FMT(reason));
}

static const struct {
    int error;
    int pcx_status, vaultspay_status, vaultspay_code, fincode_status;
} rows[] = {
#define ERROR(symbol, number, pcx, vp, vp_code, fc, message) {-(number), pcx, vp, vp_code, fc},
#include "base/errors.def"
#undef ERROR
};

/* Errors are rendered rarely: a walk over 150 rows costs less than a table to keep. The first row
 * is ERR_INTERNAL, which is what an unknown number means. */
static size_t row_of(int error)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].error == error)
            return i;
    return 0;
}

int error_pcx_status(int error)
{
    return rows[row_of(error)].pcx_status;
}

int error_vaultspay_status(int error)
{
    return rows[row_of(error)].vaultspay_status;
}

int error_vaultspay_code(int error)
{
    return rows[row_of(error)].vaultspay_code;
}

int error_fincode_status(int error)
{
    return rows[row_of(error)].fincode_status;
}
