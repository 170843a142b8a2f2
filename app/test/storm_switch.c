/* SPDX-License-Identifier: BSD-3-Clause */

/* storm_switch: the library is switched off in the middle of all that, and on again.
 * In:  dice.  Out: hotplug_disable(), hotplug_enable(); what is lost from just before the first
 *      until just behind the second may be told, or not.
 * While it is off nobody flips registers (bad_polls_end), nothing is attached or detached, and
 * a card that goes leaves a port that its driver has still.
 * Context: a thread of its own; the main thread, once, before the others begin. */

#include <hotplug.h>

#include "storm.h"
#include "test.h"

#define MAX_LOG2_LOSSES 7       /* from one switch to the next */
#define MAX_OFF_MS 60

_Atomic bool storm_is_off = true;
_Atomic unsigned long storm_n_switches;

/* Often, or seldom. */
static unsigned long
next_switch(struct dice *dice)
{
	return atomic_load(&storm_n_losses) + dice_below(dice, 2u << dice_below(dice, MAX_LOG2_LOSSES));
}

static void
be_off(void)
{
	unsigned int i;

	atomic_store(&storm_is_off, true);
	for (i = 0; i < storm_n_cards; i++)
		weather_forgive(&storm_cards[i], 1);
	atomic_store(&bad_polls_end, true);
}

void
switch_on(void)
{
	struct hotplug_config config;
	int ret;

	hotplug_config_init(&config);
	config.policy = HOTPLUG_POLICY_HEAL;
	config.liveness_ms = 50;
	config.flaps = 0;
	config.stuck_ms = 60000;
	ret = hotplug_enable(&config);
	if (ret != 0)
		storm_fail("hotplug_enable()", "", ret, 0);
	judge_subscribe();
	atomic_store(&bad_polls_end, false);
	atomic_store(&storm_is_off, false);
}

static void
switch_off(void)
{
	int ret;

	be_off();
	ret = hotplug_disable();
	if (ret != 0)
		storm_fail("hotplug_disable()", "", ret, 0);
}

int
storm_switch(unsigned int number)
{
	struct dice dice = dice_of(800 + number);
	unsigned long next = next_switch(&dice);

	while (storm_goes_on()) {
		if (atomic_load(&storm_n_losses) < next) {
			test_sleep_ms(1);
			continue;
		}
		switch_off();
		test_sleep_ms(dice_below(&dice, MAX_OFF_MS));
		atomic_fetch_add(&storm_n_switches, 1);
		switch_on();
		next = next_switch(&dice);
	}
	return 0;
}
