/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * hemem_assist.h - the ABI of /dev/hemem
 *
 * /dev/hemem moves pages of one process between memory tiers (NUMA nodes) and
 * reads the accessed and dirty bits of its page tables.  It decides nothing.
 * The same header serves the module, hemem-ctl and the tests.
 */
#ifndef _UAPI_HEMEM_ASSIST_H
#define _UAPI_HEMEM_ASSIST_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: General rules
 *
 * The file descriptor is the handle.  INFO works on every open fd.  REGION makes the fd a
 * managed region, which is another thing: memory to be mapped from it.  ATTACH
 * binds the fd to the memory of one process, MIGRATE and SCAN then act on it.
 * Closing the fd, or the death of whoever holds it, detaches; the target keeps
 * running as an ordinary process and nothing of hemem stays behind in it.
 *
 * Every struct begins with @size, which the caller sets to sizeof() of the
 * struct it was compiled with.  The module accepts a shorter struct down to
 * the first released size, and a longer one if what it does not know is zero,
 * so old programs run on new modules and new programs on old modules.  Unknown
 * flag bits and non-zero reserved members are refused.  Members called out_*
 * are written by the module; on failure it leaves all of them untouched, with
 * the one exception that is named at ATTACH.
 *
 * Rights: the caller of ATTACH, MIGRATE and SCAN needs what move_pages(2) asks
 * for: PTRACE_MODE_READ_REALCREDS access to the target, checked at every call.
 * HEMEM_ASSIST_MIGRATE_SHARED needs CAP_SYS_NICE, as MPOL_MF_MOVE_ALL does.  On a managed
 * region (REGION) the fd is the right to map and to move it.
 *
 * Every ioctl returns 0 or one of these errors, and after an error nothing has
 * changed:
 *
 *  - EINVAL: @size is below the first released size, a flag is unknown, a
 *    reserved member is not 0, a count is 0 or above its published maximum, or
 *    an address is not page aligned, not a user address, or start >= end.
 *    WP_REGISTER: @uffd is no userfaultfd of this process, or some of the range is
 *    not private anonymous memory, or nothing is mapped there.
 *  - E2BIG: @size is larger than the module knows and the rest is not zero, or
 *    @size is larger than a page.
 *  - ENOTTY: no such ioctl.
 *  - EFAULT: a pointer, in the struct or to it, does not point to memory of
 *    the caller.  When the struct or the output array of MIGRATE or SCAN turns
 *    out to be unwritable after the work was done, the work stays done.
 *  - EBADF: @pidfd is not a process file descriptor; WP_REGISTER: @uffd is not an
 *    open file.
 *  - EPERM: the caller may not inspect the target (see Rights).  DISCARD: the fd is not
 *    open for writing.
 *  - ESRCH: the target has no memory: it exited, called exec, or is a kernel
 *    thread.  After exec the new program has to be attached with a new fd.
 *    WP_REGISTER, WP_PROTECT: this fd serves the memory of another process.
 *  - EBUSY: ATTACH: this fd is attached already, or another fd holds the
 *    target.  ATTACH, REGION: this fd is a managed region.  REGION: it is attached.
 *    WP_REGISTER: the range is registered with another userfaultfd, this
 *    fd serves another one, or another fd serves this process.
 *  - ENOTCONN: MIGRATE, SCAN: this fd is not attached.  DISCARD: it is no
 *    managed region.  WP_PROTECT: WP_REGISTER was never called on this fd.
 *  - ENOENT: WP_PROTECT: some of the range is not registered.
 *  - ENODEV: MIGRATE, REGION: a node is named that is not online or has no
 *    memory.  mmap: the fd is no managed region.
 *  - EOPNOTSUPP: this kernel lacks what the call needs; INFO says so before.
 *  - ENOMEM: the kernel has no memory for the call's own bookkeeping.
 *  - EINTR: a fatal signal arrived before anything was done.
 */

