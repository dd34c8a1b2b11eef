// SPDX-License-Identifier: GPL-2.0
/*
 * actor.c - the table of actors
 *
 * Which hazard of a move by write-protect, copy, verify, swap is whose:
 *
 *	a write by the page table, at any time		count, whole
 *	a stale TLB entry, writable or not		count (hot pages; no first, no second flush)
 *	a copy of two states				whole
 *	a pin that comes or goes while the copy is made	direct, held, vmwrite
 *	a pin for long					uring; for reading: splice
 *	a write past a read-only entry			force, traced and tracer
 *	the entry changes under mmap_lock for reading	dontneed, free, balance, reclaim
 *	the entry or its table goes elsewhere		mremap, unmap, huge
 *	the dirty bit gets lost				free, pageout, mprotect
 *	the soft-dirty bit gets lost			dirty
 *	a protection by userfaultfd gets lost		uffd
 *	the page is no longer exclusive			fork, ksm
 *	somebody else has it off the LRU lists		compact, alongside, reclaim, mlock
 *	swap cache and writeback			pageout, reclaim
 *	the target goes away				exit, exec
 *	a page is lost, charged twice, off the lists	gauge.c, in every run
 */
#include <string.h>

#include "actor.h"

extern const struct actor count_actor, whole_actor, dontneed_actor, free_actor,
	unmap_actor, mremap_actor, mprotect_actor, pageout_actor, ksm_actor, mlock_actor,
	huge_actor, fork_actor, dirty_actor, vmwrite_actor, held_actor, splice_actor,
	direct_actor, uring_actor, force_actor, traced_actor, uffd_actor, compact_actor,
	alongside_actor, reclaim_actor, balance_actor, tracer_actor, exit_actor, exec_actor;

const struct actor *const actors[] = {
	&count_actor,
	&whole_actor,
	&dontneed_actor,
	&free_actor,
	&unmap_actor,
	&mremap_actor,
	&mprotect_actor,
	&pageout_actor,
	&ksm_actor,
	&mlock_actor,
	&huge_actor,
	&fork_actor,
	&dirty_actor,
	&vmwrite_actor,
	&held_actor,
	&splice_actor,
	&direct_actor,
	&uring_actor,
	&force_actor,
	&traced_actor,
	&uffd_actor,
	&compact_actor,
	&alongside_actor,
	&reclaim_actor,
	&balance_actor,
	&tracer_actor,
	&exit_actor,
	&exec_actor,
};

unsigned int actor_count(void)
{
	return sizeof(actors) / sizeof(actors[0]);
}

int actor_find(const char *name, size_t length)
{
	unsigned int i;

	for (i = 0; i < actor_count(); i++)
		if (!strncmp(actors[i]->name, name, length) && !actors[i]->name[length])
			return (int)i;
	return -1;
}
