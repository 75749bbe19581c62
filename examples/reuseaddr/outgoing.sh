#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# outgoing.sh - a client was given our server's port as its own, for a connection to somewhere else.
# shellcheck source-path=SCRIPTDIR source=stage.sh
. "$(dirname -- "$0")/stage.sh"

port=40000
say "Clients get their ports from a range, and ours is in it. (This is a namespace of our own; so" \
        "small a range makes sure that it happens.)"
run 0 sysctl -w "net.ipv4.ip_local_port_range=$port $((port + 1))"
start echo-naive 7777
until_true is_listening 7777
start sock.py connect 127.0.0.1:7777
client=$!
until_heard "from port $port"

say "Our server cannot start, with SO_REUSEADDR neither:"
in_use echo-reuseaddr "$port"
why "$port" "(pid $client) uses the port for its own connection to 127.0.0.1:7777" \
        "ip_local_reserved_ports=$port"

say "The cure: a port below the range, or to reserve ours. It holds from the next connection on."
run 0 sysctl -w "net.ipv4.ip_local_reserved_ports=$port"
end KILL "$client"
start sock.py connect 127.0.0.1:7777
until_heard "from port $((port + 1))"
