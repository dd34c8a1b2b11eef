// SPDX-License-Identifier: GPL-2.0
/*
 * migrate.c - MIGRATE: what is asked, whether it may be, and what came of it
 *
 * Checks the whole batch before anything moves, hands it to the engine in
 * stretches that want the same node, and adds up the answers.  How a page moves
 * is the engine's business.
 */
#include <linux/capability.h>
#include <linux/cpuset.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include "hemem.h"
#include "ksyms.h"
#include "trace.h"

#define MIGRATE_FLAGS (HEMEM_ASSIST_MIGRATE_SHARED | HEMEM_ASSIST_MIGRATE_MAKE_ROOM)
#define REGION_FLAGS (HEMEM_ASSIST_MIGRATE_WRITERS_WAIT | HEMEM_ASSIST_MIGRATE_ALL_WAIT | \
		      HEMEM_ASSIST_MIGRATE_SPLIT)

static bool drain = true;
module_param(drain, bool, 0644);
MODULE_PARM_DESC(drain,
		 "Drain the per-CPU LRU lists, at most once per MIGRATE, when a page waits in one (default: Y)");

static bool swap = true;
module_param(swap, bool, 0444);
MODULE_PARM_DESC(swap,
		 "Swap private anonymous memory without making its readers wait, where that is right (default: Y)");

static bool selftest = true;
module_param(selftest, bool, 0444);
MODULE_PARM_DESC(selftest,
		 "Test at load that a swap changes what it should and nothing else, and do without where it does not (default: Y)");

static const struct hemem_engine *engine = &hemem_engine_kernel;
static enum hemem_assist_no_swap no_swap;

static const char *const no_swap_words[] = {
	[HEMEM_ASSIST_SWAPS] = "",
	[HEMEM_ASSIST_NO_SWAP_KERNEL] = " (swaps are not made for this kernel)",
	[HEMEM_ASSIST_NO_SWAP_SYMBOL] = " (the kernel lacks a function that swaps need)",
	[HEMEM_ASSIST_NO_SWAP_XEN] = " (this is a paravirtual guest)",
	[HEMEM_ASSIST_NO_SWAP_OFF] = " (swap=N)",
	[HEMEM_ASSIST_NO_SWAP_UNTESTED] = " (swaps cannot be tested: no free second node?)",
	[HEMEM_ASSIST_NO_SWAP_FAILED] = " (swaps failed their test)",
};

/* So few that they need no allocation. */
#define FEW_MOVES	16

/* A kernel copy of @nr moves: in @few, of FEW_MOVES, or to be freed by free_moves(). */
static struct hemem_assist_move *copy_moves(u64 from, unsigned int nr,
					    struct hemem_assist_move *few)
{
	if (nr > FEW_MOVES)
		return vmemdup_user(u64_to_user_ptr(from), nr * sizeof(*few));
	if (copy_from_user(few, u64_to_user_ptr(from), nr * sizeof(*few)))
		return ERR_PTR(-EFAULT);
	return few;
}

static void free_moves(struct hemem_assist_move *moves,
		       const struct hemem_assist_move *few)
{
	if (moves != few)
		kvfree(moves);
}

/* @end: addresses are below it. */
static int check_moves(const struct hemem_assist_move *moves, unsigned int nr, u64 end)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!PAGE_ALIGNED(moves[i].addr) || moves[i].addr >= end)
			return -EINVAL;
	for (i = 0; i < nr; i++)
		if (moves[i].node >= MAX_NUMNODES ||
		    !node_state(moves[i].node, N_MEMORY))
			return -ENODEV;
	return 0;
}

/* Everyone starts as UNTRIED, except where the cpuset forbids the node. */
static void reset_moves(struct hemem_assist_move *moves, unsigned int nr,
			const nodemask_t *allowed)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		moves[i].out_order = 0;
		moves[i].out_status = node_isset(moves[i].node, *allowed) ?
			HEMEM_ASSIST_UNTRIED : HEMEM_ASSIST_DENIED;
	}
}

/* The entries from @first on that want one node and may have it. */
static unsigned int same_node(const struct hemem_batch *batch, unsigned int first)
{
	const struct hemem_assist_move *moves = batch->moves;
	unsigned int i;

	for (i = first; i < batch->nr_moves; i++)
		if (moves[i].node != moves[first].node ||
		    moves[i].out_status != HEMEM_ASSIST_UNTRIED)
			break;
	return i - first;
}

