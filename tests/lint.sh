#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# lint.sh - what can be said about the source without running it; `make lint` calls it.
#
# usage: CPPFLAGS=… WARN_CFLAGS=… tests/lint.sh SRCDIR
#
# Every check has to be silent. What one of them says is shown, and the last line sums up. Exit
# status 0, 1 when a check complained, 2 when a tool is missing. An exclusion has its reason, here,
# in .clang-tidy, or where it is: `NOLINT(check): why`, `cppcheck-suppress check ; why`.
set -uo pipefail
cd -- "${1:?usage: lint.sh SRCDIR}" || exit

# Each comes with the Debian package of its name.
tools=(gcc clang clang-tidy clang-format cppcheck pyflakes3 shellcheck)

read -ra cppflags <<<"${CPPFLAGS-}"
read -ra gcc_warnings <<<"${WARN_CFLAGS-}"

# Everything, but
# bad-function-cast: of (type)function(), it wants a variable in between.
# disabled-macro-expansion: is about the C library, whose macros have the names of their functions.
# padded: the order of members is for the reader.
# reserved-macro-identifier: _GNU_SOURCE and the like are for the C library.
# unsafe-buffer-usage (clang 16): wants C++.
clang_warnings=(-Weverything -Wno-unknown-warning-option -Wno-bad-function-cast
        -Wno-disabled-macro-expansion -Wno-padded -Wno-reserved-macro-identifier
        -Wno-unsafe-buffer-usage)

# memleak, resourceLeak: cppcheck does not know the cleanup attribute, by which nearly everything
#   is freed here; AddressSanitizer and valgrind see what is really lost.
# missingIncludeSystem: it knows the C library without reading its headers.
# shadowFunction, shadowVariable: the compilers' -Wshadow sees those that matter.
# variableScope: the declarations of a function are at its top.
cppcheck_options=(--quiet --std=c11 --error-exitcode=1 --inline-suppr
        --enable={warning,style,performance,portability}
        --suppress=memleak --suppress=resourceLeak --suppress=missingIncludeSystem
        --suppress=shadowFunction --suppress=shadowVariable --suppress=variableScope)

# check TOOL FILE…: with optimisation where that lets a compiler see more.
check() {
        local tool=$1
        shift
        case $tool in
        gcc) gcc -std=gnu11 -O2 "${cppflags[@]}" "${gcc_warnings[@]}" -Werror -c -o /dev/null "$@" ;;
        clang)
                clang -std=gnu11 "${cppflags[@]}" "${clang_warnings[@]}" -Werror -fsyntax-only "$@"
                ;;
        clang-tidy) # on stderr it counts what it was told not to show
                clang-tidy --quiet --warnings-as-errors='*' "$@" -- -std=gnu11 "${cppflags[@]}" \
                        2> >(grep -v 'warnings\? generated' >&2)
                ;;
        clang-format) diff -u --label "$1" --label "as clang-format has it" "$1" <(clang-format "$1") ;;
        cppcheck) cppcheck "${cppcheck_options[@]}" "${cppflags[@]}" "$@" ;;
        *) "$tool" "$@" ;;
        esac
}

# check_aside TOOL FILE…: the same in the background, when a processor is free.
check_aside() {
        while (($(jobs -rp | wc -l) >= n_processors)); do wait -n; done
        {
                local said status
                said=$(check "$@" 2>&1)
                status=$?
                if ((status)) || [ -n "$said" ]; then
                        printf '%s\n' "$said"
                        printf '%s %s\n' "$1" "${2-}" >>"$complained"
                fi
        } &
        ((n_checks += 1))
}

for tool in "${tools[@]}"; do
        command -v "$tool" >/dev/null && continue
        printf "lint: %s is not installed (Debian's package: %s)\n" "$tool" "$tool" >&2
        exit 2
done
complained=$(mktemp) || exit 2
trap 'rm -f -- "$complained"' EXIT
n_processors=$(nproc)
n_checks=0

mapfile -t sources < <(find supervisor examples tests -name '*.c' | sort)
mapfile -t headers < <(find supervisor examples tests -name '*.h' | sort)
mapfile -t scripts < <(grep -lsE '^#!.*\b(ba)?sh$' bootstrap .ci/run examples/* examples/*/*.sh \
        tests/*.sh)
# harness.py imports what others import from it.
mapfile -t pythons < <(find examples tests -name '*.py' ! -name harness.py | sort &&
        grep -lsE '^#!.*python3$' examples/*)

check_aside cppcheck "${sources[@]}"
for source in "${sources[@]}"; do
        check_aside clang-tidy "$source"
        check_aside clang "$source"
        check_aside gcc "$source"
done
for file in "${sources[@]}" "${headers[@]}"; do
        check_aside clang-format "$file"
done
check_aside shellcheck "${scripts[@]}"
check_aside pyflakes3 "${pythons[@]}"
wait

if [ -s "$complained" ]; then
        printf 'lint: %d of %d checks complained: %s\n' "$(wc -l <"$complained")" "$n_checks" \
                "$(paste -sd, "$complained" | sed 's/,/, /g')"
        exit 1
fi
printf 'lint: %d checks of %d C files, %d headers, %d shell and %d Python scripts: not a word\n' \
        "$n_checks" "${#sources[@]}" "${#headers[@]}" "${#scripts[@]}" "${#pythons[@]}"
