#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# listener.sh - the plain case: another process listens on the port.
# shellcheck source-path=SCRIPTDIR source=stage.sh
. "$(dirname -- "$0")/stage.sh"

say "A server runs, perhaps one that you forgot in another terminal:"
start echo-naive "$port"
server=$!
until_true is_listening "$port"

say "The next one cannot start, and does not say why:"
in_use echo-naive "$port"

say "Who is it?"
why "$port" "echo-naive (pid $server) listens on 0.0.0.0:$port" "kill $server"

say "Do as it says:"
end TERM "$server"
is_free "$port"
start echo-naive "$port"
until_true is_listening "$port"
say "It runs."
