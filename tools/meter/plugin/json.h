/* SPDX-License-Identifier: GPL-2.0 */
#ifndef METER_JSON_H
#define METER_JSON_H

#include <stdint.h>

#define METER_WHOLE UINT64_MAX

/**
 * json_write() - all that was counted, to a file; docs/meter.md has the keys
 * @nr: the file is that of the option json with ".@nr" behind; METER_WHOLE: just that
 */
void json_write(uint64_t nr);

#endif /* METER_JSON_H */
