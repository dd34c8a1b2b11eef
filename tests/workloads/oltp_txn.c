// SPDX-License-Identifier: GPL-2.0
/*
 * oltp_txn.c - the five transactions (TPC-C 2.4 to 2.8), without terminals
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "oltp.h"

#define BELOW_RESTOCK	10		/* pieces left at least, or ... */
#define RESTOCK		91		/* ... so many come in */
#define RECENT_ORDERS	20

enum {
	WAREHOUSE_TAX, WAREHOUSE_PAY, DISTRICT_NEXT, DISTRICT_ORDERED, DISTRICT_PAY,
	CUSTOMER_GET, CUSTOMER_BY_NAME, CUSTOMER_PAY, CUSTOMER_NOTE, CUSTOMER_DELIVERED,
	HISTORY_ADD, ITEM_GET, STOCK_GET, STOCK_SET, ORDER_ADD, ORDER_LAST, ORDER_GET, ORDER_CARRY,
	NEW_ADD, NEW_OLDEST, NEW_DELETE, LINE_ADD, LINES_GET, LINES_SUM, LINES_DELIVER, LOW_STOCK,
	BEGIN, COMMIT, ROLLBACK, NR_STATEMENTS,
};

static const char *const sql[NR_STATEMENTS] = {
	[WAREHOUSE_TAX] = "select tax from warehouse where id = ?",
	[WAREHOUSE_PAY] = "update warehouse set ytd = ytd + ?2 where id = ?1",
	[DISTRICT_NEXT] = "select next_order, tax from district where id = ?",
	[DISTRICT_ORDERED] = "update district set next_order = next_order + 1 where id = ?",
	[DISTRICT_PAY] = "update district set ytd = ytd + ?2 where id = ?1",
	[CUSTOMER_GET] = "select discount, last, credit, balance from customer where id = ?",
	[CUSTOMER_BY_NAME] = "select id from customer where district = ? and last = ?"
		" order by first",
	[CUSTOMER_PAY] = "update customer set balance = balance - ?2, paid = paid + ?2,"
		" payments = payments + 1 where id = ?1",
	[CUSTOMER_NOTE] = "update customer set data = substr(?2 || data, 1, 500) where id = ?1",
	[CUSTOMER_DELIVERED] = "update customer set balance = balance + ?2,"
		" deliveries = deliveries + 1 where id = ?1",
	[HISTORY_ADD] = "insert into history values(?, ?, ?, 'payment by a customer')",
	[ITEM_GET] = "select price, name, data from item where id = ?",
	[STOCK_GET] = "select quantity, substr(districts, ?2, 24), data from stock where id = ?1",
	[STOCK_SET] = "update stock set quantity = ?2, ytd = ytd + ?3, orders = orders + 1,"
		" remote = remote + ?4 where id = ?1",
	[ORDER_ADD] = "insert into orders values(?, ?, 0, ?, ?)",
	[ORDER_LAST] = "select id, carrier from orders where customer = ? order by id desc limit 1",
	[ORDER_GET] = "select customer from orders where id = ?",
	[ORDER_CARRY] = "update orders set carrier = ?2 where id = ?1",
	[NEW_ADD] = "insert into new_order values(?)",
	[NEW_OLDEST] = "select min(id) from new_order where id between ? and ?",
	[NEW_DELETE] = "delete from new_order where id = ?",
	[LINE_ADD] = "insert into order_line values(?, ?, ?, 0, ?, ?, ?)",
	[LINES_GET] = "select item, warehouse, quantity, amount, delivered from order_line"
		" where id between ? and ?",
	[LINES_SUM] = "select sum(amount) from order_line where id between ? and ?",
	[LINES_DELIVER] = "update order_line set delivered = 1 where id between ? and ?",
	[LOW_STOCK] = "select count(distinct item) from order_line join stock"
		" on stock.id = ?3 + item where order_line.id between ?1 and ?2"
		" and stock.quantity < ?4",
	[BEGIN] = "begin", [COMMIT] = "commit", [ROLLBACK] = "rollback",
};

