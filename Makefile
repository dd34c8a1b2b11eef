# SPDX-License-Identifier: GPL-2.0
#
# The whole project; `make help` is the table of targets.  What kbuild reads is Kbuild.
#
# A module is built in build/modules/RELEASE, from links to the sources, so kernels do not
# disturb each other and the source tree stays clean.

top := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
build := $(top)/build
matrix := 5.10 6.1 6.12 newest debug
lint_kernels := 5.10 6.1 6.12 newest

# The running kernel's headers, or those that Debian installed last.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
	$(lastword $(sort $(wildcard /usr/src/linux-headers-*-amd64))))
PREFIX ?= /usr/local
V ?= 0

ifeq ($(V),1)
Q :=
else
Q := @
MAKEFLAGS += --no-print-directory
endif

kdir := $(realpath $(KDIR))
release = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
	$(kdir)/include/generated/utsrelease.h 2>/dev/null)
headers_of = $$($(top)/tests/vm/kernel $(1))/build

all: user modules

help:
	@echo 'hemem: memory tiering for Linux'
	@echo
	@sed -n 's/^#: //p' $(top)/Makefile

#: make                    hemem-ctl, and the module for the running kernel
#: make user               build/hemem-ctl and its man page
user:
	$(Q)$(MAKE) -C $(top)/user BUILD=$(build) V=$(V)

#: make modules [KDIR=DIR] build/modules/RELEASE/hemem_assist.ko for the headers in DIR
modules:
	$(Q)$(MAKE) -f $(top)/Makefile module-in DIR=$(build)/modules KDIR=$(KDIR)

# module-in DIR=: build in DIR/RELEASE; KBUILD_ARGS are further words for kbuild
module-in:
	@test -n '$(release)' || { \
		echo 'no kernel headers in "$(KDIR)": apt-get install linux-headers-amd64, or KDIR=DIR' >&2; \
		exit 1; }
	$(Q)mkdir -p $(DIR)/$(release)
	$(Q)cp -rsf $(top)/Kbuild $(top)/kmod $(top)/include $(DIR)/$(release)/
	$(Q)find $(DIR)/$(release) -xtype l -delete
	@echo '  MODULE   $(patsubst $(top)/%,%,$(DIR))/$(release)/hemem_assist.ko'
	$(Q)$(MAKE) $(if $(Q),-s) -C $(kdir) M=$(DIR)/$(release) V=$(V) $(KBUILD_ARGS) modules

# A module that can leave out steps (kmod/fault.c), for tests of the tests.
faulty:
	$(Q)$(MAKE) -f $(top)/Makefile module-in DIR=$(build)/faulty KDIR=$(KDIR) \
		KBUILD_ARGS='$(KBUILD_ARGS) HEMEM_FAULTS=y'

#: make tests              the test programs
tests: user
	$(Q)$(MAKE) -C $(top)/tests/unit BUILD=$(build) all
	$(Q)$(MAKE) $(if $(Q),-s) -C $(top)/tests/kselftest OUTPUT=$(build)/tests/kselftest all
	$(Q)$(MAKE) $(if $(Q),-s) -C $(top)/tests/workloads OUTPUT=$(build)/tests/workloads all
	$(Q)$(MAKE) $(if $(Q),-s) -C $(top)/tests/stress OUTPUT=$(build)/tests/stress all

#: make meter              build/meter: a plugin of the emulator that measures (docs/meter.md)
meter:
	$(Q)$(MAKE) -C $(top)/tools/meter BUILD=$(build) V=$(V)

meter-tests: meter
	$(Q)$(MAKE) -C $(top)/tests/meter BUILD=$(build) V=$(V)

#: make check              unit and workload tests, then the guest tests on Debian's 6.1 kernel
#: make check-matrix       guest tests on 5.10, 6.1, 6.12, the newest and the debug kernel;
#:                         form=short: of the module only, and less often repeated
check: deps
	$(Q)$(top)/tests/run unit workloads rows harness guest:6.1 e2e:6.1 stress:6.1 meter:6.1 \
		readme

form := guest
check-matrix: deps
	$(Q)$(top)/tests/run $(matrix:%=$(form):%)

#: make lint               style, then sparse and W=1 on the headers of four kernels
lint: deps
	$(Q)$(top)/tools/check-style
	$(Q)for kernel in $(lint_kernels); do \
		$(top)/tools/lint-module $$kernel || exit 1; \
	done

#: make demo               a real program with real data, tiered before your eyes
demo: deps
	$(Q)$(MAKE) all KDIR=$(call headers_of,6.1)
	$(Q)$(top)/tools/demo

