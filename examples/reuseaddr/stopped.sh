#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# stopped.sh - a server that was stopped with Ctrl-Z has its port, takes clients, and answers none.
# shellcheck source-path=SCRIPTDIR source=stage.sh
. "$(dirname -- "$0")/stage.sh"

start echo-naive "$port"
server=$!
until_true is_listening "$port"
say "Ctrl-Z, which is this:"
typed "kill -STOP $server"
kill -STOP "$server"

say "The shell says that it is stopped, and one forgets. The next one cannot start:"
in_use echo-naive "$port"
why "$port" "echo-naive (pid $server), which is stopped" "kill -CONT $server"
say "A client is connected even so, by the kernel, and waits for an answer:"
exec 3<>"/dev/tcp/127.0.0.1/$port" || fail "cannot connect"
echo hello >&3
! read -r -t 0.2 _ <&3 || fail "a stopped server has answered"

say "Continue it:"
typed "kill -CONT $server"
kill -CONT "$server"
{ read -r -t 5 reply <&3 && [ "$reply" = hello ]; } || fail "it does not answer"
say "It answers. The other cure is to end it:"
disconnect 3
end KILL "$server"
is_free "$port"
