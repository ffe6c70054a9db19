/* PCX members: who belongs to an organisation, and as what. */
#include "core/identity/organisation.h"
#include "core/identity/user.h"
#include "dialect/pcx/wire.h"
#include "generated/pcx.h"

static void show(struct call *c, const struct membership *membership, struct pcx_org_member *out)
{
    *out = (struct pcx_org_member){
        .org_id = call_id(c, ID_ORGANISATION, membership->organisation_id),
        .user_id = call_id(c, ID_USER, membership->user_id),
        .role = membership->role,
        .status = membership->status,
        .invited_by = call_id(c, ID_USER, membership->invited_by),
        .created_at = call_time(c, membership->created_at),
        .updated_at = call_time(c, membership->updated_at),
    };
}

static struct pcx_org_member *show_one(struct call *c, const struct membership *membership)
{
    struct pcx_org_member *out = ARENA_NEW(c->arena, struct pcx_org_member);
    show(c, membership, out);
    return out;
}

/* The organisation of the path, which the caller has to administer. */
static int administered(struct call *c, struct str org_id, id_t64 *ret_organisation)
{
    TRY(call_parse_id(c, ID_ORGANISATION, org_id, "org_id", ret_organisation));
    return organisation_require(c, *ret_organisation, ROLE_ORG_ADMIN, "org_id");
}

static int find(struct call *c, struct str org_id, struct str user_id,
                struct membership *ret_membership)
{
    id_t64 organisation, user;

    TRY(administered(c, org_id, &organisation));
    TRY(call_parse_id(c, ID_USER, user_id, "user_id", &user));
    return membership_get(c, organisation, user, "user_id", ret_membership);
}

int pcx_list_org_members(struct call *c, const struct pcx_list_org_members_in *in,
                         struct pcx_list_org_members_out *out)
{
    struct membership *rows;
    struct page page;
    id_t64 organisation;
    size_t count;

    TRY(administered(c, in->org_id, &organisation));
    struct str list = arena_printf(c->arena, "members|%lld", (long long)organisation);
    TRY(call_page(c, list, in->last_evaluated_key, "lastEvaluatedKey", in->limit, &page));
    TRY(membership_list(c, organisation, &page, &rows, &count));
    out->data = ARENA_NEW(c->arena, struct pcx_list_org_members_out_data);
    out->data->last_evaluated_key = call_page_end(c, list, &page, rows, &count);
    out->data->has_count = true;
    out->data->count = (int64_t)count;
    out->data->members.items = ARENA_ARRAY(c->arena, struct pcx_org_member, count + 1);
    out->data->members.count = count;
    for (size_t i = 0; i < count; i++)
        show(c, &rows[i], &out->data->members.items[i]);
    return OK;
}

/* Documented without a role; only administrators open their organisation to others (DECISIONS
 * 3). */
int pcx_add_org_member(struct call *c, const struct pcx_add_org_member_in *in,
                       struct pcx_add_org_member_out *out)
{
    struct membership membership = {.role = in->body->role, .status = STR("active")};
    struct user user, inviter;

    TRY(administered(c, in->org_id, &membership.organisation_id));
    TRY(pcx_read_id(c, ID_USER, in->body->user_id, "user_id", &membership.user_id));
    TRY(user_get(c, membership.user_id, "user_id", &user));
    TRY(pcx_read_optional_id(c, ID_USER, in->body->invited_by, "invited_by",
                             &membership.invited_by));
    if (membership.invited_by)
        TRY(user_get(c, membership.invited_by, "invited_by", &inviter));
    TRY(membership_add(c, &membership, "user_id"));
    out->data = show_one(c, &membership);
    return OK;
}

int pcx_get_org_member(struct call *c, const struct pcx_get_org_member_in *in,
                       struct pcx_get_org_member_out *out)
{
    struct membership membership;

    TRY(find(c, in->org_id, in->user_id, &membership));
    out->data = show_one(c, &membership);
    return OK;
}

int pcx_update_org_member_role(struct call *c, const struct pcx_update_org_member_role_in *in,
                               struct pcx_update_org_member_role_out *out)
{
    struct str role = in->body->role;
    struct membership membership;

    if (!str_is(role, "admin") && !str_is(role, "staff") && !str_is(role, "user"))
        return call_refuse_text(c, ERR_NOT_ALLOWED, "role", "must be admin, staff or user");
    TRY(find(c, in->org_id, in->user_id, &membership));
    membership.role = role;
    TRY(membership_update(c, &membership));
    out->data = show_one(c, &membership);
    return OK;
}

int pcx_disable_org_member(struct call *c, const struct pcx_disable_org_member_in *in,
                           struct pcx_disable_org_member_out *out)
{
    struct membership membership;

    TRY(find(c, in->org_id, in->user_id, &membership));
    TRY(membership_disable(c, &membership, "user_id"));
    out->data = show_one(c, &membership);
    return OK;
}

int pcx_remove_org_member(struct call *c, const struct pcx_remove_org_member_in *in,
                          struct pcx_remove_org_member_out *out)
{
    struct membership membership;

    (void)out;
    TRY(find(c, in->org_id, in->user_id, &membership));
    return membership_remove(c, &membership);
}
