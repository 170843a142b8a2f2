/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TELEMETRY_TELEMETRY_H
#define HOTPLUG_TELEMETRY_TELEMETRY_H

/* Offer our questions to whoever asks this process; again is fine.  They cannot be
 * taken back: when we are disabled they answer so. */
void telemetry_offer(void);
/* A socket where EAL opens none: once, in a secondary. */
void telemetry_open_secondary(void);

#endif /* HOTPLUG_TELEMETRY_TELEMETRY_H */
