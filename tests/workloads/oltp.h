/* SPDX-License-Identifier: GPL-2.0 */
/*
 * oltp.h - a wholesale supplier in an SQLite database in memory
 *
 * Keys are whole numbers, so that a table is a B-tree with nothing beside it:
 *
 *	district = warehouse * 10 + 0 .. 9		customer = district * 300 + 0 .. 299
 *	stock = warehouse * 10000 + item		order = district << 24 | number
 *	order line = order << 4 | number
 *
 * Warehouses and items count from 0, orders of a district and lines of an order from 1.
 * Money is in cents, taxes and discounts are in 1/10000.
 */
#ifndef OLTP_H
#define OLTP_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

/* A tenth of what TPC-C has in a warehouse, all in proportion. */
#define OLTP_DISTRICTS	10		/* of a warehouse; not a tenth */
#define OLTP_CUSTOMERS	300		/* of a district; so many orders it has at first, too */
#define OLTP_NAMES	100		/* of customers; three have each */
#define OLTP_ITEMS	10000
#define OLTP_UNDELIVERED 90		/* of a district's first orders */
#define OLTP_MAX_LINES	15
#define OLTP_WAREHOUSE_BYTES 7060000	/* measured: SQLite's memory a warehouse, at 256 MiB */

#define OLTP_ORDER_SHIFT 24
#define OLTP_LINE_SHIFT	4

struct oltp {
	sqlite3 *db;
	sqlite3_stmt **statements;	/* of oltp_txn.c */
	uint64_t nr_warehouses, random;
	/* what transactions did, to be found in the database again */
	uint64_t nr_done, nr_orders, nr_rolled_back, paid_cents;
};

/** oltp_exec() - SQL that gives no rows and must not fail */
void oltp_exec(struct oltp *oltp, const char *sql);

/**
 * oltp_step() - go to the first row of a statement
 * @types: of what follows: i an int64_t, t a text that lives until the next call
 *
 * Return: is there one?
 */
bool oltp_step(struct oltp *oltp, sqlite3_stmt *statement, const char *types, ...);

sqlite3_stmt *oltp_prepare(struct oltp *oltp, const char *sql);

uint64_t oltp_between(struct oltp *oltp, uint64_t min, uint64_t max);

/** oltp_name() - a customer's last name, by its number below OLTP_NAMES */
const char *oltp_name(uint64_t number);

/**
 * oltp_load() - tables, and their first rows
 * @seed: of their contents
 * @file: where they were kept before, and if they were not, will be; NULL: nowhere
 */
void oltp_load(struct oltp *oltp, uint64_t seed, const char *file);

/** oltp_transact() - one transaction of the five kinds, at random */
void oltp_transact(struct oltp *oltp);

/** oltp_is_consistent() - says on standard error what is not */
bool oltp_is_consistent(struct oltp *oltp);

#endif /* OLTP_H */
