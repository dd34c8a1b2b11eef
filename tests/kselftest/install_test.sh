#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# install_test.sh - the tests installed elsewhere, and run from there by run_kselftest.sh
#
# Wants the folder that the tests are built from: what is installed already is not
# installed again.  Beside the real tests, programs that fail, skip and hang are put
# into the installed folder: each must be told as what it is.
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
installed=$work/kselftest
bad='' number=0 failed=0

sentence() { echo "# This test will $*"; }

# expect WANT GOT WHAT: both are text
expect()
{
	[ "$1" = "$2" ] && return
	echo "# $3: wanted '$1', got '$2'"
	bad=1
}

# kselftest STATUS OPTION...: runs run_kselftest.sh, its output in $work/out
kselftest()
{
	local want=$1 got
	shift
	TMPDIR=$work "$installed/run_kselftest.sh" "$@" > "$work/out" 2>&1
	got=$?
	[ "$got" = "$want" ] || tail -n 15 "$work/out" | sed 's/^/#   /'
	expect "$want" "$got" "exit status of run_kselftest.sh $*"
}

# expect_line PATTERN: an extended regular expression for one whole line
expect_line()
{
	grep -Eqx -e "$1" "$work/out" && return
	echo "# no line '$1' in the output, which ends with:"
	tail -n 15 "$work/out" | sed 's/^/#   /'
	bad=1
}

# plant NAME COMMAND: a test that runs COMMAND
plant()
{
	printf '#!/bin/sh\n%s\n' "$2" > "$installed/hemem/$1"
	chmod 755 "$installed/hemem/$1"
	echo "hemem:$1" >> "$installed/kselftest-list.txt"
}

test_list()
{
	sentence "list what is installed, and find each of it there, to be run"
	local entry
	kselftest 0 --list
	expect_line hemem:abi_test
	while IFS=: read -r collection entry; do
		[ -x "$installed/$collection/$entry" ] || expect there missing "$entry"
	done < "$work/out"
	kselftest 0 --dry-run
	expect_line 'cd hemem && timeout [0-9]+ ./abi_test'
}

test_one()
{
	sentence "run one real program by its name, and no other"
	kselftest 0 -t hemem:abi_test
	expect_line '1\.\.1'
	expect_line 'ok 1 selftests: hemem: abi_test'
	expect_line '# # Totals: pass:[1-9][0-9]* fail:0 .*'
}

test_summary()
{
	sentence "show the verdicts only, with each output in a file"
	kselftest 0 --summary -t hemem:abi_test
	expect_line 'ok 1 selftests: hemem: abi_test'
	expect 4 "$(wc -l < "$work/out")" "lines of the summary"
	grep -q '^# Totals: pass:' "$work/abi_test" || expect Totals none "the file"
}

test_verdicts()
{
	sentence "tell a failure, a crash, a hang and a skip as what they are"
	plant passes 'exit 0'
	plant fails 'echo some words; exit 1'
	plant skips 'exit 4'
	plant hangs 'sleep 100'
	plant crashes 'kill -SEGV $$'
	kselftest 0 -t hemem:passes -t hemem:skips
	expect_line 'ok 2 selftests: hemem: skips # SKIP'
	kselftest 1 -t hemem:passes -t hemem:fails -t hemem:passes
	expect_line 'not ok 2 selftests: hemem: fails # exit=1'
	expect_line 'ok 3 selftests: hemem: passes'
	expect_line '# some words'
	kselftest 1 -o 1 -t hemem:hangs
	expect_line 'not ok 1 selftests: hemem: hangs # TIMEOUT 1 seconds'
	kselftest 1 -t hemem:crashes
	kselftest 2 -t hemem:no_such_test
	kselftest 2 --no-such-option
}

lacks()
{
	[ -r "$here/Makefile" ] || { echo "these are installed already"; return; }
	command -v make > /dev/null || { echo "no make"; return; }
	[ -c /dev/hemem ] || { echo "no /dev/hemem: insmod hemem_assist.ko first"; return; }
}

# As they are built: to build is not for a guest.
install_all()
{
	make -s -o all -C "$here" install INSTALL_PATH="$installed" > "$work/make" 2>&1 && return
	sed 's/^/# /' "$work/make"
	return 1
}

mapfile -t tests < <(declare -F | sed -n 's/^declare -f \(test_\)/\1/p')
trap 'rm -rf "$work"' EXIT
if [ "${1-}" = --list ]; then
	for name in "${tests[@]}"; do
		declare -f "$name" | sed -n "s/^ *sentence \"\(.*\)\";*$/${name#test_}: This test will \1./p"
	done
	exit 0
fi
echo "KTAP version 1"
reason=$(lacks)
if [ -n "$reason" ]; then
	echo "1..0 # SKIP $reason"
	exit 4
fi
[ $# -eq 0 ] || mapfile -t tests < <(printf 'test_%s\n' "$@")
echo "1..${#tests[@]}"
install_all || exit 1
for name in "${tests[@]}"; do
	bad='' number=$((number + 1))
	"$name"
	[ -z "$bad" ] || failed=$((failed + 1))
	echo "${bad:+not }ok $number ${name#test_}"
done
echo "# Totals: pass:$((number - failed)) fail:$failed xfail:0 xpass:0 skip:0 error:0"
[ $failed -eq 0 ]
