/* Platform ledger: what an operator or an auditor asks the books. Accounts are shown by their
 * ledger id and taken in any form. */
#include "ledger/ledger.h"
#include "base/digest.h"
#include "core/journals/journals.h"
#include "core/reasons.h"
#include "core/wallet/wallet.h"
#include "dialect/platform/platform.h"
#include "generated/platform.h"

/* ---- Accounts ---- */

/* A wallet's ledger account has the wallet's id, so the form of the id tells nothing but what to
 * show. */
static int find_account(struct call *c, struct str text, struct ledger_account *ret_account)
{
    id_t64 id;

    if (!id_parse(ID_LEDGER_ACCOUNT, text, &id))
        TRY(platform_read_id(c, ID_ACCOUNT, text, "account_id", &id));
    int error = ledger_read_account(c->sql, c->principal.tenant_id, id, ret_account);
    return error == ERR_NOT_FOUND ? call_refuse(c, error, "account_id") : error;
}

static struct str show_account_id(struct call *c, const struct ledger_account *account)
{
    return call_id(c, account->code == LEDGER_CUSTOMER ? ID_ACCOUNT : ID_LEDGER_ACCOUNT,
                   account->id);
}

static struct str show_instant(struct call *c, usec_t instant)
{
    return instant ? call_time(c, instant) : STR_NONE;
}

static void show_statement_entry(struct call *c, const struct ledger_entry *entry,
                                 const struct asset *asset, struct platform_statement_entry *out)
{
    *out = (struct platform_statement_entry){
        .transfer_id = arena_printf(c->arena, "%lld", (long long)entry->transfer_id),
        .journal_id = call_id(c, ID_JOURNAL, entry->journal_id),
        .direction = entry->is_debit ? STR("debit") : STR("credit"),
        .amount = money_to_decimal(entry->amount, asset),
        .balance = money_to_decimal(entry->balance_after, asset),
        .reason = str_from(reason_name(entry->reason)),
        .description = entry->description,
        .reference = entry->reference,
        .counter_account_id = call_id(c, ID_LEDGER_ACCOUNT, entry->other_account),
        .effective_at = show_instant(c, entry->effective_at),
        .posted_at = show_instant(c, entry->posted_at),
    };
}

static int read_period(struct call *c, struct str from, struct str to,
                       struct ledger_statement_query *query)
{
    query->from = 0;
    query->to = c->now + 1;
    if (str_present(from))
        time_parse(from, &query->from);
    if (str_present(to))
        time_parse(to, &query->to);
    return query->from <= query->to
               ? OK
               : call_refuse_text(c, ERR_OUT_OF_RANGE, "from", "must not be after to");
}

int platform_get_ledger_statement(struct call *c, const struct platform_get_ledger_statement_in *in,
                                  struct platform_get_ledger_statement_out *out)
{
    struct ledger_statement_query query = {.basis = LEDGER_AS_EFFECTIVE,
                                           .limit = (size_t)in->limit};
    struct ledger_statement statement;
    struct ledger_account account;
    struct page page;

    TRY(find_account(c, in->account_id, &account));
    TRY(read_period(c, in->from, in->to, &query));
    struct str list =
        arena_printf(c->arena, "statement|%lld|%.*s|%.*s", (long long)account.id,
                     STR_FMT(str_or(in->from, STR(""))), STR_FMT(str_or(in->to, STR(""))));
    TRY(call_page(c, list, in->cursor, "cursor", in->limit, &page));
    query.after = page.before == INT64_MAX ? 0 : page.before;
    TRY(ledger_read_statement(c->sql, c->arena, c->principal.tenant_id, account.id, &query,
                              &statement));
    const struct asset *asset = asset_by_id(account.asset);
    struct platform_statement *data = ARENA_NEW(c->arena, struct platform_statement);
    *data = (struct platform_statement){
        .account_id = show_account_id(c, &account),
        .ledger_account_id = call_id(c, ID_LEDGER_ACCOUNT, account.id),
        .kind = str_from(ledger_code_name(account.code)),
        .currency = str_from(asset->code),
        .from = show_instant(c, query.from),
        .to = show_instant(c, query.to),
        .opening_balance = money_to_decimal(statement.opening, asset),
        .closing_balance = money_to_decimal(statement.closing, asset),
        .entries.items =
            ARENA_ARRAY(c->arena, struct platform_statement_entry, statement.count + 1),
        .entries.count = statement.count,
    };
    for (size_t i = 0; i < statement.count; i++)
        show_statement_entry(c, &statement.entries[i], asset, &data->entries.items[i]);
    out->data = data;
    out->meta = ARENA_NEW(c->arena, struct platform_page_meta);
    out->meta->count = (int64_t)statement.count;
    if (statement.more)
        out->meta->next_cursor =
            call_page_cursor(c, list, statement.entries[statement.count - 1].transfer_id);
    return OK;
}

