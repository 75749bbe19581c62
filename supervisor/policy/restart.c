/* SPDX-License-Identifier: MIT */
/*
 * restart.c - whether and when a worker that ended is started again.
 *
 * Gist: one that had been ready for a second comes back at once: that is what a crash of a good
 * server looks like. One that keeps failing before that waits 100 ms, 200 ms, … up to a limit, with
 * a quarter of jitter either way; a minute of health forgets its failures. Nobody gives up unless a
 * limit was set: the socket stays open whatever happens.
 */
#include "policy/restart.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/parse.h"

#define READY_ENOUGH_USEC USEC_PER_SEC
#define HEALTHY_USEC (60 * USEC_PER_SEC)
#define BACKOFF_FIRST_USEC (100 * USEC_PER_MSEC)
#define BACKOFF_DOUBLINGS_MAX 32U

/* delay ± 25 %, from a random number that was drawn outside. */
static uint64_t
with_jitter(uint64_t delay_usec, uint32_t random)
{
        return delay_usec - delay_usec / 4 + (delay_usec / 2) * (random % 1024U) / 1023U;
}

/* The wait before the restart that follows n failures before this one. */
static uint64_t
backoff(const RestartConfig *config, unsigned n_before, uint32_t random)
{
        unsigned doublings = n_before < BACKOFF_DOUBLINGS_MAX ? n_before : BACKOFF_DOUBLINGS_MAX;
        uint64_t delay = BACKOFF_FIRST_USEC << doublings;

        if (delay > config->backoff_max_usec)
                delay = config->backoff_max_usec;
        return with_jitter(delay, random);
}

/* Whether this restart would be one too many within the limit's time; notes it otherwise. */
static bool
is_over_limit(const RestartConfig *config, RestartState *state, uint64_t now_usec)
{
        unsigned slot;

        if (config->limit == 0)
                return false;
        if (!state->starts_usec) {
                state->starts_usec = calloc(config->limit, sizeof(*state->starts_usec));
                if (!state->starts_usec)
                        return false;
        }
        slot = state->n_starts % config->limit;
        if (state->n_starts >= config->limit &&
            now_usec - state->starts_usec[slot] < config->limit_usec)
                return true;
        state->starts_usec[slot] = now_usec;
        state->n_starts++;
        return false;
}

/*
 * Decide what follows the end of a worker. state is brought up to date; *ret_delay_usec is set for
 * RESTART_LATER.
 */
RestartVerdict
restart_decide(const RestartConfig *config, RestartState *state, const RestartInput *input,
               uint64_t *ret_delay_usec)
{
        if (config->mode == RESTART_NEVER || (config->mode == RESTART_ON_FAILURE && !input->failed))
                return RESTART_DONE;
        if (is_over_limit(config, state, input->now_usec))
                return RESTART_GIVE_UP;
        if (input->served_usec >= HEALTHY_USEC)
                state->n_failures = 0;
        if (input->served_usec >= READY_ENOUGH_USEC)
                return RESTART_NOW;
        *ret_delay_usec = backoff(config, state->n_failures, input->random);
        state->n_failures++;
        return RESTART_LATER;
}

/* Free what the state holds. */
void
restart_state_deinit(RestartState *state)
{
        free(state->starts_usec);
        *state = (RestartState){0};
}

/* A shell's view of how a child ended (waitid(2)): its status, or 128 and the signal. */
int
restart_exit_status(int code, int status)
{
        return code == CLD_EXITED ? status : 128 + status;
}
