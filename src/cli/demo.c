/*
 * cambist demo: one whole cross-border payment against a running sandbox, told step by step.
 * Everything goes over HTTP like a client's calls would; nothing is read behind the server's back
 * but the credentials and, at the end, the ledger that `cambist verify` recomputes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json_build.h"
#include "cli/database.h"
#include "cli/demo_http.h"
#include "core/identity/sandbox_credentials.h"

int cli_demo(int argc, char **argv);
int cli_verify(int argc, char **argv);

#define AMOUNT "1000000"
#define DEPOSIT "5000000"
#define WAIT_MS 100
#define WAIT_TIMES 150

static unsigned step_number;

static void chapter(const char *title)
{
    printf("\n%u. %s\n", ++step_number, title);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/* What the story's people and records are called once they are there. */
struct story {
    struct demo_client *client;
    struct str admin_key;
    struct str email, password;
    struct str user_id, user_created_at, org_id, org_created_at;
    struct str api_key;
    struct str hook_id, webhook_secret;
    struct str account_id, account_number;
    struct str deposit_reference;
    struct str rate_id, beneficiary_id, payment_id;
    struct decimal charged; /* the payment with its fees */
};

static struct str member(const struct json *json, const char *path)
{
    return json_text(json_get(json, path));
}

static struct buf body(struct story *story)
{
    return json_object(story->client->arena);
}

/* ---- 1, 2: an organisation comes in and is looked at ---- */

/* The confirmation code is in the mail, which the sandbox keeps in its inbox. */
static struct str read_code(struct story *story)
{
    struct arena *arena = story->client->arena;
    struct str path = arena_printf(arena, "/sandbox/inbox?to=%.*s", STR_FMT(story->email));

    for (int i = 0; i < WAIT_TIMES; i++) {
        const struct json *inbox = demo_get(story->client, DEMO_NOBODY, path.ptr);
        struct str text = member(inbox, "messages.0.text");
        for (size_t at = 0; at + 6 <= text.len; at++) {
            size_t digits = 0;
            while (at + digits < text.len && text.ptr[at + digits] >= '0' &&
                   text.ptr[at + digits] <= '9')
                digits++;
            if (digits == 6)
                return arena_copy(arena, (struct str){text.ptr + at, 6});
            at += digits;
        }
        pause_ms(WAIT_MS);
    }
    demo_fail(story->client, "no confirmation code arrived");
}

static void register_organisation(struct story *story)
{
    struct demo_client *client = story->client;
    struct buf in = body(story);

    chapter("A Nigerian company registers, and confirms its address");
    story->email =
        arena_printf(client->arena, "finance.%llx@adire.example", (unsigned long long)clock_now());
    story->password = STR("Demo-Passw0rd!");
    json_put(&in, "email", story->email);
    json_put(&in, "fname", STR("Ngozi"));
    json_put(&in, "lname", STR("Adeyemi"));
    json_put(&in, "password", story->password);
    json_put(&in, "org_name", STR("Adire Exports Ltd"));
    json_put(&in, "country", STR("NG"));
    const struct json *user = demo_post(client, DEMO_NOBODY, "/v1/users/register", &in);
    story->user_id = member(user, "user.user_id");
    story->user_created_at = member(user, "user.created_at");
    story->org_id = member(user, "user.org_id");
    if (str_empty(story->org_id))
        story->org_id = member(user, "user.org_ids.0");
    demo_say("user %.*s of organisation %.*s, status %.*s", STR_FMT(story->user_id),
             STR_FMT(story->org_id), STR_FMT(member(user, "user.status")));

    in = body(story);
    json_put(&in, "email", story->email);
    json_put(&in, "confirmation_code", read_code(story));
    demo_say("the code is in the mail, which the sandbox keeps");
    demo_post(client, DEMO_NOBODY, "/v1/users/confirm", &in);
}

