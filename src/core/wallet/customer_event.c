/* News of a provider about a customer's KYC: to the customer's record, and to the person whose
 * customer it is. */
#include "core/identity/kyc.h"
#include "core/wallet/customer.h"
#include "store/sql.h"

int customer_find_event_tenant(struct call *c, const struct provider_event *event,
                               id_t64 *ret_tenant_id);
int customer_apply_event(struct call *c, const struct provider_event *event);

/* The provider's ids are unique there, so one of the two finds at most one tenant. */
int customer_find_event_tenant(struct call *c, const struct provider_event *event,
                               id_t64 *ret_tenant_id)
{
    if (str_empty(event->customer_id))
        return ERR_NOT_FOUND;
    int error = sql_integer(c->sql, ret_tenant_id,
                            "SELECT tenant_id FROM provider_customer WHERE provider_customer_id = ?"
                            " ORDER BY id LIMIT 1",
                            sql_text(event->customer_id));
    if (error != ERR_NOT_FOUND)
        return error;
    return sql_integer(c->sql, ret_tenant_id,
                       "SELECT tenant_id FROM user_account WHERE bridge_customer_id = ?"
                       " ORDER BY id LIMIT 1",
                       sql_text(event->customer_id));
}

/* Customers know two states; anything but an acceptance leaves them where they are. */
static int apply_to_customer(struct call *c, struct str customer_id, struct str word)
{
    if (!str_is(word, "approved") && !str_is(word, "active"))
        return OK;
    return sql_run(c->sql,
                   "UPDATE provider_customer SET kyc_status = 'accepted', updated_at = ?"
                   " WHERE tenant_id = ? AND provider_customer_id = ?",
                   sql_int(c->now), sql_int(c->principal.tenant_id), sql_text(customer_id));
}

int customer_apply_event(struct call *c, const struct provider_event *event)
{
    const struct json *data;
    struct user user;
    TRY(json_parse(c->arena, str_or(event->outcome.data_json, STR("{}")), &data));
    struct str word = json_text(json_get(data, "kyc_status"));
    if (str_empty(word))
        return OK;
    TRY(apply_to_customer(c, event->customer_id, word));
    int error = user_find_by_bridge_customer(c, event->customer_id, &user);
    if (error)
        return error == ERR_NOT_FOUND ? OK : error;
    return kyc_decide(c, &user, word, STR_NONE, STR_NONE);
}
