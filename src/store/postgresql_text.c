/* The few differences in statements between the common subset and PostgreSQL. */
#include "store/postgresql_text.h"

#include <stdlib.h>
#include <strings.h>

#include "store/sql.h"

static const char for_update[] = "/*for update*/";

/* Length of the string, quoted name or comment that starts here; 0: none does. */
static size_t skip_quoted(const char *text)
{
    if (text[0] == '-' && text[1] == '-')
        return strcspn(text, "\n");
    if (text[0] == '/' && text[1] == '*') {
        const char *end = strstr(text + 2, "*/");
        return end ? (size_t)(end + 2 - text) : strlen(text);
    }
    if (text[0] != '\'' && text[0] != '"')
        return 0;
    const char *end = strchr(text + 1, text[0]);
    return end ? (size_t)(end + 1 - text) : strlen(text);
}

/* Is what follows "IS NULL" or "IS NOT NULL"? */
static bool asked_for_null(const char *text)
{
    text += strspn(text, " \n\t");
    return strncasecmp(text, "IS NULL", 7) == 0 || strncasecmp(text, "IS NOT NULL", 11) == 0;
}

char *postgresql_text(const char *query, unsigned *ret_parameters)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct buf out = buf_new(arena, strlen(query) * 2);
    *ret_parameters = 0;
    while (*query) {
        size_t quoted = skip_quoted(query);
        if (strncmp(query, for_update, sizeof(for_update) - 1) == 0) {
            buf_add_cstr(&out, "FOR UPDATE");
            query += sizeof(for_update) - 1;
        } else if (quoted > 0) {
            buf_add(&out, query, quoted);
            query += quoted;
        } else if (*query == '?') {
            query++;
            buf_printf(&out, "$%u%s", ++*ret_parameters, asked_for_null(query) ? "::text" : "");
        } else {
            buf_add_char(&out, *query++);
        }
    }
    char *text = strndup(out.ptr, out.len);
    if (!text)
        abort();
    return text;
}