static void log_in(struct story *story)
{
    struct demo_client *client = story->client;
    struct buf in = body(story);

    chapter(
        "Its first person logs in as a PCX client would, through Cognito, and makes an API key");
    json_put(&in, "AuthFlow", STR("USER_PASSWORD_AUTH"));
    json_put(&in, "ClientId", demo_credential(client, "pcx.client_id"));
    json_open(&in, "AuthParameters", '{');
    json_put(&in, "USERNAME", story->email);
    json_put(&in, "PASSWORD", story->password);
    json_close(&in, '}');
    const struct json *session = demo_cognito(client, "InitiateAuth", &in);
    client->token = member(session, "AuthenticationResult.AccessToken");
    demo_say("a JWT signed RS256, %zu bytes", client->token.len);

    in = body(story);
    json_put(&in, "org_id", story->org_id);
    json_put(&in, "user_id", story->user_id);
    json_put(&in, "name", STR("demo"));
    const struct json *key = demo_post(client, DEMO_BY_TOKEN, "/v1/public/api-keys/create", &in);
    client->api_key = member(key, "data.key");
    demo_say("key %.*s..., shown this once", 12, client->api_key.ptr);
}

static void pass_kyb(struct story *story)
{
    struct demo_client *client = story->client;
    struct buf in = body(story);
    struct str path;

    chapter("KYB: papers are handed in; until they are approved no payment starts");
    path = arena_printf(client->arena, "/v1/organizations/%.*s", STR_FMT(story->org_id));
    const struct json *org = demo_get(client, DEMO_BY_KEY, path.ptr);
    json_put(&in, "user_id", story->user_id);
    json_put(&in, "org_id", story->org_id);
    json_put(&in, "userCreatedAt", story->user_created_at);
    json_put(&in, "orgCreatedAt", member(org, "data.createdAt"));
    json_open(&in, "businessInfo", '{');
    json_put(&in, "businessName", STR("Adire Exports Ltd"));
    json_put(&in, "country", STR("NG"));
    json_put(&in, "industry", STR("textiles"));
    json_close(&in, '}');
    const struct json *kyb = demo_post(client, DEMO_BY_KEY, "/v1/kyb", &in);
    demo_say("record %.*s is %.*s", STR_FMT(member(kyb, "data.kyb_id")),
             STR_FMT(member(kyb, "data.status")));

    in = body(story);
    json_put(&in, "status", STR("approved"));
    json_put(&in, "orgId", story->org_id);
    json_put(&in, "createdAt", member(kyb, "data.createdAt"));
    json_put(&in, "reviewedBy", STR("compliance"));
    path = arena_printf(client->arena, "/v1/kyb/status/%.*s", STR_FMT(member(kyb, "data.kyb_id")));
    kyb = demo_put(client, DEMO_ADMIN, path.ptr, &in);
    demo_say("compliance decides: %.*s", STR_FMT(member(kyb, "data.status")));
}

static void listen_to_webhooks(struct story *story)
{
    struct demo_client *client = story->client;
    struct buf in = body(story);

    chapter("It registers a webhook, here caught by the sandbox");
    const struct json *hook = demo_post(client, DEMO_NOBODY, "/sandbox/hooks", &in);
    story->hook_id = member(hook, "id");
    in = body(story);
    json_put(&in, "endpoint_url", member(hook, "url"));
    const struct json *made = demo_post(client, DEMO_BY_KEY, "/v1/public/webhooks", &in);
    story->webhook_secret = member(made, "data.secret");
    demo_say("signing secret of %zu characters, shown this once", story->webhook_secret.len);
}

/* ---- What was posted ---- */

static void show_journal(const struct json *journal)
{
    const struct json *transfers = json_get(journal, "transfers");

    demo_say("%.*s  %.*s", STR_FMT(member(journal, "journal_id")),
             STR_FMT(member(journal, "description")));
    for (size_t i = 0; i < json_count(transfers); i++) {
        const struct json *transfer = json_at(transfers, i);
        printf("      %-8.*s %3.*s %10.*s   %.*s -> %.*s\n", STR_FMT(member(transfer, "kind")),
               STR_FMT(member(transfer, "currency")), STR_FMT(member(transfer, "amount")),
               STR_FMT(member(transfer, "debit_kind")), STR_FMT(member(transfer, "credit_kind")));
    }
}

