/* Financial records: storage, who may see them, their states. */
#include "core/payment/transaction.h"

#include "base/json_build.h"
#include "core/identity/organisation.h"
#include "core/life_cycle.h"
#include "core/outbox.h"
#include "store/sql.h"

#define ROW_SELF struct financial_transaction
ROW_TYPE(financial_transaction, FINANCIAL_TRANSACTION_ROW);
#undef ROW_SELF
#define ROW_SELF struct transaction_metrics
ROW_TYPE(transaction_metrics, TRANSACTION_METRICS_ROW);
#undef ROW_SELF
#define ROW_SELF struct currency_total
ROW_TYPE(currency_total, CURRENCY_TOTAL_ROW);
#undef ROW_SELF

int transaction_create(struct call *c, struct financial_transaction *transaction)
{
    transaction->tenant_id = c->principal.tenant_id;
    transaction->created_at = transaction->updated_at = c->now;
    return sql_insert(c->sql, "financial_transaction", &financial_transaction_row, transaction);
}

static int check_visible(struct call *c, const struct financial_transaction *transaction)
{
    if (call_may_act_for_user(c, transaction->user_id))
        return OK;
    return transaction->organisation_id
               ? organisation_require(c, transaction->organisation_id, ROLE_ORG_ADMIN, NULL)
               : call_refuse(c, ERR_FORBIDDEN, NULL);
}

int transaction_get(struct call *c, id_t64 transaction_id,
                    struct financial_transaction *ret_transaction)
{
    int error = sql_one(c->sql, c->arena, &financial_transaction_row, ret_transaction,
                        "SELECT * FROM financial_transaction WHERE tenant_id = ? AND id = ?",
                        sql_int(c->principal.tenant_id), sql_int(transaction_id));
    if (error == ERR_NOT_FOUND)
        return call_refuse(c, error, "transaction_id");
    TRY(error);
    return check_visible(c, ret_transaction);
}

int transaction_get_by_payment(struct call *c, id_t64 payment_id,
                               struct financial_transaction *ret_transaction)
{
    int error = sql_one(c->sql, c->arena, &financial_transaction_row, ret_transaction,
                        "SELECT * FROM financial_transaction WHERE tenant_id = ? AND id ="
                        " (SELECT transaction_id FROM payment WHERE tenant_id = ? AND id = ?)",
                        sql_int(c->principal.tenant_id), sql_int(c->principal.tenant_id),
                        sql_int(payment_id));
    if (error == ERR_NOT_FOUND)
        return call_refuse(c, error, "payment_id");
    TRY(error);
    return check_visible(c, ret_transaction);
}

int transaction_link_payment(struct call *c, struct financial_transaction *transaction,
                             id_t64 payment_id)
{
    int64_t known = 1;

    if (payment_id)
        TRY(sql_integer(c->sql, &known,
                        "SELECT COUNT(*) FROM payment WHERE tenant_id = ? AND id = ?",
                        sql_int(c->principal.tenant_id), sql_int(payment_id)));
    if (!known)
        return call_refuse(c, ERR_REFERENCE_UNKNOWN, "payment_id");
    transaction->payment_id = payment_id;
    return OK;
}

int transaction_advance(struct call *c, struct financial_transaction *transaction,
                        struct str status)
{
    if (str_eq(transaction->status, status))
        return OK;
    return life_cycle_step(c, &transaction_life_cycle, transaction->status,
                           arena_cstr(c->arena, status), "status", &transaction->status);
}

static int emit_event(struct call *c, const struct financial_transaction *transaction)
{
    const struct asset *asset = asset_find(transaction->currency);
    struct buf data = json_object(c->arena);

    json_put(&data, "transaction_id", call_id(c, ID_TRANSACTION, transaction->id));
    json_put(&data, "status", transaction->status);
    json_put_decimal(&data, "amount", money_to_decimal(transaction->amount, asset));
    json_put(&data, "currency", transaction->currency);
    json_put(&data, "updated_at", call_time(c, transaction->updated_at));
    struct str type = arena_printf(c->arena, "transaction.%.*s", STR_FMT(transaction->status));
    return outbox_event(c, transaction->organisation_id, type.ptr, json_object_end(&data));
}

int transaction_update(struct call *c, struct financial_transaction *transaction,
                       struct str old_status)
{
    transaction->updated_at = c->now;
    TRY(sql_update(c->sql, "financial_transaction", &financial_transaction_row, transaction));
    return str_eq(old_status, transaction->status) ? OK : emit_event(c, transaction);
}

/* One condition text for list, count and metrics: every criterion is switched off by its neutral
 * value. */
