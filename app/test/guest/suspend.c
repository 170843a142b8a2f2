/* SPDX-License-Identifier: BSD-3-Clause */

/* suspend: a vfio device whose memory decoding is switched off and on again lives;
 * one that stays off is lost.  (Stock DPDK loops in its SIGBUS handler for ever.)
 * In:  EAL arguments with one PCI device on vfio-pci.  Out: a line for each step,
 *      exit status 0 when all went as it should.
 * Run in a guest by scenarios/suspend.py. */

#include <stdio.h>
#include <time.h>

#include <rte_bus_pci.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include <bus_pci_driver.h>
#include <hotplug.h>

#define COMMAND 0x04
#define COMMAND_MEMORY 0x2

static _Atomic unsigned int n_restored, n_gone;
static _Atomic int gone_cause;

static void
on_event(const struct hotplug_event *event, void *arg)
{
	(void)arg;
	if (event->type == HOTPLUG_EVENT_RESTORED)
		n_restored++;
	if (event->type == HOTPLUG_EVENT_GONE) {
		gone_cause = event->cause;
		n_gone++;
	}
}

static void
sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

static bool
comes_true(_Atomic unsigned int *n, unsigned int wanted)
{
	unsigned int i;

	for (i = 0; i < 500 && *n < wanted; i++)
		sleep_ms(10);
	return *n >= wanted;
}

static void
set_memory(struct rte_pci_device *dev, bool is_on)
{
	uint16_t command = 0;

	rte_pci_read_config(dev, &command, sizeof(command), COMMAND);
	command = is_on ? command | COMMAND_MEMORY : command & ~COMMAND_MEMORY;
	rte_pci_write_config(dev, &command, sizeof(command), COMMAND);
}

static int
expect(bool is_true, const char *what)
{
	printf("%s %s\n", is_true ? "ok" : "FAILED", what);
	fflush(stdout);
	return is_true ? 0 : 1;
}

/* Half a second after a reset the link comes up, and e1000e's card notes in this register what
 * it has agreed on. */
static uint32_t
read_settled(volatile uint32_t *reg)
{
	uint32_t value = *reg;
	unsigned int n_same;

	for (n_same = 0; n_same < 20; n_same++) {
		sleep_ms(100);
		if (*reg != value)
			n_same = 0;
		value = *reg;
	}
	return value;
}

static int
run(struct rte_pci_device *dev)
{
	volatile uint32_t *bar = dev->mem_resource[0].addr;
	uint32_t before = read_settled(bar), after;
	int failed = 0;

	failed += expect(before != UINT32_MAX, "the register reads something");
	set_memory(dev, false);
	failed += expect(*bar == UINT32_MAX, "decoding off: it reads ones, nobody dies");
	sleep_ms(300);
	failed += expect(hotplug_device_state(dev->name) == HOTPLUG_STATE_SUSPECT,
			 "it is suspect while decoding is off");
	set_memory(dev, true);
	failed += expect(comes_true(&n_restored, 1), "decoding on: restored");
	after = *bar;
	printf("# it read 0x%x, and reads 0x%x\n", before, after);
	failed += expect(after == before, "the register reads what it did");
	failed += expect(hotplug_device_state(dev->name) == HOTPLUG_STATE_ATTACHED,
			 "it is attached as before");
	set_memory(dev, false);
	failed += expect(*bar == UINT32_MAX, "decoding off again");
	failed += expect(comes_true(&n_gone, 1) && gone_cause == HOTPLUG_CAUSE_FAULT,
			 "it stays off: gone, because of the fault");
	failed += expect(n_gone == 1 && n_restored == 1, "each was said once");
	set_memory(dev, true);  /* the driver closes a living device */
	return failed;
}

int
main(int argc, char **argv)
{
	struct rte_eth_dev_info info;
	int failed;

	if (rte_eal_init(argc, argv) < 0 || hotplug_enable(NULL) < 0)
		return 2;
	if (rte_eth_dev_count_avail() != 1 || rte_eth_dev_info_get(0, &info) != 0)
		return 2;
	hotplug_event_subscribe(NULL, on_event, NULL);
	failed = run(container_of(info.device, struct rte_pci_device, device));
	rte_eth_dev_close(0);
	hotplug_disable();
	rte_eal_cleanup();
	return failed == 0 ? 0 : 1;
}