/* All of a reference, oldest first; ends the program unless there are `expected`. */
static void show_journals(struct story *story, struct str reference, size_t expected)
{
    struct demo_client *client = story->client;
    struct str path = arena_printf(client->arena, "/platform/v1/ledger/journals?reference=%.*s",
                                   STR_FMT(reference));
    const struct json *journals = json_get(demo_get(client, DEMO_ADMIN, path.ptr), "data");

    if (json_count(journals) != expected)
        demo_fail(client, "journals are missing, or there are too many");
    for (size_t i = json_count(journals); i > 0; i--)
        show_journal(json_at(journals, i - 1));
}

/* ---- 3: money comes in ---- */

static struct str account_path(struct story *story)
{
    return arena_printf(story->client->arena, "/platform/v1/accounts/%.*s",
                        STR_FMT(story->account_id));
}

static struct decimal number(const struct json *json, const char *path)
{
    struct decimal value = {0};

    json_decimal(json_get(json, path), &value);
    return value;
}

/* Says what is on the account; ends the program when it is not `balance`, or not `held` of it. */
static void show_account(struct story *story, struct decimal balance, struct decimal held)
{
    const struct json *account = demo_get(story->client, DEMO_ADMIN, account_path(story).ptr);

    demo_say("balance NGN %.*s, held %.*s, available %.*s",
             STR_FMT(member(account, "data.balance")), STR_FMT(member(account, "data.held_amount")),
             STR_FMT(member(account, "data.available_balance")));
    if (decimal_compare(number(account, "data.balance"), balance) != 0 ||
        decimal_compare(number(account, "data.held_amount"), held) != 0)
        demo_fail(story->client, "the account's balance is not what it has to be");
}

static struct decimal amount(const char *text)
{
    struct decimal value = {0};

    decimal_parse(str_from(text), &value);
    return value;
}

static void open_account(struct story *story)
{
    struct demo_client *client = story->client;
    struct buf in = body(story);

    chapter("An NGN account is opened; SquadCo gives it a bank account number");
    json_put(&in, "org_id", story->org_id);
    json_put(&in, "user_id", story->user_id);
    json_put(&in, "currency", STR("NGN"));
    const struct json *account =
        demo_post(client, DEMO_BY_KEY, "/v1/virtual-accounts/currency", &in);
    story->account_id = member(account, "data.account_id");
    story->account_number = member(account, "data.account_number");
    demo_show_provider(client, "squad", 1);
    demo_say("account %.*s, number %.*s at %.*s", STR_FMT(story->account_id),
             STR_FMT(story->account_number), STR_FMT(member(account, "data.bank_name")));
}

static void receive_deposit(struct story *story)
{
    struct demo_client *client = story->client;
    struct buf in = body(story);

    chapter("A customer pays NGN " DEPOSIT " into it; SquadCo tells us with a signed callback");
    json_put(&in, "account_number", story->account_number);
    json_put(&in, "amount", STR(DEPOSIT));
    json_put(&in, "sender_name", STR("KOLA STORES"));
    const struct json *event =
        demo_post(client, DEMO_NOBODY, "/sandbox/providers/squad/events", &in);
    story->deposit_reference = member(event, "event.transaction_reference");
    demo_say("callback %.*s answered with %.*s", STR_FMT(story->deposit_reference),
             STR_FMT(member(event, "status")));
    for (int i = 0; i < WAIT_TIMES; i++) {
        const struct json *account = demo_poll(client, DEMO_ADMIN, account_path(story).ptr);
        if (decimal_compare(number(account, "data.balance"), amount("0")) > 0) {
            show_account(story, amount(DEPOSIT), amount("0"));
            show_journals(story, story->deposit_reference, 1);
            return;
        }
        pause_ms(WAIT_MS);
    }
    demo_fail(client, "the deposit did not arrive");
}

/* ---- 4: money goes out ---- */

