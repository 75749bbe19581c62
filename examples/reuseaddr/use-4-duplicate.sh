#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# use-4-duplicate.sh - the fourth use of SO_REUSEADDR: the very same address twice. It is made for UDP
# multicast; TCP has none of it, and UDP more than one likes.
# shellcheck source-path=SCRIPTDIR source=stage.sh
. "$(dirname -- "$0")/stage.sh"

say "TCP: two can bind, if both have the option; only one can listen."
start sock.py bind "127.0.0.1:$port" reuseaddr
until_heard bound
start sock.py listen "127.0.0.1:$port" reuseaddr
until_heard listening
say "A third one:"
in_use sock.py listen "127.0.0.1:$port" reuseaddr
why "127.0.0.1:$port" 'listens on'

say "UDP: a service, with the option, and then somebody else who has the option:"
start sock.py udp "127.0.0.1:$port" reuseaddr
until_heard bound
service=$heard
start sock.py udp "127.0.0.1:$port" reuseaddr
until_heard bound
run 0 sock.py send "127.0.0.1:$port" secret
until_heard 'got secret'
! grep -q secret "$service" || fail "the first one got it, too"
say "The second one has got it; the first one, which is the service, has not."

say "The cure is not to set it. Nobody can bind that address twice:"
port=$((port + 1))
start sock.py udp "127.0.0.1:$port"
service=$!
until_heard bound
in_use sock.py udp "127.0.0.1:$port" reuseaddr
why "udp:127.0.0.1:$port" "(pid $service)"
