/* SPDX-License-Identifier: MIT */
/* skipped.c - stands for the unit tests where cmocka, which they need, is not installed. */
#include <stdio.h>
#include <stdlib.h>

int
main(void)
{
        static const char what[] = "the unit tests need cmocka (Debian: libcmocka-dev)";

        if (!getenv("SUP_TEST_REQUIRE")) {
                printf("1..0 # SKIP %s\n", what);
                return EXIT_SUCCESS;
        }
        printf("1..1\nnot ok 1 - %s\n", what);
        return EXIT_FAILURE;
}
