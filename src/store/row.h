/*
 * Row structs and their descriptors from one list, so that a table's shape is written once in C:
 *
 *     #define BENEFICIARY_ROW(F) \
 *         F(INTEGER, id)         \
 *         F(INTEGER, tenant_id)  \
 *         F(TEXT, name)          \
 *         F(SECRET, bvn)         \
 *     ROW_STRUCT(beneficiary, BENEFICIARY_ROW);   in the header: struct beneficiary
 *     ROW_TYPE(beneficiary, BENEFICIARY_ROW);     in one .c: const struct type beneficiary_row
 *
 * Kinds: INTEGER (int64_t; ids, money, instants), BOOLEAN (bool), TEXT (struct str, NULL = absent),
 * DECIMAL (struct decimal, stored as text), BYTES (struct str), JSON (struct str, stored as text),
 * SECRET (struct str in clear here, encrypted in the table; the column's type in the migration is
 * SECRET too). A NULL integer reads as 0. ROW_SELECT(BENEFICIARY_ROW) is the beginning of a
 * SELECT of all of them, a string literal.
 */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include "base/type.h"

#define ROW_C_INTEGER int64_t
#define ROW_C_BOOLEAN bool
#define ROW_C_TEXT struct str
#define ROW_C_DECIMAL struct decimal
#define ROW_C_BYTES struct str
#define ROW_C_JSON struct str
#define ROW_C_SECRET struct str

#define ROW_KIND_INTEGER TYPE_INTEGER
#define ROW_KIND_BOOLEAN TYPE_BOOLEAN
#define ROW_KIND_TEXT TYPE_STRING
#define ROW_KIND_DECIMAL TYPE_DECIMAL
#define ROW_KIND_BYTES TYPE_BYTES
#define ROW_KIND_JSON TYPE_JSON
#define ROW_KIND_SECRET TYPE_BYTES

#define ROW_SENSITIVE_INTEGER false
#define ROW_SENSITIVE_BOOLEAN false
#define ROW_SENSITIVE_TEXT false
#define ROW_SENSITIVE_DECIMAL false
#define ROW_SENSITIVE_BYTES false
#define ROW_SENSITIVE_JSON false
#define ROW_SENSITIVE_SECRET true

#define ROW_MEMBER(kind, name) ROW_C_##kind name;
#define ROW_STRUCT(row, LIST) \
    struct row {              \
        LIST(ROW_MEMBER)      \
    };                        \
    extern const struct type row##_row

#define ROW_FIELD(kind_, field)           \
    {.name = #field,                      \
     .member = #field,                    \
     .offset = offsetof(ROW_SELF, field), \
     .has_offset = -1,                    \
     .value = {.kind = ROW_KIND_##kind_, .sensitive = ROW_SENSITIVE_##kind_}},

/* Used as: #define ROW_SELF struct beneficiary / ROW_TYPE(beneficiary, BENEFICIARY_ROW); / #undef
 * ROW_SELF */
#define ROW_TYPE(row, LIST)                                                                    \
    static const struct type_field row##_row_fields[] = {LIST(ROW_FIELD)};                     \
    const struct type row##_row = {.name = #row,                                               \
                                   .size = sizeof(struct row),                                 \
                                   .fields = row##_row_fields,                                 \
                                   .field_count =                                              \
                                       sizeof(row##_row_fields) / sizeof(row##_row_fields[0]), \
                                   .extra_offset = -1}

#define ROW_COLUMN(kind, field) ", " #field
/* ", id, tenant_id, name": use after a first constant column or with ROW_SELECT. */
#define ROW_SELECT(LIST) "SELECT 1 AS found" LIST(ROW_COLUMN)

#endif
