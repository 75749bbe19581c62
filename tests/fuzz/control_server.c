/* SPDX-License-Identifier: MIT */
/*
 * control_server.c - a client of the control socket that says anything, in any pieces, reads or does
 * not, and goes when it likes.
 *
 * Gist: the first byte of the input says how the client behaves, the rest is what it sends. The host
 * answers at once, later, or when the client has gone. Whatever happens, every line that comes out
 * is an answer, the loop comes to rest, and nothing of the client is left.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "control/state.h"
#include "fuzz.h"

/* The first byte. */
enum {
        PIECES = 0x07,  /* their size: 1 << 2n bytes */
        READS = 0x08,   /* its answers, after each piece */
        SHUTS = 0x10,   /* its sending side, at the end of the input */
        GOES = 0x20,    /* without reading what is there */
        ANSWERS = 0xc0, /* of the host: at once, later, with reports before, when all is over */
};

#define TURNS_MAX 200000 /* of the loop, before it counts as spinning */

/* The host. */
static struct {
        sd_event *event;
        ControlServer *server;
        uint8_t behaviour;
        ControlRequest *waiting[CONTROL_REQUESTS_MAX * 64];
        size_t n_waiting;
        size_t n_asked;
} host;

static void
answer_later(ControlRequest *request)
{
        fuzz_must(host.n_waiting < ELEMENTSOF(host.waiting));
        host.waiting[host.n_waiting++] = request;
}

static void
on_request(void *userdata, ControlRequest *request, const char *verb, const json_t *arguments)
{
        (void)userdata;
        fuzz_must(*verb && json_is_object(arguments) && control_request_is_waiting(request));
        host.n_asked++;
        switch (host.behaviour & ANSWERS) {
        case 0x00:
                control_request_finish(request, json_pack("{ss}", "verb", verb), NULL);
                break;
        case 0x40:
                control_request_progress(request, json_pack("{ss}", "phase", "starting"));
                answer_later(request);
                break;
        case 0x80:
                for (size_t i = host.n_asked % 64; i > 0; i--)
                        control_request_progress(request, json_pack("{ss}", "phase", verb));
                control_request_finish(request, NULL, host.n_asked % 2 ? "it failed" : NULL);
                break;
        default:
                answer_later(request);
        }
}

/* The connection of this input, or NULL. */
static Connection *
connection(void)
{
        fuzz_must(host.server->n_connections <= 1);
        return host.server->n_connections ? host.server->connections[0] : NULL;
}

static void
answer_all(void)
{
        for (size_t i = 0; i < host.n_waiting; i++)
                control_request_finish(host.waiting[i],
                                       i % 3 ? json_pack("{sI}", "n", (json_int_t)i) : NULL,
                                       i % 2 ? NULL : "it failed");
        host.n_waiting = 0;
}

/* Let the loop run until nothing happens any more. */
static void
come_to_rest(void)
{
        unsigned n_turns = 0;

        while (sd_event_run(host.event, 0) > 0)
                fuzz_must(++n_turns < TURNS_MAX);
        if ((host.behaviour & ANSWERS) == 0x40 && connection())
                answer_all();
}

/* Read what is there. Returns 0 at the end, 1 otherwise. */
static int
read_answers(int fd, Lines *lines)
{
        for (;;) {
                char *room = NULL;
                char *line;
                size_t length;
                ssize_t n;

                while (lines_next(lines, SIZE_MAX, &line, &length) > 0) {
                        ProtocolAnswer answer;

                        fuzz_must(protocol_parse_answer(line, length, &answer) == 0);
                        protocol_answer_deinit(&answer);
                }
                fuzz_must(lines_room(lines, 1 << 16, &room) == 0);
                n = recv(fd, room, 1 << 16, MSG_DONTWAIT);
                if (n <= 0)
                        return n < 0 && errno == EAGAIN;
                lines_added(lines, (size_t)n);
        }
}

/* Send the input in pieces. Returns whether all of it was taken. */
static bool
send_pieces(int fd, const uint8_t *data, size_t size, Lines *lines)
{
        size_t piece = (size_t)1 << 2 * (host.behaviour & PIECES);

        if (size / piece > 200) /* a byte at a time is for the short ones */
                piece = size / 200;
        while (size > 0) {
                ssize_t n =
                        send(fd, data, piece < size ? piece : size, MSG_DONTWAIT | MSG_NOSIGNAL);

                come_to_rest();
                if (n < 0 && errno == EAGAIN && !(host.behaviour & READS))
                        return false; /* it is not read from any more */
                if (n < 0 && errno != EAGAIN)
                        return false;
                if (host.behaviour & READS)
                        (void)read_answers(fd, lines);
                data += n > 0 ? n : 0;
                size -= n > 0 ? (size_t)n : 0;
        }
        return true;
}

/* Reads all answers, as far as there are any, until the other side has nothing more to say. */
static void
read_to_the_end(int fd, Lines *lines)
{
        unsigned n_turns = 0;

        (void)shutdown(fd, SHUT_WR);
        for (;;) {
                come_to_rest();
                answer_all();
                if (read_answers(fd, lines) == 0)
                        break;
                fuzz_must(++n_turns < TURNS_MAX);
        }
        /* Only the reports that it did not take may have been cut off. */
        fuzz_must(lines->begin == lines->end || (host.behaviour & ANSWERS) == 0x80);
}

static char directory[] = "/tmp/sup-fuzz-XXXXXX";
static char path[sizeof(directory) + sizeof("/s")];

static void
tear_down(void)
{
        host.server = control_server_free(host.server);
        sd_event_unref(host.event);
        (void)rmdir(directory);
}

static void
set_up(void)
{
        ControlHost interface = {.on_request = on_request};
        char *reason = NULL;

        fuzz_must(mkdtemp(directory) && sd_event_new(&host.event) >= 0);
        (void)snprintf(path, sizeof(path), "%s/s", directory);
        fuzz_must(control_server_new(&host.server, host.event, path, &interface, &reason) == 0);
        fuzz_must(atexit(tear_down) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(lines_deinit) Lines lines = {0};
        int fd;

        if (!host.server)
                set_up();
        if (size == 0)
                return 0;
        host.behaviour = data[0];
        host.n_asked = 0;
        fd = socket_file_connect(path);
        fuzz_must(fd >= 0);
        if (send_pieces(fd, data + 1, size - 1, &lines) && (host.behaviour & SHUTS))
                (void)shutdown(fd, SHUT_WR);
        come_to_rest();
        if (!(host.behaviour & GOES))
                read_to_the_end(fd, &lines);
        (void)close(fd);
        come_to_rest();
        fuzz_must(!connection());
        answer_all();
        return 0;
}
