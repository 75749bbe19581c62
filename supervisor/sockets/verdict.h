/* SPDX-License-Identifier: MIT */
/* verdict.h - what stands in the way of an address, until when, and what to do: decided from facts. */
#ifndef SUP_SOCKETS_VERDICT_H
#define SUP_SOCKETS_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sockets/facts.h"

#define VERDICT_FINDINGS_MAX 16
#define VERDICT_REMEDIES_MAX 4

/* One kind of thing that stands in the way; those that explain most come first. */
typedef enum Cause {
        CAUSE_LISTENER,
        CAUSE_INHERITED, /* a listener that was left to a process by a server that ended */
        CAUSE_STOPPED,
        CAUSE_ENDING,
        CAUSE_DATAGRAM, /* a UDP socket */
        CAUSE_BOUND,    /* bound, and does not listen */
        CAUSE_SELF_CONNECT,
        CAUSE_OUTGOING,
        CAUSE_CONNECTION, /* one that a server accepted */
        CAUSE_FIN_WAIT2,
        CAUSE_UNFINISHED, /* FIN_WAIT1, CLOSING, LAST_ACK without a process */
        CAUSE_TIME_WAIT,
        CAUSE_UNSEEN,     /* in use, and nothing is seen */
        CAUSE_PATH_TAKEN, /* by something that is no socket */
        CAUSE_PATH_STALE,
        CAUSE_PATH_UNKNOWN,   /* a socket that may not be asked */
        CAUSE_PATH_ELSEWHERE, /* a socket that answers, of another network namespace */
        CAUSE_DIRECTORY,
        CAUSE_PRIVILEGED_PORT,
        CAUSE_SECURITY_MODULE,
        CAUSE_BPF_HOOK,
        CAUSE_NOT_LOCAL,
        CAUSE_TENTATIVE,
        CAUSE_DUPLICATE_ADDRESS,
        CAUSE_NO_SCOPE,
        CAUSE_NO_FAMILY,
        CAUSE_OTHER, /* whatever the error says */
        CAUSE_N,
} Cause;

typedef struct Finding {
        Cause cause;
        bool is_certain;
        const FactSocket *socket; /* the one that stays longest, or NULL */
        size_t n_sockets;
        const FactHolder *holder; /* or NULL */
        bool takes_both;          /* an IPv6 wildcard is in the way of IPv4 */
        bool foreign_group;       /* a SO_REUSEPORT group of another user */
        bool is_client;           /* what is left of an outgoing connection */
        uint32_t wait_msec;       /* until it goes by itself; 0: not told */
} Finding;

/* What to do, the least invasive first. */
typedef enum Remedy {
        REMEDY_NONE,
        REMEDY_SET_REUSEADDR,
        REMEDY_SET_REUSEPORT,
        REMEDY_WAIT,
        REMEDY_WAIT_FOR_END,
        REMEDY_WAIT_FOR_DAD,
        REMEDY_CONTINUE,
        REMEDY_SAME_USER,
        REMEDY_V6ONLY,
        REMEDY_BELOW_RANGE,
        REMEDY_FREEBIND,
        REMEDY_LOCAL_ADDRESS,
        REMEDY_LOCAL_CID,
        REMEDY_ADD_SCOPE,
        REMEDY_CAPABILITY,
        REMEDY_ASK_POLICY,
        REMEDY_ASK_HOOK,
        REMEDY_REMOVE_STALE,
        REMEDY_OTHER_NAME,
        REMEDY_DIRECTORY,
        REMEDY_BE_ROOT,
        REMEDY_FIND_ELSEWHERE,
        REMEDY_FIND_VSOCK,
        REMEDY_LOAD_VSOCK,
        REMEDY_END,
        REMEDY_END_CLIENT,
        REMEDY_OTHER_PORT,
        REMEDY_N,
} Remedy;

/* What follows from the facts without being seen. */
typedef enum Inference {
        INFER_OLD_LACKED_REUSEADDR = 1 << 0, /* what is left has no SO_REUSEADDR */
        INFER_OLD_HAD_REUSEADDR = 1 << 1,
        INFER_LEFT_BY_SERVER = 1 << 2, /* the holder got the listener from a server that ended */
        INFER_ACCEPTED = 1 << 3,       /* the connections are from a server's clients */
        INFER_OUTGOING = 1 << 4,
        INFER_LISTENER_LACKS_REUSEPORT = 1 << 5,
        INFER_ENDED_JUST_NOW = 1 << 6,
        INFER_FIRST_TO_LISTEN = 1 << 7,     /* free, but another one is bound there as well */
        INFER_CANNOT_TELL_SHARING = 1 << 8, /* UDP: the options of the others are not known */
        INFER_HELD_BY_ENDING = 1 << 9,      /* a process that cannot be read any more */
} Inference;

/* What could not be seen, and would have been looked at. */
typedef enum Unseen {
        UNSEEN_HOLDER = 1 << 0, /* as an ordinary user: of a process that may not be read */
        UNSEEN_HOLDER_AS_ROOT = 1 << 1,
        UNSEEN_OWNER_OF_LEFTOVER = 1 << 2, /* which user it was of is not kept */
        UNSEEN_BOUND = 1 << 3,             /* this kernel does not show bound sockets */
        UNSEEN_CUT_SHORT = 1 << 4,         /* a process with very many files */
} Unseen;

typedef struct Verdict {
        bool is_free;
        int error; /* of the asker's bind() */
        Finding findings[VERDICT_FINDINGS_MAX];
        size_t n_findings;
        Remedy remedies[VERDICT_REMEDIES_MAX];
        size_t n_remedies;
        unsigned inferences; /* a set of Inference */
        unsigned unseen;     /* a set of Unseen */
        uint32_t wait_msec;  /* until all of it has gone by itself; 0: no telling */
        uint32_t slack_msec; /* and up to so much more */
} Verdict;

void verdict_judge(const Facts *f, Verdict *ret);
void verdict_advise(Verdict *v, const Facts *f);
uint32_t verdict_timer_slack(uint32_t timer_msec, unsigned clock_hz);
const char *verdict_cause_name(Cause cause);

#endif
