/* SPDX-License-Identifier: BSD-3-Clause */

/* mp_process: processes that share an EAL, told what to do one byte at a time.
 * In:  tests of several processes (app).  Out: forked processes, their reports.
 * None can see a real device: --no-pci, or mock sysfs where the test has made one.
 * Context: app. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_eal.h>

#include <hotplug.h>

#include "mp_process.h"
#include "test.h"

int (*mp_started)(void);
const char *mp_lcores = "0";

static char prefix[48], huge[300];

void
mp_prepare(const char *huge_dir)
{
	snprintf(prefix, sizeof(prefix), "--file-prefix=hp-mp-c-%d", getpid());
	snprintf(huge, sizeof(huge), "--huge-dir=%s", huge_dir);
}

static int
start(const char *type, const char *options)
{
	bool is_mocked = getenv("SYSFS_PCI_DEVICES") != NULL;
	char proc_type[32];
	char *argv[] = { (char []){ "test" }, (char []){ "--no-telemetry" }, (char []){ "--lcores" },
			 (char *)(uintptr_t)mp_lcores, (char []){ "-m" }, (char []){ "64" },
			 (char []){ "--log-level=lib.eal:error" }, prefix, huge, proc_type,
			 /* free in each process, also beside AddressSanitizer's shadow */
			 (char []){ "--base-virtaddr=0x500000000000" },
			 (char []){ "--no-pci" } };
	struct hotplug_config config;

	snprintf(proc_type, sizeof(proc_type), "--proc-type=%s", type);
	hotplug_config_init(&config);
	config.liveness_ms = 0;
	if (rte_eal_init(N_ELEMENTS(argv) - is_mocked, argv) < 0 ||
	    hotplug_config_parse(&config, options, NULL, 0) != 0 ||
	    hotplug_enable(&config) != 0)
		return -1;
	return mp_started != NULL ? mp_started() : 0;
}

static void
live(int from, int to, const char *type, const char *options,
     struct report (*serve)(unsigned char command))
{
	struct report report;
	unsigned char command;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGSEGV, SIG_DFL);       /* cmocka's */
	signal(SIGBUS, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	while (read(from, &command, 1) == 1) {
		memset(&report, 0, sizeof(report));
		if (command == MP_START)
			report.state = start(type, options);
		else
			report = serve(command);
		if (write(to, &report, sizeof(report)) != sizeof(report))
			break;
	}
	_exit(0);
}

void
mp_fork(struct process *process, const char *type, const char *options,
	struct report (*serve)(unsigned char command))
{
	int down[2], up[2];

	assert_int_equal(pipe(down), 0);
	assert_int_equal(pipe(up), 0);
	process->pid = fork();
	assert_true(process->pid >= 0);
	if (process->pid == 0) {
		close(down[1]);
		live(down[0], up[1], type, options, serve);
	}
	close(down[0]);
	close(up[1]);
	process->to = down[1];
	process->from = up[0];
}

struct report
mp_ask(const struct process *process, unsigned char command)
{
	struct report report;

	assert_int_equal(write(process->to, &command, 1), 1);
	assert_int_equal(read(process->from, &report, sizeof(report)), sizeof(report));
	return report;
}

void
mp_kill(struct process *process)
{
	if (process->pid <= 0)
		return;
	kill(process->pid, SIGKILL);
	waitpid(process->pid, NULL, 0);
	process->pid = 0;
}

void
mp_remove_files(void)
{
	char line[128];

	snprintf(line, sizeof(line), "rm -rf /var/run/dpdk/hp-mp-c-%d", getpid());
	assert_int_equal(system(line), 0);
}
