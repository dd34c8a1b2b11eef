#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# attach_test.sh - does attach do what it is for?  From the target's first touch on the
# slow node to its last check of every word, judged from outside.
usage="\
usage: tests/e2e/attach_test.sh [--list] [TEST...]

Runs the tests, or those that are named.  Needs root, two nodes with memory of which
the first is the fast one, hemem_assist.ko loaded, and make tests.  Prints KTAP.
Exit status: 0 all passed; 1 something failed; 2 usage; 4 all were skipped."
#
# Made for a guest whose clock counts instructions (tests/vm/run --icount): there 60 s
# are the same work whatever else the machine does. In it an idle moment passes at once, so
# the target spins where it would sleep.
#
# Where pages lie is asked from move_pages(2) by tests/workloads/where.c; nothing of
# what hemem-ctl says about itself is believed.  Whether the memory is intact is
# for the target to say.
set -u
. "$(dirname "$(readlink -f "$0")")/lib.sh"

ALL=$((180 * MIB))		# of the target
HOT=$((18 * MIB))		# of it, in the middle
ROOM=$((60 * MIB))		# for it on the fast node: a third of it
WANT_PCT=90			# of the hot bytes on the fast node ...
WITHIN_S=60			# ... so long after attach

# Updates a second.  Accessed bits tell hot from cold only while the cold pages are
# not all used between two scans.  As many updates per page and second are made as on a
# large machine: 25 of a hot base page (65 million a second in 100 GiB), one in four
# seconds of a cold one.  A huge page gets 500 times as many, at which the bits of all
# would be set: huge pages are tested with a quieter load.
RATE=100000
HUGE_RATE=300

# name: sentence; "This test will ..."
declare -A sentences=(
	[base_pages]="bring 90 % of a hot set of base pages to a fast node that has room for a third"
	[huge_pages]="do the same with huge pages"
	[numa_mover]="do the same without the module's MIGRATE, by move_pages"
	[rings]="bring hot base pages there by samples of single accesses, out of a file of rings"
	[rings_of_nothing]="prefer nothing when such samples fall anywhere, so the measure can say no"
	[fast_limit]="keep the target below --fast-limit, with the hot set in it"
	[page_cache]="bring a hot set to a fast node whose free memory is full of page cache"
	[shift]="follow a hot set that moves elsewhere, by demoting the old one"
	[detach]="detach on request, and find the target running and its pages where they were"
	[stay]="find the hot set left where it was by --policy stay, so the measure can say no"
)
order=(base_pages huge_pages numa_mover rings rings_of_nothing fast_limit page_cache shift detach stay)

# --- things that are started

# Fill what is free of the fast node with page cache: a large file is read, which is all
# hole, so that the disk, of RAM, is small.
fill_with_cache()
{
	modprobe brd rd_nr=1 rd_size=16384 &&
		mkfs.ext2 -q /dev/ram0 && mkdir -p "$scratch/files" &&
		mount /dev/ram0 "$scratch/files" &&
		truncate -s 1G "$scratch/files/hole" &&
		numactl --membind="$fast" cat "$scratch/files/hole" > /dev/null ||
		fail "cannot fill node $fast with page cache"
	note "fast node: $(($(node_free "$fast") / MIB)) MiB free, target: $((ALL / MIB)) MiB, hot: $((HOT / MIB)) MiB"
}

# start_target ARGS...: the load; sets $target, $start ...
start_target()
{
	"$workloads/hotset" --bytes $ALL --hot-bytes $HOT --node "$slow" --seconds 600 \
		--spin "$@" > "$scratch/target" 2>&1 &
	target=$!
	until_ready $target "$scratch/target" || return
	start=$(value start) end=$(value end) hot_start=$(value hot_start) hot_end=$(value hot_end)
	[ "$(hot_pct)" = 0 ] || fail "$(hot_pct) % of the hot set is on the fast node already"
}

# --- the tests

# promotes [TARGET'S ARGUMENT...] -- [CONTROLLER'S ARGUMENT...]
promotes()
{
	local target_args=()
	while [ "$1" != -- ]; do target_args+=("$1"); shift; done
	shift
	start_target "${target_args[@]}" || return
	start_ctl "$@"
	wait_hot $WANT_PCT $WITHIN_S
	stop_ctl
	stop_target
}

