#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# dual-stack.sh - a listener on [::] has the port for IPv4 as well.
# shellcheck source-path=SCRIPTDIR source=stage.sh
. "$(dirname -- "$0")/stage.sh"

start sock.py listen "[::]:$port"
other=$!
until_heard listening

say "A server that wants the port for IPv4 only cannot have it:"
in_use sock.py listen "0.0.0.0:$port"
why "0.0.0.0:$port" "(pid $other) listens on \[::\]:$port, which takes IPv4 as well" IPV6_V6ONLY

say "If they shall be two, the first must set IPV6_V6ONLY:"
end TERM "$other"
start sock.py listen "[::]:$port" v6only
until_heard listening
start sock.py listen "0.0.0.0:$port"
until_heard listening
say "Both listen."
