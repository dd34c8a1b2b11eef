// SPDX-License-Identifier: GPL-2.0
/*
 * fault.c - a move, or a write protection, that leaves out a step or stops where a test acts
 *
 * Built only with HEMEM_FAULTS=y, which no ordinary build says: a test that cannot fail
 * proves nothing, so each step that keeps these right is left out once, on purpose, and
 * a test must see the damage (swap_test.c, region_test.c and wp_test.c in tests/kselftest/).
 *
 * Parameters, in /sys/module/hemem_assist/parameters/:
 *
 *   omit      enum hemem_fault: steps to leave out
 *   stop_at   enum hemem_fault_place: a move that comes there waits until this changes,
 *             10 s at most; or 0.5 s, where it has a spinlock
 *   stopped   how many moves wait there now
 *   clears    entries that were clear for a while, so that a reader would have waited
 *   clear_tsc time stamp counter ticks for which they were, all together
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <asm/msr.h>
#include "hemem.h"

static unsigned int omit;
module_param(omit, uint, 0644);
MODULE_PARM_DESC(omit, "Steps to leave out, for tests; it loses data (default: 0)");

static unsigned int stop_at;
module_param(stop_at, uint, 0644);
MODULE_PARM_DESC(stop_at, "Where to wait until this changes, for tests (default: 0)");

static int stopped;
module_param(stopped, int, 0444);
MODULE_PARM_DESC(stopped, "How many moves wait at stop_at now");

static DEFINE_SPINLOCK(stopped_lock);	/* protects stopped */

static ulong clears;
module_param(clears, ulong, 0444);
MODULE_PARM_DESC(clears, "Entries that were clear for the moment of their swap");

static ulong clear_tsc;
module_param(clear_tsc, ulong, 0444);
MODULE_PARM_DESC(clear_tsc, "Ticks of the time stamp counter for which they were");

bool hemem_fault_omits(enum hemem_fault fault)
{
	return READ_ONCE(omit) & fault;
}

static void count(int more)
{
	spin_lock(&stopped_lock);
	stopped += more;
	spin_unlock(&stopped_lock);
}

static void wait_at(enum hemem_fault_place place, int max_ms, bool may_sleep)
{
	int ms;

	if (READ_ONCE(stop_at) != place)
		return;
	count(1);
	for (ms = 0; ms < max_ms && READ_ONCE(stop_at) == place; ms++) {
		if (may_sleep)
			msleep(1);
		else
			mdelay(1);
	}
	count(-1);
}

void hemem_fault_stop(enum hemem_fault_place place)
{
	wait_at(place, 10000, true);
}

/* Page-table lock held. */
void hemem_fault_spin(enum hemem_fault_place place)
{
	wait_at(place, 500, false);
}

u64 hemem_fault_clock(void)
{
	return rdtsc_ordered();
}

/* Page-table lock held; of another table than others have, at worst a count is lost. */
void hemem_fault_was_clear(u64 since)
{
	clear_tsc += rdtsc_ordered() - since;
	clears++;
}
