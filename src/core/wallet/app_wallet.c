/* Wallets of an app's users. What belongs to the app is decided by APP_OWNS alone. */
#include "core/wallet/app_wallet.h"

#include "store/query.h"

#define ROW_SELF struct app_wallet
ROW_TYPE(app_wallet, APP_WALLET_ROW);
#undef ROW_SELF

_Static_assert(offsetof(struct app_wallet, first_wallet_id) == sizeof(struct wallet),
               "an app_wallet begins with a wallet");

/* Binds tenant, app, owner. */
#define APP_OWNS                                                                   \
    " FROM wallet WHERE tenant_id = ? AND status <> 'deleted' AND user_id IN ("    \
    "SELECT user_account.id FROM user_account WHERE user_account.tenant_id ="      \
    " wallet.tenant_id AND user_account.deleted_at = 0 AND (user_account.app_id =" \
    " ? OR user_account.id = ?))"
#define APP_WALLET_SELECT                                                                \
    ROW_SELECT(WALLET_ROW)                                                               \
    ", (SELECT MIN(first.id) FROM wallet first WHERE first.tenant_id = wallet.tenant_id" \
    " AND first.user_id = wallet.user_id AND first.status <> 'deleted')"                 \
    " AS first_wallet_id" APP_OWNS

struct wallet wallet_of_app_wallet(const struct app_wallet *wallet)
{
    struct wallet plain;

    memcpy(&plain, wallet, sizeof(plain));
    return plain;
}

static struct query query_of_app(struct call *c, const char *select)
{
    struct query query = query_new(c->arena, select);

    query_bind(&query, sql_int(c->principal.tenant_id));
    query_bind(&query, sql_int(c->principal.app_id));
    query_bind(&query, sql_int(c->principal.user_id));
    return query;
}

int app_wallet_get(struct call *c, id_t64 wallet_id, const char *field,
                   struct app_wallet *ret_wallet)
{
    int error =
        sql_one(c->sql, c->arena, &app_wallet_row, ret_wallet, APP_WALLET_SELECT " AND id = ?",
                sql_int(c->principal.tenant_id), sql_int(c->principal.app_id),
                sql_int(c->principal.user_id), sql_int(wallet_id));

    if (error == ERR_NOT_FOUND)
        return call_refuse_text(c, ERR_NOT_FOUND, field, "The account was not found.");
    return error;
}

static void add_filter(struct query *query, const struct app_wallet_filter *filter)
{
    query_and_id(query, "user_id = ?", filter->user_id);
    query_and_id(query, "asset = ?", filter->asset);
    if (filter->active_only)
        query_add(query, " AND status = 'active'");
}

int app_wallet_list(struct call *c, const struct app_wallet_filter *filter,
                    struct app_wallet **ret_wallets, size_t *ret_count, int64_t *ret_total)
{
    struct query count = query_of_app(c, "SELECT COUNT(*) AS n" APP_OWNS);
    struct query list = query_of_app(c, APP_WALLET_SELECT);

    add_filter(&count, filter);
    add_filter(&list, filter);
    query_add(&list, " ORDER BY id DESC LIMIT ? OFFSET ?");
    query_bind(&list, sql_int(filter->per_page));
    query_bind(&list, sql_int((filter->page - 1) * filter->per_page));
    TRY(sql_integer_args(c->sql, ret_total, query_text(&count), count.args));
    return sql_all_args(c->sql, c->arena, &app_wallet_row, (void **)ret_wallets, ret_count,
                        query_text(&list), list.args);
}
