/* External bank accounts: linked to a customer, listed, unlinked. */
#include "core/wallet/external_account.h"
#include "dialect/pcx/wallet_wire.h"

static struct pcx_external_account wire_account(struct call *c,
                                                const struct external_account *account)
{
    return (struct pcx_external_account){
        .external_account_id = call_id(c, ID_EXTERNAL_ACCOUNT, account->id),
        .customer_id = call_id(c, ID_CUSTOMER, account->customer_id),
        .currency = str_from(asset_by_id((int)account->asset)->code),
        .account_number = str_or(account->account_number, account->iban),
        .bank_name = account->bank_name,
        .created_at = call_time(c, account->created_at),
    };
}

int pcx_link_external_account_prepare(struct call *c, const struct pcx_link_external_account_in *in)
{
    const struct pcx_link_external_account_request *body = in->body;
    struct external_account_link *link = ARENA_NEW(c->arena, struct external_account_link);

    *link = (struct external_account_link){.currency = body->currency,
                                           .bank_name = body->bank_name,
                                           .account_number = body->account_number,
                                           .sort_code = body->sort_code,
                                           .routing_number = body->routing_number,
                                           .account_type = body->account_type,
                                           .iban = body->iban,
                                           .bic = body->bic};
    TRY(pcx_read_id(c, ID_CUSTOMER, body->customer_id, "customer_id", &link->customer_id));
    c->prepared = link;
    return external_account_prepare(c, link);
}

int pcx_link_external_account(struct call *c, const struct pcx_link_external_account_in *in,
                              struct pcx_link_external_account_out *out)
{
    struct external_account account;

    (void)in;
    TRY(external_account_link(c, c->prepared, &account));
    out->message = STR("Account linked");
    out->data = ARENA_NEW(c->arena, struct pcx_external_account);
    *out->data = wire_account(c, &account);
    return 0;
}

int pcx_list_external_accounts(struct call *c, const struct pcx_list_external_accounts_in *in,
                               struct pcx_list_external_accounts_out *out)
{
    struct external_account *accounts;
    size_t count;
    id_t64 customer_id;

    TRY(pcx_read_id(c, ID_CUSTOMER, in->customer_id, "customer_id", &customer_id));
    TRY(external_account_list(c, customer_id, &accounts, &count));
    out->data.items = ARENA_ARRAY(c->arena, struct pcx_external_account, count);
    out->data.count = count;
    for (size_t i = 0; i < count; i++)
        out->data.items[i] = wire_account(c, &accounts[i]);
    PCX_FINISH_LIST(c, out, count, STR_NONE);
    return 0;
}

int pcx_unlink_external_account(struct call *c, const struct pcx_unlink_external_account_in *in,
                                struct pcx_unlink_external_account_out *out)
{
    id_t64 customer_id, account_id;

    TRY(pcx_read_id(c, ID_CUSTOMER, in->body->customer_id, "customer_id", &customer_id));
    TRY(pcx_read_id(c, ID_EXTERNAL_ACCOUNT, in->body->external_account_id, "external_account_id",
                    &account_id));
    TRY(external_account_unlink(c, customer_id, account_id));
    out->message = STR("Account unlinked");
    out->data = STR("{}");
    return 0;
}