/**
 * hemem_migrate_drain() - bring pages that wait in per-CPU LRU lists to the lists
 * @batch: has this done once at most, and not where it is turned off or impossible
 */
void hemem_migrate_drain(struct hemem_batch *batch)
{
	if (!drain || batch->has_drained ||
	    !(hemem_ksyms_features() & HEMEM_ASSIST_FEAT_DRAIN))
		return;
	batch->has_drained = true;
	ksym(lru_add_drain_all)();
	hemem_stats_add(HEMEM_STAT_drains, 1);
}

static int run_batch(struct hemem_batch *batch)
{
	unsigned int done = 0, nr;
	int ret;

	while (done < batch->nr_moves) {
		if (hemem_batch_is_over(batch)) {
			if (done)
				return 0;
			return fatal_signal_pending(current) ? -EINTR : -ESRCH;
		}
		nr = same_node(batch, done);
		if (!nr) {
			done++;
			continue;
		}
		ret = engine->move(batch, done, nr);
		/* It saw that the batch is over: say why, as above. */
		if (ret == -EINTR)
			continue;
		if (ret < 0)
			return done ? 0 : ret;
		done += ret;
		cond_resched();
	}
	return 0;
}

static void count_moves(const struct hemem_batch *batch)
{
	struct hemem_assist_migrate *reply = batch->reply;
	unsigned int i;

	for (i = 0; i < batch->nr_moves; i++) {
		const struct hemem_assist_move *move = &batch->moves[i];

		reply->out_nr[move->out_status]++;
	}

	BUILD_BUG_ON(HEMEM_ASSIST_NR_STATUS > ARRAY_SIZE(reply->out_nr));
	BUILD_BUG_ON(HEMEM_STAT_denied - HEMEM_STAT_untried !=
		     HEMEM_ASSIST_DENIED - HEMEM_ASSIST_UNTRIED);
	for (i = 0; i < HEMEM_ASSIST_NR_STATUS; i++)
		if (reply->out_nr[i])
			hemem_stats_add(HEMEM_STAT_untried + i, reply->out_nr[i]);
	hemem_stats_add(HEMEM_STAT_migrate_calls, 1);
	hemem_stats_add(HEMEM_STAT_moved_bytes, reply->out_bytes_moved);
	hemem_stats_add(HEMEM_STAT_migrate_ns, reply->out_total_ns);
}

static void reset_reply(struct hemem_assist_migrate *reply)
{
	memset(reply->out_nr, 0, sizeof(reply->out_nr));
	reply->out_bytes_moved = 0;
	reply->out_look_ns = 0;
	reply->out_alloc_ns = 0;
	reply->out_move_ns = 0;
}

static int check_arg(const struct hemem_assist_migrate *arg, u32 known_flags)
{
	if (arg->flags & ~known_flags || arg->reserved)
		return -EINVAL;
	if (!arg->nr_moves || arg->nr_moves > HEMEM_ASSIST_MAX_BATCH)
		return -EINVAL;
	return 0;
}

static int check_target_arg(const struct hemem_assist_migrate *arg)
{
	int ret = check_arg(arg, MIGRATE_FLAGS);

	if (ret)
		return ret;
	if (!(hemem_ksyms_features() & HEMEM_ASSIST_FEAT_MIGRATE))
		return -EOPNOTSUPP;
	return 0;
}

/* All but whether it works, which the test at load says. */
static enum hemem_assist_no_swap judge_swap(void)
{
#ifdef HEMEM_SWAP
	if (!swap)
		return HEMEM_ASSIST_NO_SWAP_OFF;
	if (boot_cpu_has(X86_FEATURE_XENPV))
		return HEMEM_ASSIST_NO_SWAP_XEN;
	if (!(hemem_ksyms_features() & HEMEM_ASSIST_FEAT_SWAP))
		return HEMEM_ASSIST_NO_SWAP_SYMBOL;
	return selftest ? hemem_selftest() : HEMEM_ASSIST_SWAPS;
#else
	return HEMEM_ASSIST_NO_SWAP_KERNEL;
#endif
}

/**
 * hemem_migrate_init() - choose the engine, once, at load
 */
