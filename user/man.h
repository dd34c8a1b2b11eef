/* SPDX-License-Identifier: GPL-2.0 */
/*
 * man.h - the man page
 */
#ifndef HEMEM_MAN_H
#define HEMEM_MAN_H

#include <stdio.h>

struct command;

/** man_print() - hemem-ctl(8) in roff, from the tables of the program itself */
void man_print(FILE *out, const struct command *const *commands);

#endif /* HEMEM_MAN_H */
