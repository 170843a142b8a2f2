/* SPDX-License-Identifier: BSD-3-Clause */

/* test_patience: an unclear look is not believed too early, nor never.
 * In:  a device under each first sign, what a look found, and made-up times.
 * Context: app; time is an argument. */

#include <string.h>

#include "test.h"
#include "watch/patience.h"

#define MS 1000000ull
#define SIGN_NS (1000 * MS)

static struct hotplug_device
suspect_since(enum hotplug_sign sign)
{
	struct hotplug_device dev;

	memset(&dev, 0, sizeof(dev));
	dev.state = HOTPLUG_STATE_SUSPECT;
	dev.first_sign = sign;
	dev.sign_ns = SIGN_NS;
	return dev;
}

static struct hotplug_device
attached(void)
{
	struct hotplug_device dev = suspect_since(HOTPLUG_SIGN_NONE);

	dev.state = HOTPLUG_STATE_ATTACHED;
	dev.sign_ns = 0;
	return dev;
}

static bool
is_over(struct hotplug_device *dev, enum hotplug_look found, uint64_t now_ms,
	enum state_input *input)
{
	dev->look_ns = 0;
	return patience_is_over(dev, found, now_ms * MS, input);
}

/* Not over, and it says when to look again: after now, within 50 ms. */
static void
assert_waits(struct hotplug_device *dev, enum hotplug_look found, uint64_t now_ms)
{
	enum state_input input;

	assert_false(is_over(dev, found, now_ms, &input));
	assert_uint_in_range(dev->look_ns, now_ms * MS + 1, (now_ms + 50) * MS);
}

static void
assert_believes(struct hotplug_device *dev, enum hotplug_look found, uint64_t now_ms,
		enum state_input wanted)
{
	enum state_input input = STATE_N_INPUTS;

	assert_true(is_over(dev, found, now_ms, &input));
	assert_int_equal(input, wanted);
}

/* The kernel said that it goes: half a second of "still there" is no proof. */
static void
test_patience_present_after_the_kernels_word_takes_half_a_second(void **state)
{
	static const enum hotplug_sign signs[] = {
		HOTPLUG_SIGN_UIO, HOTPLUG_SIGN_UEVENT, HOTPLUG_SIGN_EAL,
	};
	struct hotplug_device dev;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(signs); i++) {
		dev = suspect_since(signs[i]);
		assert_waits(&dev, HOTPLUG_LOOK_PRESENT, 1000);
		assert_waits(&dev, HOTPLUG_LOOK_PRESENT, 1250);
		assert_waits(&dev, HOTPLUG_LOOK_PRESENT, 1499);
		assert_believes(&dev, HOTPLUG_LOOK_PRESENT, 1500, STATE_IN_PRESENT);
	}
}

static void
test_patience_present_after_any_other_sign_is_believed_at_once(void **state)
{
	static const enum hotplug_sign signs[] = {
		HOTPLUG_SIGN_NONE, HOTPLUG_SIGN_VFIO, HOTPLUG_SIGN_FAULT,
		HOTPLUG_SIGN_LIVENESS, HOTPLUG_SIGN_CALLER,
	};
	struct hotplug_device dev;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(signs); i++) {
		dev = suspect_since(signs[i]);
		assert_believes(&dev, HOTPLUG_LOOK_PRESENT, 1000, STATE_IN_PRESENT);
	}
}

static void
test_patience_muted_suspect_gets_two_seconds(void **state)
{
	struct hotplug_device dev;
	unsigned int sign;

	(void)state;
	for (sign = HOTPLUG_SIGN_UIO; sign <= HOTPLUG_SIGN_CALLER; sign++) {
		dev = suspect_since(sign);
		assert_waits(&dev, HOTPLUG_LOOK_MUTED, 1000);
		assert_waits(&dev, HOTPLUG_LOOK_MUTED, 2999);
		assert_believes(&dev, HOTPLUG_LOOK_MUTED, 3000,
				sign == HOTPLUG_SIGN_FAULT ? STATE_IN_MUTED : STATE_IN_RESET);
	}
}

static void
test_patience_muted_and_unsuspected_gets_two_seconds_too(void **state)
{
	struct hotplug_device dev = attached();

	(void)state;
	assert_waits(&dev, HOTPLUG_LOOK_MUTED, 5000);
	assert_int_equal(dev.first_sign, HOTPLUG_SIGN_LIVENESS);
	assert_waits(&dev, HOTPLUG_LOOK_MUTED, 6999);
	assert_believes(&dev, HOTPLUG_LOOK_MUTED, 7000, STATE_IN_RESET);
}

