/* SPDX-License-Identifier: BSD-3-Clause */

/* fuzz_config: any text as options.  What is taken is a configuration in range;
 * what is refused changes nothing and says why, within its buffer. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "fuzz.h"

const char *const fuzz_seeds[] = {
	"sigbus=own,fill=ones,liveness_ms=1000", "sigbus=dispatch", "fill=zeros",
	"fill.net_virtio=zeros,fill.net_e1000_em=ones", "deadline_ms=3600000", "policy=heal",
	"policy.0000:01:00.0=tell,policy.net_null=survive", "drill=0000:01:00.0", "sync_late=on",
	"fill.a=ones,fill.b=ones,fill.c=ones,fill.d=ones,fill.e=ones,fill.f=ones,fill.g=ones,",
	"fill.h=ones,fill.i=ones,fill.j=ones,fill.k=ones,fill.l=ones,fill.m=ones,fill.n=ones,",
	",fill.o=ones,fill.p=ones,fill.q=ones",
	"uevent_buffer_kb=1048576", "uio_mmap=on", "liveness_ms=0,", "=", ",,", "fill.=ones",
	"liveness_ms=18446744073709551616", NULL,
};

/* The configuration of an application with an older hotplug.h, in its size; then what
 * this library makes of it. */
static void
parse(const char *text, size_t size)
{
	struct hotplug_config before, whole, *config = malloc(size);
	char error[64];
	int ret;

	if (config == NULL)
		return;
	hotplug_config_defaults(config, size);
	memcpy(&before, config, size);
	memset(error, 'x', sizeof(error));
	ret = hotplug_config_parse(config, text, error, sizeof(error));
	FUZZ_CHECK(config_read(&whole, config) == NULL);
	FUZZ_CHECK(config_policy(&whole, "0000:01:00.0", "net_null") <= HOTPLUG_POLICY_HEAL);
	if (ret != 0) {
		FUZZ_CHECK(memcmp(config, &before, size) == 0);
		FUZZ_CHECK(memchr(error, '\0', sizeof(error)) != NULL && error[0] == '\'');
	}
	free(config);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const size_t sizes[] = {
		sizeof(size_t), offsetof(struct hotplug_config, driver_fill) + 1,
		offsetof(struct hotplug_config, sync), sizeof(struct hotplug_config),
	};
	char *text = malloc(len + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	parse(text, sizes[len % (sizeof(sizes) / sizeof(sizes[0]))]);
	free(text);
	return 0;
}
