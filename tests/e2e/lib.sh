# SPDX-License-Identifier: GPL-2.0
#
# lib.sh - what the tests of this folder share: measures from outside, a controller
# and a target, and the running of tests
#
# A test file sets usage, sentences (name: sentence; "This test will ..."), order, and
# functions needs(), prepare() and test_NAME, and ends with `run_tests "$@"`.
# Before each test prepare() is called.
#
# In variables: the nodes $fast and $slow, the processes $target and $controller (empty:
# there is none), and the hot set [$hot_start, $hot_end) in hex.
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
. "$top/tests/vm/nodes.sh"
workloads=$top/build/tests/workloads
ctl=$top/build/hemem-ctl
program=$(basename "$0" .sh)

MIB=$((1 << 20))

# --- things that are measured

# bytes NODE START END: of the target, on that node
bytes_on()
{
	"$workloads/where" "$target" "$2" "$3" | grep -o "node$1=[0-9]*" | cut -d= -f2
}

hot_pct()
{
	local bytes
	bytes=$(bytes_on "$fast" "$hot_start" "$hot_end")
	echo $((${bytes:-0} * 100 / (0x$hot_end - 0x$hot_start)))
}

now_s() { cut -d. -f1 /proc/uptime; }

# look: have `hemem-ctl status` say what it says now
look() { "$ctl" status --json "$target" > "$scratch/status" 2>&1; }

# seen NAME: a counter, as it was at the last look; 0: there is no answer
seen()
{
	local line
	line=$(grep -om1 "\"$1\": [0-9]*" "$scratch/status")
	echo "${line##*[: ]}" | grep . || echo 0
}

# counter NAME: a counter as it is now
counter() { look; seen "$1"; }

# --- things that are started

note() { echo "  # $*"; }

fail()
{
	note "FAILED: $*"
	failed=1
}

# until_ready PID FILE: the program says in FILE that it is; false: it has ended
until_ready()
{
	until grep -q '^ready' "$2"; do
		kill -0 "$1" 2> /dev/null ||
			{ fail "$(basename "$2") did not become ready: $(cat "$2")"; return 1; }
		sleep 0.2
	done
}

# What stays free of a node: what the kernel keeps, and hemem-ctl's room for new memory above it.
kept_free() { echo $(($(node_kept "$1") + 16 * MIB)); }

# make_room_scarce BYTES: fill the fast node until only so many are left.  Memory of a tmpfs cannot
# be reclaimed without swap, and the controller cannot move what is no target's.
make_room_scarce()
{
	local fill
	mkdir -p "$scratch/ballast"
	mount -t tmpfs -o "size=100%,huge=never,mpol=bind:$fast" ballast "$scratch/ballast"
	fill=$(($(node_free "$fast") - $(kept_free "$fast") - $1))
	[ $fill -le 0 ] || fallocate -l $fill "$scratch/ballast/fill"
	note "fast node: $(($(node_free "$fast") / MIB)) MiB free, of which $(($(kept_free "$fast") / MIB)) are kept; target: $((ALL / MIB)) MiB"
}

# value NAME: of "NAME=value" in the target's last line about it
value() { grep -o "\b$1=[^ ]*" "$scratch/target" | tail -n 1 | cut -d= -f2; }

# The kernel's own NUMA balancing promotes too: with it on, nothing here would say
# what hemem did.
balancing=/proc/sys/kernel/numa_balancing
balancing_off()
{
	balancing_was=$(cat $balancing 2> /dev/null)
	[ -z "$balancing_was" ] || echo 0 > $balancing
}

# start_ctl [ARGUMENT...]: attach; $ctl_under may hold a command to run it under
ctl_under=()
start_ctl()
{
	"${ctl_under[@]}" "$ctl" attach "$@" "$target" > "$scratch/ctl" 2>&1 &
	controller=$!
}

stop_ctl()
{
	kill -INT $controller 2> /dev/null
	wait $controller
	local status=$?
	controller=
	[ $status = 0 ] || fail "hemem-ctl ended with $status: $(tail -n 3 "$scratch/ctl")"
	[ "$(awk '$1 == "hemem_assist" { print $3 }' /proc/modules)" = 0 ] ||
		fail "the module is still in use"
}

