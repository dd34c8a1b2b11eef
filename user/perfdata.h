/* SPDX-License-Identifier: GPL-2.0 */
/*
 * perfdata.h - samples out of a file that `perf record` wrote
 */
#ifndef HEMEM_PERFDATA_H
#define HEMEM_PERFDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sample.h"

struct perfdata;

/**
 * struct perfdata_sample - one sample
 * @sample: what it says; @period is set also where all samples have the same
 * @event: name of its event
 * @comm: name of its thread at that time; until the next one is read
 */
struct perfdata_sample {
	struct sample sample;
	const char *event;
	const char *comm;
};

/**
 * struct perfdata_counts - what the file has
 * @nr_records: records, of which
 * @nr_samples: are samples, without
 * @nr_broken: those that contradict themselves, or have no address
 * @nr_others: say something else
 * @nr_lost: samples that perf says were lost
 */
struct perfdata_counts {
	uint64_t nr_records;
	uint64_t nr_samples;
	uint64_t nr_broken;
	uint64_t nr_others;
	uint64_t nr_lost;
};

/** perfdata_is() - does this look like a file of perf's, be it one that cannot be read? */
bool perfdata_is(const char *path);

/**
 * perfdata_open() - read such a file
 * @ret_perfdata: for perfdata_close(); untouched on failure
 *
 * Return: 0; or, with perfdata_reason() saying why: -errno of open, -ENOMEM, -EINVAL: no such
 * file, or of a kind that is not read, -EBADMSG: it is damaged, -EOPNOTSUPP: its samples have
 * no addresses.
 */
int perfdata_open(const char *path, struct perfdata **ret_perfdata);

/** perfdata_reason() - why the last perfdata_open() of this thread failed, in words */
const char *perfdata_reason(void);

/** perfdata_counts() - what is in it */
const struct perfdata_counts *perfdata_counts(const struct perfdata *perfdata);

/** perfdata_name_width() - length of the longest name of an event */
int perfdata_name_width(const struct perfdata *perfdata);

/** perfdata_next() - the samples, by time.  Return: false at the end; untouched then. */
bool perfdata_next(struct perfdata *perfdata, struct perfdata_sample *ret_sample);

/** perfdata_rewind() - the next one is the first again */
void perfdata_rewind(struct perfdata *perfdata);

/** perfdata_close() - NULL is allowed */
void perfdata_close(struct perfdata *perfdata);

#endif /* HEMEM_PERFDATA_H */
