/* SPDX-License-Identifier: BSD-3-Clause */

/* devargs: what the user said of a device outlives the device.
 * Up to 26.03 unplugging a device takes its devargs away: its options, and its
 * place in the allow-list, so that the card is ignored when it comes back.
 * In:  a device that is lost and about to be unplugged (drivers/bus/pci); one that is probed
 *      (port/table.c).
 * Out: its devargs, in EAL's list again; or the text that attaches it again.
 * Devargs are "name,args", or up to three layers, "bus=pci,addr=.../class=eth/driver=...",
 * which EAL keeps as strings one behind the other in data, without their number.
 * Context: app (whoever unplugs or probes). */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus.h>

#include "devargs.h"

#define MAX_LAYERS 3

static const char *
later(const char *end, const char *string)
{
	const char *after = string != NULL ? string + strlen(string) + 1 : end;

	return (uintptr_t)after > (uintptr_t)end ? after : end;
}

static bool
is_driver_layer(const char *data)
{
	return strncmp(data + strspn(data, ","), "driver=", 7) == 0;    /* empty pairs are ignored */
}

/* Bytes of data, all layers.  Where EAL has read the text as layers in vain and then as
 * "name,args", it leaves the layers' pointers behind, into memory that it has freed.
 * It has begun data with args then: so where it does, a layer counts only where it
 * follows another one. */
static size_t
data_len(const struct rte_devargs *devargs)
{
	const char *data = devargs->data, *end = data + strlen(data) + 1;
	unsigned int i;

	if (devargs->args != data) {
		end = later(later(end, devargs->bus_str), devargs->cls_str);
		return later(end, devargs->args) - data;
	}
	for (i = 1; i < MAX_LAYERS && is_driver_layer(data); i++)
		if (end == devargs->bus_str || end == devargs->cls_str)
			end += strlen(end) + 1;
	return end - data;
}

/* A pointer into data, moved into to; NULL for one that is not. */
static const char *
moved(const struct rte_devargs *devargs, const char *at, const char *to)
{
	uintptr_t offset = (uintptr_t)at - (uintptr_t)devargs->data;

	return at != NULL && offset < data_len(devargs) ? to + offset : NULL;
}

/* "bus" or "class" without a value: EAL's parser would read that at NULL.  "driver": it
 * would not take it anywhere but first. */
static bool
lacks_value(const char *text)
{
	size_t len;

	text += strspn(text, ",");
	len = strcspn(text, ",=/");
	return text[len] != '=' && ((len == 3 && strncmp(text, "bus", len) == 0) ||
		(len == 5 && strncmp(text, "class", len) == 0) ||
		(len == 6 && strncmp(text, "driver", len) == 0));
}

static const char *const layer_keys[MAX_LAYERS] = { "bus=", "class=", "driver=" };

/* MAX_LAYERS: of none. */
static unsigned int
key_of(const char *at)
{
	unsigned int i;

	for (i = 0; i < MAX_LAYERS; i++)
		if (strncmp(at, layer_keys[i], strlen(layer_keys[i])) == 0)
			break;
	return i;
}

/* The next layer of a text, or its end. */
static const char *
next_layer(const char *at)
{
	for (at = strchrnul(at, '/'); *at != '\0'; at = strchrnul(at, '/'))
		if (key_of(++at) < MAX_LAYERS)
			break;
	return at;
}

/* How many '=' has the first pair?  A comma in a list does not end it: "k=x[0,1]". */
static unsigned int
n_equal_signs(const char *at, const char *end)
{
	bool is_list = false;
	unsigned int n = 0;

	for (; at < end && (is_list || *at != ','); at++) {
		n += *at == '=';
		is_list = *at == '[' || (is_list && *at != ']');
	}
	return n;
}

/* EAL takes a layer twice, and "bus=a=b" (a key "a"), and drops it without a word: what
 * comes behind it could not be found in its copy.  A fourth layer it writes behind the end of
 * an array (22.11, 24.11). */
static bool
has_odd_layer(const char *text)
{
	bool is_seen[MAX_LAYERS + 1] = { false };
	const char *at = text + strspn(text, ","), *end;
	unsigned int n = 0;

	for (; *at != '\0'; at = end) {
		end = next_layer(at);
		if (n_equal_signs(at, end) > 1 || ++n > MAX_LAYERS ||
		    (key_of(at) < MAX_LAYERS && is_seen[key_of(at)]))
			return true;
		is_seen[key_of(at)] = true;
	}
	return false;
}

int
devargs_parse(struct rte_devargs *devargs, const char *text)
{
	memset(devargs, 0, sizeof(*devargs));
	if (lacks_value(text) || has_odd_layer(text))
		return -EINVAL;
	if (rte_bus_find_by_name(text) != NULL)
		return -EINVAL;         /* EAL would take what is behind its end for the device */
	return rte_devargs_parse(devargs, text);
}

/* A layer of them, from its key on; NULL: it is none, or empty. */
static const char *
layer(const struct rte_devargs *devargs, const char *at)
{
	at = moved(devargs, at, devargs->data);
	return at == NULL || at[strspn(at, ",")] == '\0' ? NULL : at + strspn(at, ",");
}

static int
join(char *text, size_t len, const char *first, const char *cls, const char *mark,
     const char *args)
{
	int n = snprintf(text, len, "%s%s%s%s%s", first, cls != NULL ? "/" : "",
			 cls != NULL ? cls : "", args != NULL ? mark : "",
			 args != NULL ? args : "");

	if (n >= 0 && (size_t)n < len)
		return 0;
	text[0] = '\0';
	return -E2BIG;
}

int
devargs_text(const char *device, const struct rte_devargs *devargs, char *text, size_t len)
{
	const char *bus = NULL, *args = NULL;

	if (devargs != NULL && devargs->data != NULL) {
		bus = layer(devargs, devargs->bus_str);
		args = layer(devargs, devargs->args);
	}
	if (bus == NULL)
		return join(text, len, device, NULL, ",", args);
	return join(text, len, bus, layer(devargs, devargs->cls_str), "/", args);
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
	copy->data = malloc(data_len(from));
	if (copy->data == NULL) {
		free(copy);
		return NULL;
	}
	memcpy(copy->data, from->data, data_len(from));
	copy->args = moved(from, from->args, copy->data);
	copy->bus_str = moved(from, from->bus_str, copy->data);
	copy->cls_str = moved(from, from->cls_str, copy->data);
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
