#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# share_test.sh - two targets on one fast node that has room for one of their hot sets.  What they
# get of it is tested by replays (tests/unit/replay_test.c): two targets that spin take long here.
usage="\
usage: tests/e2e/share_test.sh [--list] [TEST...]

Runs the tests, or those that are named.  Needs root, two nodes with memory of which
the first is the fast one, hemem_assist.ko loaded, and make tests.  Prints KTAP.
Exit status: 0 all passed; 1 something failed; 2 usage; 4 all were skipped."
set -u
. "$(dirname "$(readlink -f "$0")")/lib.sh"

ALL=$((80 * MIB))		# of each target
HOT=$((30 * MIB))		# of it
ROOM=$((40 * MIB))		# on the fast node, for both
RATE=100000			# updates a second of each

# name: sentence; "This test will ..."
declare -A sentences=(
	[several]="attach to two processes with one command, whose controllers know of each other"
)
order=(several)

needs() { needs_common hotset $((2 * ALL)); }

prepare() { make_room_scarce $ROOM; }

# start_target NAME: sets $target, $hot_start, $hot_end
start_target()
{
	"$workloads/hotset" --bytes $ALL --hot-bytes $HOT --node "$slow" --seconds 600 \
		--spin --huge no --rate $RATE > "$scratch/$1" 2>&1 &
	target=$!
	until_ready $target "$scratch/$1" || return
	cp "$scratch/$1" "$scratch/target"
	hot_start=$(value hot_start) hot_end=$(value hot_end)
}

# until_peers PID: its controller hears of one other
until_peers()
{
	local begin
	begin=$(now_s)
	until "$ctl" status --json "$1" 2> /dev/null | grep -q '"peers": 1'; do
		[ $(($(now_s) - begin)) -lt 30 ] || { fail "$1 has no peer"; return; }
		sleep 1
	done
}

test_several()
{
	local other
	start_target one || return
	other=$target
	player=$other		# stop_all ends it
	start_target two || return
	"$ctl" attach --report none "$other" "$target" > "$scratch/ctl" 2>&1 &
	controller=$!
	until_peers "$other"
	until_peers "$target"
	"$ctl" status > "$scratch/all" 2>&1
	grep -q "^ *$other " "$scratch/all" && grep -q "^ *$target " "$scratch/all" ||
		fail "status does not show both: $(cat "$scratch/all")"
	"$ctl" status "$target" | grep '^share of the fast tier: .* with 1 other:' ||
		fail "status does not say what the share is"
	kill -TERM $controller
	wait $controller || fail "attach ended with $?: $(tail -n 3 "$scratch/ctl")"
	controller=
	! "$ctl" status "$other" > /dev/null 2>&1 || fail "$other is controlled still"
}

run_tests "$@"
