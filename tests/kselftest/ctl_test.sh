#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ctl_test.sh - hemem-ctl on real processes: attach, status, detach, and every way in
# which a controller or a target can end.  HEMEM_CTL names the program to test.
#
# A test is a function whose first line says its sentence; it returns 0 if all of its
# expectations held.
here=$(dirname "$(readlink -f "$0")")
bin=$here
[ -x "$bin/checked_target" ] || bin=$here/../../build/tests/kselftest
ctl=${HEMEM_CTL:-$here/../../build/hemem-ctl}
[ -x "$ctl" ] || ctl=$(command -v hemem-ctl)
work=$(mktemp -d)
target= bad= number=0 failed=0

# --- the harness

sentence() { echo "# This test will $*"; }

# expect WANT GOT WHAT: both are text
expect()
{
	[ "$1" = "$2" ] && return
	echo "# $3: wanted '$1', got '$2'"
	bad=1
}

# expect_text PATTERN FILE: an extended regular expression
expect_text()
{
	grep -Eq -e "$1" "$2" && return
	echo "# no '$1' in:"
	sed 's/^/#   /' "$2"
	bad=1
}

# ctl STATUS ARGUMENT...: runs hemem-ctl, output in $work/out and $work/err
ctl()
{
	local want=$1 got
	shift
	timeout 60 "$ctl" "$@" > "$work/out" 2> "$work/err"
	got=$?
	[ "$got" = "$want" ] || sed 's/^/#   /' "$work/err"
	expect "$want" "$got" "exit status of hemem-ctl $*"
}

# json FILTER: what the JSON in $work/out has there; nothing if it does not parse
json()
{
	python3 -c 'import json, sys
doc = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."):
    doc = doc[int(key)] if isinstance(doc, list) else doc[key]
print(doc)' "$work/out" "$1" 2> /dev/null
}

# --- targets

start_target()
{
	"$bin/checked_target" "${1:-16}" > "$work/target" &
	target=$!
	wait_for grep -q ready "$work/target"
}

# The target ends when it is told to, and all of its data was good at all times.
end_target()
{
	kill -TERM "$target" 2> /dev/null
	wait "$target"
	expect 0 $? "exit status of the target"
	target=
}

