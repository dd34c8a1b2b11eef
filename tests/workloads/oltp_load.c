// SPDX-License-Identifier: GPL-2.0
/*
 * oltp_load.c - the tables, and what is in them at first (TPC-C 4.3)
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "oltp.h"

#define TEXT_BYTES	8192		/* random letters, of which texts are pieces */
#define COPY_PAGES	256		/* in a go */

static const char schema[] =
"create table warehouse(id integer primary key, name text, address text, tax int, ytd int);"
"create table district(id integer primary key, name text, address text, tax int, ytd int,"
" next_order int);"
"create table customer(id integer primary key, district int, last text, first text,"
" address text, credit text, discount int, balance int, paid int, payments int,"
" deliveries int, data text);"
"create table history(customer int, district int, amount int, data text);"
"create table item(id integer primary key, price int, name text, data text);"
"create table stock(id integer primary key, quantity int, ytd int, orders int, remote int,"
" districts text, data text);"
"create table orders(id integer primary key, customer int, carrier int, lines int,"
" is_local int);"
"create table new_order(id integer primary key);"
"create table order_line(id integer primary key, item int, warehouse int, delivered int,"
" quantity int, amount int, district text);"
"create table about(seed int, warehouses int);";

/* Made after the rows are there: that is faster. */
static const char indexes[] =
"create index customer_name on customer(district, last, first);"
"create index orders_customer on orders(customer);";

static char letters[TEXT_BYTES];

static void make_letters(struct oltp *oltp)
{
	unsigned int i;

	for (i = 0; i < TEXT_BYTES - 1; i++)
		letters[i] = (char)('a' + oltp_between(oltp, 0, 25));
}

/* The end of letters is a text, too: all texts end there. */
static const char *text(struct oltp *oltp, uint64_t min, uint64_t max)
{
	static char texts[8][512];
	static unsigned int nr;
	char *to = texts[nr++ % 8];
	uint64_t bytes = oltp_between(oltp, min, max);

	memcpy(to, letters + oltp_between(oltp, 0, TEXT_BYTES - 512), bytes);
	to[bytes] = 0;
	return to;
}

const char *oltp_name(uint64_t number)
{
	static const char *const parts[] = {
		"BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING",
	};
	static char name[16];

	snprintf(name, sizeof(name), "BAR%s%s", parts[number / 10 % 10], parts[number % 10]);
	return name;
}

static void load_items(struct oltp *oltp)
{
	sqlite3_stmt *insert = oltp_prepare(oltp, "insert into item values(?, ?, ?, ?)");
	int64_t item;

	for (item = 0; item < OLTP_ITEMS; item++)
		oltp_step(oltp, insert, "iitt", item, (int64_t)oltp_between(oltp, 100, 10000),
			  text(oltp, 14, 24), text(oltp, 26, 50));
	sqlite3_finalize(insert);
}

static void load_stock(struct oltp *oltp)
{
	sqlite3_stmt *insert = oltp_prepare(oltp, "insert into stock values(?, ?, 0, 0, 0, ?, ?)");
	int64_t id, nr = (int64_t)oltp->nr_warehouses * OLTP_ITEMS;

	for (id = 0; id < nr; id++)
		oltp_step(oltp, insert, "iitt", id, (int64_t)oltp_between(oltp, 10, 100),
			  text(oltp, 240, 240), text(oltp, 26, 50));
	sqlite3_finalize(insert);
}

static void load_places(struct oltp *oltp)
{
	sqlite3_stmt *warehouse, *district;
	int64_t id, nr = (int64_t)oltp->nr_warehouses;

	warehouse = oltp_prepare(oltp, "insert into warehouse values(?, ?, ?, ?, 30000000)");
	district = oltp_prepare(oltp, "insert into district values(?, ?, ?, ?, 3000000, ?)");
	for (id = 0; id < nr; id++)
		oltp_step(oltp, warehouse, "itti", id, text(oltp, 6, 10), text(oltp, 50, 80),
			  (int64_t)oltp_between(oltp, 0, 2000));
	for (id = 0; id < nr * OLTP_DISTRICTS; id++)
		oltp_step(oltp, district, "ittii", id, text(oltp, 6, 10), text(oltp, 50, 80),
			  (int64_t)oltp_between(oltp, 0, 2000), (int64_t)OLTP_CUSTOMERS + 1);
	sqlite3_finalize(warehouse);
	sqlite3_finalize(district);
}

static void load_customers(struct oltp *oltp)
{
	sqlite3_stmt *customer, *history;
	int64_t id, nr = (int64_t)oltp->nr_warehouses * OLTP_DISTRICTS * OLTP_CUSTOMERS;

	customer = oltp_prepare(oltp, "insert into customer values(?, ?, ?, ?, ?, ?, ?,"
				" -1000, 1000, 1, 0, ?)");
	history = oltp_prepare(oltp, "insert into history values(?, ?, 1000, ?)");
	for (id = 0; id < nr; id++) {
		oltp_step(oltp, customer, "iittttit", id, id / OLTP_CUSTOMERS,
			  oltp_name((uint64_t)id % OLTP_NAMES), text(oltp, 8, 16),
			  text(oltp, 60, 90), oltp_between(oltp, 1, 10) == 1 ? "BC" : "GC",
			  (int64_t)oltp_between(oltp, 0, 5000), text(oltp, 300, 500));
		oltp_step(oltp, history, "iit", id, id / OLTP_CUSTOMERS, text(oltp, 12, 24));
	}
	sqlite3_finalize(customer);
	sqlite3_finalize(history);
}

