#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# follow_test.sh - does the controller follow a target whose memory changes?
usage="\
usage: tests/e2e/follow_test.sh [--list] [TEST...]

Runs the tests, or those that are named.  Needs root, two nodes with memory of which
the first is the fast one, hemem_assist.ko loaded, and make tests.  Prints KTAP.
Exit status: 0 all passed; 1 something failed; 2 usage; 4 all were skipped."
#
# The target (tests/workloads/changer.c) maps, unmaps, grows, forks and execs on command.
# What is hot after that lies on the slow node; it has to come to the fast one, which
# move_pages(2) tells.  What went away must not be tracked any more: then pages and
# regions in `hemem-ctl status` are those that the kernel counts.  Made for a guest whose
# clock counts instructions, like attach_test.sh.
set -u
. "$(dirname "$(readlink -f "$0")")/lib.sh"

WANT_PCT=90			# of the hot bytes on the fast node ...
WITHIN_S=30			# ... so long after a change
PLACED_PCT=40			# of the hot pages begin on the slow node; mremap: the new half
SETTLE_S=10			# and this long for what went away
SLACK_PAGES=200			# the kernel's own count is that exact; an area has 2,048
MAX_BYTES=$((96 * MIB))		# of the target

# name: sentence; "This test will ..."
declare -A sentences=(
	[bpf]="follow mmap, munmap, brk, mremap, fork, exec and exit, told by BPF"
	[maps]="follow changes without the right to use BPF, by reading the maps"
	[dry]="find hot pages and the moves for them, and move nothing with --mover dry"
	[stay]="find hot pages, and plan nothing with --policy stay"
)
order=(bpf maps dry stay)

# --- things that are measured

# Pages that the kernel counts as present in the target
rss_pages() { cut -d' ' -f2 "/proc/$target/statm"; }

