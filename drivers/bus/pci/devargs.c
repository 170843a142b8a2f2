/* SPDX-License-Identifier: BSD-3-Clause */

/* devargs: what the user said of a device outlives the device.
 * Up to 26.03 unplugging a device takes its devargs away: its options, and its
 * place in the allow-list, so that the card is ignored when it comes back.
 * In:  a device that is lost and about to be unplugged (pci_2211.c).
 * Out: its devargs, in EAL's list again.
 * Context: app (whoever unplugs). */

#include <stdlib.h>
#include <string.h>

#include "devargs.h"

/* A pointer into the old text, moved to the new one. */
static const char *
moved(const char *at, const char *from, const char *to)
{
	return at != NULL ? to + (at - from) : NULL;
}

struct rte_devargs *
devargs_copy(const struct rte_devargs *from)
{
	struct rte_devargs *copy;

	if (from == NULL)
		return NULL;
	copy = malloc(sizeof(*copy));
	if (copy == NULL)
		return NULL;
	*copy = *from;
	if (from->data == NULL)
		return copy;
	copy->data = strdup(from->data);
	if (copy->data == NULL) {
		free(copy);
		return NULL;
	}
	copy->args = copy->data + (from->args != NULL ? from->args - from->data : 0);
	if (from->args == NULL)
		copy->args = NULL;
	copy->bus_str = moved(from->bus_str, from->data, copy->data);
	copy->cls_str = moved(from->cls_str, from->data, copy->data);
	return copy;
}

void
devargs_free(struct rte_devargs *devargs)
{
	if (devargs != NULL)
		free(devargs->data);
	free(devargs);
}

void
devargs_put_back(struct rte_devargs *devargs)
{
	if (devargs != NULL && rte_devargs_insert(&devargs) != 0)
		devargs_free(devargs);
}
