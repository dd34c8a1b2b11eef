// SPDX-License-Identifier: GPL-2.0
/*
 * crew.c - the threads of all actors of one process
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "crew.h"

static int prepare_actor(struct crew *crew, unsigned int number, uint64_t seed)
{
	const struct actor *actor = actors[number];
	struct arena *arena = NULL;
	unsigned int i;
	int err = 0;

	if (actor->nr_base) {
		arena = arena_new(number, actor->nr_base, actor->nr_huge);
		if (!arena)
			return -errno;
	}
	if (actor->begin)
		err = actor->begin(arena);
	for (i = 0; !err && i < actor->nr_threads; i++) {
		struct worker *worker = &crew->workers[crew->nr++];

		*worker = (struct worker){ .actor = actor, .number = number, .index = i,
					   .arena = arena };
		dice_init(&worker->dice, seed * 1009 + number * 31 + i);
		if (actor->begin_thread)
			err = actor->begin_thread(worker);
	}
	return err;
}

int crew_prepare(struct crew *crew, uint64_t chosen, bool is_outside, uint64_t seed)
{
	unsigned int i;
	int err;

	crew->nr = 0;
	for (i = 0; i < actor_count(); i++) {
		if (!(chosen >> i & 1) || actors[i]->is_outside != is_outside)
			continue;
		err = prepare_actor(crew, i, seed);
		if (err) {
			fprintf(stderr, "stress: %s cannot begin: %s\n", actors[i]->name,
				strerror(-err));
			return err;
		}
	}
	return 0;
}

int crew_start(struct crew *crew)
{
	unsigned int i;
	int err;

	for (i = 0; i < crew->nr; i++) {
		err = pthread_create(&crew->threads[i], NULL, worker_run,
				     &crew->workers[i]);
		if (err)
			return -err;
	}
	return 0;
}

void crew_join(struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->nr; i++)
		pthread_join(crew->threads[i], NULL);
}

void crew_end(struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->nr; i++) {
		struct worker *worker = &crew->workers[i];

		if (worker->index)
			continue;
		if (worker->actor->end)
			worker->actor->end(worker);
		else if (worker->arena)
			arena_check_all(worker, "at the end every page is as the books say");
		worker_report(worker, 0);
	}
}
