/* SPDX-License-Identifier: MIT */
/* away.h - when the names of unix sockets are away while a worker starts. Pure. */
#ifndef SUP_POLICY_AWAY_H
#define SUP_POLICY_AWAY_H

#include <stdbool.h>

/* What is known of the server. */
typedef struct Away {
        bool is_away;      /* the names are to be away at the next start */
        unsigned n_failed; /* starts in a row that failed with the names there */
        unsigned n_wanted; /* so many are followed by one with the names away; 0: as at first */
} Away;

/* The end of a worker. */
typedef struct AwayEnd {
        bool was_away;   /* at its start, the names were away */
        bool has_failed; /* it ended without having been asked to, and a name waits to be bound */
        bool has_bound;  /* it has bound one, and none waits */
        bool met_client; /* somebody has connected meanwhile to what waits, and gone */
        bool is_last;    /* if this one will not do, there is no other one: a serial reload */
} AwayEnd;

bool away_is_own_end(int shell_status);
void away_after_end(Away *a, const AwayEnd *end);

#endif
