/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tally_page.h - what tally.bpf.c counts and tally.c takes out
 */
#ifndef HEMEM_TALLY_PAGE_H
#define HEMEM_TALLY_PAGE_H

#define TALLY_MAX_PAGES	65536	/* of one buffer */
#define TALLY_PAGE_SHIFT 12	/* a base page */

/** struct tally_page - samples of one page; the key is its address >> TALLY_PAGE_SHIFT */
struct tally_page {
	unsigned int loads;
	unsigned int stores;
};

#endif /* HEMEM_TALLY_PAGE_H */