struct order_statements {
	sqlite3_stmt *order, *is_new, *line;
};

static void load_order(struct oltp *oltp, const struct order_statements *insert, int64_t district,
		       int64_t number)
{
	int64_t id = district << OLTP_ORDER_SHIFT | number, line;
	int64_t nr_lines = (int64_t)oltp_between(oltp, 5, OLTP_MAX_LINES);
	bool is_new = number > OLTP_CUSTOMERS - OLTP_UNDELIVERED;
	/* Each customer has one order, in an order of their own: 7 and 300 share no factor. */
	int64_t customer = district * OLTP_CUSTOMERS + number * 7 % OLTP_CUSTOMERS;

	oltp_step(oltp, insert->order, "iiii", id, customer,
		  is_new ? (int64_t)0 : (int64_t)oltp_between(oltp, 1, 10), nr_lines);
	if (is_new)
		oltp_step(oltp, insert->is_new, "i", id);
	for (line = 1; line <= nr_lines; line++)
		oltp_step(oltp, insert->line, "iiiiit", id << OLTP_LINE_SHIFT | line,
			  (int64_t)oltp_between(oltp, 0, OLTP_ITEMS - 1), district / OLTP_DISTRICTS,
			  is_new ? (int64_t)0 : (int64_t)1,
			  is_new ? (int64_t)oltp_between(oltp, 1, 999999) : (int64_t)0,
			  text(oltp, 24, 24));
}

static void load_orders(struct oltp *oltp)
{
	int64_t district, number, nr = (int64_t)oltp->nr_warehouses * OLTP_DISTRICTS;
	struct order_statements insert = {
		.order = oltp_prepare(oltp, "insert into orders values(?, ?, ?, ?, 1)"),
		.is_new = oltp_prepare(oltp, "insert into new_order values(?)"),
		.line = oltp_prepare(oltp, "insert into order_line values(?, ?, ?, ?, 5, ?, ?)"),
	};

	for (district = 0; district < nr; district++)
		for (number = 1; number <= OLTP_CUSTOMERS; number++)
			load_order(oltp, &insert, district, number);
	sqlite3_finalize(insert.order);
	sqlite3_finalize(insert.is_new);
	sqlite3_finalize(insert.line);
}

static void make(struct oltp *oltp, uint64_t seed)
{
	sqlite3_stmt *about;

	oltp->random = bench_mix(seed) | 1;
	make_letters(oltp);
	oltp_exec(oltp, schema);
	oltp_exec(oltp, "begin");
	load_items(oltp);
	load_stock(oltp);
	load_places(oltp);
	load_customers(oltp);
	load_orders(oltp);
	oltp_exec(oltp, indexes);
	about = oltp_prepare(oltp, "insert into about values(?, ?)");
	oltp_step(oltp, about, "ii", (int64_t)seed, (int64_t)oltp->nr_warehouses);
	sqlite3_finalize(about);
	oltp_exec(oltp, "commit");
}

static sqlite3 *open_file(const char *file, int flags)
{
	sqlite3 *db;

	if (sqlite3_open_v2(file, &db, flags, NULL))
		bench_die(BENCH_USAGE, "%s: %s", file, sqlite3_errmsg(db));
	return db;
}

/* What was read is dropped from the page cache, which would take the fast tier's room. */
static void copy(sqlite3 *to, sqlite3 *from, const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), err;
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");

	do {
		err = sqlite3_backup_step(backup, COPY_PAGES);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	} while (err == SQLITE_OK);
	close(fd);
	if (sqlite3_backup_finish(backup) || err != SQLITE_DONE)
		bench_die(BENCH_USAGE, "%s: %s", file, sqlite3_errmsg(to));
}

static void read_file(struct oltp *oltp, uint64_t seed, const char *file)
{
	sqlite3 *db = open_file(file, SQLITE_OPEN_READONLY);
	sqlite3_stmt *about;

	/* Its own cache of what it reads would be a second copy. */
	sqlite3_exec(db, "pragma cache_size = 16", NULL, NULL, NULL);
	copy(oltp->db, db, file);
	sqlite3_close(db);
	if (sqlite3_prepare_v2(oltp->db, "select 1 from about where seed = ? and warehouses = ?", -1,
			       &about, NULL) ||
	    !oltp_step(oltp, about, "ii", (int64_t)seed, (int64_t)oltp->nr_warehouses))
		bench_die(BENCH_USAGE, "%s: not the database of this seed and size", file);
	sqlite3_finalize(about);
}

/* Under another name until it is whole. */
static void write_file(struct oltp *oltp, const char *file)
{
	char name[PATH_MAX];
	sqlite3 *db;

	snprintf(name, sizeof(name), "%s.%d", file, getpid());
	db = open_file(name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	sqlite3_exec(db, "pragma synchronous = off; pragma journal_mode = off", NULL, NULL, NULL);
	copy(db, oltp->db, name);
	sqlite3_close(db);
	if (rename(name, file))
		bench_die(BENCH_USAGE, "%s: %s", file, strerror(errno));
}

void oltp_load(struct oltp *oltp, uint64_t seed, const char *file)
{
	if (file && !access(file, F_OK)) {
		read_file(oltp, seed, file);
	} else {
		make(oltp, seed);
		if (file)
			write_file(oltp, file);
	}
	/* Transactions do not depend on where the rows came from. */
	oltp->random = bench_mix(seed + 1) | 1;
}
