/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsed once for those who compile the library anew: three quarters of each of its files' time
 * go into these headers.  The library itself is built without, so what it includes is seen. */
#include <rte_ethdev.h>
#include <ethdev_driver.h>