#define HEMEM_ASSIST_DEVICE	"/dev/hemem"
#define HEMEM_ASSIST_ABI	1	/* struct hemem_assist_info.out_abi */
#define HEMEM_ASSIST_TYPE	0xD4	/* ioctl type, unregistered */

#define HEMEM_ASSIST_INFO	_IO(HEMEM_ASSIST_TYPE, 0x00)
#define HEMEM_ASSIST_ATTACH	_IO(HEMEM_ASSIST_TYPE, 0x01)
#define HEMEM_ASSIST_MIGRATE	_IO(HEMEM_ASSIST_TYPE, 0x02)
#define HEMEM_ASSIST_SCAN	_IO(HEMEM_ASSIST_TYPE, 0x03)
#define HEMEM_ASSIST_REGION	_IO(HEMEM_ASSIST_TYPE, 0x04)
#define HEMEM_ASSIST_DISCARD	_IO(HEMEM_ASSIST_TYPE, 0x05)
#define HEMEM_ASSIST_WP_REGISTER _IO(HEMEM_ASSIST_TYPE, 0x10)
#define HEMEM_ASSIST_WP_PROTECT	_IO(HEMEM_ASSIST_TYPE, 0x11)

/* Published limits */
#define HEMEM_ASSIST_MAX_BATCH	4096	/* entries of one MIGRATE */
#define HEMEM_ASSIST_MAX_RUNS	65536	/* runs of one SCAN */
#define HEMEM_ASSIST_MAX_NODES	1024	/* bits in out_nodes */
#define HEMEM_ASSIST_MAX_REGION_BYTES (1ULL << 44)	/* of one REGION */

/**
 * enum hemem_assist_features - what this module can do on this kernel
 * @HEMEM_ASSIST_FEAT_MIGRATE: MIGRATE works
 * @HEMEM_ASSIST_FEAT_SCAN: SCAN works
 * @HEMEM_ASSIST_FEAT_FLUSH: SCAN flushes the TLB once per batch of cleared
 *	bits, so that the next access sets them again.  Without it a page that
 *	stays in a TLB may look idle, as it does to the kernel's own reclaim.
 * @HEMEM_ASSIST_FEAT_DRAIN: MIGRATE can move pages that were faulted in a
 *	moment ago and still wait in a per-CPU list.  Without it they are BUSY.
 * @HEMEM_ASSIST_FEAT_MAKE_ROOM: MIGRATE knows HEMEM_ASSIST_MIGRATE_MAKE_ROOM
 * @HEMEM_ASSIST_FEAT_SWAP: MIGRATE moves private anonymous memory without making its
 *	readers wait; what else it moves, and all that it moves without this, goes
 *	through the kernel's own migration
 * @HEMEM_ASSIST_FEAT_REGION: REGION works, and mmap, MIGRATE and DISCARD on such an fd; these
 *	need none of the other features
 * @HEMEM_ASSIST_FEAT_WP: WP_REGISTER and WP_PROTECT work.  Off where the kernel itself
 *	has userfaultfd write protection (5.7 and newer), which is to be used there;
 *	include/hemem_uffd_wp.h takes whichever there is.
 */
enum hemem_assist_features {
	HEMEM_ASSIST_FEAT_MIGRATE	= 1 << 0,
	HEMEM_ASSIST_FEAT_SCAN		= 1 << 1,
	HEMEM_ASSIST_FEAT_FLUSH		= 1 << 2,
	HEMEM_ASSIST_FEAT_DRAIN		= 1 << 3,
	HEMEM_ASSIST_FEAT_MAKE_ROOM	= 1 << 4,
	HEMEM_ASSIST_FEAT_SWAP		= 1 << 5,
	HEMEM_ASSIST_FEAT_REGION	= 1 << 6,
	HEMEM_ASSIST_FEAT_WP		= 1 << 8,
};

