// SPDX-License-Identifier: GPL-2.0
/*
 * migrate.c - MIGRATE: what is asked, whether it may be, and what came of it
 *
 * Checks the whole batch before anything moves, hands it to the engine in
 * stretches that want the same node, and adds up the answers.  How a page moves
 * is the engine's business.
 */
#include <linux/capability.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include "hemem.h"
#include "ksyms.h"
#include "trace.h"

#define MIGRATE_FLAGS (HEMEM_ASSIST_MIGRATE_SHARED | HEMEM_ASSIST_MIGRATE_MAKE_ROOM)

static const struct hemem_engine *engine = &hemem_engine_kernel;

static int check_moves(const struct hemem_assist_move *moves, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!PAGE_ALIGNED(moves[i].addr) || moves[i].addr >= TASK_SIZE_MAX)
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

/* Nobody is left in there but us: the target is exiting. */
static bool is_abandoned(const struct mm_struct *mm)
{
	return atomic_read(&mm->mm_users) == 1;
}

static int run_batch(struct hemem_batch *batch)
{
	unsigned int done = 0, nr;
	int ret;

	while (done < batch->nr_moves) {
		if (fatal_signal_pending(current))
			return done ? 0 : -EINTR;
		if (is_abandoned(batch->mm))
			return done ? 0 : -ESRCH;
		nr = same_node(batch, done);
		if (!nr) {
			done++;
			continue;
		}
		ret = engine->move(batch, done, nr);
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

static int check_arg(const struct hemem_assist_migrate *arg)
{
	if (arg->flags & ~MIGRATE_FLAGS || arg->reserved)
		return -EINVAL;
	if (!arg->nr_moves || arg->nr_moves > HEMEM_ASSIST_MAX_BATCH)
		return -EINVAL;
	if (!(hemem_ksyms_features() & HEMEM_ASSIST_FEAT_MIGRATE))
		return -EOPNOTSUPP;
	return 0;
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
		.reply = arg,
	};
	const u64 start_ns = ktime_get_ns();
	size_t bytes = arg->nr_moves * sizeof(*batch.moves);
	nodemask_t allowed;
	int ret;

	ret = check_arg(arg);
	if (ret)
		return ret;
	batch.mm = hemem_target_enter(target, &allowed);
	if (IS_ERR(batch.mm))
		return PTR_ERR(batch.mm);
	ret = -EPERM;
	if (batch.may_share && !capable(CAP_SYS_NICE))
		goto err_mm;
	batch.moves = vmemdup_user(u64_to_user_ptr(arg->moves), bytes);
	if (IS_ERR(batch.moves)) {
		ret = PTR_ERR(batch.moves);
		goto err_mm;
	}
	ret = check_moves(batch.moves, batch.nr_moves);
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
	if (copy_to_user(u64_to_user_ptr(arg->moves), batch.moves, bytes))
		ret = -EFAULT;

err_moves:
	kvfree(batch.moves);
err_mm:
	mmput(batch.mm);
	return ret;
}
