#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# time-wait.sh - a server that was killed, and its client closed: TIME_WAIT has the port for a minute.
# shellcheck source-path=SCRIPTDIR source=stage.sh
. "$(dirname -- "$0")/stage.sh"

say "A server without SO_REUSEADDR, and a client:"
start echo-naive "$port"
server=$!
until_true is_listening "$port"
connect 3 "$port"
say "The server is killed, and the client closes:"
end KILL "$server"
disconnect 3

say "No process has the port now, and yet:"
in_use echo-naive "$port"
why "$port" 'is in TIME_WAIT; free in [0-9]* s' 'not seen: whose server it was'

say "Will the option help? Not this time: the old server lacked it."
in_use echo-reuseaddr "$port"
say "\`sup why --watch $port\` would wait for the minute to pass. We take the next port, where the" \
        "server has the option from the start:"
port=$((port + 1))
start echo-reuseaddr "$port"
server=$!
until_true is_listening "$port"
connect 3 "$port"
end KILL "$server"
disconnect 3
why "$port" 'is in TIME_WAIT' 'set SO_REUSEADDR on the server'
start echo-reuseaddr "$port"
until_true is_listening "$port"
connect 3 "$port"
disconnect 3
say "It runs, and has answered. So does echo-naive under sup, which sets the option for it:"

port=$((port + 1))
start sup -- echo-naive "$port"
supervisor=$!
until_true is_listening "$port"
connect 3 "$port"
end TERM "$supervisor"
disconnect 3
why "$port" 'is in TIME_WAIT'
start sup -- echo-naive "$port"
until_true is_listening "$port"
connect 3 "$port"
say "Answered, at the first try."