static void set_prices(struct story *story)
{
    struct demo_client *client = story->client;
    struct buf in = body(story);

    chapter(
        "The platform sets its prices: a fee of 1 %, NGN -> GBP at 0.0005 with a spread of 1.5 %");
    json_put(&in, "currency", STR("NGN"));
    json_put(&in, "transaction_type", STR("withdrawal"));
    json_put(&in, "fee_type",
             arena_printf(client->arena, "demo_%llx", (unsigned long long)clock_now()));
    json_put(&in, "fee_structure", STR("percentage"));
    json_put_json(&in, "fee_value", STR("1"));
    const struct json *fee = demo_post(client, DEMO_ADMIN, "/v1/virtual-accounts/fees", &in);
    /* Fees are the platform's, not the company's: the next demo starts without this one. */
    client->leftover = arena_printf(client->arena, "/v1/virtual-accounts/fees/%.*s",
                                    STR_FMT(member(fee, "data.fee_id")))
                           .ptr;
    in = body(story);
    json_put(&in, "org_id", story->org_id);
    json_put_json(&in, "rate", STR("0.0005"));
    json_put_json(&in, "spread", STR("1.5"));
    json_put(&in, "from_currency", STR("NGN"));
    json_put(&in, "to_currency", STR("GBP"));
    const struct json *rate =
        demo_post(client, DEMO_ADMIN, "/v1/organizations/admin/add-rate", &in);
    story->rate_id = member(rate, "data.org_rate_id");
    demo_say("%.*s: 1 NGN = %.*s GBP before the spread", STR_FMT(story->rate_id),
             STR_FMT(member(rate, "data.rate")));
}

static void add_beneficiary(struct story *story)
{
    struct demo_client *client = story->client;
    struct buf in = body(story);

    chapter("A payee in the United Kingdom");
    json_put(&in, "account_type", STR("bank"));
    json_put(&in, "country", STR("GB"));
    json_put(&in, "currency", STR("GBP"));
    json_put(&in, "fname", STR("Ada"));
    json_put(&in, "lname", STR("Lovelace"));
    json_open(&in, "bank_details", '{');
    json_put(&in, "account_name", STR("Ada Lovelace"));
    json_put(&in, "account_number", STR("55779911"));
    json_put(&in, "sort_code", STR("200000"));
    json_close(&in, '}');
    const struct json *payee = demo_post(client, DEMO_BY_KEY, "/v1/beneficiaries", &in);
    story->beneficiary_id = member(payee, "beneficiary_id");
    demo_say("%.*s", STR_FMT(story->beneficiary_id));
}

static void pay(struct story *story)
{
    struct demo_client *client = story->client;
    struct buf in = body(story);

    chapter("The payment: fee, rate and both amounts are fixed now, and the money is held");
    json_put_json(&in, "amount", STR(AMOUNT));
    json_put(&in, "currency", STR("NGN"));
    json_put(&in, "target_currency", STR("GBP"));
    json_put(&in, "org_rate_id", story->rate_id);
    json_put(&in, "beneficiary_id", story->beneficiary_id);
    json_put(&in, "payment_method", STR("bank_transfer"));
    json_put(&in, "direction", STR("outbound"));
    const struct json *payment = demo_post(client, DEMO_BY_KEY, "/v1/payments", &in);
    story->payment_id = member(payment, "payment_id");
    demo_say("%.*s: NGN %.*s + fee %.*s -> GBP %.*s, %.*s", STR_FMT(story->payment_id),
             STR_FMT(member(payment, "amount")), STR_FMT(member(payment, "total_fees")),
             STR_FMT(member(payment, "target_amount")), STR_FMT(member(payment, "status")));
    if (!decimal_add(amount(AMOUNT), number(payment, "total_fees"), &story->charged))
        demo_fail(client, "the fee is out of range");
    show_account(story, amount(DEPOSIT), story->charged);
}

static void show_what_is_left(struct story *story)
{
    struct decimal left, spent = story->charged;

    spent.coefficient = -spent.coefficient;
    if (!decimal_add(amount(DEPOSIT), spent, &left))
        demo_fail(story->client, "the balance is out of range");
    show_account(story, left, amount("0"));
}

