/* SPDX-License-Identifier: BSD-3-Clause */

/* asked: a DPDK process with telemetry on, and one mock function, for telemetry.py.
 * In:  EAL arguments; then words on standard input.  Out: "done WORD" for each.
 *	enable, pull (the function vanishes), ask (the kernel wants a device of another
 *	bus back), repeat (40 events), disable, end; for trace.py: heal (enable with
 *	that policy), drill, back, touch (a register that faults); for command_test.py:
 *	with:OPTIONS (enable), lose and come (a drill, not waited for), hold and go (the
 *	driver does not return from close and probe meanwhile), break (its probes fail),
 *	usurp (another handler of SIGBUS over the library's);
 *	ports that are not guarded: strange (on a bus that nobody knows), untold (on the pci
 *	bus, of a device that the bus never probed), doubled (the function's registers are in
 *	two of its BARs), attach:DEVARGS, outside:DEVARGS (the same, in another network
 *	namespace, where there is an interface vo)
 * Context: app. */

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_bus_pci.h>
#include <rte_eal.h>

#include <hotplug.h>

#include "asked.h"
#include "mock_sysfs.h"
#include "port/port.h"
#include "test.h"
#include "test_pmd.h"
#include "toy_bus.h"

/* The longest name that there is. */
#define LONG_NAME "long-long-long-long-long-long-long-long-long-long-long-long-123"

static struct toy toys[2];

static bool
is_delivered(uint64_t n)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	return hotplug_stats_get(&stats) == 0 && stats.events >= n;
}

static bool
pull(void)
{
	mock_sysfs_remove(NAME);
	close(test_pmd_of(NAME)->sign[1]);
	return WAIT_FOR(is_delivered(1));
}

static bool
ask(void)
{
	hotplug_bus_register(&toy_bus);
	toy_make(&toys[0], "asked0", 1, test_page());
	toys[0].works_on_request = true;
	return toy_publish(&toys[0]) == 0 && toy_report(&toys[0]) == 0 &&
		WAIT_FOR(is_delivered(2));
}

/* It is said to go, and lives, again and again. */
static bool
repeat(void)
{
	unsigned int i;

	toy_make(&toys[1], LONG_NAME, 1, test_page());
	if (toy_publish(&toys[1]) != 0)
		return false;
	for (i = 1; i <= 40; i++)
		if (toy_report(&toys[1]) != 0 || !WAIT_FOR(is_delivered(2 + i)))
			return false;
	return true;
}

static bool
heal(void)
{
	struct hotplug_config config;

	hotplug_config_init(&config);
	config.policy = HOTPLUG_POLICY_HEAL;
	return hotplug_enable(&config) == 0;
}

static bool
drill(void)
{
	mock_sysfs_write(NAME, "reset", "0", 1);
	return hotplug_simulate_removal(NAME) == 0 &&
		WAIT_FOR(test_pmd_of(NAME)->n_removes == 1);
}

static bool
back(void)
{
	return hotplug_simulate_return(NAME) == 0 && WAIT_FOR(test_pmd_of(NAME)->n_probes == 2 &&
		hotplug_device_state(NAME) == HOTPLUG_STATE_ATTACHED);
}

/* Nothing is behind the BAR for a moment: a real SIGBUS, on a device that lives.  It may
 * be mapped again before there is something again: then it faults again. */
static bool
touch(void)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };
	const volatile uint8_t *bar = test_pmd_of(NAME)->bar;
	const char *path = mock_sysfs_path(NAME, "resource0");
	bool is_faulted;

	if (truncate(path, 0) != 0)
		return false;
	is_faulted = *bar != 0x5a;
	return truncate(path, MOCK_BAR_LEN) == 0 && is_faulted &&
		WAIT_FOR(hotplug_stats_get(&stats) == 0 && stats.restored >= 1);
}

static atomic_bool is_holding;

static void
wait_while_held(struct test_pmd *pmd)
{
	(void)pmd;
	while (atomic_load(&is_holding))
		usleep(1000);
}

static bool
hold(void)
{
	atomic_store(&is_holding, true);
	test_pmd_in_close = wait_while_held;
	test_pmd_in_init = wait_while_held;
	return true;
}

static bool
go(void)
{
	atomic_store(&is_holding, false);
	return true;
}

static bool
lose(void)
{
	mock_sysfs_write(NAME, "reset", "0", 1);
	return hotplug_simulate_removal(NAME) == 0;
}

static bool
come(void)
{
	return hotplug_simulate_return(NAME) == 0;
}

static void
end_at_once(int number)
{
	_exit(128 + number);
}

/* Not SIG_DFL: over that one the library takes its place again. */
static bool
usurp(void)
{
	const struct sigaction action = { .sa_handler = end_at_once };

	return sigaction(SIGBUS, &action, NULL) == 0;
}

static bool
break_probes(void)
{
	heal_pause_ms = 1;
	test_pmd_probe_answer = -EIO;
	return true;
}

static bool
enable_with(const char *options)
{
	struct hotplug_config config;

	hotplug_config_init(&config);
	return hotplug_config_parse(&config, options, NULL, 0) == 0 &&
		hotplug_enable(&config) == 0;
}

static const struct {
	const char *word;
	bool (*fn)(void);
} words[] = {
	{ "pull", pull }, { "ask", ask }, { "repeat", repeat }, { "heal", heal },
	{ "drill", drill }, { "back", back }, { "touch", touch }, { "hold", hold }, { "go", go },
	{ "lose", lose }, { "come", come }, { "break", break_probes }, { "strange", asked_strange },
	{ "usurp", usurp }, { "untold", asked_untold }, { "doubled", asked_doubled },
};

static const struct {
	const char *word;
	bool (*fn)(const char *rest);
} words_of[] = {
	{ "with:", enable_with }, { "attach:", asked_attach }, { "outside:", asked_outside },
};

static bool
obey(const char *word)
{
	unsigned int i;

	if (strcmp(word, "enable") == 0)
		return hotplug_enable(NULL) == 0;
	for (i = 0; i < N_ELEMENTS(words_of); i++)
		if (strncmp(word, words_of[i].word, strlen(words_of[i].word)) == 0)
			return words_of[i].fn(word + strlen(words_of[i].word));
	for (i = 0; i < N_ELEMENTS(words); i++)
		if (strcmp(word, words[i].word) == 0)
			return words[i].fn();
	return strcmp(word, "disable") == 0 && hotplug_disable() == 0;
}

int
main(int argc, char **argv)
{
	const char *root = mock_sysfs_make();
	char word[320];
	int ret;

	mock_sysfs_add(NAME, "hotplug_mock");
	/* not a step further with the machine's own devices in sight */
	if (strcmp(rte_pci_get_sysfs_path(), root) != 0)
		return 1;
	ret = rte_eal_init(argc, argv) < 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (ret == 0 && scanf("%319s", word) == 1 && strcmp(word, "end") != 0) {
		ret = !obey(word);
		printf("%s %s\n", ret == 0 ? "done" : "failed", word);
	}
	mock_sysfs_destroy();
	return rte_eal_cleanup() != 0 || ret != 0;
}
