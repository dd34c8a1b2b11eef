// SPDX-License-Identifier: GPL-2.0
/*
 * stats.c - every number, from the table in stats.h
 *
 * Owns names, units and definitions, and that the numbers add up.  Printing them is
 * report.c's.
 */
#include "bytes.h"
#include "heat.h"
#include "stats.h"

const struct stats_row stats_rows[] = {
#define STATS_ROW(name, kind, unit, definition) \
	{ #name, unit, definition, STATS_##kind, offsetof(struct stats, name) },
	STATS_TABLE(STATS_ROW)
#undef STATS_ROW
};

const size_t stats_nr_rows = sizeof(stats_rows) / sizeof(stats_rows[0]);

/* Where the moves and bytes of each status are counted. */
static const struct {
	const char *name;
	size_t moves;
	size_t bytes;
} by_status[HEMEM_ASSIST_NR_STATUS] = {
#define STATUS_ROW(upper, lower) \
	[HEMEM_ASSIST_##upper] = { #lower, offsetof(struct stats, moves_##lower), \
				   offsetof(struct stats, bytes_##lower) },
	STATUS_ROW(UNTRIED, untried)
	STATUS_ROW(MOVED, moved)
	STATUS_ROW(THERE, there)
	STATUS_ROW(BUSY, busy)
	STATUS_ROW(NO_ROOM, no_room)
	STATUS_ROW(NO_PAGE, no_page)
	STATUS_ROW(SHARED, shared)
	STATUS_ROW(ZERO, zero)
	STATUS_ROW(NEVER, never)
	STATUS_ROW(DENIED, denied)
#undef STATUS_ROW
};

static uint64_t *member(struct stats *stats, size_t offset)
{
	return (uint64_t *)((char *)stats + offset);
}

uint64_t stats_get(const struct stats *stats, const struct stats_row *row)
{
	return *(const uint64_t *)((const char *)stats + row->offset);
}

const char *stats_status_name(enum hemem_assist_status status)
{
	return (unsigned int)status < HEMEM_ASSIST_NR_STATUS ? by_status[status].name : "unknown";
}

static void count_moved(struct stats *stats, uint64_t bytes, bool promoted)
{
	if (promoted) {
		stats->promoted_pages++;
		stats->promoted_bytes += bytes;
	} else {
		stats->demoted_pages++;
		stats->demoted_bytes += bytes;
	}
}

void stats_add_move(struct stats *stats, unsigned int status, uint64_t bytes, bool promoted)
{
	if (status >= HEMEM_ASSIST_NR_STATUS)
		status = HEMEM_ASSIST_BUSY;
	stats->moves_planned++;
	stats->bytes_planned += bytes;
	++*member(stats, by_status[status].moves);
	*member(stats, by_status[status].bytes) += bytes;
	if (status == HEMEM_ASSIST_MOVED)
		count_moved(stats, bytes, promoted);
}

const char *stats_waiting(const struct stats *stats)
{
	if (!stats->hot_slow_bytes)
		return NULL;
	if (bytes_above(stats->fast_limit_bytes, stats->target_fast_bytes) < HEAT_HUGE_BYTES)
		return "--fast-limit is reached";
	if (bytes_above(stats->fast_share_bytes, stats->target_fast_bytes) < HEAT_HUGE_BYTES)
		return "others have the rest of the fast tier";
	if (stats->fast_room_bytes < HEAT_HUGE_BYTES)
		return stats->wear_left_bytes < HEAT_HUGE_BYTES ?
		       "--wear-limit lets nothing make room" : "the fast tier has no room";
	return stats->backed_off_pages ? "moves were refused" : NULL;
}

bool stats_add_up(const struct stats *stats)
{
	uint64_t moves = 0, bytes = 0;
	size_t i;

	for (i = 0; i < HEMEM_ASSIST_NR_STATUS; i++) {
		moves += *member((struct stats *)stats, by_status[i].moves);
		bytes += *member((struct stats *)stats, by_status[i].bytes);
	}
	return moves == stats->moves_planned && bytes == stats->bytes_planned &&
	       stats->promoted_bytes + stats->demoted_bytes == stats->bytes_moved &&
	       stats->promoted_pages + stats->demoted_pages == stats->moves_moved &&
	       stats->samples_used + stats->samples_outside + stats->samples_unmovable +
	       stats->samples_stale + stats->samples_other + stats->samples_cached +
	       stats->samples_lost + stats->samples_dropped == stats->samples_seen &&
	       stats->records_samples + stats->records_lost + stats->records_throttled +
	       stats->records_unthrottled + stats->records_other + stats->records_broken ==
	       stats->records_seen;
}
