/* PCX transactions: the financial records behind payments. Four envelopes, as documented per
 * operation. */
#include "core/identity/organisation.h"
#include "core/payment/payment.h"
#include "core/payment/transaction.h"

#include "dialect/pcx/wire.h"
#include "generated/pcx.h"

static void show(struct call *c, const struct financial_transaction *t, struct pcx_transaction *out)
{
    *out = (struct pcx_transaction){
        .transaction_id = call_id(c, ID_TRANSACTION, t->id),
        .user_id = call_id(c, ID_USER, t->user_id),
        .beneficiary_id = call_id(c, ID_BENEFICIARY, t->beneficiary_id),
        .currency = t->currency,
        .type = t->type,
        .status = t->status,
        /* A wallet payment has no documented method here. */
        .payment_method = str_is(t->payment_method, "wallet") ? STR_NONE : t->payment_method,
        .payment_id = call_id(c, ID_PAYMENT, t->payment_id),
        .payout_id = t->payout_id,
        .org_id = call_id(c, ID_ORGANISATION, t->organisation_id),
        .country = t->country,
        .entity_type = t->entity_type,
        .target_currency = t->target_currency,
        .metadata = t->metadata,
        .beneficiary_details = t->beneficiary_details,
        .next_due_date = call_time(c, t->next_due_date),
        .start_date = call_time(c, t->start_date),
        .frequency = t->frequency,
        .created_at = call_time(c, t->created_at),
        .updated_at = call_time(c, t->updated_at),
    };
    pcx_write_amount(&out->has_amount, &out->amount, t->amount, t->currency);
    pcx_write_amount(&out->has_target_amount, &out->target_amount, t->target_amount,
                     t->target_currency);
    if (t->amount_paid != TRANSACTION_NOT_SET)
        pcx_write_amount(&out->has_amount_paid, &out->amount_paid, t->amount_paid, t->currency);
    if (t->outstanding_balance != TRANSACTION_NOT_SET)
        pcx_write_amount(&out->has_outstanding_balance, &out->outstanding_balance,
                         t->outstanding_balance, t->currency);
    out->has_installments_completed = t->installments_completed != TRANSACTION_NOT_SET;
    out->installments_completed = t->installments_completed;
    if (!str_is(t->type, "loan"))
        return;
    pcx_write_amount(&out->has_compound_amount, &out->compound_amount, t->compound_amount,
                     t->currency);
    pcx_write_amount(&out->has_installment_amount, &out->installment_amount, t->installment_amount,
                     t->currency);
    out->has_duration = decimal_parse(t->duration, &out->duration);
    out->has_total_installments = true;
    out->total_installments = t->total_installments;
}

struct shown_page {
    struct pcx_transaction_array data;
    id_t64 last_id;    /* 0 on the last page */
    struct str cursor; /* absent on the last page */
};

static struct str list_name(struct call *c, const struct transaction_filter *filter)
{
    return arena_printf(c->arena, "transactions|%lld|%lld|%.*s|%.*s|%.*s|%.*s|%.*s|%lld|%lld",
                        (long long)filter->user_id, (long long)filter->organisation_id,
                        STR_FMT(filter->status), STR_FMT(filter->currency),
                        STR_FMT(filter->country), STR_FMT(filter->payment_method),
                        STR_FMT(filter->kind), (long long)filter->from, (long long)filter->until);
}

static int load(struct call *c, const struct transaction_filter *filter, const struct page *page,
                struct shown_page *ret_page)
{
    struct financial_transaction *rows;
    size_t count;

    *ret_page = (struct shown_page){0};
    TRY(transaction_list(c, filter, page, &rows, &count));
    if (count > (size_t)page->limit) {
        count = (size_t)page->limit;
        ret_page->last_id = rows[count - 1].id;
    }
    ret_page->data.items = ARENA_ARRAY(c->arena, struct pcx_transaction, count + 1);
    ret_page->data.count = count;
    for (size_t i = 0; i < count; i++)
        show(c, &rows[i], &ret_page->data.items[i]);
    return OK;
}

static int list(struct call *c, const struct transaction_filter *filter, int64_t limit,
                struct str cursor, const char *cursor_field, struct shown_page *ret_page)
{
    struct str name = list_name(c, filter);
    struct page page;

    TRY(call_page(c, name, cursor, cursor_field, limit, &page));
    TRY(load(c, filter, &page, ret_page));
    if (ret_page->last_id)
        ret_page->cursor = call_page_cursor(c, name, ret_page->last_id);
    return OK;
}

