// SPDX-License-Identifier: GPL-2.0
/*
 * oltp_check.c - TPC-C's consistency conditions 1 to 4 (3.3.2), and what our own books say
 */
#include <stdio.h>

#include "bench.h"
#include "oltp.h"

/* Each counts the places where its condition is broken. */
static const struct {
	const char *name, *sql;
} conditions[] = {
	{ "1: a warehouse took in what its districts did",
	  "select count(*) from warehouse where ytd !="
	  " (select sum(ytd) from district where district.id / 10 = warehouse.id)" },
	{ "2: a district's next order follows its last one",
	  "select count(*) from district where next_order - 1 !="
	  " (select max(id) & 0xffffff from orders where id between district.id << 24 and"
	  " district.id << 24 | 0xffffff) or next_order - 1 !="
	  " (select ifnull(max(id) & 0xffffff, next_order - 1) from new_order where id between"
	  " district.id << 24 and district.id << 24 | 0xffffff)" },
	{ "3: a district's new orders have no gap",
	  "select count(*) from (select max(id) - min(id) + 1 as range, count(*) as nr"
	  " from new_order group by id >> 24) where range != nr" },
	{ "4: a district's orders have the lines they say",
	  "select count(*) from district where"
	  " (select sum(lines) from orders where id between district.id << 24 and"
	  " district.id << 24 | 0xffffff) != (select count(*) from order_line where id between"
	  " district.id << 28 and (district.id << 28) + 0xfffffff)" },
};

static uint64_t number(struct oltp *oltp, const char *sql)
{
	sqlite3_stmt *statement = oltp_prepare(oltp, sql);
	uint64_t value;

	if (!oltp_step(oltp, statement, ""))
		bench_die(BENCH_WRONG, "no row: %s", sql);
	value = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

static bool is(const char *name, uint64_t value, uint64_t wanted)
{
	if (value != wanted)
		fprintf(stderr, "oltp: %s: %llu, not %llu\n", name, (unsigned long long)value,
			(unsigned long long)wanted);
	return value == wanted;
}

bool oltp_is_consistent(struct oltp *oltp)
{
	uint64_t nr_districts = oltp->nr_warehouses * OLTP_DISTRICTS;
	uint64_t nr_customers = nr_districts * OLTP_CUSTOMERS;
	bool is_right = true;
	size_t i;

	for (i = 0; i < sizeof(conditions) / sizeof(*conditions); i++)
		is_right &= is(conditions[i].name, number(oltp, conditions[i].sql), 0);
	is_right &= is("orders", number(oltp, "select count(*) from orders"),
		       nr_customers + oltp->nr_orders);
	is_right &= is("cents paid", number(oltp, "select sum(amount) from history"),
		       nr_customers * 1000 + oltp->paid_cents);
	is_right &= is("cents taken in", number(oltp, "select sum(ytd) from warehouse"),
		       oltp->nr_warehouses * 30000000 + oltp->paid_cents);
	return is_right;
}