static void show_counters(const struct ledger_account *account, const struct asset *asset,
                          struct platform_balance *out)
{
    out->has_available_balance = true;
    out->available_balance = money_to_decimal(ledger_available(account), asset);
    out->has_debits_posted = out->has_credits_posted = true;
    out->debits_posted = money_to_decimal(account->debits_posted, asset);
    out->credits_posted = money_to_decimal(account->credits_posted, asset);
    out->has_debits_pending = out->has_credits_pending = true;
    out->debits_pending = money_to_decimal(account->debits_pending, asset);
    out->credits_pending = money_to_decimal(account->credits_pending, asset);
}

int platform_get_ledger_balance(struct call *c, const struct platform_get_ledger_balance_in *in,
                                struct platform_get_ledger_balance_out *out)
{
    struct ledger_account account;
    usec_t at = c->now;
    money_t balance;

    TRY(find_account(c, in->account_id, &account));
    const struct asset *asset = asset_by_id(account.asset);
    if (str_present(in->at))
        time_parse(in->at, &at);
    TRY(ledger_balance_at(c->sql, c->principal.tenant_id, account.id, LEDGER_AS_EFFECTIVE, at,
                          &balance));
    out->data = ARENA_NEW(c->arena, struct platform_balance);
    *out->data = (struct platform_balance){
        .account_id = show_account_id(c, &account),
        .ledger_account_id = call_id(c, ID_LEDGER_ACCOUNT, account.id),
        .kind = str_from(ledger_code_name(account.code)),
        .currency = str_from(asset->code),
        .at = call_time(c, at),
        .balance = money_to_decimal(balance, asset),
    };
    if (!str_present(in->at))
        show_counters(&account, asset, out->data);
    return OK;
}

/* ---- Trial balance ---- */

struct totals {
    money_t debits, credits, debits_pending, credits_pending;
};

/* Rows of one asset, which stand together. */
static size_t show_asset(struct call *c, const struct ledger_trial_row *rows, size_t count,
                         struct platform_trial_balance_asset *out)
{
    const struct asset *asset = asset_by_id(rows[0].asset);
    struct totals sum = {0};
    size_t used = 0;

    out->accounts.items = ARENA_ARRAY(c->arena, struct platform_trial_balance_row, count);
    for (; used < count && rows[used].asset == rows[0].asset; used++) {
        const struct ledger_trial_row *row = &rows[used];
        out->accounts.items[used] = (struct platform_trial_balance_row){
            .kind = str_from(ledger_code_name(row->code)),
            .name = str_empty(row->sub_name) ? STR_NONE : row->sub_name,
            .accounts = row->accounts,
            .debits = money_to_decimal(row->debits_posted, asset),
            .credits = money_to_decimal(row->credits_posted, asset),
            .has_debits_pending = true,
            .debits_pending = money_to_decimal(row->debits_pending, asset),
            .has_credits_pending = true,
            .credits_pending = money_to_decimal(row->credits_pending, asset),
        };
        sum.debits += row->debits_posted;
        sum.credits += row->credits_posted;
        sum.debits_pending += row->debits_pending;
        sum.credits_pending += row->credits_pending;
    }
    out->accounts.count = used;
    out->currency = str_from(asset->code);
    out->debits = money_to_decimal(sum.debits, asset);
    out->credits = money_to_decimal(sum.credits, asset);
    out->has_debits_pending = out->has_credits_pending = true;
    out->debits_pending = money_to_decimal(sum.debits_pending, asset);
    out->credits_pending = money_to_decimal(sum.credits_pending, asset);
    out->balanced = sum.debits == sum.credits && sum.debits_pending == sum.credits_pending;
    return used;
}

static int read_currency(struct call *c, struct str currency, const struct asset **ret_asset)
{
    *ret_asset = NULL;
    if (!str_present(currency))
        return OK;
    *ret_asset = asset_find_any_case(currency);
    return *ret_asset ? OK : call_refuse(c, ERR_UNKNOWN_CURRENCY, "currency");
}

int platform_get_trial_balance(struct call *c, const struct platform_get_trial_balance_in *in,
                               struct platform_get_trial_balance_out *out)
{
    const struct asset *only;
    struct ledger_trial_row *rows;
    size_t count;

