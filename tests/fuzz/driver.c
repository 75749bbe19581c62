/* SPDX-License-Identifier: MIT */
/*
 * driver.c - feeds a fuzz target with inputs that are made from its corpus; told in TAP.
 *
 * Usage: TARGET.t [SEED [FIRST]]
 *
 * Gist: each input comes from its number and the seed alone, so that one that failed can be had
 * again; the failure names both, and leaves the input in a file. The target runs in a child, so that
 * the parent outlives whatever happens; at the end no more files are open than at the beginning.
 * Environment: SUP_TEST_FUZZ, the number of inputs; top_srcdir, where tests/fuzz/corpus is.
 */
#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fuzz.h"

#define INPUT_MAX (256UL * 1024)
#define INPUT_SHORT 2048
#define SAMPLES_MAX 512
#define INPUTS_DEFAULT 5000
#define HANG_SECONDS 120 /* for a thousand inputs */

typedef struct Sample {
        uint8_t *data;
        size_t size;
} Sample;

/* What the child leaves behind for the parent. */
typedef struct Shared {
        unsigned long number; /* of the input that is being run */
        size_t size;
        uint8_t data[INPUT_MAX];
} Shared;

static Sample samples[SAMPLES_MAX];
static size_t n_samples;

static uint64_t
next(uint64_t *state)
{
        /* splitmix64, by Sebastiano Vigna; public domain */
        uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31U);
}

static size_t
below(uint64_t *state, size_t n)
{
        return n ? (size_t)(next(state) % n) : 0;
}

static void
load(const char *path)
{
        CLEANUP_FILE FILE *f = fopen(path, "re");
        Sample *sample = &samples[n_samples];
        struct stat st;

        fuzz_must(f && fstat(fileno(f), &st) == 0);
        if (!S_ISREG(st.st_mode))
                return;
        fuzz_must((size_t)st.st_size <= INPUT_MAX && n_samples < SAMPLES_MAX);
        sample->size = (size_t)st.st_size;
        sample->data = malloc(sample->size + 1);
        fuzz_must(sample->data && fread(sample->data, 1, sample->size, f) == sample->size);
        n_samples++;
}

static int
no_dots(const struct dirent *entry)
{
        return entry->d_name[0] != '.';
}

/* Load the corpus in the order of its names, which is the same everywhere. */
static void
load_corpus(const char *name)
{
        const char *top = getenv("top_srcdir");
        CLEANUP_FREE char *directory = NULL;
        struct dirent **entries = NULL;
        int n;

        fuzz_must(asprintf(&directory, "%s/tests/fuzz/corpus/%s", top ? top : ".", name) > 0);
        n = scandir(directory, &entries, no_dots, alphasort);
        for (int i = 0; i < n; i++) {
                CLEANUP_FREE char *path = NULL;

                fuzz_must(asprintf(&path, "%s/%s", directory, entries[i]->d_name) > 0);
                load(path);
                free(entries[i]);
        }
        free(entries);
        if (n_samples == 0) {
                printf("Bail out! there is no corpus in %s\n", directory);
                exit(EXIT_FAILURE);
        }
}

/* Put n bytes in at a place, as far as there is room. */
static void
insert(Shared *s, size_t at, const uint8_t *bytes, size_t n)
{
        if (n > INPUT_MAX - s->size)
                n = INPUT_MAX - s->size;
        memmove(s->data + at + n, s->data + at, s->size - at);
        memmove(s->data + at, bytes, n);
        s->size += n;
}

static void
cut(Shared *s, size_t at, size_t n)
{
        memmove(s->data + at, s->data + at + n, s->size - at - n);
        s->size -= n;
}

/* Write a number at which programs go wrong over what is there, in 1, 2, 4 or 8 bytes. */
static void
put_number(Shared *s, uint64_t *state)
{
        static const uint64_t numbers[] = {0,          1,          0x7f,       0x80,
                                           0xff,       0x7fff,     0x8000,     0xffff,
                                           0x7fffffff, 0x80000000, 0xffffffff, ~0ULL};
        uint64_t number = numbers[below(state, ELEMENTSOF(numbers))];
        size_t width = (size_t)1 << below(state, 4);

        if (s->size >= width)
                memcpy(s->data + below(state, s->size - width + 1), &number, width);
}

