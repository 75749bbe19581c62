/* SPDX-License-Identifier: MIT */
/* sealed.c - a JSON value in a sealed memfd (memfd_create(2)), for who comes after us. */
#include "run/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

/*
 * Write a value down, close-on-exec; consume_value may be NULL, for one that there was no memory for.
 * Returns the descriptor, which is the caller's, or a negative errno.
 */
int
sealed_write(const char *name, json_t *consume_value)
{
        CLEANUP_FREE char *text = consume_value ? json_dumps(consume_value, JSON_COMPACT) : NULL;
        CLEANUP_FD int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        size_t length = text ? strlen(text) : 0;
        size_t done = 0;

        json_decref(consume_value);
        if (!text)
                return -ENOMEM;
        if (fd < 0)
                return -errno;
        while (done < length) {
                ssize_t n = write(fd, text + done, length - done);

                if (n < 0)
                        return -errno;
                done += (size_t)n;
        }
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return -errno;
        return fd_steal(&fd);
}

/* What was written down there, a new reference; or NULL when it is not readable as that. */
json_t *
sealed_read(int fd)
{
        struct stat st;
        CLEANUP_FREE char *text = NULL;

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
                return NULL;
        text = malloc((size_t)st.st_size);
        if (!text || pread(fd, text, (size_t)st.st_size, 0) != st.st_size)
                return NULL;
        return json_loadb(text, (size_t)st.st_size, 0, NULL);
}
