# SPDX-License-Identifier: GPL-2.0
#
# nodes.sh - which node is fast, which is slow, and what is free of them; to be sourced
#
# awk's %d ends at 31 bits.

# The fast node is the first with a CPU, the slow one the first other with memory.
find_nodes()
{
	local dir node
	fast= slow=
	for dir in /sys/devices/system/node/node[0-9]*; do
		node=${dir##*node}
		[ "$(awk '/MemTotal/ { print $4 }' "$dir/meminfo")" -gt 0 ] || continue
		if [ -z "$fast" ] && [ -n "$(cat "$dir/cpulist")" ]; then
			fast=$node
		elif [ -z "$slow" ]; then
			slow=$node
		fi
	done
}

# node_free NODE: bytes
node_free()
{
	awk '/MemFree/ { printf "%.0f\n", $4 * 1024 }' "/sys/devices/system/node/node$1/meminfo"
}

# node_kept NODE: bytes that the kernel keeps free of it for itself: the high marks
node_kept()
{
	awk -v node="$1" '/^Node/ { here = $2 == node "," }
		here && $1 == "high" { pages += $2 }
		END { printf "%.0f\n", pages * 4096 }' /proc/zoneinfo
}