/**
 * enum hemem_assist_no_swap - why MIGRATE does without HEMEM_ASSIST_FEAT_SWAP
 * @HEMEM_ASSIST_SWAPS: it does not: the feature is on
 * @HEMEM_ASSIST_NO_SWAP_KERNEL: the module was built for a kernel that swaps were not
 *	made right for
 * @HEMEM_ASSIST_NO_SWAP_SYMBOL: the kernel lacks a function for it; the file
 *	missing_symbols in /sys/class/misc/hemem has its name
 * @HEMEM_ASSIST_NO_SWAP_XEN: page tables are Xen's to write (paravirtual guest)
 * @HEMEM_ASSIST_NO_SWAP_OFF: the module's parameter swap=N
 * @HEMEM_ASSIST_NO_SWAP_UNTESTED: the test at load could not be made: no second node,
 *	or no free memory there
 * @HEMEM_ASSIST_NO_SWAP_FAILED: the test at load failed; the kernel's log says how
 */
enum hemem_assist_no_swap {
	HEMEM_ASSIST_SWAPS,
	HEMEM_ASSIST_NO_SWAP_KERNEL,
	HEMEM_ASSIST_NO_SWAP_SYMBOL,
	HEMEM_ASSIST_NO_SWAP_XEN,
	HEMEM_ASSIST_NO_SWAP_OFF,
	HEMEM_ASSIST_NO_SWAP_UNTESTED,
	HEMEM_ASSIST_NO_SWAP_FAILED,
};

/**
 * struct hemem_assist_info - ioctl(HEMEM_ASSIST_INFO)
 * @size: (in) sizeof(struct hemem_assist_info)
 * @flags: (in) must be 0
 * @out_abi: (out) HEMEM_ASSIST_ABI of the module
 * @out_page_bytes: (out) size of a base page
 * @out_features: (out) enum hemem_assist_features
 * @out_huge_page_bytes: (out) size of a transparent huge page; 0: none here
 * @out_max_batch: (out) HEMEM_ASSIST_MAX_BATCH of the module
 * @out_max_runs: (out) HEMEM_ASSIST_MAX_RUNS of the module
 * @out_nodes: (out) bit n of word n / 64: node n is online and has memory
 * @out_no_swap: (out) enum hemem_assist_no_swap
 * @out_reserved: (out) 0
 */
struct hemem_assist_info {
	__u32 size;
	__u32 flags;
	__u32 out_abi;
	__u32 out_page_bytes;
	__aligned_u64 out_features;
	__aligned_u64 out_huge_page_bytes;
	__u32 out_max_batch;
	__u32 out_max_runs;
	__aligned_u64 out_nodes[HEMEM_ASSIST_MAX_NODES / 64];
	__u32 out_no_swap;
	__u32 out_reserved;
};

/**
 * struct hemem_assist_attach - ioctl(HEMEM_ASSIST_ATTACH)
 * @size: (in) sizeof(struct hemem_assist_attach)
 * @flags: (in) must be 0
 * @pidfd: (in) the target, from pidfd_open(2) or clone(2)
 * @out_holder: (out) on EBUSY: the process that attached this fd, or the other fd
 *	that holds the target, as a PID in the caller's namespace, or 0 where it
 *	has none there.  This is the one member that is written on an error, and
 *	it is not written on success.
 *
 * A process is the target of at most one fd, so that two controllers never
 * work against each other.  A child made by fork is a target of its own.
 */
struct hemem_assist_attach {
	__u32 size;
	__u32 flags;
	__s32 pidfd;
	__u32 out_holder;
};

/**
 * enum hemem_assist_status - what became of one entry of MIGRATE
 * @HEMEM_ASSIST_UNTRIED: the call ended early (fatal signal, or the target went
 *	away); 0, so that a forgotten entry shows
 * @HEMEM_ASSIST_MOVED: the page is on the node now
 * @HEMEM_ASSIST_THERE: it was there before
 * @HEMEM_ASSIST_BUSY: in use by someone else this moment (locked, under
 *	writeback, being reclaimed, or referenced by I/O); try again
 * @HEMEM_ASSIST_NO_ROOM: the node had no free page of this size; make room, then
 *	try again.  MIGRATE does not reclaim or compact by itself; see
 *	HEMEM_ASSIST_MIGRATE_MAKE_ROOM.
 * @HEMEM_ASSIST_NO_PAGE: nothing is mapped there: a hole, swapped out, never
 *	touched
 * @HEMEM_ASSIST_SHARED: mapped by other processes too, and the call did not have
 *	HEMEM_ASSIST_MIGRATE_SHARED
 * @HEMEM_ASSIST_ZERO: the kernel's zero page: it has no place of its own
 * @HEMEM_ASSIST_NEVER: this kind of memory is not moved by this module: device
 *	memory, hugetlbfs, special mappings
 * @HEMEM_ASSIST_DENIED: the target's cpuset does not allow this node
 * @HEMEM_ASSIST_NR_STATUS: number of values this header knows
 */
