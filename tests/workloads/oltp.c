// SPDX-License-Identifier: GPL-2.0
/*
 * oltp.c - orders and payments in SQLite; see about[]
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "oltp.h"

static const char about[] =
"A wholesale supplier's orders in SQLite, in this process, in memory: the tables, the five\n"
"transactions with their mix (45 new orders, 43 payments, 4 each of order status, delivery,\n"
"stock level) and the skewed choice of items and customers are those of TPC-C revision\n"
"5.11, without its terminals; a warehouse has a tenth of the rows.  It is B-trees: inner\n"
"pages are hot, the newest orders at the right edge too, old orders, most stock and the\n"
"customers' long texts are cold, and heat moves as orders age.  Checked by TPC-C's\n"
"consistency conditions 1 to 4, and that orders and money are what the transactions did.\n"
"This is no TPC-C result.  As many warehouses as fit in --bytes; the database grows.\n";

void oltp_exec(struct oltp *oltp, const char *sql)
{
	if (sqlite3_exec(oltp->db, sql, NULL, NULL, NULL))
		bench_die(BENCH_WRONG, "%s: %.60s", sqlite3_errmsg(oltp->db), sql);
}

sqlite3_stmt *oltp_prepare(struct oltp *oltp, const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v3(oltp->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL))
		bench_die(BENCH_WRONG, "%s: %s", sqlite3_errmsg(oltp->db), sql);
	return statement;
}

bool oltp_step(struct oltp *oltp, sqlite3_stmt *statement, const char *types, ...)
{
	va_list args;
	int i, err;

	sqlite3_reset(statement);
	va_start(args, types);
	for (i = 0; types[i]; i++) {
		if (types[i] == 'i')
			sqlite3_bind_int64(statement, i + 1, va_arg(args, int64_t));
		else
			sqlite3_bind_text(statement, i + 1, va_arg(args, const char *), -1,
					  SQLITE_STATIC);
	}
	va_end(args);
	err = sqlite3_step(statement);
	if (err == SQLITE_ROW)
		return true;
	if (err != SQLITE_DONE)
		bench_die(BENCH_WRONG, "%s: %s", sqlite3_errmsg(oltp->db), sqlite3_sql(statement));
	sqlite3_reset(statement);
	return false;
}

uint64_t oltp_between(struct oltp *oltp, uint64_t min, uint64_t max)
{
	return bench_between(&oltp->random, min, max);
}

int main(int argc, char **argv)
{
	const char *file = NULL;
	const struct bench_option options[] = {
		{ "file", "read the first rows from there; if it is not there, make and keep it",
		  BENCH_FILE, &file, 0, 0, NULL },
		{ 0 },
	};
	struct bench bench = {
		.name = "oltp", .about = about, .work = 8000, .options = options,
		.work_help = "number of transactions",
	};
	struct oltp oltp = { 0 };
	uint64_t i;
	bool is_right;

	bench_parse(&bench, argc, argv);
	oltp.nr_warehouses = bench.bytes / OLTP_WAREHOUSE_BYTES;
	if (!oltp.nr_warehouses)
		oltp.nr_warehouses = 1;
	bench_setup(&bench);
	if (sqlite3_open_v2(":memory:", &oltp.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
		bench_die(BENCH_USAGE, "no database: %s", sqlite3_errmsg(oltp.db));
	oltp_load(&oltp, bench.seed, file);
	bench_run(&bench, getpid(), 0, (uint64_t)sqlite3_memory_used());
	if (bench.spoil)
		oltp_exec(&oltp, "delete from order_line where id = (1 << 4) | 1");
	for (i = 0; i < bench.work; i++)
		oltp_transact(&oltp);
	bench_check(&bench);
	is_right = oltp_is_consistent(&oltp);
	return bench_done(&bench, is_right, "transactions=%" PRIu64 " transactions_per_s=%.0f"
			  " warehouses=%" PRIu64 " orders=%" PRIu64 " rolled_back=%" PRIu64,
			  oltp.nr_done, bench_per_s(&bench, oltp.nr_done), oltp.nr_warehouses,
			  oltp.nr_orders, oltp.nr_rolled_back);
}
