/* SPDX-License-Identifier: BSD-3-Clause */

/* card: one that may have come back: is it there, is it the one, may it be used?
 * In:  what is known of the card that was lost.  Out: bound to the kernel driver that it
 *      had; or why it is left alone.
 * Context: work: the kernel may take its time. */

#include <errno.h>
#include <string.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../eal/host.h"
#include "card.h"

int
card_obstacle(const struct lost_card *card, char *text, size_t len)
{
	const struct hotplug_bus_ops *ops = card->bus->ops;

	text[0] = '\0';
	return ops->obstacle != NULL ?
		ops->obstacle(card->device, card->kernel_driver, text, len) : 0;
}

bool
card_is_there(struct lost_card *card)
{
	struct hotplug_glance now;

	memset(&now, 0, sizeof(now));
	if (card->bus->ops->glance == NULL ||
	    device_glance(card->bus, card->device, &now) != 0)
		return false;
	card->generation = now.generation;
	return true;
}

/* On vfio nobody has switched its registers on yet. */
static bool
is_muted_unopened(const struct lost_card *card)
{
	const struct hotplug_device *dev;
	bool is;

	device_lock();
	dev = device_find(card->bus, card->device);
	is = dev != NULL && dev->works_on_request;
	device_unlock();
	return is;
}

/* Still listed, and nobody answers: a probe could only fail, and the kernel's reset
 * before and after it waits for the card (vfio-pci, 6.1: 65 s). */
bool
card_is_dark(const struct lost_card *card)
{
	struct hotplug_identity any = card->id;
	enum hotplug_look found;

	any.generation = 0;
	found = card->bus->ops->look(card->device, card->kernel_driver, &any);
	return found == HOTPLUG_LOOK_DARK ||
		(found == HOTPLUG_LOOK_MUTED && !is_muted_unopened(card));
}

/* Lost in its first probe, before we could read its driver's name: whoever binds it knows. */
static int
take_driver(struct lost_card *card, const struct hotplug_glance *now)
{
	if (!now->is_user_space)
		return -ENODEV;
	memcpy(card->kernel_driver, now->kernel_driver, sizeof(card->kernel_driver));
	return 0;
}

/* Bound to the driver that it had?  Only a card that was enumerated anew is: who takes
 * the driver of one that stayed, an administrator or a removal on its way, would find
 * it bound again behind his back.  When he gives it back, an event tells. */
int
card_bind(struct lost_card *card)
{
	const struct hotplug_bus_ops *ops = card->bus->ops;
	struct hotplug_glance now;

	memset(&now, 0, sizeof(now));
	if (ops->glance == NULL || device_glance(card->bus, card->device, &now) != 0)
		return -ENODEV;
	if (card->kernel_driver[0] == '\0')
		return take_driver(card, &now);
	if (strcmp(now.kernel_driver, card->kernel_driver) == 0)
		return 0;
	if (now.generation == card->id.generation)
		return -ENODEV;
	if (ops->bind == NULL)
		return -ENOTSUP;
	return ops->bind(card->device, card->kernel_driver);
}

/* A card that we do not know is not silently taken for the one that was lost. */
bool
card_is_acceptable(const struct lost_card *card)
{
	struct hotplug_identity now;

	if (enable_config()->heal_other || card->bus->ops->identify == NULL ||
	    card->bus->ops->identify(card->device, &now) != 0 ||
	    device_compare_cards(&card->id, &now) != HOTPLUG_CARD_OTHER)
		return true;
	host_log(HOST_WARN, "%s: another card came (%04x:%04x); its port is not healed "
		 "(heal_other=on would)", card->device, now.vendor, now.device);
	return false;
}
