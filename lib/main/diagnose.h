/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_MAIN_DIAGNOSE_H
#define HOTPLUG_MAIN_DIAGNOSE_H

/* What in this process would defeat us: said once each. */
void diagnose(void);
void diagnose_reset(void);

#endif /* HOTPLUG_MAIN_DIAGNOSE_H */
