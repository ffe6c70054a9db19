/*
 * An empty database for a unit test, of either engine. PostgreSQL is the one that
 * CAMBIST_TEST_POSTGRESQL names (tools/postgresql run); without it only SQLite is tested. Each
 * fixture has a schema of its own there.
 */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/sql.h"

struct store_fixture {
    struct store *store;
    char folder[64];
    char database[512]; /* path or URL */
    char key_file[96];
    char schema[64];
};

static inline bool fixture_has_postgresql(void)
{
    return getenv("CAMBIST_TEST_POSTGRESQL") != NULL;
}

static inline void fixture_be_quiet(void *context, const char *notice)
{
    (void)context;
    (void)notice;
}

static inline void fixture_execute(const char *format, const char *schema)
{
    char text[256];
    snprintf(text, sizeof(text), format, schema);
    PGconn *conn = PQconnectdb(getenv("CAMBIST_TEST_POSTGRESQL"));
    PQsetNoticeProcessor(conn, fixture_be_quiet, NULL);
    PGresult *result = PQexec(conn, text);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fprintf(stderr, "%s: %s", text, PQerrorMessage(conn));
        abort();
    }
    PQclear(result);
    PQfinish(conn);
}

/* Names and prepares the database without opening it. */
static inline void fixture_prepare(struct store_fixture *fixture, enum store_engine engine)
{
    static unsigned count;
    *fixture = (struct store_fixture){0};
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/cambist-unit.XXXXXX");
    if (!mkdtemp(fixture->folder))
        abort();
    snprintf(fixture->key_file, sizeof(fixture->key_file), "%s/key", fixture->folder);
    if (engine == STORE_SQLITE) {
        snprintf(fixture->database, sizeof(fixture->database), "%s/test.db", fixture->folder);
        return;
    }
    snprintf(fixture->schema, sizeof(fixture->schema), "unit_%ld_%u", (long)getpid(), count++);
    fixture_execute("CREATE SCHEMA %s", fixture->schema);
    const char *url = getenv("CAMBIST_TEST_POSTGRESQL");
    snprintf(fixture->database, sizeof(fixture->database),
             "%s%coptions=-csearch_path%%3D%s%%20-csynchronous_commit%%3Doff", url,
             strchr(url, '?') ? '&' : '?', fixture->schema);
}

static inline void fixture_reopen(struct store_fixture *fixture)
{
    struct store_options options = {
        .database = str_from(fixture->database),
        .key_file = str_from(fixture->key_file),
        .create_key = true,
    };
    struct str why = STR_NONE;
    if (store_open(&options, &fixture->store, &why)) {
        fprintf(stderr, "%s: %.*s\n", fixture->database, STR_FMT(why));
        abort();
    }
}

static inline void fixture_open(struct store_fixture *fixture, enum store_engine engine)
{
    fixture_prepare(fixture, engine);
    fixture_reopen(fixture);
}

static inline void fixture_close(struct store_fixture *fixture)
{
    char command[128];
    fixture->store = store_close(fixture->store);
    if (*fixture->schema)
        fixture_execute("DROP SCHEMA %s CASCADE", fixture->schema);
    snprintf(command, sizeof(command), "rm -rf %s", fixture->folder);
    if (system(command) != 0)
        abort();
}

#endif
