#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tour.sh - all scripts of the tour, one after the other; a minute in all.
#
# Usage: [SUP=./sup] examples/reuseaddr/tour.sh
# Exit status: 0 when all went as told, 1 otherwise, 77 when there is no namespace to play in.
set -eu
cd -- "$(dirname -- "$0")"

for script in listener stopped leaked-fd bound-not-listening time-wait dual-stack outgoing \
        use-1-restart use-2-two-servers use-3-several-addresses use-4-duplicate; do
        printf '\n======== %s: %s\n' "$script" "$(sed -n "s/^# $script.sh - //p" "$script.sh")"
        ./"$script.sh"
done