    TRY(read_currency(c, in->currency, &only));
    TRY(ledger_trial_balance(c->sql, c->arena, c->principal.tenant_id, &rows, &count));
    struct platform_trial_balance *data = ARENA_NEW(c->arena, struct platform_trial_balance);
    data->at = call_time(c, c->now);
    data->balanced = true;
    data->assets.items = ARENA_ARRAY(c->arena, struct platform_trial_balance_asset, count + 1);
    for (size_t i = 0; i < count;) {
        struct platform_trial_balance_asset *shown = &data->assets.items[data->assets.count];
        bool wanted = !only || rows[i].asset == only->id;
        i += show_asset(c, rows + i, count - i, shown);
        data->balanced &= !wanted || shown->balanced;
        data->assets.count += wanted;
    }
    out->data = data;
    return OK;
}

/* ---- Journals ---- */

static struct str transfer_kind(enum transfer_kind kind)
{
    switch (kind) {
    case TRANSFER_POSTED:
        return STR("posted");
    case TRANSFER_PENDING:
        return STR("pending");
    case TRANSFER_POST:
        return STR("post");
    case TRANSFER_VOID:
        return STR("void");
    case TRANSFER_EXPIRE:
        return STR("expire");
    }
    __builtin_unreachable();
}

static struct str number(struct call *c, id_t64 id)
{
    return id ? arena_printf(c->arena, "%lld", (long long)id) : STR_NONE;
}

static void show_transfer(struct call *c, const struct transfer *transfer,
                          const struct journal_leg *leg, struct platform_transfer *out)
{
    const struct asset *asset = leg->asset;

    *out = (struct platform_transfer){
        .transfer_id = number(c, transfer->id),
        .debit_account_id = call_id(c, ID_LEDGER_ACCOUNT, transfer->debit_account),
        .credit_account_id = call_id(c, ID_LEDGER_ACCOUNT, transfer->credit_account),
        .debit_kind = str_from(ledger_code_name(leg->debit_code)),
        .credit_kind = str_from(ledger_code_name(leg->credit_code)),
        .amount = money_to_decimal(transfer->amount, asset),
        .currency = str_from(asset->code),
        .kind = transfer_kind(transfer->kind),
        .pending_id = number(c, transfer->pending_id),
        .reason = str_from(reason_name(transfer->reason)),
        .has_debit_balance = true,
        .debit_balance = money_to_decimal(transfer->debit_balance_after, asset),
        .has_credit_balance = true,
        .credit_balance = money_to_decimal(transfer->credit_balance_after, asset),
    };
}

static void show_journal(struct call *c, const struct journal_view *view,
                         struct platform_journal *out)
{
    const struct journal *journal = &view->journal;

    *out = (struct platform_journal){
        .journal_id = call_id(c, ID_JOURNAL, journal->id),
        .reason = str_from(reason_name(journal->transfers[0].reason)),
        .description = journal->description,
        .reference = journal->reference,
        .key = journal->key,
        .interaction_id = journal->interaction_id,
        .actor_id = platform_id_or_none(c, ID_USER, journal->actor_id),
        .reverses = platform_id_or_none(c, ID_JOURNAL, journal->reverses),
        .metadata = journal->metadata,
        .effective_at =
            show_instant(c, journal->effective_at ? journal->effective_at : journal->posted_at),
        .posted_at = show_instant(c, journal->posted_at),
        .transfers.items =
            ARENA_ARRAY(c->arena, struct platform_transfer, journal->transfer_count + 1),
        .transfers.count = journal->transfer_count,
    };
    for (size_t i = 0; i < journal->transfer_count; i++)
        show_transfer(c, &journal->transfers[i], &view->legs[i], &out->transfers.items[i]);
}

/* What the journal itself does not say: only of one that is committed. */
static int show_seal(struct call *c, id_t64 journal_id, struct platform_journal *out)
{
    struct ledger_seal seal;

    TRY(ledger_read_seal(c->sql, c->principal.tenant_id, journal_id, &seal));
    out->hash = hex_print(c->arena, seal.hash, sizeof(seal.hash));
    out->reversed_by = platform_id_or_none(c, ID_JOURNAL, seal.reversed_by);
    return OK;
}

static int find_reason(struct call *c, struct str name, int *ret_reason)
{
    static const struct {
        int number;
        const char *name;
    } reasons[] = {
#define REASON(symbol, number, name) {number, name},
#include "core/reasons.def"
#undef REASON
    };

    *ret_reason = 0;
    if (!str_present(name))
        return OK;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (str_is(name, reasons[i].name))
            *ret_reason = reasons[i].number;
    return *ret_reason ? OK : call_refuse(c, ERR_NOT_ALLOWED, "code");
}

