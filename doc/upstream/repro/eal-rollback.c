/* SPDX-License-Identifier: BSD-3-Clause */

/* A port that every process has; one secondary is stopped; the primary attaches the port
 * again, which changes nothing: EAL rolls the attach back, and destroys the port.
 * In:  hugepages (two processes share memory); a hugetlbfs, if it is not EAL's usual.  Out: what each process has before and
 *      after; status 1: the bug. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>

#define DEVICE "net_null0"

static char prefix[48], huge[300];

static int
start_eal(const char *type)
{
	char *argv[] = {"repro", "--no-pci", "-m", "64", "--no-telemetry", "-l", "0",
			"--log-level=*:emergency", prefix, (char *)(size_t)type, huge, NULL};

	return rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1 - (huge[0] == '\0'), argv);
}

static char
has_port(void)
{
	uint16_t port;

	return rte_eth_dev_get_port_by_name(DEVICE, &port) == 0 ? 'y' : 'n';
}

/* A secondary that answers "have you got it?" whenever it is asked. */
static void
be_secondary(int question, int answer)
{
	char c;

	if (start_eal("--proc-type=secondary") < 0)
		_exit(2);
	c = 'r';        /* ready */
	while (write(answer, &c, 1) == 1 && read(question, &c, 1) == 1)
		c = has_port();
	rte_eal_cleanup();
	_exit(0);
}

static char
ask(int question, int answer)
{
	char c = '?';

	if (question >= 0 && write(question, &c, 1) != 1)
		return '!';
	return read(answer, &c, 1) == 1 ? c : '!';
}

int
main(int argc, char **argv)
{
	int question[2], answer[2], go[2], before, after, ret, status = 0;
	char c = 'g';
	pid_t child;

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(prefix, sizeof(prefix), "--file-prefix=rollback-%d", getpid());
	if (argc > 1)
		snprintf(huge, sizeof(huge), "--huge-dir=%s", argv[1]);
	if (pipe(question) != 0 || pipe(answer) != 0 || pipe(go) != 0)
		return 2;
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(go[0], &c, 1) != 1)
			_exit(2);
		close(question[1]);
		close(answer[0]);
		be_secondary(question[0], answer[1]);
	}
	close(answer[1]);
	if (start_eal("--proc-type=primary") < 0 || write(go[1], &c, 1) != 1 ||
	    ask(-1, answer[0]) != 'r')
		return 2;
	ret = rte_dev_probe(DEVICE);
	before = has_port() == 'y' && ask(question[1], answer[0]) == 'y';
	printf("attach: %d; primary and secondary have the port: %s\n", ret, before ? "yes" : "no");
	fflush(stdout);
	kill(child, SIGSTOP);
	ret = rte_dev_probe(DEVICE);    /* attached already: -EEXIST, or 0, and no change */
	kill(child, SIGCONT);
	sleep(1);
	printf("attach again, the secondary stopped: %s\n", ret == 0 ? "0" : "an error");
	after = has_port();
	printf("the primary has the port: %s\n", after == 'y' ? "yes" : "no");
	c = ask(question[1], answer[0]);
	close(question[1]);
	waitpid(child, &status, 0);
	printf("the secondary has the port: %s\n", c == 'y' ? "yes" : c == 'n' ? "no" : "it died");
	if (WIFSIGNALED(status))
		fprintf(stderr, "killed by signal %d\n", WTERMSIG(status));
	rte_eal_cleanup();
	if (!before)
		return 2;
	return after != 'y' || c != 'y';
}
