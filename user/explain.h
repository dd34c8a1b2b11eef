/* SPDX-License-Identifier: GPL-2.0 */
/*
 * explain.h - why a page is where it is
 */
#ifndef HEMEM_EXPLAIN_H
#define HEMEM_EXPLAIN_H

#include <stdint.h>
#include <stdio.h>

struct json_t;		/* jansson's */
struct policy;
struct snapshot;
struct trace_reader;

/**
 * explain_page() - what a policy thinks of a page now
 * @snapshot: what it sees
 * @policy: the policy
 * @addr: any address in the page
 *
 * Return: a new reference: "known", and if it is: addr, bytes, tier, node, reads, writes, refused,
 * rank, first_hot, end_cold, sample_ns, move_ns, trust, and "verdict", a sentence.
 */
struct json_t *explain_page(const struct snapshot *snapshot, const struct policy *policy,
			    uint64_t addr);

/**
 * explain_trace() - what became of a page in a recording
 * @reader: at its beginning; is read to its end
 * @addr: any address in the page
 * @ret_json: a new reference: "known", loads, stores, first_ms, last_ms, bytes, node, and "moves", each with
 *	at_ms, from, to, reason, status, is_trial, reads, writes, and what it has brought until
 *	the next move or the end: later_loads, later_stores, saved_ns; untouched on failure
 *
 * saved_ns is for the machine that cost.h assumes; below 0 for a demotion.  Return: 0 or as
 * trace_next().
 */
int explain_trace(struct trace_reader *reader, uint64_t addr, struct json_t **ret_json);

/** explain_print() - either of both for people */
void explain_print(FILE *out, const struct json_t *json);

#endif /* HEMEM_EXPLAIN_H */
