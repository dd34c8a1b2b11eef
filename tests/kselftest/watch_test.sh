#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# watch_test.sh - the controller's BPF program on this kernel: what a target does to its
# address space is told, and what others do is not
#
# The tests are tests/unit/watch_test.c, which skips where BPF is not to be had.  Here a
# kernel that describes its types must have it.
here=$(dirname "$(readlink -f "$0")")
watch_test=$here/../../build/unit/watch_test
[ -x "$watch_test" ] || { echo "1..0 # SKIP needs make tests in the source tree"; exit 4; }
[ -r /sys/kernel/btf/vmlinux ] || { echo "1..0 # SKIP needs CONFIG_DEBUG_INFO_BTF"; exit 4; }
CMOCKA_MESSAGE_OUTPUT=TAP HEMEM_MUST_WATCH=1 exec "$watch_test"
