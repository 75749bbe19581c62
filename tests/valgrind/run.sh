#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run.sh - the tests with `sup` under valgrind; `make check-valgrind` calls it.
#
# usage: tests/valgrind/run.sh BUILDDIR COMMAND…
#
# COMMAND runs tests that put $SUP_WRAPPER before what is to be looked at. Then what valgrind wrote
# is judged: no error, no leak, no descriptor open at the end but those that were inherited and
# libsystemd's own for the journal, and no system call that valgrind does not know. The last line
# sums up. Exit status 0 if all is well.
set -uo pipefail
tools=${1:?usage: run.sh BUILDDIR COMMAND…}/tests/valgrind
shift

if ! command -v valgrind >/dev/null; then
        echo "valgrind is not installed (Debian's package: valgrind)" >&2
        exit 2
fi
# Some of what is looked at runs as an ordinary user, who cannot look into root's home.
work=$(mktemp -d) || exit 2
trap 'rm -rf -- "$work"' EXIT
mkdir -m 1777 "$work/logs"
chmod 755 "$work"
cp "$tools/ferry" "$tools/syscall.so" "$work/" || exit 2

# In bash, which needs no child to make up a name: a child would be taken for a worker. A fork is
# under valgrind until it executes something, and holds what sup holds: only the parent is to speak.
cat >"$work/wrapper" <<END
#!/bin/bash
exec $work/ferry ride $work/socket env LD_PRELOAD=$work/syscall.so valgrind --quiet --vgdb=no \\
        --trace-children=no --child-silent-after-fork=yes --track-fds=yes --leak-check=full \\
        --errors-for-leak-kinds=definite,indirect,possible --error-exitcode=99 \\
        --log-file=$work/logs/\$\$-\$EPOCHREALTIME "\$@"
END
chmod 755 "$work/wrapper"

SUP_WRAPPER=$work/wrapper "$work/ferry" serve "$work/socket" "$@"
status=$?

# judge LOG: 0 if valgrind had nothing to say, 1 if it had, 2 if the program was killed before.
judge() {
        sed -E 's/^(==|--)[0-9]+(==|--) ?//' "$1" | awk '
                /^Open / { open = 1; spared = 0; next }
                open && (/<inherited from parent>/ || /: sd_journal_sendv /) { spared = 1 }
                open && !NF { said = said || !spared; open = 0 }
                open { next }
                /^FILE DESCRIPTORS: / { ended = 1; next }
                NF { said = 1 }
                END { exit said || (open && !spared) ? 1 : ended ? 0 : 2 }'
}

n=0 n_killed=0 n_complaints=0
for log in "$work"/logs/*; do
        [ -e "$log" ] || break
        ((n += 1))
        judge "$log"
        case $? in
        0) ;;
        2) ((n_killed += 1)) ;;
        *)
                ((n_complaints += 1))
                cat "$log"
                ;;
        esac
done
if ((n_complaints)); then
        printf 'valgrind: it complains of %d of %d processes, see above\n' "$n_complaints" "$n"
        exit 1
elif ((n == n_killed)); then
        echo 'valgrind: not one process was looked at'
        exit 1
fi
printf 'valgrind: %d processes, of which %d were killed too early to tell: no error, no leak, ' \
        "$n" "$n_killed"
printf 'no descriptor left open\n'
exit "$status"