static void wait_for_provider(struct story *story)
{
    struct demo_client *client = story->client;
    struct str path = arena_printf(client->arena, "/v1/payments/%.*s", STR_FMT(story->payment_id));

    chapter("The outbox instructs Bridge; Bridge's signed event completes the payment");
    for (int i = 0; i < WAIT_TIMES; i++) {
        const struct json *payment = demo_poll(client, DEMO_BY_KEY, path.ptr);
        struct str status = member(payment, "status");
        if (str_is(status, "completed")) {
            demo_show_provider(client, "bridge", 2);
            demo_say("payment %.*s, transaction %.*s, provider id %.*s", STR_FMT(status),
                     STR_FMT(member(payment, "transaction_id")),
                     STR_FMT(member(payment, "provider_payment_id")));
            show_what_is_left(story);
            return;
        }
        if (str_is(status, "failed"))
            break;
        pause_ms(WAIT_MS);
    }
    demo_fail(client, "the payment was not completed");
}

/* ---- 5: what is left behind ---- */

static void show_payment_journals(struct story *story)
{
    chapter("What was posted for the payment: each asset balances by itself");
    show_journals(story, story->payment_id, 2);
}

static void show_webhooks(struct story *story)
{
    struct demo_client *client = story->client;
    struct str path = arena_printf(client->arena, "/sandbox/hooks/%.*s", STR_FMT(story->hook_id));
    const struct json *caught = NULL;
    bool completed = false;

    chapter("What the company's webhook received");
    for (int i = 0; i < WAIT_TIMES && !completed; i++) {
        caught = demo_poll(client, DEMO_NOBODY, path.ptr);
        for (size_t k = 0; k < json_count(json_get(caught, "deliveries")); k++) {
            struct str raw = member(json_at(json_get(caught, "deliveries"), k), "body");
            completed = completed || memmem(raw.ptr, raw.len, "payment.completed", 17) != NULL;
        }
        if (!completed)
            pause_ms(WAIT_MS);
    }
    if (!completed)
        demo_fail(client, "no payment.completed webhook arrived");
    for (size_t k = json_count(json_get(caught, "deliveries")); k > 0; k--) /* newest first */
        demo_show_delivery(client, json_at(json_get(caught, "deliveries"), k - 1),
                           story->webhook_secret);
}

static void tell(struct story *story)
{
    register_organisation(story);
    log_in(story);
    pass_kyb(story);
    listen_to_webhooks(story);
    open_account(story);
    receive_deposit(story);
    set_prices(story);
    add_beneficiary(story);
    pay(story);
    wait_for_provider(story);
    show_payment_journals(story);
    show_webhooks(story);
    demo_tidy_up(story->client);
}

int cli_demo(int argc, char **argv)
{
    struct arena *arena ARENA_SCOPED = arena_new(256 << 20);
    struct demo_client client = {.arena = arena};
    struct story story = {.client = &client};
    struct config config;
    struct store *store;
    int code =
        database_open(arena, argc, argv,
                      "cambist demo: runs a whole cross-border payment over HTTP against a"
                      " running sandbox\n(`cambist serve --sandbox`) and tells its story.\n\n",
                      true, &config, &store);
    if (code)
        return code;
    struct sql *sql = store_acquire(store, false);
    struct str document;
    int error = sandbox_credentials_print(sql, arena, &document);
    store_release(store, sql);
    store_close(store);
    if (error || json_parse(arena, document, &client.credentials) != OK) {
        fprintf(stderr,
                "cambist: there is no sandbox here: start `cambist serve --sandbox` first\n");
        return 1;
    }
    client.base_url = demo_credential(&client, "base_url");
    client.admin_key = demo_credential(&client, "pcx.internal_admin.api_key");
    printf("A payment from Lagos to London, at %.*s\n", STR_FMT(client.base_url));
    tell(&story);
    chapter("cambist verify: the ledger is computed again from nothing");
    fflush(stdout);
    printf("   ");
    return cli_verify(argc, argv);
}