static sqlite3_stmt *to(const struct oltp *oltp, int nr)
{
	return oltp->statements[nr];
}

static int64_t value(const struct oltp *oltp, int nr, int column)
{
	return sqlite3_column_int64(oltp->statements[nr], column);
}

/* Rows that are not read to their end would keep the transaction open. */
static void end(struct oltp *oltp, int how)
{
	int nr;

	for (nr = 0; nr < NR_STATEMENTS; nr++)
		sqlite3_reset(oltp->statements[nr]);
	oltp_step(oltp, to(oltp, how), "");
}

/* One that must be there. */
static void get(struct oltp *oltp, int nr, int64_t id)
{
	if (!oltp_step(oltp, to(oltp, nr), "i", id))
		bench_die(BENCH_WRONG, "nothing has the number %lld: %s", (long long)id, sql[nr]);
}

/* TPC-C 2.1.6: not uniform; what is likely is not what lies side by side. */
static int64_t nurand(struct oltp *oltp, uint64_t a, uint64_t nr)
{
	uint64_t shift = bench_mix(a) % (a + 1);

	return (int64_t)(((oltp_between(oltp, 0, a) | oltp_between(oltp, 0, nr - 1)) + shift) % nr);
}

static int64_t random_district(struct oltp *oltp)
{
	return (int64_t)oltp_between(oltp, 0, oltp->nr_warehouses * OLTP_DISTRICTS - 1);
}

static int64_t other_warehouse(struct oltp *oltp, int64_t warehouse)
{
	int64_t other;

	if (oltp->nr_warehouses == 1)
		return warehouse;
	other = (int64_t)oltp_between(oltp, 0, oltp->nr_warehouses - 2);
	return other + (other >= warehouse);
}

/* 60 of 100 come by name: of those with the name the one in the middle. */
static int64_t random_customer(struct oltp *oltp, int64_t district)
{
	int64_t ids[OLTP_CUSTOMERS];
	const char *name;
	int nr = 0;

	if (oltp_between(oltp, 1, 100) > 60)
		return district * OLTP_CUSTOMERS + nurand(oltp, 127, OLTP_CUSTOMERS);
	name = oltp_name((uint64_t)nurand(oltp, 31, OLTP_NAMES));
	if (!oltp_step(oltp, to(oltp, CUSTOMER_BY_NAME), "it", district, name))
		bench_die(BENCH_WRONG, "nobody is called %s", name);
	do {
		ids[nr++] = value(oltp, CUSTOMER_BY_NAME, 0);
	} while (nr < OLTP_CUSTOMERS &&
		 sqlite3_step(to(oltp, CUSTOMER_BY_NAME)) == SQLITE_ROW);
	return ids[nr / 2];
}

/* One line of an order; its item exists. */
static void order_line(struct oltp *oltp, int64_t order, int64_t line, int64_t item,
		       int64_t warehouse)
{
	int64_t district = order >> OLTP_ORDER_SHIFT, home = district / OLTP_DISTRICTS;
	int64_t stock = warehouse * OLTP_ITEMS + item, nr = (int64_t)oltp_between(oltp, 1, 10), left;

	if (!oltp_step(oltp, to(oltp, STOCK_GET), "ii", stock, district % OLTP_DISTRICTS * 24 + 1))
		bench_die(BENCH_WRONG, "no stock %lld", (long long)stock);
	left = value(oltp, STOCK_GET, 0) - nr;
	if (left < BELOW_RESTOCK)
		left += RESTOCK;
	oltp_step(oltp, to(oltp, STOCK_SET), "iiii", stock, left, nr, (int64_t)(warehouse != home));
	oltp_step(oltp, to(oltp, LINE_ADD), "iiiiit", order << OLTP_LINE_SHIFT | line, item,
		  warehouse, nr, nr * value(oltp, ITEM_GET, 0),
		  (const char *)sqlite3_column_text(to(oltp, STOCK_GET), 1));
}

