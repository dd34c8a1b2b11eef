#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run_kselftest.sh - run installed tests, called as the kernel's own script is
usage="\
usage: run_kselftest.sh [OPTION...]

  -s, --summary             write each test's output to a file of its own in
                            /tmp (or \$TMPDIR), show the verdicts only
  -t, --test COLL:TEST      run this test; may be given several times
  -c, --collection COLL     run the tests of this collection
  -l, --list                list the tests
  -d, --dry-run             show what would be run
  -o, --override-timeout S  seconds per test, instead of what settings says
  -h, --help                this

Without -t and -c all tests run. The module has to be loaded; hemem/run loads it by
itself and searches the kernel's log. Exit status: 0 nothing failed; 1 something did;
2 usage."
cd "$(dirname "$(readlink -f "$0")")" || exit 2
summary='' dry='' seconds='' wanted='' number=0 failed=0

die()
{
	echo "run_kselftest.sh: $*" >&2
	exit 2
}

# add PATTERN: the tests of the list that it stands for
add()
{
	found=$(grep -E "^$1\$" kselftest-list.txt) || die "no such test: $1. See --list"
	wanted="$wanted $found"
}

parse()
{
	while [ $# -gt 0 ]; do
		case $1 in
		-s|--summary) summary=${TMPDIR:-/tmp} ;;
		-t|--test) add "${2?-t needs COLLECTION:TEST}"; shift ;;
		-c|--collection) add "${2?-c needs a collection}:.*"; shift ;;
		-l|--list) cat kselftest-list.txt; exit 0 ;;
		-d|--dry-run) dry=echo ;;
		-o|--override-timeout) seconds=${2?-o needs seconds}; shift ;;
		-h|--help) echo "$usage"; exit 0 ;;
		*) die "what is $1? See --help" ;;
		esac
		shift
	done
	[ -n "$wanted" ] || wanted=$(cat kselftest-list.txt)
}

timeout_of()
{
	[ -n "$seconds" ] || sed -n 's/^timeout=//p' "$1/settings" 2> /dev/null
	echo "${seconds:-45}"
}

# run COLLECTION TEST -> $status
run()
{
	limit=$(timeout_of "$1" | head -n 1)
	if [ -n "$dry" ]; then
		echo "cd $1 && timeout $limit ./$2"
		status=0
	elif [ -n "$summary" ]; then
		(cd "$1" && timeout "$limit" "./$2") > "$summary/$2" 2>&1
		status=$?
	else
		output=$(mktemp)
		{ (cd "$1" && timeout "$limit" "./$2" 2>&1); echo $? > "$output"; } |
			sed 's/^/# /'
		status=$(cat "$output")
		rm -f "$output"
	fi
}

parse "$@"
echo "TAP version 13"
# shellcheck disable=SC2086 # a list
set -- $wanted
echo "1..$#"
for entry; do
	collection=${entry%%:*} test=${entry#*:} number=$((number + 1))
	echo "# selftests: $collection: $test"
	run "$collection" "$test"
	case $status in
	0) echo "ok $number selftests: $collection: $test" ;;
	4) echo "ok $number selftests: $collection: $test # SKIP" ;;
	124) echo "not ok $number selftests: $collection: $test # TIMEOUT $limit seconds"
		failed=1 ;;
	*) echo "not ok $number selftests: $collection: $test # exit=$status"
		failed=1 ;;
	esac
done
exit $failed