/* A cursor documented as based on time: created_at of the page's last row, then the signed rest,
 * which covers it. */
static int list_by_time(struct call *c, const struct transaction_filter *filter, int64_t limit,
                        struct str cursor, const char *cursor_field, struct shown_page *ret_page)
{
    struct str name = list_name(c, filter), rest = cursor, time = STR_NONE;
    struct page page;

    if (str_present(cursor)) {
        time = str_cut(&rest, '_');
        if (str_empty(rest))
            return call_refuse(c, ERR_BAD_CURSOR, cursor_field);
    }
    TRY(call_page(c, arena_printf(c->arena, "%.*s|%.*s", STR_FMT(name), STR_FMT(time)), rest,
                  cursor_field, limit, &page));
    TRY(load(c, filter, &page, ret_page));
    if (ret_page->last_id == 0)
        return OK;
    time = ret_page->data.items[ret_page->data.count - 1].created_at;
    name = arena_printf(c->arena, "%.*s|%.*s", STR_FMT(name), STR_FMT(time));
    rest = call_page_cursor(c, name, ret_page->last_id);
    ret_page->cursor = arena_printf(c->arena, "%.*s_%.*s", STR_FMT(time), STR_FMT(rest));
    return OK;
}

static struct pcx_token_pagination *token_pagination(struct call *c, const struct shown_page *page,
                                                     int64_t page_size)
{
    struct pcx_token_pagination *out = ARENA_NEW(c->arena, struct pcx_token_pagination);

    out->has_has_more = out->has_page_size = true;
    out->has_more = str_present(page->cursor);
    out->next_token = pcx_write_token(c, page->cursor);
    out->page_size = page_size;
    return out;
}

/* Both conventions are taken and answered: limit or pageSize, last_evaluated_key or nextToken. */
int pcx_list_my_transactions(struct call *c, const struct pcx_list_my_transactions_in *in,
                             struct pcx_list_my_transactions_out *out)
{
    struct transaction_filter filter = {.user_id = c->principal.user_id, .status = in->status};
    int64_t limit = in->page_size != 10 ? in->page_size : in->limit;
    struct shown_page page;
    struct str cursor;

    TRY(pcx_read_token(c, in->next_token, "nextToken", &cursor));
    TRY(list(c, &filter, limit, str_or(cursor, in->last_evaluated_key),
             str_present(cursor) ? "nextToken" : "last_evaluated_key", &page));
    out->data = page.data;
    out->pagination = token_pagination(c, &page, limit);
    out->meta = ARENA_NEW(c->arena, struct pcx_list_meta);
    out->meta->has_count = out->meta->has_total_count = out->meta->has_has_more = true;
    out->meta->count = (int64_t)page.data.count;
    out->meta->last_evaluated_key = page.cursor;
    out->meta->has_more = str_present(page.cursor);
    return transaction_count(c, &filter, &out->meta->total_count);
}

int pcx_list_all_transactions(struct call *c, const struct pcx_list_all_transactions_in *in,
                              struct pcx_list_all_transactions_out *out)
{
    struct transaction_filter filter = {.status = in->status};
    struct shown_page page;
    struct str cursor;

    TRY(pcx_read_token(c, in->next_token, "nextToken", &cursor));
    TRY(pcx_read_date_range(c, in->date_from, "dateFrom", in->date_to, "dateTo", &filter.from,
                            &filter.until));
    TRY(list(c, &filter, in->page_size, cursor, "nextToken", &page));
    out->data = page.data;
    out->pagination = token_pagination(c, &page, in->page_size);
    return OK;
}

#define RECENT_COUNT 10
/* An unknown user has no transactions, whatever the text looks like. */
#define NOBODY (-1)

int pcx_get_recent_transactions(struct call *c, const struct pcx_get_recent_transactions_in *in,
                                struct pcx_get_recent_transactions_out *out)
{
    struct transaction_filter filter = {0};
    struct shown_page page;

    if (str_empty(in->user_id))
        filter.user_id = c->principal.user_id;
    else if (!id_parse(ID_USER, in->user_id, &filter.user_id))
        filter.user_id = NOBODY;
    TRY(list(c, &filter, RECENT_COUNT, STR_NONE, NULL, &page));
    out->data = page.data;
    out->meta = ARENA_NEW(c->arena, struct pcx_recent_meta);
    out->meta->has_count = out->meta->has_total_count = true;
    out->meta->count = (int64_t)page.data.count;
    return transaction_count(c, &filter, &out->meta->total_count);
}

