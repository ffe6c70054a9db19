/*
 * Exports: everything that was posted, in the order of posting, for programs that are not Cambist.
 * The plain-text form asserts each account's balance after each posting, so that ledger or hledger,
 * reading it, confirm every balance by their own arithmetic.
 */
#include "base/digest.h"
#include "base/json.h"
#include "ledger/internal.h"

#define EXPORT_ROW(F)          \
    F(INTEGER, id)             \
    F(INTEGER, tenant_id)      \
    F(INTEGER, leg)            \
    F(INTEGER, legs)           \
    F(INTEGER, kind)           \
    F(INTEGER, flags)          \
    F(INTEGER, debit_account)  \
    F(INTEGER, credit_account) \
    F(INTEGER, amount)         \
    F(INTEGER, pending_id)     \
    F(INTEGER, reason)         \
    F(INTEGER, debit_balance)  \
    F(INTEGER, credit_balance) \
    F(INTEGER, posted_at)      \
    F(BYTES, hash)             \
    F(TEXT, key)               \
    F(TEXT, description)       \
    F(TEXT, reference)         \
    F(TEXT, interaction_id)    \
    F(TEXT, metadata)          \
    F(INTEGER, actor_id)       \
    F(INTEGER, effective_at)   \
    F(INTEGER, reverses)
ROW_STRUCT(ledger_export_, EXPORT_ROW);
#define ROW_SELF struct ledger_export_
ROW_TYPE(ledger_export_, EXPORT_ROW);
#undef ROW_SELF

struct export_account {
    int asset;
    int code;
    struct str sub_name;
};

struct export
{
    FILE *out;
    struct arena *names;
    struct chunks accounts; /* struct export_account */
    struct id_map account_map;
    bool in_journal; /* an entry of the plain-text form, an object of JSON lines is open */
};

static const char *const kind_names[] = {"posted", "pending", "post", "void", "expire"};

static const char *purpose(int code)
{
    switch ((enum ledger_account_code)code) {
    case LEDGER_CUSTOMER:
        return "Customer";
    case LEDGER_SETTLEMENT:
        return "Settlement";
    case LEDGER_FEE_INCOME:
        return "Fee income";
    case LEDGER_FX_POSITION:
        return "FX position";
    case LEDGER_FX_INCOME:
        return "FX income";
    case LEDGER_SUSPENSE:
        return "Suspense";
    case LEDGER_LOAN_PRINCIPAL:
        return "Loan principal";
    case LEDGER_INTEREST_INCOME:
        return "Interest income";
    case LEDGER_PENALTY_INCOME:
        return "Penalty income";
    case LEDGER_INVESTMENT_POOL:
        return "Investment pool";
    case LEDGER_OPENING:
        return "Opening";
    }
    return "Other";
}

static int remember_account(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    struct export *e = context;
    const struct ledger_account_ *row = item;
    uint32_t index;
    struct export_account *account = chunks_add(&e->accounts, &index);
    *account = (struct export_account){.asset = (int)row->asset,
                                       .code = (int)row->code,
                                       .sub_name = arena_copy(e->names, row->sub_name)};
    id_map_put(&e->account_map, row->id, index);
    return OK;
}

static const struct export_account *account_of(const struct export *e, id_t64 id)
{
    uint32_t index = id_map_get(&e->account_map, id);
    assert(index != ID_MAP_NONE);
    return chunks_at(&e->accounts, index);
}

static const struct asset *asset_of(const struct export *e, id_t64 account_id)
{
    const struct asset *asset = asset_by_id(account_of(e, account_id)->asset);
    assert(asset);
    return asset;
}

static struct str major(struct arena *arena, money_t amount, const struct asset *asset)
{
    return decimal_print(arena, money_to_decimal(amount, asset), asset->scale);
}

/* ---- Plain-text accounting ---- */

/* One line of text that cannot be mistaken for syntax: no line breaks, no comment or note marks. */
static struct str plain(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        copy[i] = (unsigned char)c < ' ' || strchr(";|*!()[]{}:=@", c) ? ' ' : c;
    }
    return str_trim((struct str){copy, text.len});
}

static struct str account_name(const struct export *e, struct arena *arena, id_t64 id)
{
    const struct export_account *account = account_of(e, id);
    struct str sub_name = plain(arena, account->sub_name);
    return arena_printf(arena, "%s:%.*s%s%lld", purpose(account->code), STR_FMT(sub_name),
                        sub_name.len ? ":" : "", (long long)id);
}

static void print_said(FILE *out, struct arena *arena, const char *name, struct str text)
{
    if (str_present(text))
        fprintf(out, "    ; %s %.*s\n", name, STR_FMT(plain(arena, text)));
}

