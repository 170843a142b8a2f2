/* SPDX-License-Identifier: BSD-3-Clause */

/* logged: what the library has to say, for tests to read.
 * In:  EAL's log.  Out: whether a text is in it.
 * Context: app. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_log.h>

#include "logged.h"
#include "test.h"

static FILE *log_file;

int
logged_start(void)
{
	log_file = tmpfile();
	return log_file == NULL ? -1 : rte_openlog_stream(log_file);
}

void
logged_stop(void)
{
	rte_openlog_stream(NULL);
	fclose(log_file);
}

bool
is_logged(const char *text)
{
	static char all[1 << 16];
	size_t n;

	fflush(log_file);
	rewind(log_file);
	n = fread(all, 1, sizeof(all) - 1, log_file);
	all[n] = '\0';
	if (strstr(all, text) == NULL)
		print_error("not logged: %s\n", text);
	return strstr(all, text) != NULL;
}

bool
is_log_empty(void)
{
	fflush(log_file);
	return fseek(log_file, 0, SEEK_END) == 0 && ftell(log_file) == 0;
}

void
log_clear(void)
{
	fflush(log_file);
	rewind(log_file);
	assert_int_equal(ftruncate(fileno(log_file), 0), 0);
}