# Bytes in the target's regions that can move: all but the kernel's own and devices
map_bytes()
{
	local range rest path sum=0
	while read -r range rest; do
		path=${rest##* }
		case $path in
		"[vdso]" | "[vvar"* | "[vsyscall]" | /dev/*) continue ;;
		esac
		sum=$((sum + 0x${range#*-} - 0x${range%-*}))
	done < <(sed 's/^ffffffffff.*//; /^$/d' "/proc/$target/maps")
	echo $sum
}

# --- things that are started

start_target()
{
	rm -f "$scratch/commands"
	mkfifo "$scratch/commands"
	exec 9<> "$scratch/commands"
	"$workloads/changer" "$slow" < "$scratch/commands" > "$scratch/target" 2>&1 9>&- &
	target=$!
	wait_step start 1
}

# wait_step NAME NUMBER: until the target's line of that number is there, and is NAME's
wait_step()
{
	while [ "$(grep -c '^step' "$scratch/target")" -lt "$2" ]; do
		kill -0 "$target" 2> /dev/null ||
			{ fail "changer: $(tail -n 1 "$scratch/target")"; return 1; }
		sleep 0.2
	done
	[ "$(value name)" = "$1" ] || { fail "changer does not say $1"; return 1; }
	[ "$(value wrong)" = 0 ] || fail "$(value wrong) words are wrong after $1"
	[ "$(value placed)" -ge $PLACED_PCT ] ||
		fail "only $(value placed) % of the hot pages were on node $slow: nothing is tested"
	hot_start=$(value start) hot_end=$(value end)
}

# --- the tests

# The controller's numbers must become the kernel's: nothing is missed, nothing is a ghost.
wait_tracked()
{
	local begin pages rss bytes mapped off
	begin=$(now_s)
	while :; do
		pages=$(counter pages) bytes=$(seen region_bytes) rss=$(rss_pages) mapped=$(map_bytes)
		off=$((pages - rss))
		[ ${off#-} -gt $SLACK_PAGES ] || [ "$bytes" != "$mapped" ] || break
		[ $(($(now_s) - begin)) -lt $SETTLE_S ] ||
			{ fail "tracked: $pages pages of $rss, $bytes bytes of $mapped"; return; }
		sleep 0.5
	done
	note "tracked: $pages pages of $rss, all of $((mapped / MIB)) MiB of regions"
}

# wait_told CHANGE NUMBER: until the controller has counted more of that change.  Without
# BPF only exec is told, by the module.
wait_told()
{
	local begin
	[ -z "$by_maps" ] || [ "$1" = exec ] || return 0
	begin=$(now_s)
	until [ "$(counter "events_$1")" -gt "$2" ]; do
		[ $(($(now_s) - begin)) -lt $SETTLE_S ] || { fail "$1 was not told"; return; }
		sleep 0.5
	done
}

# One change, and what has to follow
change()
{
	local number told
	number=$(($(grep -c '^step' "$scratch/target") + 1)) told=$(counter "events_$1")
	echo "$1" >&9
	wait_step "$1" $number || return
	wait_hot $WANT_PCT $WITHIN_S && wait_tracked && wait_told "$1" "$told"
}

# The end of the target is the end of the controller, which says so.
change_exit()
{
	local status
	echo exit >&9
	wait $target
	status=$?
	[ $status = 0 ] || fail "the target's memory is not intact: $(tail -n 1 "$scratch/target")"
	target=
	wait $controller
	status=$?
	controller=
	[ $status = 0 ] || fail "hemem-ctl ended with $status: $(tail -n 3 "$scratch/ctl")"
	grep -q "has ended" "$scratch/ctl" || fail "hemem-ctl does not say that the target has ended"
}

# follow STEP...: changes one after the other, each a test in the test
follow()
{
	local number=0 step any_failed=
	start_target || return
	[ "$(hot_pct)" = 0 ] || fail "$(hot_pct) % of the hot bytes are on the fast node already"
	start_ctl
	wait_hot $WANT_PCT $WITHIN_S && wait_tracked
	any_failed=$failed
	echo "    1..$#"
	for step in "$@"; do
		number=$((number + 1)) failed=
		case $step in
		exit) change_exit ;;
		*) change "$step" ;;
		esac
		echo "    ${failed:+not }ok $number $step"
		any_failed=$any_failed$failed
		[ -n "$controller" ] || break
	done
	failed=$any_failed
}

test_bpf()
{
	follow mmap munmap brk mremap fork exec exit
	! grep -q "once a second" "$scratch/ctl" || fail "BPF does not work: $(grep "once a second" "$scratch/ctl")"
}

test_maps()
{
	by_maps=1 ctl_under=(setpriv --bounding-set "-bpf,-perfmon,-sys_admin")
	follow mmap munmap mremap exec exit
	ctl_under=()
	grep -q "once a second: BPF is not allowed" "$scratch/ctl" ||
		fail "hemem-ctl does not say that it reads the maps"
}

# finds_and_leaves ARGUMENT...: hot pages are known and stay where they are
finds_and_leaves()
{
	start_target || return
	start_ctl "$@"
	while [ "$(counter hot_slow_bytes)" -lt $((4 * MIB)) ]; do
		kill -0 $controller 2> /dev/null || { fail "hemem-ctl ended: $(tail -n 3 "$scratch/ctl")"; return; }
		[ "$(seen ticks)" -lt 1000 ] || { fail "no hot page was found"; return; }
		sleep 1
	done
	sleep 3
	planned=$(counter moves_planned) untried=$(seen moves_untried)
	note "$(($(seen hot_slow_bytes) / MIB)) MiB were found hot, $planned moves were planned"
	[ "$(hot_pct)" = 0 ] || fail "$(hot_pct) % of the hot bytes are on the fast node"
	stop_ctl
}

test_dry()
{
	finds_and_leaves --mover dry
	[ "${planned:-0}" -gt 0 ] && [ "$planned" = "$untried" ] ||
		fail "planned ${planned:-?} moves, of which ${untried:-?} were untried"
	grep -q "^promote 0x[0-9a-f]* 4 KiB from node $slow to node $fast: hot" "$scratch/ctl" ||
		fail "no move is printed: $(tail -n 3 "$scratch/ctl")"
}

test_stay()
{
	finds_and_leaves --policy stay
	[ "${planned:-1}" = 0 ] || fail "the policy is to stay, and planned moves"
}

needs() { needs_common changer $MAX_BYTES; }
prepare() { planned= untried= by_maps=; }

run_tests "$@"
