/* SPDX-License-Identifier: BSD-3-Clause */

/* events: what has happened to devices and ports, for who stands before the console.
 * In:  the library's events, and ethdev's NEW and DESTROY of any port.  Out: the last lines,
 *      each with its time.
 * Lock: one, around the ring, in here.
 * Context: the events thread, whoever probes (write); the console (read). */

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_ethdev.h>

#include <hotplug.h>

#include "events.h"

#define N_LINES 64
#define LINE_LEN 160

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* lines, n */
static char lines[N_LINES][LINE_LEN];
static unsigned int n;          /* ever written */

static void
keep(const char *text)
{
	struct timespec now;
	struct tm parts;
	char when[16];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &parts);
	strftime(when, sizeof(when), "%H:%M:%S", &parts);
	pthread_mutex_lock(&lock);
	snprintf(lines[n++ % N_LINES], LINE_LEN, "%s.%03ld %s", when, now.tv_nsec / 1000000, text);
	pthread_mutex_unlock(&lock);
}

static void
on_event(const struct hotplug_event *event, void *arg)
{
	char text[LINE_LEN];

	(void)arg;
	snprintf(text, sizeof(text), "%s %s (%s)", event->device,
		 hotplug_event_name(event->type), hotplug_cause_name(event->cause));
	keep(text);
}

static int
on_port(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	char name[RTE_ETH_NAME_MAX_LEN] = "", text[LINE_LEN];

	(void)arg;
	(void)result;
	if (type != RTE_ETH_EVENT_NEW)          /* that one has none yet: ethdev would log it */
		(void)rte_eth_dev_get_name_by_port(port, name);
	snprintf(text, sizeof(text), "port %u %s%s%s", port, name, name[0] != '\0' ? " " : "",
		 type == RTE_ETH_EVENT_NEW ? "is there" : "is gone");
	keep(text);
	return 0;
}

int
events_keep(void)
{
	int ret = hotplug_event_subscribe(NULL, on_event, NULL);

	if (ret > 0)
		ret = rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_NEW, on_port, NULL);
	if (ret == 0)
		ret = rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_DESTROY, on_port,
						    NULL);
	return ret;
}

void
events_say(void (*say)(const char *line, void *arg), void *arg)
{
	char line[LINE_LEN];
	unsigned int i, end;

	pthread_mutex_lock(&lock);
	end = n;
	pthread_mutex_unlock(&lock);
	for (i = end > N_LINES ? end - N_LINES : 0; i < end; i++) {
		pthread_mutex_lock(&lock);
		memcpy(line, lines[i % N_LINES], sizeof(line));
		pthread_mutex_unlock(&lock);
		say(line, arg);
	}
}
