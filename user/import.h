/* SPDX-License-Identifier: GPL-2.0 */
/*
 * import.h - recordings of others: a file of perf's as if hemem-ctl had recorded it
 */
#ifndef HEMEM_IMPORT_H
#define HEMEM_IMPORT_H

#include <stdio.h>

struct perfdata;
struct trace_reader;
struct trace_writer;

/**
 * import_open() - begin to read a recording, or a file that `perf record` wrote
 * @ret_reader: for trace_close(); untouched on failure
 *
 * Of perf's, the process with the most samples is the target; import_note() tells what was
 * used.  Nothing in such a file says how large the tiers were, or what pages there were that
 * got no sample.
 *
 * Return: 0; or, with import_reason() saying why, as trace_open() or perfdata_open(), or
 * -ENODATA: nothing in it can be used.
 */
int import_open(const char *path, struct trace_reader **ret_reader);

/** import_reason() - why the last import_open() of this thread failed, in words */
const char *import_reason(void);

/** import_note() - what it found in a file of perf's, one sentence; NULL: it was none */
const char *import_note(void);

/**
 * import_script() - print samples as `perf script -F comm,pid,tid,time,period,event,addr` does
 * @path: a recording, or a file of perf's
 * @out: where to
 *
 * A recording has the time of the tick and the address of the base page.  Return: as
 * import_open().
 */
int import_script(const char *path, FILE *out);

#endif /* HEMEM_IMPORT_H */