/* Who is not staff sees its own records, an administrator those of its organisation. */
static int scope_filter(struct call *c, struct transaction_filter *filter)
{
    if (c->principal.staff)
        return OK;
    if (filter->organisation_id && !call_may_act_for_organisation(c, filter->organisation_id))
        return call_refuse(c, ERR_FORBIDDEN, "org_id");
    if (call_has_role(c, ROLE_ORG_ADMIN) && c->principal.organisation_id) {
        filter->organisation_id = c->principal.organisation_id;
        return OK;
    }
    if (filter->user_id && filter->user_id != c->principal.user_id)
        return call_refuse(c, ERR_FORBIDDEN, "user_id");
    filter->user_id = c->principal.user_id;
    return OK;
}

int pcx_filter_transactions(struct call *c, const struct pcx_filter_transactions_in *in,
                            struct pcx_filter_transactions_out *out)
{
    const struct pcx_transaction_filter *body = in->body;
    struct transaction_filter filter = {.status = body->status,
                                        .currency = body->currency,
                                        .country = body->country,
                                        .payment_method = body->payment_method};
    struct shown_page page;

    TRY(pcx_read_optional_id(c, ID_USER, body->user_id, "user_id", &filter.user_id));
    TRY(pcx_read_optional_id(c, ID_ORGANISATION, body->org_id, "org_id", &filter.organisation_id));
    TRY(pcx_read_date_range(c, body->date_from, "date_from", body->date_to, "date_to", &filter.from,
                            &filter.until));
    TRY(scope_filter(c, &filter));
    TRY(list_by_time(c, &filter, body->limit, body->last_evaluated_key, "last_evaluated_key",
                     &page));
    out->data = page.data;
    out->pagination = ARENA_NEW(c->arena, struct pcx_filter_pagination);
    out->pagination->has_has_more = true;
    out->pagination->has_more = str_present(page.cursor);
    out->pagination->last_evaluated_key = page.cursor;
    return OK;
}

int pcx_get_transaction(struct call *c, const struct pcx_get_transaction_in *in,
                        struct pcx_get_transaction_out *out)
{
    struct financial_transaction transaction;
    id_t64 id;

    TRY(call_parse_id(c, ID_TRANSACTION, in->transaction_id, "transaction_id", &id));
    TRY(transaction_get(c, id, &transaction));
    show(c, &transaction, out);
    return OK;
}

int pcx_get_transaction_by_payment_id(struct call *c,
                                      const struct pcx_get_transaction_by_payment_id_in *in,
                                      struct pcx_get_transaction_by_payment_id_out *out)
{
    struct financial_transaction transaction;
    id_t64 id;

    TRY(call_parse_id(c, ID_PAYMENT, in->payment_id, "payment_id", &id));
    TRY(transaction_get_by_payment(c, id, &transaction));
    show(c, &transaction, out);
    return OK;
}

/* ---- Changes by staff ---- */

static int read_amount(struct call *c, const struct financial_transaction *t, bool has,
                       struct decimal value, const char *field, int64_t *ret_amount)
{
    if (pcx_sent_null(c, field))
        *ret_amount = TRANSACTION_NOT_SET;
    if (!has)
        return OK;
    if (value.coefficient < 0)
        return call_refuse(c, ERR_OUT_OF_RANGE, field);
    int error = money_from_decimal(value, asset_find(t->currency), ret_amount);
    return error ? call_refuse(c, error, field) : OK;
}

static int read_installments(struct call *c, const struct pcx_transaction_update *body,
                             struct financial_transaction *t)
{
    if (pcx_sent_null(c, "installments_completed"))
        t->installments_completed = TRANSACTION_NOT_SET;
    if (!body->has_installments_completed)
        return OK;
    if (body->installments_completed < 0 ||
        (t->total_installments && body->installments_completed > t->total_installments))
        return call_refuse(c, ERR_OUT_OF_RANGE, "installments_completed");
    t->installments_completed = body->installments_completed;
    return OK;
}

static int apply(struct call *c, const struct pcx_transaction_update *body,
                 struct financial_transaction *t)
{
    id_t64 payment_id;