#define FILTER_CONDITIONS                                                                  \
    " tenant_id = ? AND (user_id = ? OR ? = 0) AND (organisation_id = ? OR ? = 0)"         \
    " AND (status = ? OR ? = '') AND (currency = ? OR ? = '') AND (country = ? OR ? = '')" \
    " AND (payment_method = ? OR ? = '') AND created_at >= ? AND created_at < ?"           \
    " AND (? = '' OR (? <> 'payout' AND type = 'loan') OR (? <> 'loan' AND"                \
    " type = 'outbound' AND (payout_id IS NOT NULL OR entity_type = 'payout')))"
#define TEXT_TWICE(s) sql_text(str_or((s), STR(""))), sql_text(str_or((s), STR("")))
#define FILTER_ARGS(c, f)                                                                        \
    sql_int((c)->principal.tenant_id), sql_int((f)->user_id), sql_int((f)->user_id),             \
        sql_int((f)->organisation_id), sql_int((f)->organisation_id), TEXT_TWICE((f)->status),   \
        TEXT_TWICE((f)->currency), TEXT_TWICE((f)->country), TEXT_TWICE((f)->payment_method),    \
        sql_int((f)->from), sql_int((f)->until ? (f)->until : INT64_MAX), TEXT_TWICE((f)->kind), \
        sql_text(str_or((f)->kind, STR("")))

/* The two common scopes get a condition the planner can turn into an index range. */
int transaction_list(struct call *c, const struct transaction_filter *filter,
                     const struct page *page, struct financial_transaction **ret_rows,
                     size_t *ret_count)
{
    if (filter->user_id)
        return sql_all(c->sql, c->arena, &financial_transaction_row, ret_rows, ret_count,
                       "SELECT * FROM financial_transaction WHERE" FILTER_CONDITIONS
                       " AND tenant_id = ? AND user_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
                       FILTER_ARGS(c, filter), sql_int(c->principal.tenant_id),
                       sql_int(filter->user_id), sql_int(page->before), sql_int(page->limit + 1));
    if (filter->organisation_id)
        return sql_all(c->sql, c->arena, &financial_transaction_row, ret_rows, ret_count,
                       "SELECT * FROM financial_transaction WHERE" FILTER_CONDITIONS
                       " AND tenant_id = ? AND organisation_id = ? AND id < ?"
                       " ORDER BY id DESC LIMIT ?",
                       FILTER_ARGS(c, filter), sql_int(c->principal.tenant_id),
                       sql_int(filter->organisation_id), sql_int(page->before),
                       sql_int(page->limit + 1));
    return sql_all(c->sql, c->arena, &financial_transaction_row, ret_rows, ret_count,
                   "SELECT * FROM financial_transaction WHERE" FILTER_CONDITIONS
                   " AND id < ? ORDER BY id DESC LIMIT ?",
                   FILTER_ARGS(c, filter), sql_int(page->before), sql_int(page->limit + 1));
}

int transaction_count(struct call *c, const struct transaction_filter *filter, int64_t *ret_count)
{
    return sql_integer(c->sql, ret_count,
                       "SELECT COUNT(*) FROM financial_transaction WHERE" FILTER_CONDITIONS,
                       FILTER_ARGS(c, filter));
}

int transaction_measure(struct call *c, const struct transaction_filter *filter,
                        struct transaction_metrics *ret_metrics, struct currency_total **ret_totals,
                        size_t *ret_count)
{
    TRY(sql_one(c->sql, c->arena, &transaction_metrics_row, ret_metrics,
                "SELECT COUNT(*) AS total_count,"
                " SUM(CASE WHEN status = 'initiated' THEN 1 ELSE 0 END) AS initiated_count,"
                " SUM(CASE WHEN status = 'pending' THEN 1 ELSE 0 END) AS pending_count,"
                " SUM(CASE WHEN status = 'completed' THEN 1 ELSE 0 END) AS completed_count,"
                " SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed_count,"
                " SUM(CASE WHEN type = 'loan' AND next_due_date > 0 AND next_due_date < ?"
                " AND outstanding_balance > 0 THEN 1 ELSE 0 END) AS overdue_count"
                " FROM financial_transaction WHERE" FILTER_CONDITIONS,
                sql_int(c->now), FILTER_ARGS(c, filter)));
    return sql_all(c->sql, c->arena, &currency_total_row, ret_totals, ret_count,
                   "SELECT currency, CAST(SUM(amount) AS BIGINT) AS amount,"
                   " CAST(SUM(CASE WHEN amount_paid > 0 THEN amount_paid ELSE 0 END) AS BIGINT)"
                   " AS amount_paid, CAST(SUM(CASE WHEN outstanding_balance > 0"
                   " THEN outstanding_balance ELSE 0 END) AS BIGINT) AS outstanding_balance"
                   " FROM financial_transaction WHERE" FILTER_CONDITIONS
                   " GROUP BY currency ORDER BY currency",
                   FILTER_ARGS(c, filter));
}
