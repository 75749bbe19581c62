#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# use-2-two-servers.sh - the second use of SO_REUSEADDR in the books: servers on one port, each on a local
# address of its own. It works without the option; what does not work is not mended by it.
# shellcheck source-path=SCRIPTDIR source=stage.sh
. "$(dirname -- "$0")/stage.sh"

start sock.py listen "127.0.0.1:$port"
until_heard listening
start sock.py listen "127.0.0.2:$port"
until_heard listening
say "Both listen, and neither has the option. A third one on all addresses does not go with them:"
in_use sock.py listen "0.0.0.0:$port"
say "Not with the option either, since the others listen:"
in_use sock.py listen "0.0.0.0:$port" reuseaddr
why "0.0.0.0:$port" 'listens on 127.0.0.' 'and 1 more thing is in the way'

say "The cure is an address that nobody has:"
is_free "127.0.0.3:$port"
start sock.py listen "127.0.0.3:$port"
until_heard listening
