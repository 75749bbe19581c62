#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# use-3-several-addresses.sh - the third use of SO_REUSEADDR in the books: one process has the same port
# on several local addresses. This works without the option, too.
# shellcheck source-path=SCRIPTDIR source=stage.sh
. "$(dirname -- "$0")/stage.sh"

start sock.py listen "127.0.0.1:$port" "127.0.0.2:$port" "127.0.0.3:$port"
server=$!
until_heard listening
say "It listens on all three. What goes wrong is the wildcard among them, with the option too:"
end TERM "$server"
in_use sock.py listen "127.0.0.1:$port" "0.0.0.0:$port"
start sock.py listen "127.0.0.1:$port"
server=$!
until_heard listening
in_use sock.py listen "0.0.0.0:$port" reuseaddr
why "0.0.0.0:$port" "(pid $server) listens on 127.0.0.1:$port"

say "The cure is the wildcard alone, which takes them all:"
end TERM "$server"
start sock.py listen "0.0.0.0:$port"
until_heard listening