void hemem_migrate_init(void)
{
	no_swap = judge_swap();
#ifdef HEMEM_SWAP
	if (!no_swap)
		engine = &hemem_engine_swap;
#endif
	pr_info("pages are moved by: %s%s\n", engine->name, no_swap_words[no_swap]);
}

/**
 * hemem_migrate_no_swap() - what INFO says of the choice
 *
 * Return: HEMEM_ASSIST_SWAPS, or why engine_swap.c is not used
 */
enum hemem_assist_no_swap hemem_migrate_no_swap(void)
{
	return no_swap;
}

/* Of a region the fd is the right to it: who has it may map the memory and discard it. */
static int migrate_region(struct hemem_region *region, struct hemem_assist_migrate *arg)
{
	struct hemem_batch batch = { .nr_moves = arg->nr_moves, .reply = arg };
	const u64 start_ns = ktime_get_ns();
	struct hemem_assist_move few[FEW_MOVES];
	nodemask_t allowed = cpuset_current_mems_allowed;
	int ret = check_arg(arg, REGION_FLAGS);

	if (ret)
		return ret;
	batch.moves = copy_moves(arg->moves, arg->nr_moves, few);
	if (IS_ERR(batch.moves))
		return PTR_ERR(batch.moves);
	ret = check_moves(batch.moves, batch.nr_moves,
			  (u64)hemem_region_pages(region) << PAGE_SHIFT);
	if (ret)
		goto err_moves;
	reset_moves(batch.moves, batch.nr_moves, &allowed);
	reset_reply(arg);
	ret = hemem_region_move(region, &batch, arg->flags);
	if (ret)
		goto err_moves;
	arg->out_total_ns = ktime_get_ns() - start_ns;
	count_moves(&batch);
	if (copy_to_user(u64_to_user_ptr(arg->moves), batch.moves,
			 arg->nr_moves * sizeof(*batch.moves)))
		ret = -EFAULT;

err_moves:
	free_moves(batch.moves, few);
	return ret;
}

/**
 * hemem_migrate() - HEMEM_ASSIST_MIGRATE
 * @target: the fd's
 * @arg: kernel copy of the struct; the array it points to is the caller's
 *
 * Return: 0 if the batch was tried, or -errno as the uapi header promises
 */
int hemem_migrate(struct hemem_target *target, struct hemem_assist_migrate *arg)
{
	struct hemem_batch batch = {
		.nr_moves = arg->nr_moves,
		.may_share = arg->flags & HEMEM_ASSIST_MIGRATE_SHARED,
		.makes_room = arg->flags & HEMEM_ASSIST_MIGRATE_MAKE_ROOM,
		.scratch = &target->scratch,
		.reply = arg,
	};
	const u64 start_ns = ktime_get_ns();
	struct hemem_region *region = smp_load_acquire(&target->region);
	struct hemem_assist_move few[FEW_MOVES];
	nodemask_t allowed;
	int ret;

	if (region)
		return migrate_region(region, arg);
	ret = check_target_arg(arg);
	if (ret)
		return ret;
	batch.mm = hemem_target_enter(target, &allowed);
	if (IS_ERR(batch.mm))
		return PTR_ERR(batch.mm);
	ret = -EPERM;
	if (batch.may_share && !capable(CAP_SYS_NICE))
		goto err_mm;
	batch.moves = copy_moves(arg->moves, arg->nr_moves, few);
	if (IS_ERR(batch.moves)) {
		ret = PTR_ERR(batch.moves);
		goto err_mm;
	}
	ret = check_moves(batch.moves, batch.nr_moves, TASK_SIZE_MAX);
	if (ret)
		goto err_moves;

	trace_hemem_migrate_begin(pid_nr(target->pid), arg->nr_moves);
	reset_moves(batch.moves, batch.nr_moves, &allowed);
	reset_reply(arg);
	ret = run_batch(&batch);
	if (ret)
		goto err_moves;
	arg->out_total_ns = ktime_get_ns() - start_ns;
	count_moves(&batch);
	trace_hemem_migrate_end(pid_nr(target->pid), arg);
	if (copy_to_user(u64_to_user_ptr(arg->moves), batch.moves,
			 arg->nr_moves * sizeof(*batch.moves)))
		ret = -EFAULT;

err_moves:
	free_moves(batch.moves, few);
err_mm:
	mmput(batch.mm);
	return ret;
}
