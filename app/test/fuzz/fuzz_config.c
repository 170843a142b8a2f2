/* SPDX-License-Identifier: BSD-3-Clause */

/* fuzz_config: any text as options.  What is taken is a configuration in range;
 * what is refused changes nothing and says why, within its buffer. */

#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "fuzz.h"

const char *const fuzz_seeds[] = {
	"sigbus=own,fill=ones,liveness_ms=1000", "sigbus=dispatch", "fill=zeros",
	"fill.net_virtio=zeros,fill.net_e1000_em=ones", "deadline_ms=3600000",
	"uevent_buffer_kb=1048576", "uio_mmap=on", "liveness_ms=0,", "=", ",,", "fill.=ones",
	"liveness_ms=18446744073709551616", NULL,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hotplug_config before, config;
	char *text = malloc(len + 1), error[64];
	int ret;

	if (text == NULL)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	hotplug_config_init(&before);
	config = before;
	memset(error, 'x', sizeof(error));
	ret = hotplug_config_parse(&config, text, error, sizeof(error));
	FUZZ_CHECK(config_fault(&config) == NULL);
	if (ret != 0) {
		FUZZ_CHECK(memcmp(&config, &before, sizeof(config)) == 0);
		FUZZ_CHECK(memchr(error, '\0', sizeof(error)) != NULL && error[0] == '\'');
	}
	free(text);
	return 0;
}
