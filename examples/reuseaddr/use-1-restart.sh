#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# use-1-restart.sh - the first use of SO_REUSEADDR: a server starts although connections of its
# predecessor are still there. This is what it is for.
# shellcheck source-path=SCRIPTDIR source=stage.sh
. "$(dirname -- "$0")/stage.sh"

say "Without the option. A client is connected when the server is killed, and stays:"
start echo-naive "$port"
server=$!
until_true is_listening "$port"
connect 3 "$port"
end KILL "$server"
until_true is_left "$port"
in_use echo-naive "$port"
why "$port" 'has not been closed by the client yet (FIN_WAIT2)'
disconnect 3

say "With it, in the old server and in the new one:"
port=$((port + 1))
start echo-reuseaddr "$port"
server=$!
until_true is_listening "$port"
connect 3 "$port"
end KILL "$server"
until_true is_left "$port"
why "$port" 'set SO_REUSEADDR on the server'
start echo-reuseaddr "$port"
until_true is_listening "$port"
connect 4 "$port"
say "The new one has answered, while the old connection is still there:"
run 0 ss --no-header --tcp --numeric state fin-wait-2 "sport = :$port"
disconnect 3
disconnect 4

say "And with sup the server need not know of it, and is not even missed:"
port=$((port + 1))
start sup -- echo-naive "$port"
until_true is_listening "$port"
supervisor=$!
connect 3 "$port"
worker=$(cut -d' ' -f1 "/proc/$supervisor/task/$supervisor/children")
typed "kill -KILL $worker"
kill -KILL "$worker"
connect 4 "$port"
say "Killed, and the next client was answered:"
until_heard 'was killed by signal 9'
until_heard 'is listening again'
