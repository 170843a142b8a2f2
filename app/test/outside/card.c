/* SPDX-License-Identifier: BSD-3-Clause */

/* card: what there is in the one slot of the bus "ext".
 * In:  a test inserts a card and pulls it.  Out: a file in memory for its registers, and a
 *      descriptor that hangs up when it goes.
 * Context: any. */

#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ext.h"

#define VALUE 0x1234

static struct {
	pthread_mutex_t lock;           /* all below */
	uint64_t generation;            /* 0: there is none */
	uint64_t last;
	int file, sign[2];
} slot = { .lock = PTHREAD_MUTEX_INITIALIZER, .file = -1 };

int
ext_insert(void)
{
	const uint32_t value = VALUE;
	int ret = -1;

	pthread_mutex_lock(&slot.lock);
	slot.file = memfd_create("ext", MFD_CLOEXEC);
	if (slot.file >= 0 && ftruncate(slot.file, EXT_BAR_LEN) == 0 &&
	    pwrite(slot.file, &value, sizeof(value), EXT_REGISTER) == sizeof(value) &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, slot.sign) == 0) {
		slot.generation = ++slot.last;
		ret = 0;
	}
	pthread_mutex_unlock(&slot.lock);
	return ret;
}

void
ext_pull(void)
{
	pthread_mutex_lock(&slot.lock);
	slot.generation = 0;
	(void)!ftruncate(slot.file, 0);
	close(slot.file);
	close(slot.sign[1]);
	close(slot.sign[0]);            /* the library has its own */
	pthread_mutex_unlock(&slot.lock);
}

uint64_t
ext_card(int *file, int *sign)
{
	uint64_t now;

	pthread_mutex_lock(&slot.lock);
	now = slot.generation;
	*file = slot.file;
	*sign = slot.sign[0];
	pthread_mutex_unlock(&slot.lock);
	return now;
}
