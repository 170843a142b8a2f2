/* SPDX-License-Identifier: BSD-3-Clause */

/* arguments: which argument of a device is it that no driver knows?
 * In:  devargs that a probe has refused (attach, sync).  Out: a line in the log.
 * Drivers say little or nothing about such a key.  But they carry their parameters in
 * their objects, as text for dpdk-pmdinfo: PMD_INFO_STRING= {"name": "net_null",
 * "params": "size=<int> copy=<int>", ...}.  Some keep a key to themselves, so this
 * explains a failure and never is the reason of one.
 * Context: app, work; not in a hurry: it reads through all objects. */

#include <link.h>
#include <stdbool.h>
#include <string.h>

#include "../eal/host.h"
#include "arguments.h"

#define KEY_LEN 64

static const char marker[] = "PMD_INFO_STRING= {", params[] = "\"params\": \"";

struct search {
	char key[KEY_LEN];      /* "size=" */
	bool is_found;
};

/* One driver's text, `end` being that of what is mapped. */
static bool
names_key(const char *info, const char *end, const char *key)
{
	const char *list, *stop;

	if (memchr(info, '\0', end - info) == NULL)
		return false;
	list = strstr(info, params);
	if (list == NULL)
		return false;
	list += sizeof(params) - 1;
	stop = strchr(list, '"');
	list = strstr(list, key);       /* some lists have no blanks between two */
	return list != NULL && stop != NULL && list < stop;
}

static bool
is_in(const char *at, size_t len, const char *key)
{
	const char *end = at + len;

	while ((at = memmem(at, end - at, marker, sizeof(marker) - 1)) != NULL) {
		if (names_key(at, end, key))
			return true;
		at++;
	}
	return false;
}

static int
visit(struct dl_phdr_info *object, size_t size, void *arg)
{
	struct search *search = arg;
	const ElfW(Phdr) *p;
	int i;

	(void)size;
	for (i = 0; i < object->dlpi_phnum && !search->is_found; i++) {
		p = &object->dlpi_phdr[i];
		if (p->p_type == PT_LOAD && (p->p_flags & (PF_R | PF_W)) == PF_R)
			search->is_found = is_in((const char *)(object->dlpi_addr + p->p_vaddr),
						 p->p_filesz, search->key);
	}
	return search->is_found;
}

static bool
is_known(const char *key, size_t len)
{
	struct search search = { .is_found = false };

	if (len >= sizeof(search.key) - 1)
		return false;
	memcpy(search.key, key, len);
	search.key[len] = '=';
	dl_iterate_phdr(visit, &search);
	return search.is_found;
}

/* The end of a value; lists are in brackets: "[0,2-4]". */
static const char *
skip_value(const char *at)
{
	bool is_list = false;

	for (; *at != '\0' && (is_list || *at != ','); at++)
		is_list = *at == '[' || (is_list && *at != ']');
	return at;
}

void
arguments_explain(const char *devargs)
{
	const char *key = strchr(devargs, ',');
	size_t len;

	if (strncmp(devargs, "bus=", 4) == 0)
		return;         /* the other syntax: its keys are of several layers */
	for (; key != NULL && *key == ','; key = skip_value(key)) {
		len = strcspn(++key, "=,");
		if (key[len] != '=')
			host_log(HOST_ERR, "attach %s: '%.*s' is not key=value", devargs,
				 (int)len, key);
		else if (!is_known(key, len))
			host_log(HOST_ERR, "attach %s: no driver that is loaded names an "
				 "argument '%.*s'", devargs, (int)len, key);
	}
}
