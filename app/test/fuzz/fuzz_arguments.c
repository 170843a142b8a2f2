/* SPDX-License-Identifier: BSD-3-Clause */

/* fuzz_arguments: any devargs, and any object with any text for dpdk-pmdinfo in it.
 * In:  the input up to its first NUL is devargs, the rest the object's data, in a buffer
 * that ends where it ends.  Out: what is logged names a part of the devargs that the
 * object does not have as a whole. */

#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/host.h"
#include "fuzz.h"
#include "port/arguments.h"

const char *const fuzz_seeds[] = {
	"net_null0,size=64,copy=1", "0000:01:00.0,a=[0,2-4],b=c,d", ",=,,=", "bus=pci,a=b", "x,",
	"PMD_INFO_STRING= {\"name\": \"n\", \"params\": \"size=<int> copy=<int>\"}",
	"PMD_INFO_STRING= {\"params\": \"a=", "PMD_INFO_STRING= {", NULL,
};

static const uint8_t *object;
static size_t object_len;
static const char *devargs;
static unsigned int n_lines;

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

	return visit(&info, sizeof(info), arg);
}

void
host_log(enum host_level level, const char *format, ...)
{
	char line[8192], *from, *to;
	va_list args;

	(void)level;
	va_start(args, format);
	FUZZ_CHECK(vsnprintf(line, sizeof(line), format, args) < (int)sizeof(line));
	va_end(args);
	FUZZ_CHECK(strncmp(line, "attach ", 7) == 0);
	FUZZ_CHECK(strncmp(line + 7, devargs, strlen(devargs)) == 0);
	from = strchr(line + 7 + strlen(devargs), '\'') + 1;
	to = strchr(from, '\'');
	FUZZ_CHECK(to != NULL);
	n_lines++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t text_len = strnlen((const char *)data, len);
	uint8_t *copy = malloc(len - text_len + 1);
	char *text = malloc(text_len + 1);
	unsigned int n_keys = 0, i;

	if (text != NULL && copy != NULL && text_len < 4096) {
		memcpy(text, data, text_len);
		text[text_len] = '\0';
		memcpy(copy, data + text_len, len - text_len);
		object = copy;
		object_len = len - text_len;
		devargs = text;
		n_lines = 0;
		arguments_explain(text);
		for (i = 0; i < text_len; i++)
			n_keys += text[i] == ',';
		FUZZ_CHECK(n_lines <= n_keys);
	}
	free(text);
	free(copy);
	return 0;
}