enum hemem_assist_status {
	HEMEM_ASSIST_UNTRIED,
	HEMEM_ASSIST_MOVED,
	HEMEM_ASSIST_THERE,
	HEMEM_ASSIST_BUSY,
	HEMEM_ASSIST_NO_ROOM,
	HEMEM_ASSIST_NO_PAGE,
	HEMEM_ASSIST_SHARED,
	HEMEM_ASSIST_ZERO,
	HEMEM_ASSIST_NEVER,
	HEMEM_ASSIST_DENIED,
	HEMEM_ASSIST_NR_STATUS,
};

/**
 * struct hemem_assist_move - one entry of MIGRATE
 * @addr: (in) page-aligned address in the target; names the page, base or huge,
 *	that it lies in.  A huge page moves whole; a second entry for the same
 *	huge page gets the status of the first when it directly follows it.
 * @node: (in) where the page shall be
 * @out_status: (out) enum hemem_assist_status
 * @out_order: (out) the page is (1 << out_order) base pages large; 0 where no
 *	page was found
 */
struct hemem_assist_move {
	__aligned_u64 addr;
	__u32 node;
	__u16 out_status;
	__u16 out_order;
};

/**
 * enum hemem_assist_migrate_flags
 * @HEMEM_ASSIST_MIGRATE_SHARED: move pages that other processes map too; needs
 *	CAP_SYS_NICE
 * @HEMEM_ASSIST_MIGRATE_MAKE_ROOM: a page that would leave a node with less free
 *	memory than the kernel's low mark (/proc/zoneinfo) wakes the node's kswapd,
 *	which reclaims in the background, idle page cache first, until the high mark
 *	is free, and gets its place as long as the min mark stays free.  The call
 *	itself never waits for that.  Without the flag such a page is NO_ROOM and
 *	kswapd sleeps.
 * @HEMEM_ASSIST_MIGRATE_WRITERS_WAIT: programs may read the pages while they are copied, and wait
 *	with writing until the batch is done (HeMem's rule)
 * @HEMEM_ASSIST_MIGRATE_ALL_WAIT: programs wait with reading, too, each until its page is
 *	copied; the cheapest, and the flag that counts where both are given
 * @HEMEM_ASSIST_MIGRATE_SPLIT: entries name base pages: a huge page is split unless the entries,
 *	in order, name all of it.  Without it huge pages move whole.
 *
 * The first two are for an fd that is attached, the others for a managed region; EINVAL
 * otherwise.  Without a flag nobody waits for the copy of a region's page, and one that is
 * written meanwhile stays where it is and is BUSY.
 */
enum hemem_assist_migrate_flags {
	HEMEM_ASSIST_MIGRATE_SHARED	= 1 << 0,
	HEMEM_ASSIST_MIGRATE_MAKE_ROOM	= 1 << 1,
	HEMEM_ASSIST_MIGRATE_WRITERS_WAIT = 1 << 2,
	HEMEM_ASSIST_MIGRATE_ALL_WAIT	= 1 << 3,
	HEMEM_ASSIST_MIGRATE_SPLIT	= 1 << 4,
};

