/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_CARD_H
#define HOTPLUG_PORT_CARD_H

#include "port.h"

/* What is known of a card that was lost: a copy, since its ports may be closed, and their
 * entries another's, while the kernel takes its time. */
struct lost_card {
	struct hotplug_bus *bus;
	char device[HOTPLUG_NAME_LEN];
	char kernel_driver[HOTPLUG_NAME_LEN];
	struct hotplug_identity id;
	bool is_waiting;        /* for other processes: said already */
	int refusal;            /* said already */
	uint64_t generation;    /* of the one that is there now (card_is_there) */
};

bool card_is_there(struct lost_card *card);
bool card_is_dark(const struct lost_card *card);
bool card_is_acceptable(const struct lost_card *card);
/* -ENODEV: left alone. */
int card_bind(struct lost_card *card);
/* May this process open it, bound as it is?  -errno, and what it may not, in words. */
int card_obstacle(const struct lost_card *card, char *text, size_t len);

#endif /* HOTPLUG_PORT_CARD_H */
