#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# readme.sh - do the commands in README.md work as pasted?
usage="\
usage: tests/readme.sh [machine | fresh]

machine  (default) the commands for a machine with two tiers: make here, for the
         guest's kernel, the others in a guest, with a program in PID
fresh    the commands for a fresh Debian 12: in a clean chroot (in \$HEMEM_FRESH, default
         /var/tmp/hemem-fresh), with a clone of what is committed; takes long, needs root
         and debootstrap

Prints TAP, one line a command. Exit status: 0 all worked; 1 one did not; 2 usage."
set -uo pipefail
top=$(readlink -f "$(dirname "$0")/..")
readme=$top/README.md
kernel=6.1

die() { echo "readme.sh: $*" >&2; exit 2; }

# block TAG: the lines between "```sh TAG" and "```"
block() { sed -n "/^\`\`\`sh $1\$/,/^\`\`\`\$/p" "$readme" | grep -v '^```'; }

# A shell script that runs each line of standard input, in one shell, and prints TAP.
# "check" may answer 1: it found something, as it is there to do.
as_tap()
{
	local line number=0
	mapfile -t lines
	echo "echo 1..$((${#lines[@]} + ${1:-0}))"
	for line in "${lines[@]}"; do
		number=$((number + 1))
		echo "{ $line"
		echo "} > /tmp/readme.out 2>&1 < /dev/null; status=\$?"
		case $line in *'hemem-ctl check'*) echo '[ $status != 1 ] || status=0' ;; esac
		echo "sed 's/^/# /' /tmp/readme.out"
		printf '[ $status = 0 ] && echo "ok %d - "%q || { echo "not ok %d - "%q; failed=1; }\n' \
			$number "$line" $number "$line"
	done
}

machine()
{
	local script=$top/build/readme-machine dir status
	dir=$("$top/tests/vm/kernel" $kernel) || die "no kernel $kernel"
	cd "$top" || die "no $top"
	block machine | grep '^make' | while read -r line; do
		KDIR=$dir/build bash -c "$line" > "$script.log" 2>&1 ||
			{ cat "$script.log"; echo "Bail out! $line"; exit 1; }
	done || exit 1
	make -s -C "$top/tests/workloads" || die "cannot build the program"
	{
		echo "failed="
		echo "$top/build/tests/workloads/hotset --node 1 --seconds 3600 --rate 1000 > /tmp/hotset &"
		echo 'PID=$!; until grep -q ready /tmp/hotset; do sleep 0.2; done'
		block machine | grep -v '^make' | as_tap 1
		echo 'kill -TERM $PID; wait $PID && echo "ok - the program ends with its memory intact" ||'
		echo '	{ echo "not ok - the program ends with its memory intact"; failed=1; }'
		echo '[ -z "$failed" ]'
	} > "$script"
	"$top/tests/vm/run" --kernel "$dir" --timeout 400 -- bash "$script"
}

# Everything that is mounted below the chroot is unmounted, whatever happens.
fresh()
{
	local root=${HEMEM_FRESH:-/var/tmp/hemem-fresh} mirror dir
	[ "$(id -u)" = 0 ] && command -v debootstrap > /dev/null || die "needs root and debootstrap"
	mirror=$(apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
		awk -F'|' '$1 == "Debian" { print $2; exit }')
	[ -x "$root/bin/sh" ] || debootstrap --variant=minbase bookworm "$root" "$mirror" > /dev/null ||
		die "debootstrap failed"
	rm -f "$root/etc/apt/sources.list"	# what debootstrap made of the mirror
	cp -r /etc/apt/sources.list* /etc/apt/apt.conf.d "$root/etc/apt/" 2> /dev/null
	cp /etc/resolv.conf /etc/hosts "$root/etc/"
	rm -rf "$root/hemem"
	git clone -q "$top" "$root/hemem"
	trap 'for dir in proc sys dev; do umount -l "$root/$dir" 2> /dev/null; done' EXIT
	for dir in proc sys dev; do mount --rbind --make-rslave "/$dir" "$root/$dir"; done
	{
		echo "failed=; cd /hemem"
		block fresh | as_tap
		echo '[ -z "$failed" ]'
	} > "$root/readme"
	chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root bash /readme
}

case ${1:-machine} in
machine | fresh) "${1:-machine}" ;;
*) echo "$usage"; [ "$1" = --help ] || exit 2 ;;
esac