/**
 * struct hemem_assist_migrate - ioctl(HEMEM_ASSIST_MIGRATE)
 * @size: (in) sizeof(struct hemem_assist_migrate)
 * @flags: (in) enum hemem_assist_migrate_flags
 * @moves: (in) pointer to @nr_moves struct hemem_assist_move
 * @nr_moves: (in) 1 .. HEMEM_ASSIST_MAX_BATCH
 * @reserved: (in) must be 0
 * @out_nr: (out) entries by status, indexed by enum hemem_assist_status; they
 *	add up to @nr_moves.  16 so that there is room for new ones.
 * @out_bytes_moved: (out) bytes of the pages that are MOVED
 * @out_look_ns: (out) finding the pages and taking them off the LRU lists
 * @out_alloc_ns: (out) allocating on the target node
 * @out_move_ns: (out) unmapping, copying and mapping again
 * @out_total_ns: (out) the whole call
 *
 * Entries are tried in order.  The call fails only if the batch could not be
 * tried at all; then no page has moved.
 *
 * On a managed region @addr of an entry is an offset in the region.  A page moves for all
 * processes that map it.  The batch is one transaction: room that it frees is not there
 * for it yet; a page that entries name in different places of the batch is BUSY at the later
 * one; and while pages that lie near each other (no more than 64 others between them)
 * move, TLBs are flushed twice at most, however many there are.  DENIED is by the cpuset
 * of the caller.
 */
struct hemem_assist_migrate {
	__u32 size;
	__u32 flags;
	__aligned_u64 moves;
	__u32 nr_moves;
	__u32 reserved;
	__u32 out_nr[16];
	__aligned_u64 out_bytes_moved;
	__aligned_u64 out_look_ns;
	__aligned_u64 out_alloc_ns;
	__aligned_u64 out_move_ns;
	__aligned_u64 out_total_ns;
};

/**
 * enum hemem_assist_page_flags - state of the pages of one run
 * @HEMEM_ASSIST_PAGE_ACCESSED: read or written since the bit was last cleared,
 *	by a scan or by the kernel's reclaim
 * @HEMEM_ASSIST_PAGE_DIRTY: written since the bit was last cleared
 * @HEMEM_ASSIST_PAGE_HUGE: huge pages, each mapped by one entry
 * @HEMEM_ASSIST_PAGE_ANON: anonymous memory, which has no file behind it
 * @HEMEM_ASSIST_PAGE_SHARED: mapped more than once
 * @HEMEM_ASSIST_PAGE_ZERO: the kernel's zero page; node is meaningless
 * @HEMEM_ASSIST_PAGE_NEVER: MIGRATE would answer NEVER
 */
enum hemem_assist_page_flags {
	HEMEM_ASSIST_PAGE_ACCESSED	= 1 << 0,
	HEMEM_ASSIST_PAGE_DIRTY		= 1 << 1,
	HEMEM_ASSIST_PAGE_HUGE		= 1 << 2,
	HEMEM_ASSIST_PAGE_ANON		= 1 << 3,
	HEMEM_ASSIST_PAGE_SHARED	= 1 << 4,
	HEMEM_ASSIST_PAGE_ZERO		= 1 << 5,
	HEMEM_ASSIST_PAGE_NEVER		= 1 << 6,
};

/**
 * struct hemem_assist_run - neighbouring present pages of one state
 * @addr: (out) address of the first page
 * @nr_pages: (out) how many pages follow each other; huge ones if the flags say
 *	HUGE, base pages otherwise
 * @node: (out) the node that they all lie on
 * @flags: (out) enum hemem_assist_page_flags of each of them
 */
struct hemem_assist_run {
	__aligned_u64 addr;
	__u32 nr_pages;
	__u16 node;
	__u16 flags;
};

/**
 * enum hemem_assist_scan_flags
 * @HEMEM_ASSIST_SCAN_CLEAR_ACCESSED: clear the accessed bits that are reported
 * @HEMEM_ASSIST_SCAN_CLEAR_DIRTY: clear the dirty bits that are reported, in
 *	anonymous private memory only (for other kinds dirty means "since it was
 *	last written back").  No write is forgotten: the kernel's own record of
 *	the page being dirty is set first.
 */
