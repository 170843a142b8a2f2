/* SPDX-License-Identifier: BSD-3-Clause */

/* EAL's device event monitor, after the kernel has once dropped uevents: deaf, and it says
 * that it is running.
 * In:  root, for a network namespace of its own, in which it sends the uevents itself.
 * Out: what the application hears before and after; status 1: the bug. */

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>

#include <rte_alarm.h>
#include <rte_dev.h>
#include <rte_eal.h>

#define N_FLOOD 4000

static atomic_int n_heard, is_asleep;
static int sender;

static void
hear(const char *device, enum rte_dev_event_type type, void *arg)
{
	(void)device;
	(void)type;
	(void)arg;
	atomic_fetch_add(&n_heard, 1);
}

/* An application's alarm: it runs on the thread that also reads the uevents. */
static void
sleep_in_alarm(void *arg)
{
	(void)arg;
	atomic_store(&is_asleep, 1);
	usleep(1500 * 1000);
	atomic_store(&is_asleep, 0);
}

/* As the kernel would send it, of a card that is plugged in. */
static int
send_uevent(void)
{
	static const char text[] = "add@/devices/pci0000:00/0000:31:00.0\0ACTION=add\0"
		"DEVPATH=/devices/pci0000:00/0000:31:00.0\0SUBSYSTEM=pci\0"
		"PCI_SLOT_NAME=0000:31:00.0\0SEQNUM=1";
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_groups = 1};

	return sendto(sender, text, sizeof(text), 0, (struct sockaddr *)&to, sizeof(to)) < 0;
}

static int
is_heard(void)
{
	int i;

	atomic_store(&n_heard, 0);
	if (send_uevent() != 0)
		return -1;
	for (i = 0; i < 100 && atomic_load(&n_heard) == 0; i++)
		usleep(10 * 1000);
	return atomic_load(&n_heard) > 0;
}

static void
flood(void)
{
	int i;

	rte_eal_alarm_set(1, sleep_in_alarm, NULL);
	while (!atomic_load(&is_asleep))
		usleep(1000);
	for (i = 0; i < N_FLOOD; i++)
		send_uevent();
	while (atomic_load(&is_asleep))
		usleep(1000);
	sleep(1);       /* it reads what fitted, and learns that some did not */
}

int
main(void)
{
	char *argv[] = {"repro", "--no-pci", "--no-huge", "-m", "32", "--no-shconf", "--file-prefix=repro",
			"--no-telemetry", "-l", "0", "--log-level=*:emergency", NULL};
	int before, after;

	if (unshare(CLONE_NEWNET) != 0)
		return 2;
	sender = socket(PF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT);
	if (sender < 0 || rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0 ||
	    rte_dev_event_callback_register(NULL, hear, NULL) != 0)
		return 2;
	printf("rte_dev_event_monitor_start() = %d\n", rte_dev_event_monitor_start());
	before = is_heard();
	printf("a card is plugged in: %s\n", before == 1 ? "heard" : "not heard");
	flood();
	printf("%d uevents while the interrupt thread was busy for 1.5 s\n", N_FLOOD);
	after = is_heard();
	printf("a card is plugged in: %s\n", after == 1 ? "heard" : "not heard");
	printf("rte_dev_event_monitor_start() = %d\n", rte_dev_event_monitor_start());
	after = is_heard();
	printf("a card is plugged in: %s\n", after == 1 ? "heard" : "not heard");
	if (before != 1)
		return 2;
	return after != 1;
}