/* Whoever switches a card's registers off and on has reset it, as far as we can tell. */
static void
test_patience_muted_and_present_again_is_a_reset(void **state)
{
	struct hotplug_device dev = attached();

	(void)state;
	assert_waits(&dev, HOTPLUG_LOOK_MUTED, 5000);
	assert_waits(&dev, HOTPLUG_LOOK_DARK, 5100);    /* in the middle of it */
	assert_believes(&dev, HOTPLUG_LOOK_PRESENT, 5200, STATE_IN_RESET);
	dev = suspect_since(HOTPLUG_SIGN_FAULT);
	assert_waits(&dev, HOTPLUG_LOOK_MUTED, 1100);
	assert_believes(&dev, HOTPLUG_LOOK_PRESENT, 1200, STATE_IN_RESET);
}

static void
test_patience_reset_is_believed_at_once(void **state)
{
	struct hotplug_device dev = attached();

	(void)state;
	assert_believes(&dev, HOTPLUG_LOOK_RESET, 5000, STATE_IN_RESET);
	assert_int_equal(dev.first_sign, HOTPLUG_SIGN_LIVENESS);
	dev = suspect_since(HOTPLUG_SIGN_UEVENT);
	assert_believes(&dev, HOTPLUG_LOOK_RESET, 1000, STATE_IN_RESET);
	dev = suspect_since(HOTPLUG_SIGN_UIO);  /* bound anew, which counts from the start */
	dev.has_hung_up = true;
	assert_believes(&dev, HOTPLUG_LOOK_RESET, 1500, STATE_IN_CLAIMED);
}

static bool
is_kernels(enum hotplug_sign sign)
{
	return sign == HOTPLUG_SIGN_UIO || sign == HOTPLUG_SIGN_UEVENT ||
		sign == HOTPLUG_SIGN_EAL || sign == HOTPLUG_SIGN_VFIO;
}

/* A reset may darken a device for a second; not when the kernel is taking it away. */
static void
test_patience_dark_without_a_break(void **state)
{
	struct hotplug_device dev;
	unsigned int sign, ms;

	(void)state;
	for (sign = HOTPLUG_SIGN_UIO; sign <= HOTPLUG_SIGN_CALLER; sign++) {
		ms = is_kernels(sign) ? 20 : 1000;
		dev = suspect_since(sign);
		assert_waits(&dev, HOTPLUG_LOOK_DARK, 1000);
		assert_waits(&dev, HOTPLUG_LOOK_DARK, 1000 + ms - 1);
		assert_believes(&dev, HOTPLUG_LOOK_DARK, 1000 + ms, STATE_IN_DARK);
		dev = suspect_since(sign);
		assert_waits(&dev, HOTPLUG_LOOK_DARK, 1000);
		(void)is_over(&dev, HOTPLUG_LOOK_PRESENT, 1010, &(enum state_input){ 0 });
		assert_waits(&dev, HOTPLUG_LOOK_DARK, 1000 + ms);
	}
}

/* Its descriptor is dead, and it does not answer: that is two ways of saying it. */
static void
test_patience_dark_after_a_hangup_is_believed_at_once(void **state)
{
	struct hotplug_device dev = suspect_since(HOTPLUG_SIGN_UIO);

	(void)state;
	dev.has_hung_up = true;
	assert_believes(&dev, HOTPLUG_LOOK_DARK, 1000, STATE_IN_DARK);
}

/* Its descriptor is dead: whatever is bound there now is another binding. */
static void
test_patience_present_after_a_hangup_is_another_binding(void **state)
{
	struct hotplug_device dev = suspect_since(HOTPLUG_SIGN_UIO);

	(void)state;
	dev.has_hung_up = true;
	assert_waits(&dev, HOTPLUG_LOOK_PRESENT, 1499);
	assert_believes(&dev, HOTPLUG_LOOK_PRESENT, 1500, STATE_IN_CLAIMED);
}

static void
test_patience_claimed_for_a_tenth_of_a_second_without_a_break(void **state)
{
	struct hotplug_device dev;
	unsigned int sign;

	(void)state;
	for (sign = HOTPLUG_SIGN_UIO; sign <= HOTPLUG_SIGN_CALLER; sign++) {
		dev = suspect_since(sign);
		assert_waits(&dev, HOTPLUG_LOOK_CLAIMED, 5000);
		assert_waits(&dev, HOTPLUG_LOOK_CLAIMED, 5099);
		assert_believes(&dev, HOTPLUG_LOOK_CLAIMED, 5100, STATE_IN_CLAIMED);
		dev = suspect_since(sign);
		assert_waits(&dev, HOTPLUG_LOOK_CLAIMED, 5000);
		(void)is_over(&dev, HOTPLUG_LOOK_PRESENT, 5090, &(enum state_input){ 0 });
		assert_waits(&dev, HOTPLUG_LOOK_CLAIMED, 5110);
		assert_waits(&dev, HOTPLUG_LOOK_CLAIMED, 5200);
		assert_believes(&dev, HOTPLUG_LOOK_CLAIMED, 5210, STATE_IN_CLAIMED);
	}
}

