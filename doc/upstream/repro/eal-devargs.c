/* SPDX-License-Identifier: BSD-3-Clause */

/* What rte_devargs_parse() does with texts that a user may well give.
 * In:  nothing; no device, no hugepage, no root.  Out: a line for each; status 1: a bug. */

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_devargs.h>
#include <rte_eal.h>

/* Outside of the text that it should be a part of? */
static int
is_astray(const char *part, const struct rte_devargs *devargs)
{
	return part != NULL && (devargs->data == NULL || part < devargs->data ||
				part > devargs->data + strlen(devargs->data));
}

static int
parse(const char *text)
{
	struct rte_devargs devargs;
	int ret = rte_devargs_parse(&devargs, text);

	if (ret < 0)
		printf("refused: %s\n", strerror(-ret));
	else
		printf("taken, cls_str %s\n", devargs.cls_str == NULL ? "none" :
		       is_astray(devargs.cls_str, &devargs) ? "points outside of data" : "good");
	ret = ret == 0 && is_astray(devargs.cls_str, &devargs);
	rte_devargs_reset(&devargs);
	fflush(stdout);
	return ret;
}

/* In a process of its own: it may end. */
static int
try(const char *text)
{
	int status;

	printf("%-32s ", text);
	fflush(stdout);
	if (fork() == 0)
		_exit(parse(text));
	wait(&status);
	if (WIFSIGNALED(status))
		printf("killed by signal %d\n", WTERMSIG(status));
	return status != 0;
}

int
main(void)
{
	char *argv[] = {"repro", "--no-pci", "--no-huge", "-m", "32", "--no-shconf", "--file-prefix=repro",
			"--no-telemetry", "-l", "0", "--log-level=*:emergency", NULL};
	int bad = 0;

	if (rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0)
		return 2;
	bad |= try("class");
	bad |= try("bus,name=net_null0");
	bad |= try("0000:01:00.0,a=b/class=unknown");
	return bad;
}