enum hemem_assist_scan_flags {
	HEMEM_ASSIST_SCAN_CLEAR_ACCESSED	= 1 << 0,
	HEMEM_ASSIST_SCAN_CLEAR_DIRTY		= 1 << 1,
};

/**
 * struct hemem_assist_scan - ioctl(HEMEM_ASSIST_SCAN)
 * @size: (in) sizeof(struct hemem_assist_scan)
 * @flags: (in) enum hemem_assist_scan_flags
 * @start: (in) first address, page aligned
 * @end: (in) end of the range, exclusive, page aligned
 * @runs: (in) pointer to @max_runs struct hemem_assist_run to fill
 * @max_runs: (in) 1 .. HEMEM_ASSIST_MAX_RUNS
 * @out_nr_runs: (out) how many were filled, in address order.  What no run
 *	covers is not present, or hugetlbfs or a device's, which SCAN leaves out.
 * @out_end: (out) [start, out_end) was scanned; below @end when @runs was full
 *	or a fatal signal came: call again from there.  Bits beyond out_end were
 *	not touched.
 * @out_nr_present: (out) base pages found present
 * @out_nr_accessed: (out) base pages found accessed; a huge page counts whole
 * @out_total_ns: (out) time of the call
 *
 * A huge page that straddles @start or @end is reported whole, once, if any part
 * of it is inside.
 */
struct hemem_assist_scan {
	__u32 size;
	__u32 flags;
	__aligned_u64 start;
	__aligned_u64 end;
	__aligned_u64 runs;
	__u32 max_runs;
	__u32 out_nr_runs;
	__aligned_u64 out_end;
	__aligned_u64 out_nr_present;
	__aligned_u64 out_nr_accessed;
	__aligned_u64 out_total_ns;
};

/**
 * enum hemem_assist_region_flags
 * @HEMEM_ASSIST_REGION_BASE: base pages only
 */
enum hemem_assist_region_flags {
	HEMEM_ASSIST_REGION_BASE	= 1 << 0,
};

/**
 * struct hemem_assist_region - ioctl(HEMEM_ASSIST_REGION): the fd becomes a managed region
 * @size: (in) sizeof(struct hemem_assist_region)
 * @flags: (in) enum hemem_assist_region_flags
 * @bytes: (in) its length, of whole base pages, 1 page .. HEMEM_ASSIST_MAX_REGION_BYTES;
 *	takes no memory yet
 * @reserve_bytes: (in) how much of @fast_node's memory first touches leave free
 * @fast_node: (in) where a page is that is touched the first time, while more than
 *	@reserve_bytes is free there
 * @slow_node: (in) where it is otherwise; may be the same node
 *
 * The fd is then mapped with mmap(2), MAP_SHARED, in any part and by any process that
 * has the fd or was forked.  All see the same memory.  It is zero at first; a page comes
 * with the first touch, huge where its 2 MiB of the region are mapped as a whole, at an
 * address as much aligned (which mmap sees to).  When both nodes are full, also
 * after reclaim, the touch ends in SIGBUS.  Memory stays until DISCARD, or until no process
 * has the fd or maps any part.
 *
 * The kernel does not count these pages: not in the RSS, not in a memory cgroup; nor does it
 * swap, dump, merge or pin them: O_DIRECT and /proc/PID/mem fail.  /proc/PID/fdinfo of the fd
 * says how much there is on each node.
 */
struct hemem_assist_region {
	__u32 size;
	__u32 flags;
	__aligned_u64 bytes;
	__aligned_u64 reserve_bytes;
	__u32 fast_node;
	__u32 slow_node;
};

/**
 * struct hemem_assist_discard - ioctl(HEMEM_ASSIST_DISCARD): memory of a region is given up
 * @size: (in) sizeof(struct hemem_assist_discard)
 * @flags: (in) must be 0
 * @offset: (in) in the region, page aligned
 * @bytes: (in) > 0, of whole base pages, not beyond the region's end
 *
 * It reads as zero afterwards.  A huge page of which a part is discarded stays, its part is
 * cleared.
 */
