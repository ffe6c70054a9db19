/* Roles, and the organisation they are judged in. The names are those of the contracts. */
#include "server/authorise.h"

#include "core/identity/organisation.h"
#include "server/decode.h"

static bool names_organisation(const struct type_field *field)
{
    struct str name = str_from(field->name);
    return field->value.kind == TYPE_STRING &&
           (str_is(name, "org_id") || str_is(name, "orgId") || str_is(name, "organisation_id"));
}

void organisation_place_make(const struct route *route, struct organisation_place *ret_place)
{
    size_t in_path = 0;
    *ret_place = (struct organisation_place){0};
    for (size_t i = 0; i < route->parameter_count; i++) {
        const struct route_parameter *parameter = &route->parameters[i];
        if (parameter->place != IN_HEADER && names_organisation(parameter->field)) {
            ret_place->parameter = parameter;
            ret_place->path_index = in_path;
            return;
        }
        in_path += parameter->place == IN_PATH;
    }
    const struct type *body = route->body_field ? route->body_field->value.object : NULL;
    for (size_t i = 0; body && i < body->field_count; i++)
        if (names_organisation(&body->fields[i]))
            ret_place->member = &body->fields[i];
}

/* A member that reads its organisation and changes nothing there. */
static bool only_reads(const struct call *c)
{
    const struct principal *caller = &c->principal;
    return !caller->staff && (caller->roles & ROLE_STAFF) && !(caller->roles & ROLE_ORG_ADMIN);
}

static bool writes(const struct route *route)
{
    return route->kind == OPERATION_WRITE || route->kind == OPERATION_SLOW;
}

static bool has_role(const struct call *c)
{
    const struct route *route = c->route;
    if (route->flags & ROUTE_PUBLIC)
        return true;
    if (route->roles == ROLE_ANY)
        return !writes(route) || route->flags & ROUTE_OWN || !only_reads(c);
    return call_has_role(c, route->roles);
}

static int act_in(struct call *c, struct str text)
{
    id_t64 organisation_id;
    return id_parse(ID_ORGANISATION, text, &organisation_id)
               ? organisation_act_in(c, organisation_id)
               : OK; /* the handler says what is wrong with it */
}

int authorise(struct exchange *x, const struct organisation_place *place, bool *ret_undecided)
{
    struct call *c = &x->call;
    *ret_undecided = false;
    if (place->parameter) {
        bool in_path = place->parameter->place == IN_PATH;
        TRY(act_in(c, in_path ? x->parameters[place->path_index]
                              : exchange_query(x, str_from(place->parameter->field->name))));
    }
    *ret_undecided = place->member && !has_role(c);
    return *ret_undecided || has_role(c) ? OK : call_refuse(c, ERR_FORBIDDEN, NULL);
}

int authorise_by_body(struct exchange *x, const struct organisation_place *place)
{
    struct call *c = &x->call;
    if (!place->member || !x->in)
        return OK;
    const void *body = *(void *const *)type_at(x->in, c->route->body_field);
    if (body)
        TRY(act_in(c, *(const struct str *)type_at((void *)(uintptr_t)body, place->member)));
    return has_role(c) ? OK : call_refuse(c, ERR_FORBIDDEN, NULL);
}
