/* SPDX-License-Identifier: BSD-3-Clause */

/* growth: may EAL take more memory while this program runs?  Then it asks every process
 * by message, and waits 5 s for one that is stopped: in the middle of a probe, say.
 * In:  the command line, since EAL keeps its options to itself.  Out: yes or no; yes
 *      where EAL's arguments are not in it.
 * Context: app. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "growth.h"

/* The value of "--name=value", "--name value", "-nvalue" or "-n value"; NULL: another. */
static const char *
value_of(const char *name, const char *arg, const char *next)
{
	size_t len = strlen(name);

	if (strncmp(arg, name, len) != 0)
		return NULL;
	if (arg[len] == '\0')
		return next != NULL ? next : "";
	if (name[1] != '-')
		return arg + len;
	return arg[len] == '=' ? arg + len + 1 : NULL;
}

bool
growth_is_possible(const char *args, size_t len)
{
	const char *arg, *next, *value, *taken = NULL, *limit = NULL, *end = args + len;

	for (arg = args; arg < end && strcmp(arg, "--") != 0; arg = next) {
		next = arg + strlen(arg) + 1;
		if (strcmp(arg, "--legacy-mem") == 0)
			return false;
		value = value_of("--socket-limit", arg, next < end ? next : NULL);
		limit = value != NULL ? value : limit;
		value = value_of("--socket-mem", arg, next < end ? next : NULL);
		if (value == NULL)
			value = value_of("-m", arg, next < end ? next : NULL);
		taken = value != NULL ? value : taken;
	}
	return taken == NULL || limit == NULL || strcmp(taken, limit) != 0;
}

bool
growth_is_possible_here(void)
{
	FILE *f = fopen("/proc/self/cmdline", "re");
	char args[16384] = "";
	size_t len = f != NULL ? fread(args, 1, sizeof(args) - 1, f) : 0;

	if (f != NULL)
		fclose(f);
	args[len] = '\0';
	return growth_is_possible(args, len);
}
