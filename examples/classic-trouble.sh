#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# classic-trouble.sh - "Address already in use" as it happens to everybody once, and its end.
#
# Act 1: echo-naive alone is killed while a client is connected. Its next start fails with errno 98,
#        first over a FIN_WAIT2, then over a TIME_WAIT socket that nobody holds.
# Act 2: the same program, unchanged, under sup: killed again and again with a client connected, it
#        answers again each time, and so it does when sup itself is stopped and started.
#
# Usage: [SUP=./sup] [ECHO_NAIVE=…] examples/classic-trouble.sh
# Exit status: 0 when all of it went as told here, 1 otherwise. Takes about ten seconds.
set -u

sup=${SUP:-./sup}
server=${ECHO_NAIVE:-$(dirname -- "$sup")/examples/echo-naive}
kills=5
log=$(mktemp) || exit 1
server_pid='' sup_pid=''

say() { printf '\n%s\n' "$*"; }
show() { printf '    %s\n' "$*"; }

cleanup() {
        exec 3>&- 4>&-
        if [ -n "$sup_pid" ]; then kill -TERM "$sup_pid"; wait "$sup_pid"; fi
        if [ -n "$server_pid" ]; then kill -KILL "$server_pid"; wait "$server_pid"; fi
        rm -f -- "$log"
} 2>/dev/null
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

fail() {
        printf '\nclassic-trouble.sh: %s\n' "$*" >&2
        [ ! -s "$log" ] || tail -n 20 -- "$log" | sed 's/^/    /' >&2
        exit 1
}

# leftovers PORT: what the kernel has on this local port, one line each (but no listener).
leftovers() {
        local hex local_end remote_end state rest
        if command -v ss >/dev/null; then
                ss -Htan state connected "( sport = :$1 )"
                return
        fi
        printf -v hex '%04X' "$1"
        while read -r _ local_end remote_end state rest; do
                [[ $local_end == *:$hex && $state != 0A ]] || continue
                case $state in 05) state=FIN-WAIT-2 ;; 06) state=TIME-WAIT ;; esac
                printf '%s %s %s (/proc/net/tcp)\n' "$state" "$local_end" "$remote_end"
        done </proc/net/tcp
}

# pick_port: a port under the ephemeral range on which nothing is at all.
pick_port() {
        local port hex
        for _ in {1..100}; do
                port=$((10000 + RANDOM % 20000))
                printf -v hex ':%04X ' "$port"
                grep -qs -- "$hex" /proc/net/tcp /proc/net/tcp6 || { echo "$port"; return; }
        done
        return 1
}

# ask FD PORT: connect FD to the port, send a line and have it echoed. Within 5 s in all.
ask() {
        local reply deadline=$((SECONDS + 5))
        while ((SECONDS < deadline)); do
                # The redirection is inside the group so that a refusal is not printed.
                if { eval "exec $1<>/dev/tcp/127.0.0.1/$2"; } 2>/dev/null; then
                        echo hello >&"$1"
                        if read -r -t 5 reply <&"$1" && [ "$reply" = hello ]; then return 0; fi
                fi
                sleep 0.02
        done
        return 1
}

# start_fails PORT: start the server bare once more, which has to end with errno 98.
start_fails() {
        timeout 5 "$server" "$1" 2>"$log" && fail "it ended with status 0, which it never should"
        grep -q 'errno 98' "$log" || fail "it did not fail with errno 98"
        show "$(cat "$log")"
}

# wait_leftover PORT STATE: until the port has a socket in this state; show it. Within 2 s.
wait_leftover() {
        local left
        for _ in {1..100}; do
                left=$(leftovers "$1")
                [[ $left == *$2* ]] && { show "${left//$'\n'/$'\n    '}"; return; }
                sleep 0.02
        done
        fail "no socket in state $2 seen on port $1"
}

[ -x "$sup" ] || fail "there is no program $sup: build it first (make), or name it with SUP=…"
[ -x "$server" ] || fail "there is no program $server: build it first (make), or set ECHO_NAIVE"

say "Act 1: echo-naive alone."
port=$(pick_port) || fail "no free port found"
"$server" "$port" 2>"$log" &
server_pid=$!
ask 3 "$port" || fail "echo-naive did not answer on port $port"
show "echo-naive runs on port $port as pid $server_pid, a client is connected and was answered"
{ kill -KILL "$server_pid"; wait "$server_pid"; } 2>/dev/null
server_pid=''
show "it was killed; this is left on its port, and no process holds it:"
wait_leftover "$port" FIN-WAIT-2
say "Start it again:"
start_fails "$port"

say "The client closes as well, and the socket goes to TIME_WAIT, for 60 s:"
exec 3>&-
wait_leftover "$port" TIME-WAIT
start_fails "$port"

say "Act 2: sup -- echo-naive, the same program."
port=$(pick_port) || fail "no free port found"
"$sup" -- "$server" "$port" 2>"$log" &
sup_pid=$!
for ((i = 1; i <= kills; i++)); do
        ask 3 "$port" || fail "no answer on port $port"
        sleep 1.2 # a worker that lived a second is restarted at once; a shorter life counts as failure
        worker=$(cut -d' ' -f1 "/proc/$sup_pid/task/$sup_pid/children")
        [ -n "$worker" ] || fail "sup has no worker"
        kill -KILL "$worker"
        start=${EPOCHREALTIME/[.,]/}
        ask 4 "$port" || fail "no answer after kill $i"
        end=${EPOCHREALTIME/[.,]/}
        show "kill $i of $kills: pid $worker, with a client connected; the next one answered after" \
                "$(((end - start) / 1000)) ms"
        exec 3>&- 4>&-
done

say "Stop sup, and start it again over what is left on the port:"
kill -TERM "$sup_pid"
wait "$sup_pid" || fail "sup did not end with status 0"
sup_pid=''
wait_leftover "$port" TIME-WAIT
"$sup" -- "$server" "$port" 2>>"$log" &
sup_pid=$!
ask 3 "$port" || fail "no answer after the restart of sup"
show "answered."
say "What sup said meanwhile:"
tail -n 20 -- "$log" | sed 's/^/    /'
