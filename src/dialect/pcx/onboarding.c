/* Onboarding of virtual-account customers: KYC, then the customer record with its internal
 * accounts. */
#include "core/wallet/customer.h"
#include "dialect/pcx/wallet_wire.h"

int pcx_initiate_customer_kyc_prepare(struct call *c, const struct pcx_initiate_customer_kyc_in *in)
{
    struct customer_kyc *kyc = ARENA_NEW(c->arena, struct customer_kyc);

    kyc->email = in->body->email;
    kyc->customer_type = in->body->customer_type;
    c->prepared = kyc;
    return customer_prepare_kyc(c, kyc);
}

int pcx_initiate_customer_kyc(struct call *c, const struct pcx_initiate_customer_kyc_in *in,
                              struct pcx_initiate_customer_kyc_out *out)
{
    struct customer_kyc *kyc = c->prepared;

    (void)in;
    TRY(customer_start_kyc(c, kyc));
    out->message = STR("KYC initiated");
    out->data = ARENA_NEW(c->arena, struct pcx_kyc_result_data);
    out->data->customer_id = call_id(c, ID_CUSTOMER, kyc->customer.id);
    out->data->tos_link = kyc->customer.tos_link;
    return 0;
}

int pcx_onboard_customer_prepare(struct call *c, const struct pcx_onboard_customer_in *in)
{
    const struct pcx_onboard_customer_request *body = in->body;
    struct customer_onboarding *onboarding = ARENA_NEW(c->arena, struct customer_onboarding);

    *onboarding = (struct customer_onboarding){.email = body->email,
                                               .first_name = body->first_name,
                                               .last_name = body->last_name,
                                               .phone = body->phone,
                                               .has_initial_balance = body->has_initial_balance,
                                               .initial_balance = body->initial_balance};
    TRY(pcx_read_id(c, ID_ORGANISATION, body->org_id, "org_id", &onboarding->organisation_id));
    TRY(pcx_read_id(c, ID_USER, body->user_id, "user_id", &onboarding->user_id));
    c->prepared = onboarding;
    return customer_prepare_onboarding(c, onboarding);
}

int pcx_onboard_customer(struct call *c, const struct pcx_onboard_customer_in *in,
                         struct pcx_onboard_customer_out *out)
{
    struct wallet wallet;

    (void)in;
    TRY(customer_onboard(c, c->prepared, &wallet));
    out->message = STR("Customer onboarded");
    return pcx_wallet(c, &wallet, &out->data);
}
