/*
 * Answers a write transaction has: of questions it asked before, and of those it was told to
 * expect. Invariant: an answer is what the server would say now as far as this transaction can tell.
 * Whatever writes at once, locks, or rolls back to a savepoint forgets them; a row that was deferred
 * for a table keeps the questions about that table from being answered here. What others commit
 * meanwhile is not seen: calls of a batch were all sent before it began, so to answer as of then is
 * right.
 */
#include <stdlib.h>

#include "store/postgresql.h"

#define BUCKETS 1024
/* Answers are for what many calls ask; a list that one of them reads is not kept. */
#define MOST_ROWS 64
#define MOST_ANSWERS 8192

struct pg_answer {
    struct pg_answer *next; /* in its bucket */
    const struct statement *statement;
    uint64_t hash;
    const struct sql_value *args;
    PGresult *result; /* NULL: still on its way, or it failed */
    bool once;        /* of a statement that locks */
};

struct pg_answers {
    struct arena *arena;
    struct pg_answer *buckets[BUCKETS];
    size_t count;
};

struct pg_answers *pg_answers_new(void)
{
    struct pg_answers *answers = calloc(1, sizeof(*answers));
    if (!answers)
        abort();
    answers->arena = arena_new(SIZE_MAX);
    return answers;
}

void pg_answers_free(struct pg_answers *answers)
{
    pg_answers_clear(answers);
    arena_free(answers->arena);
    free(answers);
}

void pg_answers_clear(struct pg_answers *answers)
{
    if (answers->count == 0)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct pg_answer *answer = answers->buckets[i]; answer; answer = answer->next)
            PQclear(answer->result);
        answers->buckets[i] = NULL;
    }
    answers->count = 0;
    arena_reset(answers->arena);
}

static struct pg_answers *of(struct sql *sql)
{
    return ((struct pg *)sql->connection)->answers;
}

void pg_answers_forget(struct sql *sql)
{
    struct pg *pg = sql->connection;
    if (!pg || pg->answers->count == 0)
        return;
    for (size_t i = 0; i < pg->pending_count; i++)
        if (pg->pending[i].answer && !pg->pending[i].answer->once)
            pg->pending[i].answer = NULL;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct pg_answer **at = &pg->answers->buckets[i];
        while (*at) {
            struct pg_answer *answer = *at;
            if (answer->once) {
                at = &answer->next;
                continue;
            }
            *at = answer->next;
            PQclear(answer->result);
            pg->answers->count--;
        }
    }
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
    return hash;
}

static uint64_t hash_of(const struct statement *statement, const struct sql_value *args)
{
    uint64_t hash = statement->hash;
    for (; args->kind != SQL_END; args++) {
        hash = mix(hash, &args->kind, sizeof(args->kind));
        if (args->kind == SQL_I64)
            hash = mix(hash, &args->integer, sizeof(args->integer));
        else if (args->kind != SQL_NULL)
            hash = mix(hash, args->bytes.ptr, args->bytes.len);
    }
    return hash ^ hash >> 32;
}

static bool same_args(const struct sql_value *a, const struct sql_value *b)
{
    for (; a->kind == b->kind; a++, b++) {
        if (a->kind == SQL_END)
            return true;
        if (a->kind == SQL_I64 ? a->integer != b->integer
                               : a->kind != SQL_NULL && !str_eq(a->bytes, b->bytes))
            return false;
    }
    return false;
}

static struct pg_answer **find(struct pg_answers *answers, const struct statement *statement,
                               const struct sql_value *args, uint64_t hash)
{
    struct pg_answer **at = &answers->buckets[hash % BUCKETS];
    while (*at &&
           ((*at)->hash != hash || (*at)->statement != statement || !same_args((*at)->args, args)))
        at = &(*at)->next;
    return at;
}

static struct pg_answer *add(struct pg_answers *answers, const struct statement *statement,
                             const struct sql_value *args, uint64_t hash)
{
    struct pg_answer *answer = ARENA_NEW(answers->arena, struct pg_answer);
    size_t count = 0;
    while (args[count].kind != SQL_END)
        count++;
    struct sql_value *copy = ARENA_ARRAY(answers->arena, struct sql_value, count + 1);
    for (size_t i = 0; i <= count; i++) {
        copy[i] = args[i];
        if (args[i].kind == SQL_TEXT || args[i].kind == SQL_BYTES)
            copy[i].bytes = arena_copy(answers->arena, args[i].bytes);
    }
    *answer = (struct pg_answer){.statement = statement, .hash = hash, .args = copy};
    answer->next = answers->buckets[hash % BUCKETS];
    answers->buckets[hash % BUCKETS] = answer;
    answers->count++;
    return answer;
}

void pg_answer_arrived(struct pg_answer *answer, PGresult *result)
{
    assert(!answer->result);
    answer->result = result;
}

int pg_expect(struct sql *sql, struct statement *statement, const struct sql_value *args)
{
    struct pg_answers *answers = of(sql);
    uint64_t hash = hash_of(statement, args);
    if (answers->count >= MOST_ANSWERS || *find(answers, statement, args, hash))
        return 0;
    if (!statement->reads)
        sql->wrote = true;
    int error = pg_send_values(sql, statement, args);
    if (error)
        return error;
    struct pg *pg = sql->connection;
    struct pg_answer *answer = add(answers, statement, args, hash);
    answer->once = !statement->reads;
    pg->pending[pg->pending_count - 1].answer = answer;
    return 0;
}

int pg_recall(struct cursor *cursor, const struct sql_value *args)
{
    struct sql *sql = cursor->sql;
    struct pg_answers *answers = of(sql);
    const struct statement *statement = cursor->statement;
    if (answers->count == 0 ||
        (statement->reads && !sql->vouched && pg_deferred_concerns(sql, statement)))
        return 0;
    struct pg_answer **at = find(answers, statement, args, hash_of(statement, args));
    struct pg_answer *answer = *at;
    if (!answer)
        return 0;
    if (!answer->result) {
        int error = pg_settle(sql, NULL);
        if (error)
            return error;
        if (!answer->result)
            return 0;
    }
    cursor->result = answer->result;
    cursor->row = -1;
    cursor->row_count = PQntuples(answer->result);
    cursor->lent = !answer->once;
    if (answer->once) {
        *at = answer->next;
        answers->count--;
    }
    return 1;
}

void pg_remember(struct cursor *cursor, const struct sql_value *args)
{
    struct sql *sql = cursor->sql;
    if (sql->transaction != TRANSACTION_WRITE || !cursor->statement->reads ||
        cursor->statement->temporary || cursor->row_count > MOST_ROWS)
        return;
    struct pg_answers *answers = of(sql);
    if (answers->count >= MOST_ANSWERS || pg_deferred_concerns(sql, cursor->statement))
        return;
    uint64_t hash = hash_of(cursor->statement, args);
    if (*find(answers, cursor->statement, args, hash))
        return;
    add(answers, cursor->statement, args, hash)->result = cursor->result;
    cursor->lent = true;
}
