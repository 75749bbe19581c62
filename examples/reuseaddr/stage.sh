#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# stage.sh - what the scripts of the tour have in common; it is sourced by them.
#
# A script plays in a network namespace of its own, as root, or as an ordinary user in a user
# namespace; nothing of the machine is touched. What it types is shown with a `$` before it. It ends
# everything that it started, and ends with status 1 if something did not go as told.
set -u

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd) || exit 1

if [ -z "${SUP_TOUR_STAGE-}" ]; then
        sup=${SUP:-$here/../../sup}
        [ -x "$sup" ] || { echo "there is no program $sup: build it first (make), or set SUP" >&2; exit 1; }
        sup=$(cd -- "$(dirname -- "$sup")" && pwd)
        examples=${EXAMPLES:-$sup/examples}
        export SUP_TOUR_STAGE=yes PATH="$sup:$examples:$here:$PATH:/usr/sbin:/sbin"
        namespace=(unshare --net)
        [ "$(id -u)" = 0 ] || namespace=(unshare --map-root-user --net)
        "${namespace[@]}" true 2>/dev/null || {
                echo "the tour needs a network namespace of its own, which is not to be had here;" \
                        "try it as root" >&2
                exit 77
        }
        exec "${namespace[@]}" bash "$0" "$@"
fi

# shellcheck disable=SC2034 # for the scripts
port=9877
pids=()
folder=$(mktemp -d) || exit 1
log=$folder/log

cleanup() {
        exec 3>&- 4>&-
        if ((${#pids[@]})); then kill -KILL "${pids[@]}"; wait; fi
        rm -rf -- "$folder"
} 2>/dev/null
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

fail() {
        printf '\n%s: %s\n' "$(basename -- "$0")" "$*" >&2
        exit 1
}

say() { printf '\n%s\n' "$*"; }

typed() { printf '\n    $ %s\n' "$*"; }

# ends STATUS COMMAND…: show what it says, and see that it ends with this status.
ends() {
        local expected=$1 status=0
        shift
        timeout 20 "$@" >"$log" 2>&1 3>&- 4>&- || status=$?
        sed 's/^/    /' -- "$log"
        [ "$status" = "$expected" ] || fail "$1 ended with status $status instead of $expected"
}

# run STATUS COMMAND…: the same, typed.
run() {
        typed "${@:2}"
        ends "$@"
}

# start COMMAND…: in the background; its pid is $! then, and what it says is in the file $heard.
start() {
        typed "$* &"
        heard=$folder/${#pids[@]}
        "$@" >"$heard" 2>&1 3>&- 4>&- &
        pids+=("$!")
}

# until_true COMMAND…: wait for it, ten seconds at most.
until_true() {
        for _ in {1..500}; do
                "$@" && return
                sleep 0.02
        done
        fail "still not so after ten seconds: $*"
}

# until_heard REGEX: what was started last has to say this; the line is shown.
until_heard() {
        until_true grep -qs -- "$1" "$heard"
        grep -- "$1" "$heard" | sed 's/^/    /'
}

# is_listening PORT: whether anybody is.
is_listening() {
        local hex
        printf -v hex ':%04X' "$1"
        grep -qE "$hex [0-9A-F]+:0000 0A" /proc/net/tcp /proc/net/tcp6
}

# is_left PORT: whether a connection of it is in FIN_WAIT2: the client has acknowledged the server's end.
is_left() {
        local hex
        printf -v hex ':%04X' "$1"
        grep -qE "$hex [0-9A-F]+:[0-9A-F]{4} 05" /proc/net/tcp /proc/net/tcp6
}

says() { grep -q -- "$1" "$log"; }

# in_use COMMAND…: a server that cannot start.
in_use() {
        run 1 "$@"
        says 'ddress already in use' || fail "it did not say: Address already in use"
}

# why ADDRESS REGEX…: ask sup, which has to say all this of an address that is not free.
why() {
        run 1 sup why "$1"
        shift
        for regex; do
                says "$regex" || fail "sup why does not say: $regex"
        done
}

is_free() { run 0 sup why "$1"; }

# end SIGNAL PID: and wait until it has ended.
end() {
        typed "kill -$1 $2"
        { kill "-$1" "$2" && wait "$2"; } 2>/dev/null
        until_true is_gone "$2"
}

# is_gone PID: it may still be a zombie, which has nothing.
is_gone() { ! grep -qs ') [^XZ] ' "/proc/$1/stat"; }

# connect FD PORT: a client that is connected and was answered by an echo server.
connect() {
        local reply
        eval "exec $1<>/dev/tcp/127.0.0.1/$2" || fail "cannot connect to port $2"
        echo hello >&"$1"
        { read -r -t 5 reply <&"$1" && [ "$reply" = hello ]; } || fail "port $2 does not answer"
}

disconnect() { eval "exec $1>&-"; }

ip link set lo up || fail "the loopback of the namespace could not be switched on"
