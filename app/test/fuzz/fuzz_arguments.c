/* SPDX-License-Identifier: BSD-3-Clause */

/* fuzz_arguments: any devargs, and any object with any text for dpdk-pmdinfo in it.
 * In:  the input's first line is devargs, the rest the object's data, its ends of lines
 * as NULs, in a buffer that ends where it ends.  Out: what is logged names a part of the
 * devargs; of an object that has every key alone in a list, no key is logged. */

#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eal/host.h"
#include "fuzz.h"
#include "port/arguments.h"

#define MAX_LEN 4096            /* of devargs */

const char *const fuzz_seeds[] = {
	"net_null0,size=64,copy=1", "0000:01:00.0,a=[0,2-4],b=c,d", ",=,,=", "bus=pci,a=b", "x,",
	"\nPMD_INFO_STRING= {\"name\": \"n\", \"params\": \"size=<int> copy=<int>\"}\n",
	"\nPMD_INFO_STRING= {\"params\": \"a=", "PMD_INFO_STRING= {", "\n", NULL,
};

static const uint8_t *object;
static size_t object_len;
static const char *devargs;
static unsigned int n_lines, n_unknown;
static bool is_searched;

int __real_dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *arg);
int __wrap_dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *arg);

int
__wrap_dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *arg)
{
	const ElfW(Phdr) header = {
		.p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = object_len,
	};
	struct dl_phdr_info info = {
		.dlpi_addr = (ElfW(Addr))object, .dlpi_phdr = &header, .dlpi_phnum = 1,
	};

	if (!is_searched)       /* LeakSanitizer asks, too */
		return __real_dl_iterate_phdr(visit, arg);
	return visit(&info, sizeof(info), arg);
}

void
host_log(enum host_level level, const char *format, ...)
{
	char line[3 * MAX_LEN], *from, *to;
	va_list args;

	(void)level;
	va_start(args, format);
	FUZZ_CHECK(vsnprintf(line, sizeof(line), format, args) < (int)sizeof(line));
	va_end(args);
	FUZZ_CHECK(strncmp(line, "attach ", 7) == 0);
	FUZZ_CHECK(strncmp(line + 7, devargs, strlen(devargs)) == 0);
	from = strchr(line + 7 + strlen(devargs), '\'') + 1;
	to = strrchr(from, '\'');
	FUZZ_CHECK(to != NULL && memmem(devargs, strlen(devargs), from, to - from) != NULL);
	n_lines++;
	n_unknown += strstr(format, "no driver") != NULL;
}

static void
explain(const uint8_t *data, size_t len)
{
	object = data;
	object_len = len;
	n_lines = n_unknown = 0;
	is_searched = true;
	arguments_explain(devargs);
	is_searched = false;
}

/* Every key of theirs, alone in a list. */
static void
check_known(const char *text)
{
	static char all[16 * MAX_LEN];
	size_t len, n = 0;
	const char *at;

	if (strlen(text) > 300)
		return;         /* there may be as many suffixes as characters */
	for (at = strchr(text, ','); at != NULL; at = strchr(at + 1, ',')) {
		len = strcspn(at + 1, "=,");
		if (len > 60 || memchr(at + 1, '"', len) != NULL)
			return;
		n += snprintf(all + n, sizeof(all) - n, "PMD_INFO_STRING= {\"params\": \"%.*s=\"",
			      (int)len, at + 1) + 1;
	}
	explain((const uint8_t *)all, n);
	FUZZ_CHECK(n_unknown == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *line_end = memchr(data, '\n', len);
	size_t text_len = line_end != NULL ? (size_t)(line_end - data) : len, n, i;
	uint8_t *copy = malloc(len > text_len ? len - text_len : 1);
	char *text = strndup((const char *)data, text_len);
	unsigned int n_keys = 0;

	if (text != NULL && copy != NULL && strlen(text) < MAX_LEN) {
		n = len - text_len;
		for (i = 0; i < n; i++)
			copy[i] = line_end[i] != '\n' ? line_end[i] : '\0';
		for (i = 0; text[i] != '\0'; i++)
			n_keys += text[i] == ',';
		devargs = text;
		explain(copy, n);
		FUZZ_CHECK(n_lines <= n_keys);
		check_known(text);
	}
	free(text);
	free(copy);
	return 0;
}
