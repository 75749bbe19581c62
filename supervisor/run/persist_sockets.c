/* SPDX-License-Identifier: MIT */
/* persist_sockets.c - held sockets, and what is known of trapped calls, as JSON, and back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "run/fields.h"
#include "run/persist.h"

static const Field held_fields[] = {
        FIELD(Held, fd, FIELD_INT),         FIELD(Held, generation, FIELD_UNSIGNED),
        FIELD(Held, group, FIELD_UNSIGNED), FIELD(Held, place, FIELD_INT),
        FIELD(Held, dev, FIELD_U64),        FIELD(Held, ino, FIELD_U64),
        FIELD(Held, origin, FIELD_INT),     FIELD(Held, from_manager, FIELD_BOOL),
        FIELD(Held, name, FIELD_TEXT),      FIELD(Held, backlog, FIELD_INT),
        FIELD(Held, nonblock, FIELD_BOOL),  FIELD(Held, as_any_address, FIELD_BOOL),
        FIELD(Held, drops_seen, FIELD_U32), FIELD(Held, was_claimed, FIELD_BOOL),
};

static const Field path_fields[] = {
        FIELD(UnixPath, bound, FIELD_TEXT),
        FIELD(UnixPath, path, FIELD_TEXT),
        FIELD(UnixPath, link, FIELD_TEXT),
        FIELD(UnixPath, dev, FIELD_U64),
        FIELD(UnixPath, ino, FIELD_U64),
        FIELD(UnixPath, is_hidden, FIELD_BOOL),
        FIELD(UnixPath, is_away, FIELD_BOOL),
        FIELD(UnixPath, is_foreign, FIELD_BOOL),
        FIELD(UnixPath, bound_by, FIELD_INT),
        FIELD(UnixPath, bound_is_extra, FIELD_BOOL),
        FIELD(UnixPath, path_is_extra, FIELD_BOOL),
        FIELD(UnixPath, is_between, FIELD_BOOL),
        FIELD(UnixPath, is_lost, FIELD_BOOL),
};

static const Field key_fields[] = {
        FIELD(HeldKey, netns, FIELD_U64),
        FIELD(HeldKey, dir_dev, FIELD_U64),
        FIELD(HeldKey, dir_ino, FIELD_U64),
};

static const Field claim_fields[] = {
        FIELD(HeldClaim, owner, FIELD_U64),
        FIELD(HeldClaim, pid, FIELD_INT),
        FIELD(HeldClaim, fd, FIELD_INT),
};

static const Field pending_fields[] = {
        FIELD(PendingSocket, owner, FIELD_U64),
        FIELD(PendingSocket, pid, FIELD_INT),
        FIELD(PendingSocket, dev, FIELD_U64),
        FIELD(PendingSocket, ino, FIELD_U64),
};

static const Field parked_fields[] = {
        FIELD(CaptureParked, why, FIELD_INT),
        FIELD(CaptureParked, listener_fd, FIELD_INT),
        FIELD(CaptureParked, owner, FIELD_U64),
        FIELD(CaptureParked, call.id, FIELD_U64),
        FIELD(CaptureParked, call.tid, FIELD_INT),
        FIELD(CaptureParked, call.syscall, FIELD_INT),
        FIELD(CaptureParked, call.fd, FIELD_INT),
        FIELD(CaptureParked, call.address, FIELD_U64),
        FIELD(CaptureParked, call.address_len, FIELD_U32),
        FIELD(CaptureParked, call.backlog, FIELD_INT),
};

static const Field kept_fields[] = {
        FIELD(Kept, index, FIELD_UNSIGNED),
        FIELD(Kept, fd, FIELD_INT),
        FIELD(Kept, name, FIELD_TEXT),
};

#define SAVE(structure, fields) fields_save(structure, fields, ELEMENTSOF(fields))
#define LOAD(structure, fields, object) fields_load(structure, fields, ELEMENTSOF(fields), object)

static json_t *
save_address(const Address *a)
{
        return json_pack("{s:o, s:i, s:b}", "bytes", fields_save_bytes(&a->storage, a->length),
                         "type", a->type, "v6only", a->v6only);
}

static int
load_address(Address *ret, const json_t *object)
{
        Address a = {.type = (int)json_integer_value(json_object_get(object, "type")),
                     .v6only = json_is_true(json_object_get(object, "v6only"))};
        size_t n;
        int r = fields_load_bytes(&a.storage, sizeof(a.storage), json_object_get(object, "bytes"),
                                  &n);

        if (r < 0)
                return r;
        a.length = (socklen_t)n;
        *ret = a;
        return 0;
}

static json_t *
save_key(const HeldKey *key)
{
        json_t *object = SAVE(key, key_fields);

        (void)json_object_set_new(object, "address", save_address(&key->address));
        (void)json_object_set_new(object, "device", json_string(key->device));
        return object;
}

static int
load_key(HeldKey *key, const json_t *object)
{
        const char *device = json_string_value(json_object_get(object, "device"));

        if (!device || strlen(device) >= sizeof(key->device) || LOAD(key, key_fields, object) < 0)
                return -EBADMSG;
        memcpy(key->device, device, strlen(device) + 1);
        return load_address(&key->address, json_object_get(object, "address"));
}

/* One held socket; NULL when memory is short. */
json_t *
persist_save_held(const Held *h)
{
        json_t *object = SAVE(h, held_fields);
        json_t *as = json_array();
        json_t *claims = json_array();

        for (size_t i = 0; i < h->n_as; i++)
                (void)json_array_append_new(as, save_address(&h->as[i]));
        for (size_t i = 0; i < h->n_claims; i++) {
                json_t *claim = SAVE(&h->claims[i], claim_fields);

                (void)json_object_set_new(claim, "asked", save_address(&h->claims[i].asked));
                (void)json_array_append_new(claims, claim);
        }
        (void)json_object_set_new(object, "key", save_key(&h->key));
        (void)json_object_set_new(object, "as", as);
        (void)json_object_set_new(object, "claims", claims);
        (void)json_object_set_new(object, "path",
                                  h->path ? SAVE(h->path, path_fields) : json_null());
        return object;
}

