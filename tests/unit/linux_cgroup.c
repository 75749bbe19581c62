/* SPDX-License-Identifier: MIT */
/* linux_cgroup.c - which unit or container a control group belongs to. */
#include "unit.h"

#include <errno.h>

#include "linux/cgroup.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
expect(const char *text, const char *unit, const char *container)
{
        CgroupPlace place;

        cgroup_parse(text, &place);
        unit_expect(strcmp(place.unit, unit) == 0, "%s: the unit is '%s'\n", text, place.unit);
        unit_expect(strcmp(place.container, container) == 0, "%s: the container is '%s'\n", text,
                    place.container);
}

static void
a_service_of_the_system_is_its_unit(void **state)
{
        (void)state;
        expect("0::/system.slice/nginx.service\n", "nginx.service", "");
        expect("0::/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "");
        expect("0::/system.slice/nginx.service/sub/group\n", "nginx.service", "");
}

static void
of_nested_units_the_innermost_service_counts(void **state)
{
        (void)state;
        expect("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.service\n",
               "app-x.service", "");
        expect("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope\n",
               "user@1000.service", "");
        expect("0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope", "");
}

static void
the_first_hierarchy_that_tells_counts(void **state)
{
        (void)state;
        expect("12:pids:/\n1:name=systemd:/system.slice/x.service\n0::/\n", "x.service", "");
        expect("0::/\n", "", "");
        expect("", "", "");
}

static void
containers_are_known_by_their_id_and_engine(void **state)
{
        (void)state;
        expect("0::/system.slice/docker-" ID ".scope\n", "docker-" ID ".scope",
               "docker 0123456789ab");
        expect("4:memory:/docker/" ID "\n", "", "docker 0123456789ab");
        expect("0::/machine.slice/libpod-" ID ".scope/container\n", "libpod-" ID ".scope",
               "podman 0123456789ab");
        expect("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope\n",
               "cri-containerd-" ID ".scope", "kubernetes 0123456789ab");
        expect("0::/x/" ID "\n", "", "container 0123456789ab");
        expect("0::/x/" ID "0\n", "", "");
        expect("0::/docker/" ID "/x.service\n", "x.service", "docker 0123456789ab");
}

static void
nonsense_tells_nothing(void **state)
{
        static const char *const texts[] = {"no colon", ":",     "::",          "1:x",
                                            "0::/a.b",  "\n\n:", "0::.service", "0::/.service",
                                            "0::/x\n0:"};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                expect(texts[i], "", "");
}

static void
names_are_printable_and_short_enough(void **state)
{
        char text[512] = "0::/";
        CgroupPlace place;

        (void)state;
        cgroup_parse("0::/a\033[2Jb.service", &place);
        assert_string_equal(place.unit, "a?[2Jb.service");
        memset(text + 4, 'x', 300);
        strcpy(text + 304, ".service"); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy) */
        cgroup_parse(text, &place);
        assert_int_equal(strlen(place.unit), sizeof(place.unit) - 1);
}

static void
a_group_that_does_not_exist_has_no_place(void **state)
{
        CgroupPlace place = {.unit = "x"};

        (void)state;
        cgroup_of_id(UINT64_MAX, &place);
        assert_string_equal(place.unit, "");
        place = (CgroupPlace){.unit = "x"};
        cgroup_of_process(0, &place);
        assert_string_equal(place.unit, "");
}

static void
expect_path(const char *text, int expected, const char *path)
{
        char got[32] = "";
        int r = cgroup_parse_unified(text, got, sizeof(got));

        unit_expect(r == expected && strcmp(got, path) == 0, "%s: %d, '%s'\n", text, r, got);
}

static void
the_path_in_cgroup2_is_the_one_of_hierarchy_0(void **state)
{
        (void)state;
        expect_path("0::/system.slice/x.service\n", 0, "/system.slice/x.service");
        expect_path("12:pids:/a\n1:name=systemd:/b\n0::/c\n", 0, "/c");
        expect_path("0::/\n", 0, "/");
        expect_path("10::/a\n", -ENOENT, "");
        expect_path("1:pids:/a\n", -ENOENT, "");
        expect_path("0::", -ENOENT, "");
        expect_path("", -ENOENT, "");
}

static void
a_path_that_leads_nowhere_from_here_is_none(void **state)
{
        (void)state;
        expect_path("0::/../other.service\n", -ENOENT, "");
        expect_path("0::/x.service (deleted)\n", -ENOENT, "");
        expect_path("0::/0123456789012345678901234567890123456789\n", -ENAMETOOLONG, "");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_service_of_the_system_is_its_unit),
                cmocka_unit_test(of_nested_units_the_innermost_service_counts),
                cmocka_unit_test(the_first_hierarchy_that_tells_counts),
                cmocka_unit_test(containers_are_known_by_their_id_and_engine),
                cmocka_unit_test(nonsense_tells_nothing),
                cmocka_unit_test(names_are_printable_and_short_enough),
                cmocka_unit_test(the_path_in_cgroup2_is_the_one_of_hierarchy_0),
                cmocka_unit_test(a_path_that_leads_nowhere_from_here_is_none),
                cmocka_unit_test(a_group_that_does_not_exist_has_no_place),
        };

        return unit_run(tests);
}
