/* SPDX-License-Identifier: GPL-2.0 */
/*
 * watch_event.h - what watch.bpf.c puts into the ring and watch.c takes out
 */
#ifndef HEMEM_WATCH_EVENT_H
#define HEMEM_WATCH_EVENT_H

/* Each ring record is one __u32 of these. */
enum watch_event {
	WATCH_MMAP,
	WATCH_MUNMAP,
	WATCH_MREMAP,
	WATCH_BRK,
	WATCH_FORK,
	WATCH_EXEC,
	WATCH_EXIT,
	WATCH_NR_EVENTS,
};

#endif /* HEMEM_WATCH_EVENT_H */