static int
load_path(Held *h, const json_t *object)
{
        if (json_is_null(object))
                return 0;
        h->path = calloc(1, sizeof(*h->path));
        if (!h->path)
                return -ENOMEM;
        h->path->watch = -1;
        return LOAD(h->path, path_fields, object);
}

static int
load_as(Held *h, const json_t *array)
{
        size_t n = json_array_size(array);

        h->as = n ? calloc(n, sizeof(*h->as)) : NULL;
        if (n && !h->as)
                return -ENOMEM;
        for (; h->n_as < n; h->n_as++)
                if (load_address(&h->as[h->n_as], json_array_get(array, h->n_as)) < 0)
                        return -EBADMSG;
        return 0;
}

static int
load_claims(Held *h, const json_t *array)
{
        for (size_t i = 0; i < json_array_size(array); i++) {
                const json_t *object = json_array_get(array, i);
                HeldClaim claim = {0};

                if (LOAD(&claim, claim_fields, object) < 0 ||
                    load_address(&claim.asked, json_object_get(object, "asked")) < 0)
                        return -EBADMSG;
                if (held_claim(h, &claim) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* One held socket as persist_save_held wrote it, new. Returns 0 or a negative errno. */
int
persist_load_held(Held **ret, const json_t *object)
{
        Held *h = calloc(1, sizeof(*h));
        int r;

        if (!h)
                return -ENOMEM;
        h->fd = -1;
        r = LOAD(h, held_fields, object);
        if (r == 0)
                r = load_key(&h->key, json_object_get(object, "key"));
        if (r == 0)
                r = load_path(h, json_object_get(object, "path"));
        if (r == 0)
                r = load_as(h, json_object_get(object, "as"));
        if (r == 0)
                r = load_claims(h, json_object_get(object, "claims"));
        if (r < 0) {
                h->path = unix_path_free(h->path); /* the name stays where it is */
                h->fd = -1;                        /* and the socket open */
                held_free(h);
                return r;
        }
        *ret = h;
        return 0;
}

/* Held and kept sockets, and calls that wait; NULL when memory is short. */
json_t *
persist_save_sockets(const Supervisor *s)
{
        json_t *held = json_array();
        json_t *kept = json_array();
        json_t *pending = json_array();
        json_t *parked = json_array();

        for (size_t i = 0; i < s->held.n_items; i++)
                (void)json_array_append_new(held, persist_save_held(s->held.items[i]));
        for (size_t i = 0; i < s->n_kept; i++)
                (void)json_array_append_new(kept, SAVE(&s->kept[i], kept_fields));
        for (size_t i = 0; i < s->capture.pending.n_items; i++) {
                json_t *object = SAVE(&s->capture.pending.items[i], pending_fields);

                (void)json_object_set_new(object, "key",
                                          save_key(&s->capture.pending.items[i].key));
                (void)json_array_append_new(pending, object);
        }
        for (size_t i = 0; i < s->capture.n_parked; i++)
                (void)json_array_append_new(parked, SAVE(&s->capture.parked[i], parked_fields));
        return json_pack("{s:o, s:o, s:o, s:o, s:i}", "held", held, "kept", kept, "pending",
                         pending, "parked", parked, "last_group", (int)s->held.last_group);
}

static int
load_pending(Pending *p, const json_t *array)
{
        size_t n = json_array_size(array);

        p->items = n ? calloc(n, sizeof(*p->items)) : NULL;
        if (n && !p->items)
                return -ENOMEM;
        for (; p->n_items < n; p->n_items++) {
                const json_t *object = json_array_get(array, p->n_items);

                if (LOAD(&p->items[p->n_items], pending_fields, object) < 0 ||
                    load_key(&p->items[p->n_items].key, json_object_get(object, "key")) < 0)
                        return -EBADMSG;
        }
        return 0;
}

static int
load_parked(Capture *c, const json_t *array)
{
        size_t n = json_array_size(array);

        c->parked = n ? calloc(n, sizeof(*c->parked)) : NULL;
        if (n && !c->parked)
                return -ENOMEM;
        for (; c->n_parked < n; c->n_parked++)
                if (LOAD(&c->parked[c->n_parked], parked_fields,
                         json_array_get(array, c->n_parked)) < 0)
                        return -EBADMSG;
        return 0;
}

static int
load_kept(Supervisor *s, const json_t *array)
{
        size_t n = json_array_size(array);

        s->kept = n ? calloc(n, sizeof(*s->kept)) : NULL;
        if (n && !s->kept)
                return -ENOMEM;
        for (; s->n_kept < n; s->n_kept++)
                if (LOAD(&s->kept[s->n_kept], kept_fields, json_array_get(array, s->n_kept)) < 0)
                        return -EBADMSG;
        return 0;
}

/* Take in what persist_save_sockets wrote. Returns 0 or a negative errno. */
int
persist_load_sockets(Supervisor *s, const json_t *object)
{
        const json_t *held = json_object_get(object, "held");
        int r = 0;

        s->held.last_group = (unsigned)json_integer_value(json_object_get(object, "last_group"));
        for (size_t i = 0; i < json_array_size(held) && r == 0; i++) {
                Held *h = NULL;

                r = persist_load_held(&h, json_array_get(held, i));
                if (r == 0)
                        r = held_table_add(&s->held, h);
        }
        if (r == 0)
                r = load_kept(s, json_object_get(object, "kept"));
        if (r == 0)
                r = load_pending(&s->capture.pending, json_object_get(object, "pending"));
        if (r == 0)
                r = load_parked(&s->capture, json_object_get(object, "parked"));
        return r;
}

/* The names of what the service manager handed over, for options that mention them. */
json_t *
persist_save_inherited(const Config *config)
{
        json_t *names = json_array();

        for (size_t i = 0; i < config->inherited.n_items; i++)
                (void)json_array_append_new(names, json_string(config->inherited.items[i].name));
        return names;
}

/* Know these names again, before the command line is parsed. Returns 0 or a negative errno. */
int
persist_load_inherited(Config *config, const json_t *state)
{
        const json_t *names = json_object_get(state, "inherited");
        int r = 0;

        for (size_t i = 0; i < json_array_size(names) && r == 0; i++) {
                const char *name = json_string_value(json_array_get(names, i));

                r = name ? inherited_add_claimed(&config->inherited, name) : -EBADMSG;
        }
        return r;
}