test_base_pages() { promotes --huge no --rate $RATE --; }
test_huge_pages() { promotes --huge yes --rate $HUGE_RATE --; }
test_numa_mover() { promotes --huge no --rate $RATE -- --mover numa; }

# play [HOT_PCT]: samples as a PMU would take them of the target; sets $player
play()
{
	"$workloads/sampled" "$scratch/rings" "$target" "$start" "$end" "$hot_start" "$hot_end" \
		2000000 "${1:-90}" > "$scratch/player" 2>&1 &
	player=$!
	until_ready $player "$scratch/player"
}

# The player ends when hemem-ctl has told it to stop.
stop_play()
{
	wait $player || fail "sampled ended with $?"
	player=
	note "the player: $(grep '^done' "$scratch/player")"
	grep -q '^done samples=[1-9]' "$scratch/player" || fail "there were no samples"
}

test_rings()
{
	start_target --huge no --rate $RATE || return
	play || return
	start_ctl --sampler "ring:$scratch/rings"
	wait_hot $WANT_PCT $WITHIN_S
	stop_ctl
	stop_play
	stop_target
}

# Room is for a third of the target, and hot by chance is what fills it.
test_rings_of_nothing()
{
	local pct
	start_target --huge no --rate $RATE || return
	play 0 || return
	start_ctl --sampler "ring:$scratch/rings"
	watch_hot 10
	note "$pct % of the bytes that are hot, but not sampled more than others, are on the fast node"
	[ "$pct" -le 70 ] || fail "what was not sampled more often than others was preferred"
	stop_ctl
	stop_play
	stop_target
}

test_fast_limit()
{
	local limit=$((30 * MIB)) bytes
	start_target --huge no --rate $RATE || return
	start_ctl --fast-limit $limit
	wait_hot $WANT_PCT $WITHIN_S
	sleep 5
	bytes=$(bytes_on "$fast" "$start" "$end")
	note "$((bytes / MIB)) MiB of the target are on the fast node, the limit is $((limit / MIB))"
	[ "$bytes" -le $limit ] || fail "the target is above its limit"
	stop_ctl
	stop_target
}

test_page_cache()
{
	start_target --huge no --rate $RATE || return
	fill_with_cache
	[ "$(node_free "$fast")" -lt "$(kept_free "$fast")" ] || fail "there is free room"
	start_ctl
	wait_hot $WANT_PCT $WITHIN_S
	stop_ctl
	stop_target
}

# The limit is so small that the new hot set fits only where the old one was.
test_shift()
{
	start_target --huge no --rate $RATE || return
	start_ctl --fast-limit $((25 * MIB))
	wait_hot $WANT_PCT $WITHIN_S
	kill -USR1 $target
	until grep -q '^phase name=shift' "$scratch/target"; do
		kill -0 $target || return
		sleep 0.2
	done
	hot_start=$(value hot_start) hot_end=$(value hot_end)
	note "shift: $(hot_pct) % of the new hot set are on the fast node"
	[ "$(hot_pct)" -lt 50 ] || fail "the new hot set is there already: nothing is tested"
	wait_hot $WANT_PCT $WITHIN_S
	stop_ctl
	stop_target
}

cpu_ns() { cut -d' ' -f1 "/proc/$1/schedstat"; }

test_detach()
{
	local before cpu_before
	start_target --huge no --rate $RATE || return
	start_ctl
	wait_hot 50 $WITHIN_S
	"$ctl" detach "$target" > "$scratch/detach" 2>&1 ||
		fail "hemem-ctl detach: $(cat "$scratch/detach")"
	wait $controller || fail "hemem-ctl attach ended with $?: $(tail -n 3 "$scratch/ctl")"
	controller=
	before=$(bytes_on "$fast" "$start" "$end") cpu_before=$(cpu_ns $target)
	sleep 3
	[ "$(bytes_on "$fast" "$start" "$end")" = "$before" ] || fail "pages move after detach"
	[ "$(cpu_ns $target)" -gt "$cpu_before" ] || fail "the target does not run"
	stop_target
}

test_stay()
{
	local pct
	start_target --huge no --rate $RATE || return
	start_ctl --policy stay
	watch_hot 15
	note "$pct % of the hot bytes are on the fast node after 15 s"
	[ "$pct" -le 5 ] || fail "something moved although the policy is to stay"
	stop_ctl
	stop_target
}

needs() { needs_common hotset $ALL; }
prepare() { make_room_scarce $ROOM; }

run_tests "$@"