struct line {
	int64_t item, warehouse;
};

/* One order in a hundred has a number that no item has, in its last line. */
static int64_t random_lines(struct oltp *oltp, int64_t home, struct line *lines, bool *ret_is_local)
{
	int64_t nr = (int64_t)oltp_between(oltp, 5, OLTP_MAX_LINES), i;

	*ret_is_local = true;
	for (i = 0; i < nr; i++) {
		lines[i].item = nurand(oltp, 1023, OLTP_ITEMS);
		lines[i].warehouse = oltp_between(oltp, 1, 100) == 1 ?
				     other_warehouse(oltp, home) : home;
		*ret_is_local &= lines[i].warehouse == home;
	}
	if (oltp_between(oltp, 1, 100) == 1)
		lines[nr - 1].item = OLTP_ITEMS;
	return nr;
}

static void new_order(struct oltp *oltp)
{
	int64_t district = random_district(oltp), home = district / OLTP_DISTRICTS, order, nr, i;
	int64_t customer = district * OLTP_CUSTOMERS + nurand(oltp, 127, OLTP_CUSTOMERS);
	struct line lines[OLTP_MAX_LINES];
	bool is_local;

	nr = random_lines(oltp, home, lines, &is_local);
	get(oltp, WAREHOUSE_TAX, home);
	get(oltp, DISTRICT_NEXT, district);
	order = district << OLTP_ORDER_SHIFT | value(oltp, DISTRICT_NEXT, 0);
	oltp_step(oltp, to(oltp, DISTRICT_ORDERED), "i", district);
	get(oltp, CUSTOMER_GET, customer);
	oltp_step(oltp, to(oltp, ORDER_ADD), "iiii", order, customer, nr, (int64_t)is_local);
	oltp_step(oltp, to(oltp, NEW_ADD), "i", order);
	for (i = 0; i < nr; i++) {
		if (!oltp_step(oltp, to(oltp, ITEM_GET), "i", lines[i].item)) {
			oltp->nr_rolled_back++;
			end(oltp, ROLLBACK);
			return;
		}
		order_line(oltp, order, i + 1, lines[i].item, lines[i].warehouse);
	}
	oltp->nr_orders++;
	end(oltp, COMMIT);
}

static void payment(struct oltp *oltp)
{
	int64_t district = random_district(oltp), home = district / OLTP_DISTRICTS, of = district;
	int64_t cents = (int64_t)oltp_between(oltp, 100, 500000), customer;
	char note[80];

	if (oltp_between(oltp, 1, 100) > 85)
		of = other_warehouse(oltp, home) * OLTP_DISTRICTS +
		     (int64_t)oltp_between(oltp, 0, OLTP_DISTRICTS - 1);
	oltp_step(oltp, to(oltp, WAREHOUSE_PAY), "ii", home, cents);
	oltp_step(oltp, to(oltp, DISTRICT_PAY), "ii", district, cents);
	customer = random_customer(oltp, of);
	get(oltp, CUSTOMER_GET, customer);
	oltp_step(oltp, to(oltp, CUSTOMER_PAY), "ii", customer, cents);
	if (sqlite3_column_text(to(oltp, CUSTOMER_GET), 2)[0] == 'B') {
		snprintf(note, sizeof(note), "%lld %lld %lld|", (long long)customer,
			 (long long)district, (long long)cents);
		oltp_step(oltp, to(oltp, CUSTOMER_NOTE), "it", customer, note);
	}
	oltp_step(oltp, to(oltp, HISTORY_ADD), "iii", customer, district, cents);
	oltp->paid_cents += (uint64_t)cents;
	end(oltp, COMMIT);
}

