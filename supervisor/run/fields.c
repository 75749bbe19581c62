/* SPDX-License-Identifier: MIT */
/*
 * fields.c - structures to JSON and back, by a table of their members: one table serves both ways, so
 * that they cannot disagree. Pure.
 */
#include "run/fields.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static json_t *
save_one(const void *member, FieldKind kind)
{
        switch (kind) {
        case FIELD_BOOL:
                return json_boolean(*(const bool *)member);
        case FIELD_INT:
                return json_integer(*(const int *)member);
        case FIELD_UNSIGNED:
                return json_integer(*(const unsigned *)member);
        case FIELD_U32:
                return json_integer(*(const uint32_t *)member);
        case FIELD_U64:
                return json_integer((json_int_t) * (const uint64_t *)member);
        case FIELD_TEXT:
                return *(char *const *)member ? json_string(*(char *const *)member) : json_null();
        }
        return NULL;
}

/* The members as a new object; NULL when memory is short. */
json_t *
fields_save(const void *structure, const Field *fields, size_t n_fields)
{
        json_t *object = json_object();

        for (size_t i = 0; i < n_fields; i++)
                if (json_object_set_new(object, fields[i].name,
                                        save_one((const char *)structure + fields[i].offset,
                                                 fields[i].kind)) < 0) {
                        json_decref(object);
                        return NULL;
                }
        return object;
}

static int
load_text(char **member, const json_t *value)
{
        char *copy = NULL;

        if (!json_is_null(value)) {
                if (!json_is_string(value))
                        return -EBADMSG;
                copy = strdup(json_string_value(value));
                if (!copy)
                        return -ENOMEM;
        }
        free(*member);
        *member = copy;
        return 0;
}

static int
load_one(void *member, FieldKind kind, const json_t *value)
{
        json_int_t number = json_integer_value(value);

        if (kind == FIELD_TEXT)
                return load_text(member, value);
        if (kind == FIELD_BOOL ? !json_is_boolean(value) : !json_is_integer(value))
                return -EBADMSG;
        switch (kind) {
        case FIELD_BOOL:
                *(bool *)member = json_is_true(value);
                break;
        case FIELD_INT:
                *(int *)member = (int)number;
                break;
        case FIELD_UNSIGNED:
                *(unsigned *)member = (unsigned)number;
                break;
        case FIELD_U32:
                *(uint32_t *)member = (uint32_t)number;
                break;
        case FIELD_U64:
                *(uint64_t *)member = (uint64_t)number;
                break;
        case FIELD_TEXT:
                break;
        }
        return 0;
}

/* Fill in the members; every one must be there. Returns 0, -EBADMSG or -ENOMEM. */
int
fields_load(void *structure, const Field *fields, size_t n_fields, const json_t *object)
{
        int r = 0;

        for (size_t i = 0; i < n_fields && r == 0; i++) {
                const json_t *value = json_object_get(object, fields[i].name);

                r = value ? load_one((char *)structure + fields[i].offset, fields[i].kind, value)
                          : -EBADMSG;
        }
        return r;
}

/* Bytes as hexadecimal digits; NULL when memory is short. */
json_t *
fields_save_bytes(const void *bytes, size_t n_bytes)
{
        static const char digits[] = "0123456789abcdef";
        char *text = malloc(2 * n_bytes + 1);
        json_t *value;

        if (!text)
                return NULL;
        for (size_t i = 0; i < n_bytes; i++) {
                unsigned char byte = ((const unsigned char *)bytes)[i];

                text[2 * i] = digits[byte >> 4];
                text[2 * i + 1] = digits[byte & 15];
        }
        value = json_stringn(text, 2 * n_bytes);
        free(text);
        return value;
}

static int
digit_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes again, at most size of them. Returns 0 with *ret_n, or -EBADMSG. */
int
fields_load_bytes(void *ret, size_t size, const json_t *text, size_t *ret_n)
{
        const char *digits = json_string_value(text);
        size_t n = json_string_length(text) / 2;

        if (!digits || json_string_length(text) % 2 || n > size)
                return -EBADMSG;
        for (size_t i = 0; i < n; i++) {
                int high = digit_value(digits[2 * i]);
                int low = digit_value(digits[2 * i + 1]);

                if (high < 0 || low < 0)
                        return -EBADMSG;
                ((unsigned char *)ret)[i] = (unsigned char)(high << 4 | low);
        }
        *ret_n = n;
        return 0;
}
