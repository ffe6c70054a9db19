/*
 * What the simulated providers remember across restarts, because the database does too: accounts,
 * customers and transfers, in one file per provider in the data directory, a JSON object per line,
 * later lines over earlier ones.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/config.h"
#include "base/log.h"
#include "sandbox/sandbox_internal.h"

static void write_line(struct simulator *simulator, struct str line)
{
    if (!simulator->memory)
        return;
    fprintf(simulator->memory, "%.*s\n", STR_FMT(line));
    fflush(simulator->memory);
}

void sim_remember_record(struct simulator *simulator, const struct sim_record *record)
{
    struct arena *arena ARENA_SCOPED = arena_new(0);
    struct buf out = json_object(arena);
    json_put(&out, "kind", record->kind);
    json_put(&out, "id", record->id);
    json_put(&out, "owner", record->owner);
    json_put(&out, "key", record->key);
    json_put(&out, "detail", record->detail);
    json_put(&out, "json", record->json);
    json_put_integer(&out, "created_at", record->created_at);
    json_put_boolean(&out, "deleted", record->deleted);
    write_line(simulator, json_object_end(&out));
}

void sim_remember_transfer(struct simulator *simulator, const struct sim_transfer *transfer)
{
    struct arena *arena ARENA_SCOPED = arena_new(0);
    struct buf out = json_object(arena);
    json_put(&out, "transfer", transfer->id);
    json_put(&out, "reference", transfer->reference);
    json_put(&out, "operation", transfer->operation);
    json_put(&out, "amount", transfer->amount);
    json_put(&out, "currency", transfer->currency);
    json_put(&out, "account_number", transfer->account_number);
    json_put(&out, "account_name", transfer->account_name);
    json_put(&out, "bank_code", transfer->bank_code);
    json_put(&out, "source", transfer->source_json);
    json_put(&out, "destination", transfer->destination_json);
    json_put(&out, "state_word", transfer->state_word);
    json_put_integer(&out, "state", (int64_t)transfer->state);
    json_put_boolean(&out, "held", transfer->held);
    json_put_integer(&out, "created_at", transfer->created_at);
    write_line(simulator, json_object_end(&out));
}

/* ---- Reading it back ---- */

static struct str member(struct simulator *simulator, const struct json *line, const char *name)
{
    return sim_keep(simulator, json_string(json_get(line, name)));
}

static void load_record(struct simulator *simulator, const struct json *line)
{
    struct str kind = member(simulator, line, "kind"), id = member(simulator, line, "id");
    struct sim_record *record = sim_find_record(simulator, arena_cstr(simulator->arena, kind), id);
    if (!record) {
        record = ARENA_NEW(simulator->arena, struct sim_record);
        record->next = simulator->records;
        simulator->records = record;
    }
    record->kind = kind;
    record->id = id;
    record->owner = member(simulator, line, "owner");
    record->key = member(simulator, line, "key");
    record->detail = member(simulator, line, "detail");
    record->json = member(simulator, line, "json");
    json_integer(json_get(line, "created_at"), &record->created_at);
    json_boolean(json_get(line, "deleted"), &record->deleted);
}

static void load_transfer(struct simulator *simulator, const struct json *line)
{
    struct str id = member(simulator, line, "transfer");
    struct sim_transfer *transfer = sim_find_transfer(simulator, id);
    int64_t state = SIM_WAITING, created_at = 0;
    if (!transfer) {
        transfer = ARENA_NEW(simulator->arena, struct sim_transfer);
        transfer->next = simulator->transfers;
        simulator->transfers = transfer;
    }
    json_integer(json_get(line, "state"), &state);
    json_integer(json_get(line, "created_at"), &created_at);
    struct sim_transfer *next = transfer->next;
    *transfer = (struct sim_transfer){
        .id = id,
        .reference = member(simulator, line, "reference"),
        .operation = member(simulator, line, "operation"),
        .amount = member(simulator, line, "amount"),
        .currency = member(simulator, line, "currency"),
        .account_number = member(simulator, line, "account_number"),
        .account_name = member(simulator, line, "account_name"),
        .bank_code = member(simulator, line, "bank_code"),
        .source_json = member(simulator, line, "source"),
        .destination_json = member(simulator, line, "destination"),
        .state_word = member(simulator, line, "state_word"),
        .state = (enum sim_state)state,
        .created_at = created_at,
        .next = next,
    };
    json_boolean(json_get(line, "held"), &transfer->held);
}

static void load_line(struct simulator *simulator, struct str text)
{
    struct arena *arena ARENA_SCOPED = arena_new(0);
    const struct json *line;
    /* A line that a crash cut short is what was not yet answered. */
    if (json_parse(arena, text, &line) != OK)
        return;
    if (str_present(json_string(json_get(line, "transfer"))))
        load_transfer(simulator, line);
    else
        load_record(simulator, line);
}

static void load(struct simulator *simulator, const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t room = 0;
    ssize_t len;
    if (!file)
        return;
    while ((len = getline(&text, &room, file)) > 0)
        load_line(simulator, str_trim((struct str){text, (size_t)len}));
    free(text);
    fclose(file);
}

void sim_memory_open(struct simulator *simulator)
{
    const char *path =
        arena_printf(simulator->arena, "%.*s/sandbox-%s.jsonl",
                     STR_FMT(simulator->sandbox->app->config->data), simulator->simulation->name)
            .ptr;
    load(simulator, path);
    simulator->memory = fopen(path, "ae");
    if (!simulator->memory)
        log_warn("the sandbox forgets at the end of the process", LOG_CSTR("file", path));
    sim_resume(simulator);
}
