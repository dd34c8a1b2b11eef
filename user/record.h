/* SPDX-License-Identifier: GPL-2.0 */
/*
 * record.h - writes down what the heat store is told and what is decided
 */
#ifndef HEMEM_RECORD_H
#define HEMEM_RECORD_H

#include <stdint.h>

struct heat;
struct plan;
struct record;
struct region_set;
struct stats;
struct tier_set;
struct trace_origin;

/**
 * record_new() - begin a recording
 * @path: file to write; what was there is replaced
 * @origin: what is recorded
 * @heat: is listened to until record_free()
 * @now_ns: CLOCK_MONOTONIC; times are told since then
 * @ret_record: untouched on failure
 *
 * Return: 0 or -errno.
 */
int record_new(const char *path, const struct trace_origin *origin, struct heat *heat,
	       uint64_t now_ns, struct record **ret_record);

/**
 * record_tick() - a turn of the loop begins
 * @tiers: are written down when they changed
 * @regions: are written down when @stats says that they were read again
 * @stats: rates of samples are taken from here
 */
void record_tick(struct record *record, uint64_t now_ns, const struct tier_set *tiers,
		 const struct region_set *regions, const struct stats *stats);

/** record_plan() - a plan that has been carried out, with the status of each move, or a trial */
void record_plan(struct record *record, const struct plan *plan);

/** record_error() - 0, or the -errno that made the recording stop */
int record_error(const struct record *record);

/** record_free() - end it.  NULL is allowed.  Return: 0 or -errno: it is not whole. */
int record_free(struct record *record);

#endif /* HEMEM_RECORD_H */