static void open_entry(struct export *e, struct arena *arena, const struct ledger_export_ *row)
{
    struct str date = time_print(arena, row->posted_at, TIME_DATE);
    fprintf(e->out, "\n%.*s", STR_FMT(date));
    if (row->effective_at)
        fprintf(e->out, "=%.*s", STR_FMT(time_print(arena, row->effective_at, TIME_DATE)));
    struct str description = plain(arena, str_or(row->description, STR("")));
    fprintf(e->out, " * (%lld) %.*s\n", (long long)(row->id - row->leg), STR_FMT(description));
    print_said(e->out, arena, "key", row->key);
    print_said(e->out, arena, "reference", row->reference);
    if (row->reverses)
        fprintf(e->out, "    ; reverses %lld\n", (long long)row->reverses);
}

static void print_posting(struct export *e, struct arena *arena, id_t64 account_id, money_t change,
                          money_t balance)
{
    const struct asset *asset = asset_of(e, account_id);
    fprintf(e->out, "    %.*s  %.*s %s = %.*s %s\n", STR_FMT(account_name(e, arena, account_id)),
            STR_FMT(major(arena, change, asset)), asset->code,
            STR_FMT(major(arena, balance, asset)), asset->code);
}

static int export_plain(void *context, const void *item, struct arena *arena)
{
    struct export *e = context;
    const struct ledger_export_ *row = item;
    if (row->leg == 0)
        open_entry(e, arena, row);
    bool moves = row->kind == TRANSFER_POSTED || row->kind == TRANSFER_POST;
    const struct asset *asset = asset_of(e, row->debit_account);
    if (moves) {
        print_posting(e, arena, row->debit_account, -row->amount, row->debit_balance);
        print_posting(e, arena, row->credit_account, row->amount, row->credit_balance);
    } else {
        fprintf(e->out, "    ; %s %lld, %.*s %s from %lld to %lld\n", kind_names[row->kind],
                (long long)(row->pending_id ? row->pending_id : row->id),
                STR_FMT(major(arena, row->amount, asset)), asset->code,
                (long long)row->debit_account, (long long)row->credit_account);
    }
    return OK;
}

/* ---- CSV (RFC 4180) ---- */

static void csv_text(FILE *out, struct str text)
{
    fputc(',', out);
    if (!str_present(text))
        return;
    fputc('"', out);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            fputc('"', out);
        fputc(text.ptr[i], out);
    }
    fputc('"', out);
}

static const char csv_head[] =
    "transfer_id,journal_id,tenant_id,posted_at,effective_at,kind,debit_account,credit_account,"
    "amount,asset,debit_balance,credit_balance,pending_id,reason,actor_id,reverses,key,"
    "description,reference,interaction_id,metadata,hash\r\n";

static int export_csv(void *context, const void *item, struct arena *arena)
{
    struct export *e = context;
    const struct ledger_export_ *row = item;
    const struct asset *asset = asset_of(e, row->debit_account);
    usec_t effective_at = row->effective_at ? row->effective_at : row->posted_at;
    fprintf(e->out, "%lld,%lld,%lld,%.*s,%.*s,%s,%lld,%lld,%.*s,%s,%.*s,%.*s,%lld,%lld,%lld,%lld",
            (long long)row->id, (long long)(row->id - row->leg), (long long)row->tenant_id,
            STR_FMT(time_print(arena, row->posted_at, TIME_RFC3339)),
            STR_FMT(time_print(arena, effective_at, TIME_RFC3339)), kind_names[row->kind],
            (long long)row->debit_account, (long long)row->credit_account,
            STR_FMT(major(arena, row->amount, asset)), asset->code,
            STR_FMT(major(arena, row->debit_balance, asset)),
            STR_FMT(major(arena, row->credit_balance, asset)), (long long)row->pending_id,
            (long long)row->reason, (long long)row->actor_id, (long long)row->reverses);
    csv_text(e->out, row->key);
    csv_text(e->out, row->description);
    csv_text(e->out, row->reference);
    csv_text(e->out, row->interaction_id);
    csv_text(e->out, row->metadata);
    struct str hash = STR_NONE;
    if (row->hash.ptr)
        hash = hex_print(arena, row->hash.ptr, row->hash.len);
    csv_text(e->out, hash);
    fputs("\r\n", e->out);
    return OK;
}

/* ---- JSON lines ---- */

static struct str quoted(struct arena *arena, struct str text)
{
    struct buf buf = buf_new(arena, text.len + 16);
    json_add_string(&buf, text);
    return buf_str(&buf);
}

static void json_member(FILE *out, struct arena *arena, const char *name, struct str text)
{
    if (str_present(text))
        fprintf(out, ",\"%s\":%.*s", name, STR_FMT(quoted(arena, text)));
}