    TRY(pcx_read_optional_id(c, ID_PAYMENT, body->payment_id, "payment_id", &payment_id));
    if (payment_id || pcx_sent_null(c, "payment_id"))
        TRY(transaction_link_payment(c, t, payment_id));
    TRY(read_amount(c, t, body->has_amount_paid, body->amount_paid, "amount_paid",
                    &t->amount_paid));
    TRY(read_amount(c, t, body->has_outstanding_balance, body->outstanding_balance,
                    "outstanding_balance", &t->outstanding_balance));
    TRY(read_installments(c, body, t));
    if (pcx_sent_null(c, "next_due_date"))
        t->next_due_date = 0;
    if (str_present(body->next_due_date) && !time_parse(body->next_due_date, &t->next_due_date))
        return call_refuse(c, ERR_BAD_FORMAT, "next_due_date");
    t->payout_id = pcx_change(c, "payout_id", body->payout_id, t->payout_id);
    t->metadata = str_or(body->metadata, t->metadata);
    return payment_change_transaction(c, t, str_or(body->status, t->status));
}

int pcx_update_transaction(struct call *c, const struct pcx_update_transaction_in *in,
                           struct pcx_update_transaction_out *out)
{
    struct financial_transaction t;
    const struct json *body;
    id_t64 id;

    TRY(call_parse_id(c, ID_TRANSACTION, in->transaction_id, "transaction_id", &id));
    TRY(transaction_get(c, id, &t));
    TRY(json_parse(c->arena, c->raw_body, &body));
    if (json_count(body) == 0)
        return call_refuse_text(c, ERR_REQUIRED, "status",
                                "or another field to change is required");
    TRY(apply(c, in->body, &t));
    show(c, &t, out);
    return OK;
}

/* ---- Loans and payouts of an organisation ---- */

static void add_totals(struct call *c, const struct currency_total *totals, size_t count,
                       struct pcx_org_transaction_metrics *out)
{
    struct type_member *members = ARENA_ARRAY(c->arena, struct type_member, count + 1);
    struct decimal sums[3] = {{0}};

    /* The totals add currencies nominally, as documented; amount_by_currency is exact. */
    for (size_t i = 0; i < count; i++) {
        const struct asset *asset = asset_find(totals[i].currency);
        int64_t parts[3] = {totals[i].amount, totals[i].amount_paid, totals[i].outstanding_balance};
        for (size_t k = 0; k < 3; k++) {
            decimal_add(sums[k], money_to_decimal(parts[k], asset), &sums[k]);
        }
        members[i].name = totals[i].currency;
        members[i].json = decimal_print(c->arena, money_to_decimal(totals[i].amount, asset), 0);
    }
    out->has_total_amount = out->has_total_amount_paid = out->has_total_outstanding_balance = true;
    out->total_amount = sums[0];
    out->total_amount_paid = sums[1];
    out->total_outstanding_balance = sums[2];
    out->amount_by_currency.items = members;
    out->amount_by_currency.count = count;
}

static int measure(struct call *c, const struct transaction_filter *filter,
                   struct pcx_org_transaction_metrics **ret_metrics)
{
    struct pcx_org_transaction_metrics *out =
        ARENA_NEW(c->arena, struct pcx_org_transaction_metrics);
    struct transaction_metrics metrics;
    struct currency_total *totals;
    size_t count;

    TRY(transaction_measure(c, filter, &metrics, &totals, &count));
    add_totals(c, totals, count, out);
    out->has_total_count = out->has_completed_count = out->has_pending_count = true;
    out->has_failed_count = out->has_overdue_count = true;
    out->total_count = metrics.total_count;
    out->completed_count = metrics.completed_count;
    out->pending_count = metrics.pending_count + metrics.initiated_count;
    out->failed_count = metrics.failed_count;
    out->overdue_count = metrics.overdue_count;
    *ret_metrics = out;
    return OK;
}

int pcx_list_org_loans_payouts(struct call *c, const struct pcx_list_org_loans_payouts_in *in,
                               struct pcx_list_org_loans_payouts_out *out)
{
    struct transaction_filter filter = {.currency = in->currency,
                                        .status = in->status,
                                        .kind = str_or(in->type, STR("loan_or_payout"))};
    struct shown_page page;
    struct str cursor;

    TRY(call_parse_id(c, ID_ORGANISATION, in->org_id, "org_id", &filter.organisation_id));
    TRY(organisation_require(c, filter.organisation_id, ROLE_ORG_ADMIN, "org_id"));
    TRY(pcx_read_token(c, in->next_token, "nextToken", &cursor));
    TRY(list(c, &filter, in->page_size, cursor, "nextToken", &page));
    out->data = page.data;
    out->pagination = token_pagination(c, &page, in->page_size);
    return in->include_metrics ? measure(c, &filter, &out->metrics) : OK;
}