static void
test_patience_absent_and_other_are_clear_at_once(void **state)
{
	struct hotplug_device dev;
	unsigned int sign;

	(void)state;
	for (sign = HOTPLUG_SIGN_NONE; sign <= HOTPLUG_SIGN_CALLER; sign++) {
		dev = suspect_since(sign);
		assert_believes(&dev, HOTPLUG_LOOK_ABSENT, 1000, STATE_IN_ABSENT);
		dev = suspect_since(sign);
		assert_believes(&dev, HOTPLUG_LOOK_OTHER, 1000, STATE_IN_OTHER);
	}
}

/* Nobody gave a sign: the periodic look is the first. */
static void
test_patience_bad_news_without_a_sign_is_liveness(void **state)
{
	static const enum hotplug_look bad[] = {
		HOTPLUG_LOOK_DARK, HOTPLUG_LOOK_CLAIMED, HOTPLUG_LOOK_OTHER, HOTPLUG_LOOK_ABSENT,
	};
	struct hotplug_device dev;
	enum state_input input;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(bad); i++) {
		dev = attached();
		(void)is_over(&dev, bad[i], 7000, &input);
		assert_int_equal(dev.first_sign, HOTPLUG_SIGN_LIVENESS);
		assert_int_equal(dev.sign_ns, 7000 * MS);
	}
}

static void
test_patience_the_first_sign_stays_the_first(void **state)
{
	struct hotplug_device dev = suspect_since(HOTPLUG_SIGN_UIO);
	enum state_input input;

	(void)state;
	(void)is_over(&dev, HOTPLUG_LOOK_DARK, 1010, &input);
	(void)is_over(&dev, HOTPLUG_LOOK_CLAIMED, 1020, &input);
	(void)is_over(&dev, HOTPLUG_LOOK_ABSENT, 1030, &input);
	assert_int_equal(dev.first_sign, HOTPLUG_SIGN_UIO);
	assert_int_equal(dev.sign_ns, SIGN_NS);
}

/* Nothing to lose: what is seen is taken. */
static void
test_patience_is_for_attached_devices_only(void **state)
{
	static const enum hotplug_state states[] = {
		HOTPLUG_STATE_ABSENT, HOTPLUG_STATE_PRESENT, HOTPLUG_STATE_READY,
		HOTPLUG_STATE_GONE,
	};
	struct hotplug_device dev;
	unsigned int i, look;

	(void)state;
	for (i = 0; i < N_ELEMENTS(states); i++) {
		for (look = HOTPLUG_LOOK_PRESENT; look <= HOTPLUG_LOOK_RESET; look++) {
			dev = suspect_since(HOTPLUG_SIGN_UEVENT);
			dev.state = states[i];
			assert_believes(&dev, look, 1000, STATE_IN_PRESENT + look);
			assert_int_equal(dev.look_ns, 0);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patience_present_after_the_kernels_word_takes_half_a_second),
		cmocka_unit_test(test_patience_present_after_any_other_sign_is_believed_at_once),
		cmocka_unit_test(test_patience_muted_suspect_gets_two_seconds),
		cmocka_unit_test(test_patience_muted_and_unsuspected_gets_two_seconds_too),
		cmocka_unit_test(test_patience_muted_and_present_again_is_a_reset),
		cmocka_unit_test(test_patience_reset_is_believed_at_once),
		cmocka_unit_test(test_patience_dark_without_a_break),
		cmocka_unit_test(test_patience_dark_after_a_hangup_is_believed_at_once),
		cmocka_unit_test(test_patience_present_after_a_hangup_is_another_binding),
		cmocka_unit_test(test_patience_claimed_for_a_tenth_of_a_second_without_a_break),
		cmocka_unit_test(test_patience_absent_and_other_are_clear_at_once),
		cmocka_unit_test(test_patience_bad_news_without_a_sign_is_liveness),
		cmocka_unit_test(test_patience_the_first_sign_stays_the_first),
		cmocka_unit_test(test_patience_is_for_attached_devices_only),
	};

	return cmocka_run_group_tests_name("patience", tests, NULL, NULL);
}