#: make cost [KERNEL=6.1]  what MIGRATE and SCAN cost beside the kernel's own ways
KERNEL ?= 6.1
cost: deps $(build)/tests/cost
	$(Q)$(MAKE) modules KDIR=$(call headers_of,$(KERNEL))
	$(Q)$(top)/tests/vm/run --kernel $(KERNEL) --icount --append init_on_alloc=0 \
		--module $(build)/modules/$$(cat $$($(top)/tests/vm/kernel $(KERNEL))/release) \
		-- $(build)/tests/cost

$(build)/tests/cost $(build)/tests/move $(build)/tests/managed: $(build)/tests/%: $(top)/tests/cost/%.c \
		$(top)/tests/cost/mover.c $(top)/tests/cost/mover.h $(top)/include/uapi/hemem_assist.h
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -I$(top)/include/uapi -o $@ \
		$(filter %.c,$^) -lnuma

#: make bench-move         what a move costs beside move_pages(2): build/bench-move.json
bench-move: deps
	$(Q)$(top)/tools/bench-move $(KERNEL)

#: make bench-managed      what managed regions cost beside ordinary memory and move_pages(2)
bench-managed: deps $(build)/tests/managed
	$(Q)$(MAKE) modules KDIR=$(call headers_of,$(KERNEL))
	$(Q)$(top)/tests/vm/run --kernel $(KERNEL) --icount --timeout 900 --append init_on_alloc=0 \
		--module $(build)/modules/$$(cat $$($(top)/tests/vm/kernel $(KERNEL))/release) \
		-- $(build)/tests/managed

#: make stress [KERNEL=6.1] [MOVES=5000000]
#:                         the integrity harness: so many page moves while everything else
#:                         happens to the memory, after all negative controls
MOVES ?= 5000000
stress: deps tests
	$(Q)$(MAKE) modules KDIR=$(call headers_of,$(KERNEL))
	$(Q)$(top)/tests/vm/run --kernel $(KERNEL) --timeout 21600 \
		--keep-log $(build)/stress-$(KERNEL).dmesg \
		--module $(build)/modules/$$(cat $$($(top)/tests/vm/kernel $(KERNEL))/release) \
		-- $(top)/tests/stress/run --full $(MOVES)

#: make growth             how the controller's CPU time and memory grow, up to 16 TiB
growth: $(build)/tests/growth
	$(Q)$<

#: make sensitivity        how much depends on each constant of the default policy
sensitivity: user
	$(Q)BUILD=$(build) $(top)/tools/sensitivity

#: make bench-heat         what a sample costs in the heat store, beside a hash table
bench-heat: $(build)/tests/heat
	$(Q)$<

# Programs that measure parts of hemem-ctl, on this machine.
$(build)/tests/growth $(build)/tests/heat: $(build)/tests/%: $(top)/tests/cost/%.c user
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O2 -Wall -Wextra -Werror -std=gnu11 -D_GNU_SOURCE -I$(top)/user \
		-I$(top)/include/uapi -o $@ $< \
		$(build)/libhemem.a $$(pkg-config --libs numa jansson zlib) -lm \
		$$(pkg-config --exists 'libbpf >= 1.0' && pkg-config --libs libbpf) \
		$$(echo '#include <perfmon/pfmlib.h>' | $(CC) -E -x c - >/dev/null 2>&1 && echo -lpfm)

#: make bench              every workload under every system, metered: build/bench.txt, .json and
#:                         pictures; resumed when interrupted (tools/bench/run --help)
#: make bench-short        three workloads, in under 10 minutes
bench: deps
	$(Q)$(top)/tools/bench/run

bench-short: deps
	$(Q)$(top)/tests/run bench; status=$$?; cat $(build)/bench-short.txt; exit $$status

#: make deps               install what building, demo and tests need (Debian packages)
deps:
	$(Q)$(top)/tools/deps

#: make install            hemem-ctl to PREFIX, the module to /lib/modules
install: all
	$(Q)$(MAKE) -C $(top)/user BUILD=$(build) PREFIX=$(PREFIX) install
	install -D -m 644 $(build)/modules/$(release)/hemem_assist.ko \
		$(DESTDIR)/lib/modules/$(release)/updates/hemem_assist.ko
	$(if $(DESTDIR),,depmod $(release))

#: make clean              remove what was built; build/kernels stays
#: make distclean          remove build
clean:
	$(Q)for made in $(build)/*; do \
		[ "$$made" = $(build)/kernels ] || rm -rf "$$made"; \
	done

distclean:
	$(Q)rm -rf $(build)

.PHONY: all help user modules module-in faulty tests check check-matrix lint demo cost \
	bench-move bench-managed bench-heat sensitivity growth stress meter meter-tests bench bench-short deps install clean distclean