# The target checks all of its memory at the end.
stop_target()
{
	kill -TERM $target
	wait $target
	local status=$?
	target=
	note "$(tail -n 1 "$scratch/target")"
	[ $status = 0 ] || fail "the target's memory is not intact"
}

# wait_hot PCT SECONDS: sets $took_s
wait_hot()
{
	local begin pct
	begin=$(now_s)
	while :; do
		pct=$(hot_pct)
		took_s=$(($(now_s) - begin))
		[ "$pct" -lt "$1" ] || break
		if [ $took_s -ge "$2" ]; then
			fail "$pct % of the hot bytes are on the fast node after $took_s s"
			tail -n 12 "$scratch/ctl" | sed 's/^/  #   hemem-ctl: /'
			return 1
		fi
		if [ -n "$controller" ] && ! kill -0 $controller 2> /dev/null; then
			fail "hemem-ctl ended: $(tail -n 3 "$scratch/ctl")"
			return 1
		fi
		sleep 1
	done
	note "$pct % of the hot bytes are on the fast node after $took_s s"
}

# watch_hot SECONDS: sets $pct to what hot_pct says then; the controller must live so long
watch_hot()
{
	sleep "$1"
	kill -0 $controller || fail "hemem-ctl ended: $(tail -n 3 "$scratch/ctl")"
	pct=$(hot_pct)
}

# --- running them

# A process's exit is waited for: memory that is still being freed is no room.
stop_all()
{
	local dir
	[ -z "${controller:-}" ] || { kill -KILL $controller; wait $controller; } 2> /dev/null
	[ -z "${target:-}" ] || { kill -KILL $target; wait $target; } 2> /dev/null
	[ -z "${player:-}" ] || { kill -KILL $player; wait $player; } 2> /dev/null
	controller= target= player=
	for dir in "$scratch/ballast" "$scratch/files"; do
		! mountpoint -q "$dir" || umount "$dir"
	done
}

finish()
{
	stop_all
	[ -z "${balancing_was:-}" ] || echo "$balancing_was" > $balancing
	rm -rf "$scratch"
}

# needs_common PROGRAM BYTES: what every test here needs, a target and memory for it on
# the slow node; what is missing, as a sentence
needs_common()
{
	[ "$(id -u)" = 0 ] || { echo "needs root"; return; }
	[ -n "$fast" ] && [ -n "$slow" ] || { echo "needs two nodes with memory"; return; }
	[ -c /dev/hemem ] || { echo "needs hemem_assist.ko loaded"; return; }
	[ -x "$ctl" ] && [ -x "$workloads/$1" ] || { echo "needs make tests"; return; }
	[ "$(node_free "$slow")" -gt $(($2 + 50 * MIB)) ] ||
		echo "needs $(($2 / MIB)) MiB free on node $slow"
}

list()
{
	local name
	for name in "${order[@]}"; do
		echo "$program.$name: This test will ${sentences[$name]}."
	done
}

choose_tests()
{
	local name
	case ${1:-} in
	--list) list; exit ;;
	-*) echo "$usage"; [ "$1" = --help ]; exit $((2 * $?)) ;;
	esac
	for name in "$@"; do
		[ -n "${sentences[$name]:-}" ] ||
			{ echo "$program.sh: no test $name; see --list" >&2; exit 2; }
	done
	[ $# -eq 0 ] || order=("$@")
}

# run_tests [TEST...]: the command line; exits
run_tests()
{
	local name missing number=0 nr_failed=0
	choose_tests "$@"
	scratch=$(mktemp -d)
	trap finish EXIT
	find_nodes
	echo "KTAP version 1"
	missing=$(needs)
	[ -z "$missing" ] || { echo "1..0 # SKIP $missing"; exit 4; }
	echo "1..${#order[@]}"
	balancing_off
	for name in "${order[@]}"; do
		number=$((number + 1)) failed= controller= target=
		echo "# This test will ${sentences[$name]}."
		prepare
		"test_$name"
		stop_all
		if [ -z "$failed" ]; then
			echo "ok $number $program.$name"
		else
			echo "not ok $number $program.$name"
			nr_failed=$((nr_failed + 1))
		fi
	done
	[ $nr_failed = 0 ]
	exit
}