static void open_object(struct export *e, struct arena *arena, const struct ledger_export_ *row)
{
    fprintf(e->out, "{\"journal_id\":%lld,\"tenant_id\":%lld,\"posted_at\":\"%.*s\"",
            (long long)row->id, (long long)row->tenant_id,
            STR_FMT(time_print(arena, row->posted_at, TIME_RFC3339)));
    if (row->effective_at)
        fprintf(e->out, ",\"effective_at\":\"%.*s\"",
                STR_FMT(time_print(arena, row->effective_at, TIME_RFC3339)));
    json_member(e->out, arena, "key", row->key);
    json_member(e->out, arena, "description", row->description);
    json_member(e->out, arena, "reference", row->reference);
    json_member(e->out, arena, "interaction_id", row->interaction_id);
    if (str_present(row->metadata))
        fprintf(e->out, ",\"metadata\":%.*s", STR_FMT(row->metadata));
    if (row->actor_id)
        fprintf(e->out, ",\"actor_id\":%lld", (long long)row->actor_id);
    if (row->reverses)
        fprintf(e->out, ",\"reverses\":%lld", (long long)row->reverses);
    fprintf(e->out, ",\"hash\":\"%.*s\",\"transfers\":[",
            STR_FMT(hex_print(arena, row->hash.ptr, row->hash.len)));
}

static int export_jsonl(void *context, const void *item, struct arena *arena)
{
    struct export *e = context;
    const struct ledger_export_ *row = item;
    const struct asset *asset = asset_of(e, row->debit_account);
    if (row->leg == 0) {
        if (e->in_journal)
            fputs("]}\n", e->out);
        open_object(e, arena, row);
        e->in_journal = true;
    }
    fprintf(e->out,
            "%s{\"id\":%lld,\"kind\":\"%s\",\"debit_account\":%lld,\"credit_account\":%lld,"
            "\"amount\":\"%.*s\",\"asset\":\"%s\",\"debit_balance\":\"%.*s\","
            "\"credit_balance\":\"%.*s\"",
            row->leg ? "," : "", (long long)row->id, kind_names[row->kind],
            (long long)row->debit_account, (long long)row->credit_account,
            STR_FMT(major(arena, row->amount, asset)), asset->code,
            STR_FMT(major(arena, row->debit_balance, asset)),
            STR_FMT(major(arena, row->credit_balance, asset)));
    if (row->pending_id)
        fprintf(e->out, ",\"pending_id\":%lld", (long long)row->pending_id);
    fprintf(e->out, ",\"reason\":%lld}", (long long)row->reason);
    return OK;
}

/* ---- */

#define EXPORT_COLUMNS                                                            \
    "SELECT t.id, t.tenant_id, t.leg, t.legs, t.kind, t.flags, t.debit_account, " \
    "t.credit_account, t.amount, t.pending_id, t.reason, t.debit_balance, "       \
    "t.credit_balance, t.posted_at, t.hash, j.key, j.description, j.reference, "  \
    "j.interaction_id, j.metadata, j.actor_id, j.effective_at, j.reverses "       \
    "FROM ledger_transfers t LEFT JOIN ledger_journals j ON j.id = t.id - t.leg "

static int export_rows(struct sql *sql, sql_visit *visit, struct export *e, id_t64 tenant_id)
{
    if (tenant_id)
        return sql_each(sql, &ledger_export__row, visit, e,
                        EXPORT_COLUMNS "WHERE t.tenant_id = ? ORDER BY t.id", sql_int(tenant_id));
    return sql_each(sql, &ledger_export__row, visit, e, EXPORT_COLUMNS "ORDER BY t.id");
}

static int export_format(struct sql *sql, enum ledger_export_format format, struct export *e,
                         id_t64 tenant_id)
{
    switch (format) {
    case LEDGER_EXPORT_LEDGER:
        fprintf(e->out, "; Cambist: credits are positive, as an account's owner sees them.\n");
        return export_rows(sql, export_plain, e, tenant_id);
    case LEDGER_EXPORT_CSV:
        fputs(csv_head, e->out);
        return export_rows(sql, export_csv, e, tenant_id);
    case LEDGER_EXPORT_JSONL: {
        int error = export_rows(sql, export_jsonl, e, tenant_id);
        if (e->in_journal)
            fputs("]}\n", e->out);
        return error;
    }
    }
    return ERR_INTERNAL;
}

int ledger_export(struct sql *sql, enum ledger_export_format format, id_t64 tenant_id, FILE *out)
{
    struct export e = {
        .out = out,
        .names = arena_new(SIZE_MAX),
        .accounts = {.item_size = sizeof(struct export_account)},
    };
    int error = sql_each(sql, &ledger_account__row, remember_account, &e,
                         "SELECT id, tenant_id, asset, code, sub_name, flags, overdraft_limit, "
                         "minimum_balance, lien_total, created_at FROM ledger_accounts");
    if (!error)
        error = export_format(sql, format, &e, tenant_id);
    arena_free(e.names);
    chunks_free(&e.accounts);
    id_map_free(&e.account_map);
    return error ? error : fflush(out) != 0 || ferror(out) ? ERR_INTERNAL : OK;
}
