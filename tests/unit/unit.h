/* SPDX-License-Identifier: GPL-2.0 */
/*
 * unit.h - what every unit test includes, in the order that cmocka wants it
 */
#ifndef HEMEM_UNIT_H
#define HEMEM_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define UNUSED __attribute__((unused))

/*
 * POISON fills an output with a pattern before a call that must fail; UNTOUCHED
 * proves afterwards that the call did not write to it.
 */
#define POISON(output)	memset(&(output), 0xd5, sizeof(output))
#define UNTOUCHED(output) do { \
	const unsigned char *poisoned = (const unsigned char *)&(output); \
	size_t at; \
	for (at = 0; at < sizeof(output); at++) \
		assert_int_equal(poisoned[at], 0xd5); \
} while (0)

#endif /* HEMEM_UNIT_H */
