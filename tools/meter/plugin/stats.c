// SPDX-License-Identifier: GPL-2.0
/*
 * stats.c - what was counted, by phase and by window
 *
 * A window ends when its time is up or the phase changes, so that it lies in one phase.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "mmode.h"
#include "options.h"
#include "oracle.h"
#include "stats.h"

struct stats_phase stats_phases[METER_NR_PHASES] = { { .was_entered = true } };
struct stats_phase *stats = &stats_phases[METER_PHASE_BEFORE];
struct stats_window stats_window;
uint64_t stats_window_ends_ns = ~0ULL;

static struct stats_window *windows;
static size_t nr_windows, max_windows;
static uint64_t begin_ns;		/* of the first window */
static uint64_t phase_began_ns, phase_idle_ns, phase_host_ns;

unsigned int stats_phase(void)
{
	return stats - stats_phases;
}

static uint64_t host_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void keep_window(void)
{
	if (nr_windows == max_windows) {
		max_windows = max_windows ? 2 * max_windows : 1024;
		windows = realloc(windows, max_windows * sizeof(*windows));
		if (!windows)
			meter_die("no memory for %zu windows", max_windows);
	}
	windows[nr_windows++] = stats_window;
}

static void end_window(uint64_t now_ns)
{
	stats_window.end_ns = now_ns - begin_ns;
	stats_window.phase = stats_phase();
	keep_window();
	oracle_end_window();
	stats_window = (struct stats_window){ 0 };
}

void stats_begin_windows(uint64_t now_ns)
{
	if (!begin_ns)
		begin_ns = now_ns;
	stats_window_ends_ns = now_ns + options.window_ms * 1000000;
}

/* Idle guests skip time: the window's end is then later than planned, the next one's is not. */
void stats_end_window(uint64_t now_ns)
{
	const uint64_t length_ns = options.window_ms * 1000000;

	end_window(now_ns);
	stats_window_ends_ns += (1 + (now_ns - stats_window_ends_ns) / length_ns) * length_ns;
}

void stats_close(void)
{
	uint64_t now_ns = clock_now_ns(), host_ns = host_cpu_ns();
	uint64_t idle_ns = clock_idle_ns();

	stats->time_ns += now_ns - phase_began_ns;
	stats->idle_ns += idle_ns - phase_idle_ns;
	stats->host_cpu_ns += host_ns - phase_host_ns;
	phase_began_ns = now_ns;
	phase_idle_ns = idle_ns;
	phase_host_ns = host_ns;
	mmode_close();
	if (stats_window_ends_ns != ~0ULL)
		end_window(now_ns);
	oracle_close();
}

void stats_set_phase(unsigned int phase)
{
	stats_close();
	stats = &stats_phases[phase % METER_NR_PHASES];
	stats->was_entered = true;
}

void stats_reset(void)
{
	memset(stats_phases, 0, sizeof(stats_phases));
	stats->was_entered = true;
	stats_window = (struct stats_window){ 0 };
	nr_windows = 0;
	begin_ns = stats_window_ends_ns == ~0ULL ? 0 : clock_now_ns();
}

const struct stats_window *stats_windows(size_t *ret_nr)
{
	*ret_nr = nr_windows;
	return windows;
}
