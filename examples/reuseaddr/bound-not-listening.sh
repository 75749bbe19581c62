#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# bound-not-listening.sh - a process has bound the port and never called listen(): hardly any tool sees it.
# shellcheck source-path=SCRIPTDIR source=stage.sh
. "$(dirname -- "$0")/stage.sh"

start sock.py bind "127.0.0.1:$port"
holder=$!
until_heard bound

say "A server cannot start:"
in_use echo-naive "$port"
say "Nobody listens, and no connection is there:"
run 0 ss --no-header --tcp --all --numeric "sport = :$port"
why "$port" "(pid $holder) has bound, without listening, 127.0.0.1:$port"

say "End it, or have it call listen() directly after bind():"
end TERM "$holder"
is_free "$port"
