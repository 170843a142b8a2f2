/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_AGAIN_H
#define HOTPLUG_PORT_AGAIN_H

#include "card.h"

/* Is it to be tried now?  Then what is known of it. */
bool again_is_turn(const struct ports *ports, struct lost_card *card);
/* heal_run(), when it is its turn. */
void again_in_turn(const struct ports *ports, const char *device);
/* A try has failed; the application is told where that is the last one for now. */
void again_after_failure(const struct lost_card *card, struct ports *ports, int ret);
/* It is not ours to bind or to open yet: text says what, and whose it is. */
void again_after_refusal(const struct ports *ports, const struct lost_card *card, int ret,
			 const char *text);
/* It waits for other processes, and that has been said. */
void again_keep_waiting(const struct ports *ports, bool is_waiting);
/* It has healed: whatever failed was another time. */
void again_begin_anew(const struct ports *ports);

#endif /* HOTPLUG_PORT_AGAIN_H */
