/* SPDX-License-Identifier: BSD-3-Clause */

/* fuzz_devargs: any text as devargs.  What EAL's parser takes is copied whole, and the
 * text that is remembered of it parses to the same again, or is refused as too long.
 * Copies are compared: what the parser fills in may point into what it has freed. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <bus_pci_driver.h>
#include <rte_bus.h>
#include <rte_bus_vdev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>
#include <rte_log.h>

#include "eal/devargs.h"
#include "fuzz.h"

const char *const fuzz_seeds[] = {
	"0000:01:00.0", "0000:01:00.0,speed=10,name=a b", "01:00.0,x", "pci:0000:01:00.0,a=b",
	"bus=pci,addr=0000:01:00.0", "bus=pci,addr=01:00.0,id=1/class=eth",
	"bus=vdev,name=net_null0/class=eth,mac=00:11:22:33:44:55/driver=null,size=64",
	"driver=ring/bus=vdev,name=net_ring0", "0000:01:00.0,a/class=unknown",  /* N_TAKEN */
	"net_null0,size=64", "driver=ring/bus=a=b/bus=vdev,name=net_ring0", "driver=a/driver=b/bus=pci",
	"driver/bus=vdev,name=net_ring0", ",driver=ring/bus=vdev,name=net_ring0",
	"[,class=driver=ring/bus=vdev,name=net_ring0",
	"driver=ring/class=a=b/bus=vdev,name=net_ring0", "class=eth",
	"/class=eth", "/bus=", "/driver=", ",", "bus=", NULL,
};

#define N_TAKEN 9
#define MAX_LEN 8192     /* of a remembered text; inputs are shorter */

/* But for empty pairs at the beginning. */
static bool
is_same(const char *a, const char *b)
{
	a = a != NULL ? a + strspn(a, ",") : "";
	b = b != NULL ? b + strspn(b, ",") : "";
	return strcmp(a, b) == 0;
}

static void
compare(const struct rte_devargs *a, const struct rte_devargs *b)
{
	FUZZ_CHECK(strcmp(a->name, b->name) == 0);
	FUZZ_CHECK(a->bus == b->bus && a->cls == b->cls);
	FUZZ_CHECK(is_same(a->bus_str, b->bus_str));
	FUZZ_CHECK(is_same(a->cls_str, b->cls_str));
	FUZZ_CHECK(is_same(a->args, b->args));
}

/* Parses the text that is remembered, in a buffer of len bytes. */
static void
remember(const struct rte_devargs *copy, size_t len)
{
	struct rte_devargs again, *copied = NULL;
	char text[MAX_LEN];

	if (devargs_text(copy->name, copy, text, len) != 0) {
		FUZZ_CHECK(text[0] == '\0' && len < MAX_LEN);
		return;
	}
	if (devargs_parse(&again, text) == 0)
		copied = devargs_copy(&again);
	else    /* by its name alone a virtual device needs its driver, which is not here */
		FUZZ_CHECK(copy->bus_str == NULL && strcmp(rte_bus_name(copy->bus), "vdev") == 0);
	rte_devargs_reset(&again);
	if (copied != NULL)
		compare(copy, copied);
	devargs_free(copied);
}

/* As layers, the copy has all that EAL has found; as "name,args", none. */
static void
check_layers(const struct rte_devargs *devargs, const struct rte_devargs *copy, const char *text)
{
	size_t len = strlen(devargs->data), text_len = strlen(text);
	bool is_layered = strncmp(text, devargs->data, len) == 0 &&
		(text[len] == '\0' || text[len] == '/');
	bool is_plain = len == 0 || (text_len > len && text[text_len - len - 1] == ',' &&
		strcmp(text + text_len - len, devargs->data) == 0);

	FUZZ_CHECK(is_layered || is_plain);
	if (is_layered && !is_plain) {
		FUZZ_CHECK(is_same(copy->bus_str, devargs->bus_str));
		FUZZ_CHECK(is_same(copy->cls_str, devargs->cls_str));
	}
	if (is_plain && !is_layered)
		FUZZ_CHECK(copy->bus_str == NULL && copy->cls_str == NULL);
}

/* The same text from the parser's and from the copy. */
static void
check(struct rte_devargs *devargs, const char *input)
{
	char text[MAX_LEN], of_copy[MAX_LEN];
	struct rte_devargs *copy = devargs_copy(devargs);

	FUZZ_CHECK(copy != NULL);
	check_layers(devargs, copy, input);
	FUZZ_CHECK(devargs_text(devargs->name, devargs, text, sizeof(text)) == 0);
	rte_devargs_reset(devargs);             /* nothing of it is used any more */
	FUZZ_CHECK(devargs_text(copy->name, copy, of_copy, sizeof(of_copy)) == 0);
	FUZZ_CHECK(strcmp(text, of_copy) == 0);
	remember(copy, MAX_LEN);
	remember(copy, 20);
	devargs_free(copy);
}

/* Both buses and the class are linked in, and take their seeds. */
static void
check_parser(void)
{
	struct rte_devargs devargs;
	unsigned int i;

	FUZZ_CHECK(rte_pci_get_sysfs_path() != NULL && rte_eth_dev_count_avail() == 0);
	FUZZ_CHECK(rte_vdev_uninit(NULL) == -EINVAL);
	for (i = 0; i < N_TAKEN; i++) {
		FUZZ_CHECK(devargs_parse(&devargs, fuzz_seeds[i]) == 0 && devargs.bus != NULL);
		rte_devargs_reset(&devargs);
	}
	FUZZ_CHECK(devargs_parse(&devargs, "a=b/bus=vdev,name=n/class=eth/driver=x") == -EINVAL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rte_devargs devargs;
	char *text = malloc(len + 1);
	static bool is_checked;

	rte_log_set_global_level(RTE_LOG_EMERG);
	if (!is_checked)
		check_parser();
	is_checked = true;
	if (text == NULL)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	if (devargs_parse(&devargs, text) == 0 && devargs.bus != NULL && devargs.name[0] != '\0')
		check(&devargs, text);
	rte_devargs_reset(&devargs);
	free(text);
	return 0;
}