/* Change the input in one of many ways. */
static void
mutate(Shared *s, uint64_t *state)
{
        static const char *const numbers[] = {"0",  "-1",    "1",   "2147483648",         "1e308",
                                              "64", "65536", "0.5", "9223372036854775808"};
        static const uint8_t special[] = {'\n', '"', '\\', '{', '}', '[', ']', ',', ':', 0, 0xff};
        const Sample *other = &samples[below(state, n_samples)];
        const char *number = numbers[below(state, ELEMENTSOF(numbers))];
        size_t at = below(state, s->size);
        size_t from = below(state, other->size);
        uint8_t copy[1024];
        size_t n;

        switch (next(state) % 11) {
        case 0:
                if (s->size)
                        s->data[at] ^= (uint8_t)(1U << next(state) % 8);
                break;
        case 1:
                if (s->size)
                        s->data[at] = (uint8_t)next(state);
                break;
        case 2:
                insert(s, at, &special[below(state, sizeof(special))], 1);
                break;
        case 3:
                cut(s, at, below(state, s->size - at + 1));
                break;
        case 4:
                cut(s, at, below(state, s->size - at + 1) % 8);
                break;
        case 5:
                insert(s, at, (const uint8_t *)number, strlen(number));
                break;
        case 6: /* a piece of another one */
                insert(s, at, other->data + from, below(state, other->size - from + 1));
                break;
        case 7: /* the same piece again and again */
                n = below(state, s->size - at + 1) % sizeof(copy);
                memcpy(copy, s->data + at, n);
                for (size_t times = below(state, 200); times > 0; times--)
                        insert(s, at, copy, n);
                break;
        case 8:
                for (size_t times = below(state, 40); times > 0; times--)
                        insert(s, at, next(state) % 2 ? (const uint8_t *)"[" : (const uint8_t *)"{",
                               1);
                break;
        case 9:
                put_number(s, state);
                break;
        default:
                s->size = at;
        }
}

static void
make_input(Shared *s, uint64_t seed, unsigned long number)
{
        uint64_t state = seed ^ ((uint64_t)number << 20U);
        const Sample *sample = &samples[below(&state, n_samples)];

        memcpy(s->data, sample->data, sample->size);
        s->size = sample->size;
        s->number = number;
        for (size_t times = below(&state, 8); times > 0; times--)
                mutate(s, &state);
        /* Long ones take long, and seldom tell more than short ones. */
        if (s->size > INPUT_SHORT && next(&state) % 32 != 0)
                s->size = INPUT_SHORT;
}

static unsigned
count_files(void)
{
        CLEANUP_DIR DIR *dir = opendir("/proc/self/fd");
        unsigned n = 0;

        while (dir && readdir(dir))
                n++;
        return n;
}

static int
run_inputs(Shared *s, uint64_t seed, unsigned long first, unsigned long n_inputs)
{
        unsigned n_before = 0;

        for (unsigned long i = 0; i < n_inputs; i++) {
                if (i % 1000 == 0)
                        (void)alarm(HANG_SECONDS);
                make_input(s, seed, first + i);
                (void)LLVMFuzzerTestOneInput(s->data, s->size);
                if (i == 0) /* what a target opens once stays open */
                        n_before = count_files();
        }
        fuzz_must(count_files() == n_before);
        return EXIT_SUCCESS;
}

static void
keep_input(const Shared *s, const char *name)
{
        CLEANUP_FREE char *path = NULL;
        FILE *f;

        fuzz_must(asprintf(&path, "%s-failed", name) > 0);
        f = fopen(path, "we");
        fuzz_must(f && fwrite(s->data, 1, s->size, f) == s->size && fclose(f) == 0);
        printf("# the input is in %s\n", path);
}

int
main(int argc, char **argv)
{
        const char *text = getenv("SUP_TEST_FUZZ");
        unsigned long n_inputs = text ? strtoul(text, NULL, 10) : INPUTS_DEFAULT;
        uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
        unsigned long first = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
        const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
        CLEANUP_FREE char *target = strndup(name, strcspn(name, "."));
        Shared *s =
                mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        int status = 0;
        pid_t pid;

        fuzz_must(s != MAP_FAILED && target);
        printf("1..1\n");
        load_corpus(target);
        (void)fflush(NULL);
        pid = fork();
        fuzz_must(pid >= 0);
        if (pid == 0)
                return run_inputs(s, seed, first, n_inputs);
        fuzz_must(waitpid(pid, &status, 0) == pid);
        printf("%s 1 - %s: %lu inputs from %zu samples, seed %llu\n", status ? "not ok" : "ok",
               target, n_inputs, n_samples, (unsigned long long)seed);
        if (status) {
                printf("# status %#x at input %lu; again: %s %llu %lu\n", (unsigned)status,
                       s->number, argv[0], (unsigned long long)seed, s->number);
                keep_input(s, target);
        }
        for (size_t i = 0; i < n_samples; i++)
                free(samples[i].data);
        return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
