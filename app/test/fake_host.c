/* SPDX-License-Identifier: BSD-3-Clause */

/* fake_host: the log, the threads and the EAL that the library asks for.
 * In:  the library's rooms, through eal/host.h and main/eal.h.
 * Out: a log that tests can search, plain threads, an EAL that says yes.
 * Lock: `lock` guards the log; the rest is atomic or one thread's.
 * Context: any but signal. */

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "eal/host.h"
#include "eal/monitor.h"
#include "fake_host.h"
#include "main/eal.h"
#include "main/ethdev.h"
#include "main/plugin.h"
#include "report/trace.h"
#include "survive/seat.h"
#include "survive/sigbus.h"
#include "telemetry/survey.h"
#include "telemetry/telemetry.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* text, used */
static char text[256 * 1024];
static size_t used;

static _Atomic int eal_answer;
static _Atomic unsigned int n_forwarded, n_offers;
static _Atomic unsigned int n_traced[TRACE_N];
static struct sigaction below;
static _Atomic bool is_installed;

void
host_log(enum host_level level, const char *fmt, ...)
{
	static const char *const names[] = { "ERR", "WARN", "NOTICE", "DEBUG" };
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&lock);
	n = snprintf(text + used, sizeof(text) - used, "%s: %s\n", names[level], line);
	if (n > 0 && used + n < sizeof(text))
		used += n;
	pthread_mutex_unlock(&lock);
}

unsigned int
fake_log_count(const char *wanted)
{
	unsigned int n = 0;
	const char *at;

	pthread_mutex_lock(&lock);
	for (at = strstr(text, wanted); at != NULL; at = strstr(at + 1, wanted))
		n++;
	pthread_mutex_unlock(&lock);
	return n;
}

bool
fake_log_has(const char *wanted)
{
	return fake_log_count(wanted) > 0;
}

void
fake_log_clear(void)
{
	pthread_mutex_lock(&lock);
	used = 0;
	text[0] = '\0';
	pthread_mutex_unlock(&lock);
}

const char *
fake_log(void)
{
	return text;
}

static _Thread_local bool is_own;

bool
host_thread_is_own(void)
{
	return is_own;
}

static void *
run_thread(void *arg)
{
	struct host_thread *thread = arg;

	is_own = true;
	thread->run(thread->arg);
	return NULL;
}

int
host_thread_start(struct host_thread *thread, const char *name,
		  void (*run)(void *arg), void *arg)
{
	(void)name;
	thread->run = run;
	thread->arg = arg;
	return -pthread_create(&thread->id, NULL, run_thread, thread);
}

void
host_thread_join(struct host_thread *thread)
{
	pthread_join(thread->id, NULL);
}

void
fake_eal_answers(int ret)
{
	atomic_store(&eal_answer, ret);
}

unsigned int
fake_eal_forwarded(void)
{
	return atomic_load(&n_forwarded);
}

int
eal_check(void)
{
	return atomic_load(&eal_answer);
}

/* Without an EAL, what is below is simply what was there. */
int
seat_start(void)
{
	if (seat_is_on_top())
		return 0;
	sigaction(SIGBUS, NULL, &below);
	is_installed = true;
	return sigbus_install(&below);
}

void
seat_check(void)
{
}

void
seat_stop(void)
{
	if (!is_installed || sigbus_has_left())
		return;
	sigbus_remove(&below);
	is_installed = false;
}

bool
seat_is_on_top(void)
{
	return is_installed && sigbus_is_on_top();
}

bool
eal_has_monitor(void)
{
	return false;
}

static void
count_event(const struct hotplug_event *event)
{
	(void)event;
	atomic_fetch_add(&n_forwarded, 1);
}

const struct duty eal_duty = { .event = count_event };

bool
plugin_is_waiting(void)
{
	return false;
}

/* It has no ports, and is alone. */
int
ethdev_start(void)
{
	return 0;
}

void
ethdev_go_on(void)
{
}

void
ethdev_stop(void)
{
}

void
ethdev_let_go(void)
{
}

void
roll_begin(void)
{
}

void
roll_call(void)
{
}

void
telemetry_offer(void)
{
	atomic_fetch_add(&n_offers, 1);
}

unsigned int
fake_telemetry_offers(void)
{
	return atomic_load(&n_offers);
}

void
trace(enum trace_what what, const char *device, int64_t value)
{
	(void)device;
	(void)value;
	atomic_fetch_add(&n_traced[what], 1);
}

unsigned int
fake_traced(enum trace_what what)
{
	return atomic_load(&n_traced[what]);
}