# wait_for COMMAND...: until it succeeds, at most 30 s
wait_for()
{
	local i
	for ((i = 0; i < 300; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	echo "# did not come about in 30 s: $*"
	bad=1
	return 1
}

is_gone() { ! kill -0 "$1" 2> /dev/null; }

is_free() { [ "$(cat /sys/module/hemem_assist/refcnt)" = 0 ]; }

start_controller()
{
	ctl 0 attach --daemon --json --log "$work/log" "$target"
	controller=$(json controller)
	expect "$target" "$(json target)" "target in the answer of attach"
	kill -0 "$controller" 2> /dev/null
	expect 0 $? "is the controller a process"
}

# --- the tests

test_usage()
{
	sentence "give wrong arguments and get status 2 and words, with nothing done"
	ctl 2
	ctl 2 frobnicate
	ctl 2 attach
	ctl 2 attach abc
	ctl 2 attach 1 x
	ctl 2 attach --no-such-option 1
	ctl 2 attach --period 1s1 1
	ctl 2 attach --budget -1 1
	ctl 2 detach
	[ -s "$work/err" ] || expect words none "standard error"
	ctl 0 --help
	ctl 0 attach --help
}

test_no_process()
{
	sentence "name a process that does not exist and get status 1 and its number"
	ctl 1 attach 4194000
	expect_text 4194000 "$work/err"
	ctl 1 detach 4194000
	ctl 1 status 4194000
}

test_attach_status_detach()
{
	sentence "attach, ask for the status, detach, and find the target's data good"
	start_target
	start_controller
	ctl 0 status --json "$target"
	expect "$target" "$(json target)" "target in status"
	expect "$controller" "$(json controller)" "controller in status"
	ctl 0 status "$target"
	expect_text "$target" "$work/out"
	ctl 0 status --json
	expect_text "\"target\": *$target" "$work/out"
	ctl 0 detach --json "$target"
	json target > /dev/null || expect JSON "$(head -c 200 "$work/out")" detach
	wait_for is_gone "$controller"
	wait_for is_free
	ctl 1 status "$target"
	end_target
}

test_second_attach()
{
	sentence "attach twice and be told who holds the target; the first goes on"
	start_target
	start_controller
	ctl 1 attach "$target"
	expect_text "$controller" "$work/err"
	ctl 0 status "$target"
	ctl 0 detach "$target"
	start_controller
	ctl 0 detach "$target"
	end_target
}

test_controller_is_killed()
{
	sentence "kill -9 the controller, five times, attach again, and find the data good"
	start_target
	for _ in 1 2 3 4 5; do
		start_controller
		sleep 0.3
		kill -9 "$controller"
		wait_for is_gone "$controller"
		wait_for is_free
	done
	ctl 1 status "$target"
	end_target
}

test_target_exits()
{
	sentence "let the target exit, and see its controller end by itself"
	start_target
	start_controller
	end_target
	wait_for is_gone "$controller"
	wait_for is_free
}

test_target_is_killed()
{
	sentence "kill -9 the target, and see its controller end by itself"
	start_target
	start_controller
	kill -9 "$target"
	wait "$target" 2> /dev/null
	wait_for is_gone "$controller"
	wait_for is_free
}

test_interrupt()
{
	sentence "attach in the foreground and press Ctrl-C: status 0, detached, data good"
	start_target
	# bash lets what it starts in the background ignore SIGINT
	env --default-signal=INT "$ctl" attach --json "$target" > "$work/out" 2> "$work/err" &
	controller=$!
	wait_for "$ctl" status "$target" > /dev/null 2>&1
	kill -INT "$controller"
	wait "$controller"
	expect 0 $? "exit status of attach after Ctrl-C"
	[ -n "$(python3 -m json.tool "$work/out" 2> /dev/null)" ] ||
		expect JSON "$(head -c 200 "$work/out")" "output of attach --json"
	wait_for is_free
	end_target
}

test_run()
{
	sentence "run programs under hemem-ctl and get their exit status"
	ctl 0 run -- true
	ctl 1 run -- false
	ctl 7 run -- sh -c 'exit 7'
	ctl 143 run -- sh -c 'kill -TERM $$'
	ctl 127 run -- /no/such/program
	wait_for is_free
}

test_check()
{
	sentence "check the machine, in words and as JSON"
	timeout 60 "$ctl" check > "$work/out" 2>&1
	[ $? -le 1 ] || expect "0 or 1" more "exit status of check"
	timeout 60 "$ctl" check --json > "$work/out" 2>/dev/null
	[ -n "$(python3 -m json.tool "$work/out" 2> /dev/null)" ] ||
		expect JSON "$(head -c 200 "$work/out")" "output of check --json"
}

# --- all of them

lacks()
{
	[ "$(id -u)" -eq 0 ] || { echo "not root"; return; }
	[ -x "$ctl" ] || { echo "no hemem-ctl: build it or set HEMEM_CTL"; return; }
	[ -c /dev/hemem ] || { echo "no /dev/hemem: insmod hemem_assist.ko first"; return; }
	[ -d /sys/devices/system/node/node1 ] || { echo "one node only"; return; }
	command -v python3 > /dev/null || { echo "no python3, which parses JSON here"; return; }
}

run_test()
{
	bad= number=$((number + 1))
	"$1"
	[ -z "$target" ] || { kill -9 "$target"; wait "$target"; target=; } 2> /dev/null
	if [ -n "$bad" ]; then
		failed=$((failed + 1))
		echo "not ok $number ${1#test_}"
	else
		echo "ok $number ${1#test_}"
	fi
}

mapfile -t tests < <(declare -F | sed -n 's/^declare -f \(test_\)/\1/p')
if [ "${1-}" = --list ]; then
	for name in "${tests[@]}"; do
		declare -f "$name" | sed -n "s/^ *sentence \"\(.*\)\";*$/${name#test_}: This test will \1./p"
	done
	rm -r "$work"
	exit 0
fi
trap 'rm -rf "$work"' EXIT
echo "KTAP version 1"
reason=$(lacks)
if [ -n "$reason" ]; then
	echo "1..0 # SKIP $reason"
	exit 4
fi
[ $# -eq 0 ] || mapfile -t tests < <(printf 'test_%s\n' "$@")
echo "1..${#tests[@]}"
for name in "${tests[@]}"; do
	run_test "$name"
done
echo "# Totals: pass:$((number - failed)) fail:$failed xfail:0 xpass:0 skip:0 error:0"
[ $failed -eq 0 ]
