/* SPDX-License-Identifier: MIT */
/*
 * event_id.c - the MESSAGE_ID of each kind of event.
 *
 * They never change, so that they can be searched for, and explained by systemd/sup.catalog.
 */
#include "base/event_id.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

typedef struct EventId {
        const char *event;
        const char *id;
} EventId;

/* By the name, as strcmp(3) orders it. */
static const EventId event_ids[] = {
        {"address-in-use", "6661dfb6767c449990207a0a339d1285"},
        {"baking", "3d3f380cc6f1416d93996a4c5d8c3fd6"},
        {"committed", "caaf7e56af9e4aa7ad31158fecd93442"},
        {"drained", "ad70e08ac29d41ccb8e9dfe69a14d696"},
        {"ended", "605488a7155d41bc84999a96be246bc6"},
        {"followed", "18949fb179984028ac3c4e8caad8e7d5"},
        {"given-up", "848fa848a1374ba59398bca83c582ee6"},
        {"held", "be93d34ea2ad4394adabe2014ea3b881"},
        {"late", "5c2520785d064da2a30e7413ea21fb20"},
        {"left-behind", "3b64615a45c5479e8103fb525ade16c6"},
        {"left-ended", "d4ee37950dc948a3aeb914b67f366dd1"},
        {"listening", "e50ff8fb65414e34a9ecec8ad9b9acbc"},
        {"reload", "32388b582dae4cafa60b1720f037548a"},
        {"reload-failed", "1d3bb22195094426b00a90059d1cd9ac"},
        {"reloaded", "8e5e1d0098ea43ee88cc2a4f389442b2"},
        {"serving-again", "4bbeed14efc64c68b5e336b53ebfa261"},
        {"started", "d1a1d44e4bb541538e859ef55d6b730e"},
        {"status", "c3f0ec790b8c4535b65f0e6194aee8e2"},
        {"stopping", "5aa2824635ce456baa220d9b463e0425"},
        {"taken-back", "2aa52893aa7547b2b97ebd23c8e8b70f"},
        {"taken-over", "ff2ccb02b86e4dffb6058a2166aa2557"},
        {"upgrade-failed", "66e9a1c568784b2a879bf56a8e393988"},
        {"upgraded", "9ffa37c170e042bfa59a9e5d70be8fcc"},
        {"watchdog", "c913b4c6d7ae4d76901b50b1c6a0206a"},
};

static int
compare(const void *key, const void *item)
{
        const EventId *e = item;

        return strcmp(key, e->event);
}

/*
 * The id for sd-id128(3) of an event of LogEvent, 32 hexadecimal digits; NULL for one that has none.
 */
const char *
event_id(const char *event)
{
        const EventId *e =
                bsearch(event, event_ids, ELEMENTSOF(event_ids), sizeof(event_ids[0]), compare);

        return e ? e->id : NULL;
}
