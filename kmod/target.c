// SPDX-License-Identifier: GPL-2.0
/*
 * target.c - whose memory an fd is bound to, and who may touch it
 *
 * Lifetimes: struct file owns struct hemem_target; an attached target keeps its
 * mm_struct (not the memory in it) and two struct pid until the file is gone.
 *
 * Rights are those of move_pages(2), asked again at every call and of whoever
 * calls: PTRACE_MODE_READ_REALCREDS and the security module's task_movememory.
 * mm_access() asks under the lock that exec takes, so the answer is about the
 * very mm that it returns.
 */
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "hemem.h"
#include "ksyms.h"

static LIST_HEAD(targets);		/* every attached target */
static DEFINE_MUTEX(targets_lock);	/* protects the list; taken inside target->lock */

struct hemem_target *hemem_target_new(void)
{
	struct hemem_target *target = kzalloc(sizeof(*target), GFP_KERNEL_ACCOUNT);

	if (!target)
		return NULL;
	mutex_init(&target->lock);
	INIT_LIST_HEAD(&target->node);
	return target;
}

/* The last reference to the file is gone: no ioctl can be running. */
void hemem_target_free(struct hemem_target *target)
{
	if (target->mm) {
		mutex_lock(&targets_lock);
		list_del(&target->node);
		mutex_unlock(&targets_lock);
		mmdrop(target->mm);
		put_pid(target->pid);
		put_pid(target->holder);
		hemem_pool_empty();
	}
	if (target->wp)
		hemem_wp_free(target->wp);
	hemem_region_free(target->region);
	kfree(target->scratch);
	kfree(target);
}

/*
 * A thread of @pid that still has the memory.  Any will do; the first one is
 * not enough, because a program's main thread may have exited before the rest.
 */
static struct task_struct *live_thread(struct pid *pid)
{
	struct task_struct *leader, *thread, *found = NULL;

	rcu_read_lock();
	leader = pid_task(pid, PIDTYPE_TGID);
	if (leader) {
		for_each_thread(leader, thread) {
			if (thread->flags & PF_KTHREAD || !READ_ONCE(thread->mm))
				continue;
			found = thread;
			get_task_struct(found);
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* The mm of @pid with mm_users taken, if the caller may move its pages. */
static struct mm_struct *enter(struct pid *pid, nodemask_t *ret_allowed)
{
	struct task_struct *task = live_thread(pid);
	struct mm_struct *mm;
	int ret;

	if (!task)
		return ERR_PTR(-ESRCH);
	mm = ksym(mm_access)(task, PTRACE_MODE_READ_REALCREDS);
	if (!mm)
		mm = ERR_PTR(-ESRCH);
	else if (mm == ERR_PTR(-EACCES))
		mm = ERR_PTR(-EPERM);
	if (!IS_ERR(mm)) {
		ret = hemem_task_movememory(task);
		if (ret) {
			mmput(mm);
			mm = ERR_PTR(-EPERM);
		} else if (ret_allowed) {
			*ret_allowed = hemem_mems_allowed(task);
		}
	}
	put_task_struct(task);
	return mm;
}

/* Puts @target into the list unless @mm is in it already. */
static int targets_add(struct hemem_target *target, struct mm_struct *mm,
		       u32 *ret_holder)
{
	struct hemem_target *other;
	int ret = 0;

	mutex_lock(&targets_lock);
	list_for_each_entry(other, &targets, node) {
		if (other->mm == mm) {
			*ret_holder = pid_vnr(other->holder);
			ret = -EBUSY;
			break;
		}
	}
	if (!ret) {
		WRITE_ONCE(target->mm, mm);
		list_add(&target->node, &targets);
	}
	mutex_unlock(&targets_lock);
	return ret;
}

static int attach_locked(struct hemem_target *target,
			 struct hemem_assist_attach *arg)
{
	struct mm_struct *mm;
	unsigned int flags;
	struct pid *pid;
	int ret;

	if (target->region) {
		arg->out_holder = 0;
		return -EBUSY;
	}
	if (target->mm) {
		arg->out_holder = pid_vnr(target->holder);
		return -EBUSY;
	}
	pid = ksym(pidfd_get_pid)(arg->pidfd, &flags);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	mm = enter(pid, NULL);
	if (IS_ERR(mm)) {
		ret = PTR_ERR(mm);
		goto err_pid;
	}

	/* Complete before it is in the list, where others see it. */
	target->pid = pid;
	target->holder = get_pid(task_tgid(current));
	mmgrab(mm);
	ret = targets_add(target, mm, &arg->out_holder);
	if (ret)
		goto err_mm;
	mmput(mm);
	return 0;

err_mm:
	put_pid(target->holder);
	mmdrop(mm);
	mmput(mm);
err_pid:
	put_pid(pid);
	return ret;
}

/**
 * hemem_target_attach() - bind @target to the memory of a process
 * @target: not attached yet, or -EBUSY
 * @arg: of HEMEM_ASSIST_ATTACH
 *
 * Return: 0 or -errno as the uapi header promises; nothing changed on an error
 */
int hemem_target_attach(struct hemem_target *target,
			struct hemem_assist_attach *arg)
{
	int ret;

	if (arg->flags)
		return -EINVAL;
	if (!hemem_ksyms_features())
		return -EOPNOTSUPP;
	mutex_lock(&target->lock);
	ret = attach_locked(target, arg);
	mutex_unlock(&target->lock);
	if (!ret)
		hemem_stats_add(HEMEM_STAT_attaches, 1);
	return ret;
}

/**
 * hemem_target_enter() - take the target's memory for the length of one call
 * @target: may be unattached
 * @ret_allowed: the nodes that the target's cpuset allows, or NULL
 *
 * Return: the mm, to be given back with mmput(), or -ENOTCONN, -EPERM, -EINTR,
 * or -ESRCH: exited, or a new program runs there since exec
 */
struct mm_struct *hemem_target_enter(struct hemem_target *target,
				     nodemask_t *ret_allowed)
{
	struct mm_struct *mm, *bound = READ_ONCE(target->mm);

	if (!bound)
		return ERR_PTR(-ENOTCONN);
	mm = enter(target->pid, ret_allowed);
	if (!IS_ERR(mm) && mm != bound) {
		mmput(mm);
		mm = ERR_PTR(-ESRCH);
	}
	return mm;
}
