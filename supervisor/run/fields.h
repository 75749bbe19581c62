/* SPDX-License-Identifier: MIT */
/* fields.h - structures to JSON and back, by a table of their members. */
#ifndef SUP_RUN_FIELDS_H
#define SUP_RUN_FIELDS_H

#include <jansson.h>
#include <stddef.h>

typedef enum FieldKind {
        FIELD_BOOL,
        FIELD_INT, /* and enumerations, and pid_t */
        FIELD_UNSIGNED,
        FIELD_U32,
        FIELD_U64,  /* and dev_t, ino_t */
        FIELD_TEXT, /* char *, owned by the structure; NULL is left out */
} FieldKind;

typedef struct Field {
        const char *name;
        FieldKind kind;
        size_t offset;
} Field;

#define FIELD(type, member, kind)                                                                  \
        {                                                                                          \
#member, kind, offsetof(type, member)                                              \
        }

json_t *fields_save(const void *structure, const Field *fields, size_t n_fields);
int fields_load(void *structure, const Field *fields, size_t n_fields, const json_t *object);
json_t *fields_save_bytes(const void *bytes, size_t n_bytes);
int fields_load_bytes(void *ret, size_t size, const json_t *text, size_t *ret_n);

#endif
