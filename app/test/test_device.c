/* SPDX-License-Identifier: BSD-3-Clause */

/* test_device: what a backend may say of its devices, and when; which buses
 * there may be; enable and disable, in every order.
 * In:  toy devices and made-up buses, sense and nonsense.
 * Context: app. */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "enabled.h"
#include "fake_host.h"
#include "told.h"
#include "toy_bus.h"

#define LEN 8192ul

static struct toy toy;

static int
start(void **state)
{
	(void)state;
	toy_make(&toy, "toy0", 2, LEN);
	return toy_enable(NULL);
}

static int
stop(void **state)
{
	(void)state;
	toy_destroy(&toy);
	toy_disable();
	return 0;
}

static uint64_t
n_guarded(void)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	assert_int_equal(hotplug_stats_get(&stats), 0);
	return stats.guarded;
}

static void
test_device_publish_guards_and_withdraw_lets_go(void **state)
{
	(void)state;
	assert_int_equal(hotplug_device_state("toy0"), -ENOENT);
	assert_int_equal(toy_publish(&toy), 0);
	assert_int_equal(hotplug_device_state("toy0"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(n_guarded(), 1);
	assert_int_equal(toy_withdraw(&toy), 0);
	assert_int_equal(hotplug_device_state("toy0"), HOTPLUG_STATE_READY);
	assert_int_equal(n_guarded(), 0);
	assert_int_equal(toy_withdraw(&toy), -ENOENT);
}

/* One thing wrong at a time. */
static void
spoil(struct hotplug_device_info *info, unsigned int what)
{
	static char endless[HOTPLUG_NAME_LEN + 1];

	memset(endless, 'x', HOTPLUG_NAME_LEN);
	switch (what) {
	case 0: info->key = NULL; break;
	case 1: info->name = NULL; break;
	case 2: info->name = ""; break;
	case 3: info->name = endless; break;
	case 4: info->n_regions = HOTPLUG_MAX_REGIONS + 1; break;
	case 5: info->region[1].len = 0; break;
	case 6: info->region[1].addr = NULL; break;
	case 7: info->region[1].len = SIZE_MAX; break;
	case 8: info->region[1].addr = info->region[0].addr; break;
	default: info->n_ports = HOTPLUG_MAX_PORTS + 1; break;
	}
}

static void
test_device_publish_refuses_nonsense(void **state)
{
	struct hotplug_bus stranger = { .name = "stranger" };   /* it would be followed */
	struct hotplug_device_info info;
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		toy_info(&toy, &info);
		spoil(&info, i);
		if (hotplug_device_publish(&toy_bus, &info) != -EINVAL)
			fail_msg("nonsense %u was published", i);
		assert_int_equal(n_guarded(), 0);
	}
	toy_info(&toy, &info);
	assert_int_equal(hotplug_device_publish(NULL, &info), -EINVAL);
	assert_int_equal(hotplug_device_publish(&stranger, &info), -EINVAL);
	assert_int_equal(hotplug_device_publish(&toy_bus, NULL), -EINVAL);
	assert_int_equal(toy_publish(&toy), 0); /* no harm done */
}

static void
test_device_publish_refuses_what_is_not_mapped(void **state)
{
	struct hotplug_device_info info;

	(void)state;
	toy_info(&toy, &info);
	munmap(toy.bar[1] + LEN / 2, LEN / 2);
	assert_int_equal(hotplug_device_publish(&toy_bus, &info), -ESTALE);
	munmap(toy.bar[1], LEN / 2);
	toy.bar[1] = NULL;              /* anybody may come there from now on */
	assert_int_equal(hotplug_device_publish(&toy_bus, &info), -ESTALE);
	assert_int_equal(n_guarded(), 0);
}

static void
test_device_two_may_not_share_a_region(void **state)
{
	struct hotplug_device_info info;

	(void)state;
	assert_int_equal(toy_publish(&toy), 0);
	toy_info(&toy, &info);
	info.name = "other";
	info.key = &info;
	assert_int_equal(hotplug_device_publish(&toy_bus, &info), -EINVAL);
	assert_int_equal(n_guarded(), 1);
	assert_int_equal(hotplug_device_state("toy0"), HOTPLUG_STATE_ATTACHED);
}

static void
test_device_a_new_key_takes_the_name_over(void **state)
{
	struct hotplug_device_info info;

	(void)state;
	assert_int_equal(toy_publish(&toy), 0);
	toy_info(&toy, &info);
	info.key = &info;
	assert_int_equal(hotplug_device_publish(&toy_bus, &info), 0);
	assert_int_equal(n_guarded(), 1);
	assert_int_equal(toy_withdraw(&toy), -ENOENT);
	assert_int_equal(hotplug_device_withdraw(&toy_bus, &info), 0);
}

/* Its unplug on another thread has unmapped it, and not come to say so yet. */
static void
test_device_what_is_being_unplugged_is_in_nobodys_way(void **state)
{
	struct toy other;
	unsigned int i;

	(void)state;
	toy_make(&other, "other", 2, LEN);
	assert_int_equal(toy_publish(&toy), 0);
	assert_int_equal(hotplug_device_unsettle(&toy_bus, &toy), 0);
	for (i = 0; i < 2; i++) {
		munmap(other.bar[i], LEN);
		other.bar[i] = mmap(toy_unmap(&toy, i), LEN, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_FIXED, other.fd[i], 0);
		assert_ptr_not_equal(other.bar[i], MAP_FAILED);
	}
	assert_int_equal(toy_publish(&other), 0);
	assert_int_equal(toy_withdraw(&toy), 0);
	assert_int_equal(hotplug_device_state("other"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(n_guarded(), 1);
	toy_destroy(&other);
}

static void
test_device_report_takes_a_backends_signs_only(void **state)
{
	static const enum hotplug_sign bad[] = {
		HOTPLUG_SIGN_NONE, HOTPLUG_SIGN_UIO, HOTPLUG_SIGN_UEVENT, HOTPLUG_SIGN_FAULT,
		HOTPLUG_SIGN_LIVENESS, (enum hotplug_sign)99,
	};
	unsigned int i;

	(void)state;
	assert_int_equal(toy_publish(&toy), 0);
	for (i = 0; i < N_ELEMENTS(bad); i++)
		assert_int_equal(hotplug_bus_report(&toy_bus, &toy, bad[i]), -EINVAL);
	assert_int_equal(toy_read(toy.bar[0]), 0x5a);
	assert_int_equal(hotplug_bus_report(&toy_bus, NULL, HOTPLUG_SIGN_CALLER), -ENOENT);
}

static void
test_device_state_of_nonsense(void **state)
{
	struct hotplug_stats stats = { .size = sizeof(stats) + 1 };

	(void)state;
	assert_int_equal(hotplug_device_state(NULL), -EINVAL);
	assert_int_equal(hotplug_device_state("no such"), -ENOENT);
	assert_int_equal(hotplug_stats_get(NULL), -EINVAL);
	assert_int_equal(hotplug_stats_get(&stats), -EINVAL);
	stats.size = sizeof(stats.size) - 1;
	assert_int_equal(hotplug_stats_get(&stats), -EINVAL);
}

/* Of an application that was compiled before has_handler was there. */
static void
test_device_stats_of_an_older_size_are_written_no_further(void **state)
{
	struct hotplug_stats stats = {
		.size = offsetof(struct hotplug_stats, has_handler), .faults = 99, .has_handler = 77,
	};
	const size_t size = stats.size;

	(void)state;
	assert_int_equal(hotplug_stats_get(&stats), 0);
	assert_int_equal(stats.size, size);
	assert_int_equal(stats.faults, 0);
	assert_int_equal(stats.has_handler, 77);
}

static enum hotplug_look
look(const char *name, const char *kernel_driver, const struct hotplug_identity *id)
{
	(void)name;
	(void)kernel_driver;
	(void)id;
	return HOTPLUG_LOOK_PRESENT;
}

static unsigned int n_enables, n_disables;
static int enable_answer;

static int
count_enable(void)
{
	n_enables++;
	return enable_answer;
}

static void
count_disable(void)
{
	n_disables++;
}

static const struct hotplug_bus_ops counting_ops = {
	.look = look, .enable = count_enable, .disable = count_disable,
};

static void
test_bus_register_refuses_nonsense_and_doubles(void **state)
{
	static const struct hotplug_bus_ops no_look = { .enable = count_enable };
	struct hotplug_bus bus = { .name = "a", .ops = &counting_ops };
	struct hotplug_bus twin = { .name = "a", .ops = &counting_ops };
	struct hotplug_bus bad[] = {
		{ .name = NULL, .ops = &counting_ops }, { .name = "b", .ops = NULL },
		{ .name = "b", .ops = &no_look },
	};
	unsigned int i;

	(void)state;
	assert_int_equal(hotplug_bus_register(NULL), -EINVAL);
	for (i = 0; i < N_ELEMENTS(bad); i++)
		assert_int_equal(hotplug_bus_register(&bad[i]), -EINVAL);
	assert_int_equal(hotplug_bus_register(&bus), 0);
	assert_int_equal(hotplug_bus_register(&bus), -EEXIST);
	assert_int_equal(hotplug_bus_register(&twin), -EEXIST);
	assert_int_equal(hotplug_bus_unregister(&twin), -ENOENT);
	assert_int_equal(hotplug_bus_unregister(&bus), 0);
	assert_int_equal(hotplug_bus_unregister(&bus), -ENOENT);
	assert_int_equal(hotplug_bus_unregister(NULL), -ENOENT);
}

static void
test_bus_the_ninth_is_refused(void **state)
{
	struct hotplug_bus bus[9];
	char name[9][4];
	unsigned int i;

	(void)state;
	for (i = 0; i < 9; i++) {
		snprintf(name[i], sizeof(name[i]), "b%u", i);
		bus[i] = (struct hotplug_bus){ .name = name[i], .ops = &counting_ops };
		assert_int_equal(hotplug_bus_register(&bus[i]), i < 8 ? 0 : -ENOSPC);
	}
	assert_int_equal(hotplug_bus_unregister(&bus[3]), 0);
	assert_int_equal(hotplug_bus_register(&bus[8]), 0);
	for (i = 0; i < 9; i++)
		assert_int_equal(hotplug_bus_unregister(&bus[i]), i == 3 ? -ENOENT : 0);
}

static void
test_bus_runs_between_enable_and_disable(void **state)
{
	struct hotplug_bus bus = { .name = "counting", .ops = &counting_ops };

	(void)state;
	n_enables = n_disables = 0;
	enable_answer = 0;
	assert_int_equal(hotplug_bus_register(&bus), 0);
	assert_int_equal(n_enables, 0);
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_int_equal(n_enables, 1);
	assert_int_equal(hotplug_bus_unregister(&bus), 0);
	assert_int_equal(n_disables, 1);
	assert_int_equal(hotplug_bus_register(&bus), 0);        /* at once */
	assert_int_equal(n_enables, 2);
	assert_int_equal(hotplug_disable(), 0);
	assert_int_equal(n_disables, 2);
	assert_int_equal(hotplug_bus_unregister(&bus), 0);
	assert_int_equal(n_disables, 2);
}

/* The bus is its owner's again, who frees it; its device is known further. */
static void
test_bus_is_not_followed_once_it_is_unregistered(void **state)
{
	static const struct hotplug_bus_ops look_only = { .look = look };
	struct hotplug_bus_ops *ops = malloc(sizeof(*ops));
	struct hotplug_bus *bus = malloc(sizeof(*bus));
	struct hotplug_device_info info = { .key = bus, .name = "orphan0", .sign_fd = -1 };
	struct told told;

	(void)state;
	*ops = look_only;
	*bus = (struct hotplug_bus){ .name = "short", .ops = ops };
	assert_int_equal(hotplug_bus_register(bus), 0);
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_int_equal(hotplug_device_publish(bus, &info), 0);
	assert_int_equal(hotplug_bus_unregister(bus), 0);
	memset(ops, 0x5a, sizeof(*ops));
	memset(bus, 0x5a, sizeof(*bus));
	free(ops);
	free(bus);
	told_ask(&told, ANSWER_DICT, answer_info, "orphan0");
	told_ask(&told, ANSWER_DICT, answer_health, NULL);
	hotplug_scan();                 /* watch has been at each device when it returns */
	test_sleep_ms(1200);            /* and once a second */
	bus = malloc(sizeof(*bus));     /* the next one adopts it */
	*bus = (struct hotplug_bus){ .name = "short", .ops = &look_only };
	info.key = bus;
	assert_int_equal(hotplug_bus_register(bus), 0);
	assert_int_equal(hotplug_device_publish(bus, &info), 0);
	assert_int_equal(hotplug_device_state("orphan0"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(hotplug_bus_unregister(bus), 0);
	free(bus);
	assert_int_equal(hotplug_disable(), 0);
}

static void
test_bus_that_fails_undoes_enable(void **state)
{
	static const struct hotplug_bus_ops failing_ops = { .look = look, .enable = count_enable };
	struct hotplug_bus good = { .name = "good", .ops = &counting_ops };
	struct hotplug_bus failing = { .name = "failing", .ops = &failing_ops };

	(void)state;
	n_enables = n_disables = 0;
	enable_answer = 0;
	assert_int_equal(hotplug_bus_register(&good), 0);
	assert_int_equal(hotplug_enable(NULL), 0);
	enable_answer = -EPROTO;
	assert_int_equal(hotplug_bus_register(&failing), -EPROTO);
	assert_int_equal(hotplug_bus_unregister(&failing), -ENOENT);
	assert_int_equal(hotplug_disable(), 0);
	fake_log_clear();
	assert_int_equal(hotplug_enable(NULL), -EPROTO);
	assert_true(fake_log_has("ERR: not enabled: "));
	assert_int_equal(hotplug_disable(), -EALREADY);
	assert_int_equal(hotplug_bus_unregister(&good), 0);
}

static void
test_enable_twice_and_disable_twice(void **state)
{
	(void)state;
	assert_int_equal(hotplug_disable(), -EALREADY);
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_int_equal(hotplug_enable(NULL), -EALREADY);
	assert_int_equal(hotplug_disable(), 0);
	assert_int_equal(hotplug_disable(), -EALREADY);
}

static void
test_enable_before_eal_or_with_another_is_refused(void **state)
{
	static const int answers[] = { -EAGAIN, -ENOTSUP };
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(answers); i++) {
		fake_eal_answers(answers[i]);
		assert_int_equal(hotplug_enable(NULL), answers[i]);
		assert_int_equal(hotplug_device_state("x"), -EPERM);
	}
	fake_eal_answers(0);
}

static void
test_disabled_library_answers_nothing(void **state)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	(void)state;
	assert_int_equal(hotplug_device_state("toy0"), -EPERM);
	assert_int_equal(hotplug_stats_get(&stats), -EPERM);
	toy_make(&toy, "toy0", 1, LEN);
	assert_int_equal(toy_publish(&toy), -EPERM);
	assert_int_equal(toy_report(&toy), -ENOENT);
	toy_destroy(&toy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENABLED(test_device_publish_guards_and_withdraw_lets_go),
		ENABLED(test_device_publish_refuses_nonsense),
		ENABLED(test_device_publish_refuses_what_is_not_mapped),
		ENABLED(test_device_two_may_not_share_a_region),
		ENABLED(test_device_a_new_key_takes_the_name_over),
		ENABLED(test_device_what_is_being_unplugged_is_in_nobodys_way),
		ENABLED(test_device_report_takes_a_backends_signs_only),
		ENABLED(test_device_state_of_nonsense),
		ENABLED(test_device_stats_of_an_older_size_are_written_no_further),
		cmocka_unit_test(test_bus_register_refuses_nonsense_and_doubles),
		cmocka_unit_test(test_bus_the_ninth_is_refused),
		cmocka_unit_test(test_bus_runs_between_enable_and_disable),
		cmocka_unit_test(test_bus_is_not_followed_once_it_is_unregistered),
		cmocka_unit_test(test_bus_that_fails_undoes_enable),
		cmocka_unit_test(test_enable_twice_and_disable_twice),
		cmocka_unit_test(test_enable_before_eal_or_with_another_is_refused),
		cmocka_unit_test(test_disabled_library_answers_nothing),
	};

	return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