struct hemem_assist_discard {
	__u32 size;
	__u32 flags;
	__aligned_u64 offset;
	__aligned_u64 bytes;
};

/**
 * DOC: Write protection of userfaultfd
 *
 * For kernels before 5.7, whose userfaultfd(2) tells of missing pages alone.  A process
 * registers private anonymous memory of its own, and write-protects parts of it.  A
 * write there sleeps until it is woken, and the process reads of it from its userfaultfd:
 * an ordinary UFFD_EVENT_PAGEFAULT with UFFD_PAGEFAULT_FLAG_WP.  It wakes by
 * UFFDIO_WAKE, after it has taken the protection away; else the write comes again.
 *
 * What is protected is pages, not addresses, as since 5.7: a page that is not there yet
 * cannot be protected, and protection goes with the page by munmap, mremap,
 * MADV_DONTNEED.  Pages that are swapped out, moved or merged stay protected.  A child
 * made by fork has nothing protected.  UFFDIO_UNREGISTER, UFFDIO_WAKE and closing the
 * userfaultfd act as they do on any registered range.  Closing the fd of /dev/hemem takes all
 * protection away; ranges stay registered, and who sleeps goes on at the next UFFDIO_WAKE.
 *
 * Different from 5.7: after mremap, or in a child, where the userfaultfd has
 * UFFD_FEATURE_EVENT_REMAP or _EVENT_FORK, the range is registered and nothing in it
 * is protected; UFFDIO_COPY cannot protect what it brings; and a process that is not
 * the registered one can read messages, but not protect.
 */

/**
 * enum hemem_assist_wp_register_flags
 * @HEMEM_ASSIST_WP_MISSING: tell of missing pages, too, as UFFDIO_REGISTER_MODE_MISSING
 */
enum hemem_assist_wp_register_flags {
	HEMEM_ASSIST_WP_MISSING	= 1 << 0,
};

/**
 * struct hemem_assist_wp_register - ioctl(HEMEM_ASSIST_WP_REGISTER)
 * @size: (in) sizeof(struct hemem_assist_wp_register)
 * @flags: (in) enum hemem_assist_wp_register_flags
 * @start: (in) first address, page aligned
 * @end: (in) end of the range, exclusive, page aligned
 * @uffd: (in) the caller's userfaultfd, after UFFDIO_API
 * @reserved: (in) must be 0
 *
 * As UFFDIO_REGISTER with UFFDIO_REGISTER_MODE_WP.  Binds this fd to the caller's memory
 * and to @uffd: both serve each other alone until the fd is closed.  What lies in the
 * range and is registered already keeps its protection.  Holes between mappings
 * are passed over.
 */
struct hemem_assist_wp_register {
	__u32 size;
	__u32 flags;
	__aligned_u64 start;
	__aligned_u64 end;
	__s32 uffd;
	__u32 reserved;
};

/**
 * enum hemem_assist_wp_protect_flags
 * @HEMEM_ASSIST_WP_ON: protect; without it, take protection away
 */
enum hemem_assist_wp_protect_flags {
	HEMEM_ASSIST_WP_ON	= 1 << 0,
};

/**
 * struct hemem_assist_wp_protect - ioctl(HEMEM_ASSIST_WP_PROTECT)
 * @size: (in) sizeof(struct hemem_assist_wp_protect)
 * @flags: (in) enum hemem_assist_wp_protect_flags
 * @start: (in) first address, page aligned
 * @end: (in) end of the range, exclusive, page aligned
 *
 * As UFFDIO_WRITEPROTECT with UFFDIO_WRITEPROTECT_MODE_DONTWAKE: who sleeps in the range is
 * woken by UFFDIO_WAKE.  When it returns, each write to what was protected
 * faults, on all CPUs.  Takes mmap_lock for writing, for a time that grows with the range.
 */
struct hemem_assist_wp_protect {
	__u32 size;
	__u32 flags;
	__aligned_u64 start;
	__aligned_u64 end;
};

#endif /* _UAPI_HEMEM_ASSIST_H */
