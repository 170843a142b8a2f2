/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_BALLOT_H
#define HOTPLUG_SYNC_BALLOT_H

#include "../core/reasons.h"
#include "machine.h"

/* Parts of the primary (primary.c).  ballot.c: who has answered. */
bool ballot_is_member(struct sync_primary *p, uint32_t slot);
/* Has every process that lives seen an entry's present meaning? */
bool ballot_is_complete(struct sync_primary *p, uint32_t i);
/* Who has not answered yet: SYNC_NOBODY, or the first.  failed: who has failed. */
uint32_t ballot_missing(struct sync_primary *p, uint32_t *failed);
/* In this transaction nobody waits any more for those that have not answered by now. */
void ballot_note_silent(struct sync_primary *p);
/* Nor for those whose slots make no sense, until they do. */
void ballot_leave_out(struct sync_primary *p);
void ballot_blame(struct sync_primary *p, uint32_t slot, enum reason reason, const char *about);
void ballot_blame_with(struct sync_primary *p, int error, uint32_t slot, const char *text);
void ballot_blame_silent(struct sync_primary *p, uint32_t slot);
void ballot_blame_failed(struct sync_primary *p, uint32_t slot, int error);

/* desk.c: the request that came first, taken; false: none. */
bool desk_take(struct sync_primary *p);
/* What it wants, copied; false: it is damaged. */
bool desk_read(struct sync_primary *p);
/* May it be too late to tell the requester otherwise?  False: nobody waits any more. */
bool desk_make_final(struct sync_primary *p);
bool desk_is_dropped(const struct sync_primary *p);
void desk_answer(struct sync_primary *p);

#endif /* HOTPLUG_SYNC_BALLOT_H */