static void order_status(struct oltp *oltp)
{
	int64_t customer = random_customer(oltp, random_district(oltp)), order;

	get(oltp, CUSTOMER_GET, customer);
	get(oltp, ORDER_LAST, customer);
	order = value(oltp, ORDER_LAST, 0) << OLTP_LINE_SHIFT;
	if (!oltp_step(oltp, to(oltp, LINES_GET), "ii", order, order + OLTP_MAX_LINES))
		bench_die(BENCH_WRONG, "an order without lines");
	while (sqlite3_step(to(oltp, LINES_GET)) == SQLITE_ROW)
		;
	end(oltp, COMMIT);
}

/* The oldest order of a district that was not delivered yet, if there is one. */
static void deliver(struct oltp *oltp, int64_t district, int64_t carrier)
{
	int64_t first = district << OLTP_ORDER_SHIFT, order, lines;

	oltp_step(oltp, to(oltp, NEW_OLDEST), "ii", first, first + (1 << OLTP_ORDER_SHIFT) - 1);
	order = value(oltp, NEW_OLDEST, 0);
	if (sqlite3_column_type(to(oltp, NEW_OLDEST), 0) == SQLITE_NULL)
		return;
	lines = order << OLTP_LINE_SHIFT;
	oltp_step(oltp, to(oltp, NEW_DELETE), "i", order);
	get(oltp, ORDER_GET, order);
	oltp_step(oltp, to(oltp, ORDER_CARRY), "ii", order, carrier);
	oltp_step(oltp, to(oltp, LINES_DELIVER), "ii", lines, lines + OLTP_MAX_LINES);
	oltp_step(oltp, to(oltp, LINES_SUM), "ii", lines, lines + OLTP_MAX_LINES);
	oltp_step(oltp, to(oltp, CUSTOMER_DELIVERED), "ii", value(oltp, ORDER_GET, 0),
		  value(oltp, LINES_SUM, 0));
}

static void delivery(struct oltp *oltp)
{
	int64_t warehouse = (int64_t)oltp_between(oltp, 0, oltp->nr_warehouses - 1), i;
	int64_t carrier = (int64_t)oltp_between(oltp, 1, 10);

	for (i = 0; i < OLTP_DISTRICTS; i++)
		deliver(oltp, warehouse * OLTP_DISTRICTS + i, carrier);
	end(oltp, COMMIT);
}

static void stock_level(struct oltp *oltp)
{
	int64_t district = random_district(oltp), next;

	get(oltp, DISTRICT_NEXT, district);
	next = district << OLTP_ORDER_SHIFT | value(oltp, DISTRICT_NEXT, 0);
	oltp_step(oltp, to(oltp, LOW_STOCK), "iiii", (next - RECENT_ORDERS) << OLTP_LINE_SHIFT,
		  (next << OLTP_LINE_SHIFT) - 1, district / OLTP_DISTRICTS * OLTP_ITEMS,
		  (int64_t)oltp_between(oltp, 10, 20));
	end(oltp, COMMIT);
}

static void prepare(struct oltp *oltp)
{
	int nr;

	oltp->statements = calloc(NR_STATEMENTS, sizeof(*oltp->statements));
	if (!oltp->statements)
		bench_die(BENCH_USAGE, "no memory");
	for (nr = 0; nr < NR_STATEMENTS; nr++)
		oltp->statements[nr] = oltp_prepare(oltp, sql[nr]);
}

/* TPC-C 5.2.3 wants at least 43, 4, 4 and 4 of 100 to be other than new orders. */
void oltp_transact(struct oltp *oltp)
{
	uint64_t which = oltp_between(oltp, 1, 100);

	if (!oltp->statements)
		prepare(oltp);
	oltp_step(oltp, to(oltp, BEGIN), "");
	if (which <= 45)
		new_order(oltp);
	else if (which <= 88)
		payment(oltp);
	else if (which <= 92)
		order_status(oltp);
	else if (which <= 96)
		delivery(oltp);
	else
		stock_level(oltp);
	oltp->nr_done++;
}
