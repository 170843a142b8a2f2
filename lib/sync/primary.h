/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_PRIMARY_H
#define HOTPLUG_SYNC_PRIMARY_H

#include "../core/reasons.h"
#include "../eal/clock.h"
#include "machine.h"

/* Steps of the primary that its files share. */

/* primary.c */
struct sync_entry *primary_entry(const struct sync_primary *p, uint32_t i);
void primary_enter(struct sync_primary *p, enum sync_phase phase);
/* Has the phase lasted for so long? */
bool primary_is_past(const struct sync_primary *p, uint64_t limit_ns);
/* p's entry gets its next meaning, and all are woken; text NULL: as it was. */
void primary_write_entry(struct sync_primary *p, enum sync_want want, bool is_undo,
			 bool is_shared, const char *text);
/* The end of a request that nothing has been done for. */
void primary_refuse(struct sync_primary *p, enum reason reason);
void primary_refuse_with(struct sync_primary *p, int error, const char *text);

/* mend.c */
void primary_wake_all(const struct sync_primary *p);

/* admit.c */
/* SYNC_PHASE_CHECK: 1, or -EAGAIN. */
int admit(struct sync_primary *p);
/* Asked at each step: the requester may have seen it go before we have. */
void admit_note_loss(struct sync_primary *p);

#endif /* HOTPLUG_SYNC_PRIMARY_H */
