/* SPDX-License-Identifier: MIT */
/* message.h - what a worker says by sd_notify(3). */
#ifndef SUP_WORKER_MESSAGE_H
#define SUP_WORKER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MESSAGE_FDS_MAX 8
#define MESSAGE_LENGTH_MAX 4096

typedef struct Message {
        bool ready;
        bool reloading;
        bool stopping;
        bool barrier;
        bool watchdog;
        bool watchdog_trigger;
        uint64_t watchdog_usec; /* a new interval, or 0 */
        uint64_t extend_usec;   /* so much more time, or 0 */
        pid_t main_pid;         /* or 0 */
        bool fdstore;
        bool fdstore_remove;
        char *fdname;             /* or NULL */
        char *status;             /* or NULL */
        int fds[MESSAGE_FDS_MAX]; /* that came with it */
        size_t n_fds;
} Message;

typedef struct MessageSender {
        pid_t pid;
        uid_t uid;
} MessageSender;

int message_open(char **ret_name);
int message_receive(int fd, Message *ret, MessageSender *ret_sender);
int message_parse(Message *m, char *text);
void message_deinit(Message *m);

#endif