static int read_filter(struct call *c, const struct platform_list_journals_in *in,
                       struct journal_filter *filter)
{
    *filter = (struct journal_filter){
        .key = in->key, .reference = in->reference, .interaction_id = in->interaction_id};
    TRY(find_reason(c, in->code, &filter->reason));
    TRY(read_currency(c, in->currency, &filter->asset));
    if (in->has_amount && !filter->asset)
        return call_refuse(c, ERR_REQUIRED, "currency");
    if (in->has_amount)
        TRY(wallet_amount(c, in->amount, filter->asset, "amount", &filter->amount));
    if (str_present(in->from))
        time_parse(in->from, &filter->from);
    if (str_present(in->to))
        time_parse(in->to, &filter->to);
    return OK;
}

/* A cursor belongs to the list with these filters and no other. */
static struct str list_name(struct call *c, const struct platform_list_journals_in *in)
{
    const struct str texts[] = {in->reference, in->key, in->interaction_id, in->code, in->currency,
                                in->from,      in->to};
    struct buf out = buf_new(c->arena, 128);

    buf_add_cstr(&out, "journals");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        buf_printf(&out, "|%zu:%.*s", texts[i].len, STR_FMT(str_or(texts[i], STR(""))));
    if (in->has_amount)
        buf_printf(&out, "|%.*s", STR_FMT(decimal_print(c->arena, in->amount, 0)));
    return buf_str(&out);
}

int platform_list_journals(struct call *c, const struct platform_list_journals_in *in,
                           struct platform_list_journals_out *out)
{
    struct str list = list_name(c, in);
    struct journal_filter filter;
    struct journal_view *views;
    struct page page;
    size_t count;
    id_t64 next;

    TRY(read_filter(c, in, &filter));
    TRY(call_page(c, list, in->cursor, "cursor", in->limit, &page));
    TRY(journal_search(c, &filter, &page, &views, &count, &next));
    out->data.items = ARENA_ARRAY(c->arena, struct platform_journal, count + 1);
    out->data.count = count;
    for (size_t i = 0; i < count; i++) {
        show_journal(c, &views[i], &out->data.items[i]);
        TRY(show_seal(c, views[i].journal.id, &out->data.items[i]));
    }
    out->meta = ARENA_NEW(c->arena, struct platform_page_meta);
    out->meta->count = (int64_t)count;
    if (next)
        out->meta->next_cursor = call_page_cursor(c, list, next);
    return OK;
}

static int read_journal_id(struct call *c, struct str text, id_t64 *ret_id)
{
    if (id_parse(ID_JOURNAL, text, ret_id) || id_parse_uuid(ID_JOURNAL, text, ret_id) ||
        (str_to_i64(text, ret_id) && *ret_id > 0))
        return OK;
    return call_refuse(c, ERR_LEDGER_JOURNAL_NOT_FOUND, "journal_id");
}

int platform_get_journal(struct call *c, const struct platform_get_journal_in *in,
                         struct platform_get_journal_out *out)
{
    struct journal_view view;
    id_t64 id;

    TRY(read_journal_id(c, in->journal_id, &id));
    TRY(journal_get(c, id, "journal_id", &view));
    out->data = ARENA_NEW(c->arena, struct platform_journal);
    show_journal(c, &view, out->data);
    return show_seal(c, id, out->data);
}

int platform_reverse_journal(struct call *c, const struct platform_reverse_journal_in *in,
                             struct platform_reverse_journal_out *out)
{
    struct journal_view view;
    id_t64 id;

    TRY(read_journal_id(c, in->journal_id, &id));
    TRY(journal_reverse(c, id, in->body->reason, "journal_id", &view));
    out->data = ARENA_NEW(c->arena, struct platform_journal);
    show_journal(c, &view, out->data);
    return OK;
}

int platform_get_ledger_head(struct call *c, const struct platform_get_ledger_head_in *in,
                             struct platform_get_ledger_head_out *out)
{
    struct ledger_head head = {0};
    int error = ledger_head(c->sql, c->principal.tenant_id, &head);

    (void)in;
    if (error && error != ERR_NOT_FOUND)
        return error;
    out->data = ARENA_NEW(c->arena, struct platform_ledger_head);
    *out->data = (struct platform_ledger_head){
        .journal_id = platform_id_or_none(c, ID_JOURNAL, head.last_journal),
        .hash = hex_print(c->arena, head.hash, sizeof(head.hash)),
        .journals = head.journals,
        .posted_at = show_instant(c, head.posted_at),
    };
    return OK;
}
