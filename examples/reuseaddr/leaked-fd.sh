#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# leaked-fd.sh - the server has ended, but a program that it once started has inherited its listener.
# shellcheck source-path=SCRIPTDIR source=stage.sh
. "$(dirname -- "$0")/stage.sh"

say "A server whose listener is not close-on-exec starts another program:"
start sock.py listen "127.0.0.1:$port" reuseaddr child
server=$!
until_heard 'inherited the listener'
child=$(sed -n 's/.*as pid //p' "$heard")
pids+=("$child")
end KILL "$server"

say "The server is dead, and its port is not free, whatever the options:"
in_use echo-reuseaddr "$port"
why "$port" "sleep (pid $child) has the listener" 'SOCK_CLOEXEC' "kill $child"

say "Clients are connected, and nobody will ever answer them. End what has the port:"
typed "kill $child"
kill "$child"
until_true is_gone "$child"
is_free "$port"

say "And in the server, so that it does not happen again: socket(…, SOCK_STREAM | SOCK_CLOEXEC, 0)." \
        "Under sup it cannot happen: what a worker started ends with it."
