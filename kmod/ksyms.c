// SPDX-License-Identifier: GPL-2.0
/*
 * ksyms.c - functions that the kernel does not export to modules
 *
 * Since 5.7 kallsyms_lookup_name() is not exported either, but a kprobe may
 * still be placed by name and then knows the address (LTTng's modules begin the
 * same way).  The probe is never hit: it is gone before anything else happens.
 *
 * The addresses go into static calls, not into function pointers: each call
 * site is patched into a direct call.  That costs nothing per call, and it is
 * right on machines with indirect branch tracking, where an indirect call to a
 * function that the kernel itself only calls directly would trap.  For the same
 * reason it does not matter that the kprobe's address lies past the ENDBR.
 */
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>
#include "hemem.h"
#include "ksyms.h"

static char *without = "";
module_param(without, charp, 0444);
MODULE_PARM_DESC(without,
		 "Names of kernel functions, comma separated, to treat as missing; for tests (default: none)");

#define HEMEM_KSYM_DEFINE_(name) DEFINE_STATIC_CALL_NULL(hemem_k_##name, name)
#define HEMEM_KSYM_DEFINE(feature, name) HEMEM_KSYM_DEFINE_(name);
HEMEM_KSYMS(HEMEM_KSYM_DEFINE)

#define HEMEM_KPLACE_DEFINE(name) unsigned long hemem_kplace_##name;
HEMEM_KPLACES(HEMEM_KPLACE_DEFINE)

DEFINE_STATIC_CALL_NULL(hemem_k_lookup, kallsyms_lookup_name);

/* What INFO calls features, and CORE, which all of them need. */
enum {
#ifdef HEMEM_SWAP
	FEAT_SWAP	= HEMEM_ASSIST_FEAT_SWAP,
#else
	FEAT_SWAP	= 0,
#endif
	FEAT_MIGRATE	= HEMEM_ASSIST_FEAT_MIGRATE | HEMEM_ASSIST_FEAT_MAKE_ROOM |
			  FEAT_SWAP,
	FEAT_SCAN	= HEMEM_ASSIST_FEAT_SCAN,
	FEAT_FLUSH	= HEMEM_ASSIST_FEAT_FLUSH | FEAT_SWAP,
	FEAT_DRAIN	= HEMEM_ASSIST_FEAT_DRAIN | FEAT_SWAP,
#ifdef HEMEM_WP
	FEAT_WP		= HEMEM_ASSIST_FEAT_WP,
#else
	FEAT_WP		= 0,
#endif
	FEAT_CORE	= FEAT_MIGRATE | FEAT_SCAN | FEAT_FLUSH | FEAT_DRAIN | FEAT_WP,
};

/* To be called through @key and @tramp, or else its address is wanted in @place. */
struct hemem_ksym {
	const char *name;
	struct static_call_key *key;
	void *tramp;
	unsigned long *place;
	u64 feature;
	bool found;
};

#define HEMEM_KSYM_ROW_(feat, sym, text) {			\
	.name = text,						\
	.key = &STATIC_CALL_KEY(hemem_k_##sym),			\
	.tramp = STATIC_CALL_TRAMP_ADDR(hemem_k_##sym),		\
	.feature = FEAT_##feat,					\
},
#define HEMEM_KSYM_ROW(feat, sym) HEMEM_KSYM_ROW__(feat, sym)
#define HEMEM_KSYM_ROW__(feat, sym) HEMEM_KSYM_ROW_(feat, sym, #sym)

#define HEMEM_KPLACE_ROW(sym) {					\
	.name = #sym,						\
	.place = &hemem_kplace_##sym,				\
	.feature = FEAT_WP,					\
},

static struct hemem_ksym ksyms[] = {
	HEMEM_KSYMS(HEMEM_KSYM_ROW)
	HEMEM_KPLACES(HEMEM_KPLACE_ROW)
};

static u64 features;		/* known once all is looked up */

static bool have_lookup(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	int ret = register_kprobe(&probe);

	if (ret) {
		pr_warn("no kprobes (%d): nothing but INFO will work; is CONFIG_KPROBES off, or the kernel locked down?\n",
			ret);
		return false;
	}
	__static_call_update(&STATIC_CALL_KEY(hemem_k_lookup),
			     STATIC_CALL_TRAMP_ADDR(hemem_k_lookup), probe.addr);
	unregister_kprobe(&probe);
	return true;
}

/* Is @name an element of the comma-separated list @without? */
static bool is_hidden(const char *name)
{
	size_t len = strlen(name);
	const char *p = without;

	while ((p = strstr(p, name))) {
		if ((p == without || p[-1] == ',') &&
		    (p[len] == ',' || p[len] == '\0'))
			return true;
		p += len;
	}
	return false;
}

void hemem_ksyms_init(void)
{
	bool may_look = have_lookup();
	size_t i;

	features = FEAT_CORE;
	for (i = 0; i < ARRAY_SIZE(ksyms); i++) {
		struct hemem_ksym *sym = &ksyms[i];
		unsigned long addr = 0;

		if (may_look && !is_hidden(sym->name))
			addr = static_call(hemem_k_lookup)(sym->name);
		if (!addr)
			pr_warn("this kernel has no %s\n", sym->name);
		else if (sym->place)
			*sym->place = addr;
		else
			__static_call_update(sym->key, sym->tramp, (void *)addr);
		sym->found = addr;
		if (!addr)
			features &= ~sym->feature;
	}
}

u64 hemem_ksyms_features(void)
{
	return features;
}

ssize_t hemem_ksyms_missing(char *buf)
{
	ssize_t len = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ksyms); i++)
		if (!ksyms[i].found)
			len += sysfs_emit_at(buf, len, "%s\n", ksyms[i].name);
	return len;
}
