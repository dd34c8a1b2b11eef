# SPDX-License-Identifier: GPL-2.0
#
# systems.sh - the systems that are compared, as they are set up in the guest
#
# For a system NAME (dashes as underscores) there may be
#   NAME_before    sets the kernel up, before the workload starts
#   NAME_attach    is told of the running workload, before the run phase; PIDs as arguments
#   NAME_detach    after the run phase, maybe twice
#   NAME_prefix    words to put before the workload's command
# Defaults are those of the kernel or of hemem-ctl, except where a comment says why not.
# A system that this kernel lacks: without() says why; the cell is then skipped.
#
# Uses $fast and $slow (nodes), $ctl, $scratch, $rings.

without() { echo "cell: without: $*"; exit 4; }

knob() { echo "$1" > "$2" || without "cannot write $1 to $2"; }

balancing() { knob "$1" /proc/sys/kernel/numa_balancing; }

demotion()
{
	[ -e /sys/kernel/mm/numa/demotion_enabled ] || [ "$1" = 0 ] ||
		without "kernel $(uname -r) has no demotion"
	[ ! -e /sys/kernel/mm/numa/demotion_enabled ] ||
		knob "$1" /sys/kernel/mm/numa/demotion_enabled
}

# --- no tiering: the limits, and where first touch puts things

fast_prefix() { echo numactl --membind="$fast" --; }
slow_prefix() { echo numactl --membind="$slow" --; }

# --- the kernel's own promotion and demotion (since 5.18)

numab2_before()
{
	balancing 2
	demotion 1
}

# --- DAMON, as its authors' own memory tiering sample sets it up (samples/damon/mtier.c, since
# 6.16): one kdamond per node, hot pages of the slow node to the fast one, cold ones back; it aims
# at 99.7 % of the fast node in use and 0.5 % free, 200 MiB/s at most, intervals tuned by itself.

damon=/sys/kernel/mm/damon/admin/kdamonds

# node_range NODE: its first and last physical address + 1
node_range()
{
	awk -v node="$1" '/^Node/ { here = $2 == node "," }
		here && $1 == "spanned" { spanned = $2 }
		here && $1 == "start_pfn:" && spanned {
			if (min == "" || $2 < min) min = $2
			if ($2 + spanned > max) max = $2 + spanned
			spanned = 0
		}
		END { printf "%.0f %.0f\n", min * 4096, max * 4096 }' /proc/zoneinfo
}

# damon_kdamond NUMBER FROM TO ACTION MIN_ACCESSES MAX_ACCESSES YOUNG METRIC BP
damon_kdamond()
{
	local context=$damon/$1/contexts/0 scheme start end
	scheme=$context/schemes/0
	read -r start end < <(node_range "$2")
	knob 1 $damon/$1/contexts/nr_contexts
	knob paddr $context/operations
	knob 5000 $context/monitoring_attrs/intervals/sample_us
	knob 100000 $context/monitoring_attrs/intervals/aggr_us
	knob 400 $context/monitoring_attrs/intervals/intervals_goal/access_bp
	knob 3 $context/monitoring_attrs/intervals/intervals_goal/aggrs
	knob 5000 $context/monitoring_attrs/intervals/intervals_goal/min_sample_us
	knob 10000000 $context/monitoring_attrs/intervals/intervals_goal/max_sample_us
	knob 1 $context/targets/nr_targets
	knob 1 $context/targets/0/regions/nr_regions
	knob "$start" $context/targets/0/regions/0/start
	knob "$end" $context/targets/0/regions/0/end
	knob 1 $context/schemes/nr_schemes
	knob "$4" $scheme/action
	knob "$3" $scheme/target_nid
	knob 4096 $scheme/access_pattern/sz/min
	knob 18446744073709551615 $scheme/access_pattern/sz/max
	knob "$5" $scheme/access_pattern/nr_accesses/min
	knob "$6" $scheme/access_pattern/nr_accesses/max
	knob 0 $scheme/access_pattern/age/min
	knob 4294967295 $scheme/access_pattern/age/max
	knob $((200 << 20)) $scheme/quotas/bytes
	knob 1000 $scheme/quotas/reset_interval_ms
	knob 0 $scheme/quotas/weights/sz_permil
	knob 100 $scheme/quotas/weights/nr_accesses_permil
	knob 100 $scheme/quotas/weights/age_permil
	knob 1 $scheme/quotas/goals/nr_goals
	knob "$8" $scheme/quotas/goals/0/target_metric
	knob "$9" $scheme/quotas/goals/0/target_value
	knob "$fast" $scheme/quotas/goals/0/nid
	knob 1 $scheme/filters/nr_filters
	knob young $scheme/filters/0/type
	knob Y $scheme/filters/0/matching
	knob "$7" $scheme/filters/0/allow
	knob on $damon/$1/state
}

damon_before()
{
	[ -d $damon ] || without "kernel $(uname -r) has no DAMON in sysfs"
	# it keeps DAMON for itself, where it is built in
	[ ! -e /sys/module/damon_stat/parameters/enabled ] ||
		knob N /sys/module/damon_stat/parameters/enabled
	knob 2 $damon/nr_kdamonds
	damon_kdamond 0 "$slow" "$fast" migrate_hot 1 4294967295 Y node_mem_used_bp 9970
	damon_kdamond 1 "$fast" "$slow" migrate_cold 0 0 N node_mem_free_bp 50
}

damon_detach()
{
	[ "$(cat $damon/nr_kdamonds)" != 0 ] || return 0
	echo off > $damon/0/state
	echo off > $damon/1/state
	echo 0 > $damon/nr_kdamonds
} 2> /dev/null

# --- hemem.  Demotion is on: without it the kernel has nowhere to put pages when it runs
# out of fast memory, and a machine with tiers has it on.

# attach_all ARGUMENT... -- PID...: one controller per target, on the CPU that the workload leaves
attach_all()
{
	local args=()
	while [ "$1" != -- ]; do args+=("$1"); shift; done
	shift
	controllers=()
	for pid in "$@"; do
		taskset -c "$spare_cpu" "$ctl" attach --json --report none "${args[@]}" "$pid" \
			> "$scratch/attach.$pid" 2> "$scratch/attach.$pid.err" &
		controllers+=($!)
		wait_attached "$pid" $!
	done
}

# wait_attached TARGET CONTROLLER
wait_attached()
{
	until "$ctl" status --json "$1" > "$scratch/status" 2>&1; do
		kill -0 "$2" 2> /dev/null ||
			{ echo "cell: hemem-ctl: $(tail -n 3 "$scratch/attach.$1.err")"; exit 1; }
		sleep 0.05
	done
}

detach_all()
{
	local controller
	for controller in "${controllers[@]}"; do
		kill -INT "$controller" 2> /dev/null
		wait "$controller"
	done
	controllers=()
}

# samples from the emulated PEBS: one file of rings serves one controller
ring_attach()
{
	local policy=$1
	shift
	[ $# = 1 ] || without "the rings serve one target at a time"
	attach_all --sampler "ring:$rings" --policy "$policy" -- "$@"
}

hemem_paper_before() { demotion 1; }
hemem_paper_attach() { ring_attach hemem "$@"; }
hemem_paper_detach() { detach_all; }

hemem_before() { demotion 1; }
hemem_attach() { ring_attach auto "$@"; }
hemem_detach() { detach_all; }

hemem_scan_before() { demotion 1; }
hemem_scan_attach() { attach_all --sampler scan --policy auto -- "$@"; }
hemem_scan_detach() { detach_all; }
