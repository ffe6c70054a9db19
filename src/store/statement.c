/* The statements of a connection, found by the address or the content of their text. */
#include <stdlib.h>
#include <strings.h>

#include "store/store_engine.h"

static uint64_t hash_text(const char *text)
{
    uint64_t hash = 14695981039346656037u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

static size_t address_slot(const char *query)
{
    return ((uintptr_t)query * 0x9e3779b97f4a7c15u) >> 55;
}
_Static_assert(STATEMENT_BUCKETS == 1u << (64 - 55), "address_slot yields an index");

static bool in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

uint32_t statement_word(const char *name, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash;
}

bool statement_mentions(const struct statement *statement, uint32_t word)
{
    for (unsigned i = 0; i < statement->word_count; i++)
        if (statement->words[i] == word)
            return true;
    return false;
}

static void note_words(struct statement *statement)
{
    size_t most = strlen(statement->query) / 2 + 1;
    statement->words = calloc(most, sizeof(*statement->words));
    if (!statement->words)
        abort();
    for (const char *at = statement->query; *at;) {
        const char *start = at;
        while (in_name(*at))
            at++;
        if (at > start)
            statement->words[statement->word_count++] = statement_word(start, (size_t)(at - start));
        else
            at++;
    }
}

bool statement_only_reads(const char *query)
{
    while (*query == ' ' || *query == '\n' || *query == '\t')
        query++;
    return strncasecmp(query, "SELECT", 6) == 0;
}

static struct statement *statement_new(const char *query, uint64_t hash)
{
    struct statement *statement = calloc(1, sizeof(*statement));
    if (!statement)
        abort();
    statement->query = strdup(query);
    if (!statement->query)
        abort();
    statement->hash = hash;
    statement->reads = statement_only_reads(query) && !strstr(query, SQL_FOR_UPDATE);
    note_words(statement);
    return statement;
}

static void statement_free(struct sql *sql, struct statement *statement)
{
    sql->engine->forget(sql, statement);
    row_map_free(&statement->map);
    free(statement->words);
    free(statement->query);
    free(statement);
}

void statements_forget(struct sql *sql)
{
    for (size_t i = 0; i < STATEMENT_BUCKETS; i++) {
        while (sql->by_text[i]) {
            struct statement *statement = sql->by_text[i];
            sql->by_text[i] = statement->next;
            statement_free(sql, statement);
        }
        sql->by_address[i] = NULL;
    }
    sql->statement_count = 0;
}

/*
 * The text's address is a hint: what it leads to is compared, so a text that was built at run time
 * where another one stood before is not mistaken for it.
 */
struct statement *statement_get(struct sql *sql, const char *query)
{
    struct statement **hint = &sql->by_address[address_slot(query)];
    struct statement *statement = *hint;
    uint64_t hash = 0;
    if (!statement || strcmp(statement->query, query) != 0) {
        hash = hash_text(query);
        struct statement **bucket = &sql->by_text[hash % STATEMENT_BUCKETS];
        statement = *bucket;
        while (statement && (statement->hash != hash || strcmp(statement->query, query) != 0))
            statement = statement->next;
        if (!statement) {
            statement = statement_new(query, hash);
            statement->next = *bucket;
            *bucket = statement;
            sql->statement_count++;
        }
        *hint = statement;
    }
    if (!statement->busy)
        return statement;
    struct statement *second = statement_new(query, statement->hash);
    second->temporary = true;
    return second;
}

void statement_release(struct sql *sql, struct statement *statement)
{
    if (statement->temporary)
        statement_free(sql, statement);
}
