/* SPDX-License-Identifier: BSD-3-Clause */

/* fuzz_classify: any texts as a uevent of a PCI function.  Only the subsystems
 * "pci" and "uio" say anything, and of a name that is a PCI address. */

#include <stdlib.h>
#include <string.h>

#include <rte_pci.h>

#include "../../../drivers/bus/pci/pci.h"
#include "fuzz.h"

/* action, subsystem, path, driver: separated by '\n' */
const char *const fuzz_seeds[] = {
	"remove\npci\n/devices/pci0000:00/0000:00:11.0/0000:01:00.0\nuio_pci_generic",
	"bind\npci\n/devices/pci0000:00/0000:01:00.0\nvfio-pci", "add\npci\n/devices/0000:01:00.0",
	"remove\nuio\n/devices/pci0000:00/0000:01:00.0/uio/uio0\n",
	"remove\nwakeup\n/devices/pci0000:00/0000:01:00.0/wakeup/wakeup7\n",
	"unbind\npci\n/devices/vmd/10000:e1:00.0\n", "remove\nuio\n/uio0", "\n\n\n", "/", NULL,
};

/* The next part of the text, ended in place. */
static char *
part(char **at)
{
	char *start = *at, *end;

	if (start == NULL)
		return NULL;
	end = strchr(start, '\n');
	if (end != NULL)
		*end++ = '\0';
	*at = end;
	return start;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), *at = text, name[HOTPLUG_NAME_LEN];
	struct hotplug_uevent uevent = { .sysname = "" };
	struct rte_pci_addr addr;

	if (text == NULL)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	uevent.action = part(&at);
	uevent.subsystem = part(&at);
	uevent.devpath = part(&at);
	uevent.driver = part(&at);
	memset(name, 'x', sizeof(name));
	if (uevent.devpath != NULL && pci_classify(&uevent, name) != HOTPLUG_UEVENT_NONE) {
		FUZZ_CHECK(memchr(name, '\0', sizeof(name)) != NULL);
		FUZZ_CHECK(rte_pci_addr_parse(name, &addr) == 0);
		FUZZ_CHECK(strstr(uevent.devpath, name) != NULL);
		FUZZ_CHECK(strcmp(uevent.subsystem, "pci") == 0 ||
			   strcmp(uevent.subsystem, "uio") == 0);
	}
	free(text);
	return 0;
}
