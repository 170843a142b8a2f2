/* SPDX-License-Identifier: BSD-3-Clause */

/* stats: the counters.
 * In:  every room counts.  Out: telemetry/stats.c reads.
 * Context: any, signal too. */

#include "stats.h"

struct stats stats;
