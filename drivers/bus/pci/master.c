/* SPDX-License-Identifier: BSD-3-Clause */

/* master: a card on uio_pci_generic stays a bus master while this process drives it.
 * That kernel driver takes bus mastering from the card when any process closes /dev/uioN, so
 * the end of a secondary stops every port of its primary (linux/drivers/uio/uio_pci_generic.c,
 * release).
 * In:  a primary's device, from its publication until its unplug, its loss or a drill; looks
 *      at it that have found it.  Out: COMMAND as it was; said each time.
 * Only what a look has seen switched on is switched on again, and only where the rest of
 * COMMAND is there: a reset takes decoding, too (decode.c).
 * Order: nothing is written once an end has returned: it waits for who is writing, and so does
 *      its own device only.  The file is opened before its card is asked for: what comes to
 *      this address later is not written to.
 * Lock: `lock` guards the list; not held while a card's configuration is read or written.
 *      A child that was forked has not who writes: its list is empty, so it waits for nobody.
 * Context: look, work (looks); app, work (begin, end); watch (lost). */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>

#include "master.h"
#include "pci.h"

struct master {
	struct master *next;
	const void *key;                /* struct rte_device */
	char name[HOTPLUG_NAME_LEN];
	unsigned int n_writing;
	bool was_on, is_over;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static pthread_cond_t written = PTHREAD_COND_INITIALIZER;
static struct master *masters;

static void
begin_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void
end_fork(void)
{
	pthread_mutex_unlock(&lock);
}

static void
begin_child(void)
{
	masters = NULL;
	pthread_mutex_unlock(&lock);
}

static void
watch_forks(void)
{
	(void)pthread_atfork(begin_fork, end_fork, begin_child);
}

/* With the lock held. */
static struct master *
find_name(const char *name)
{
	struct master *m = masters;

	while (m != NULL && strcmp(m->name, name) != 0)
		m = m->next;
	return m;
}

void
pci_master_begin(const struct rte_pci_device *dev)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct master *m;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY || dev->kdrv != RTE_PCI_KDRV_UIO_GENERIC)
		return;
	pthread_once(&once, watch_forks);
	pci_master_end(&dev->device);
	m = calloc(1, sizeof(*m));
	if (m == NULL) {
		hotplug_bus_log(HOTPLUG_LOG_WARN, "%s: no memory to watch its bus mastering",
				dev->name);
		return;
	}
	m->key = &dev->device;
	snprintf(m->name, sizeof(m->name), "%s", dev->name);
	pthread_mutex_lock(&lock);
	m->next = masters;
	masters = m;
	pthread_mutex_unlock(&lock);
}

/* key: NULL: of all. */
void
pci_master_end(const void *key)
{
	struct master **at, *m;

	pthread_mutex_lock(&lock);
	for (at = &masters; (m = *at) != NULL;) {
		if (key != NULL && m->key != key) {
			at = &m->next;
			continue;
		}
		*at = m->next;          /* no look finds it any more */
		while (m->n_writing > 0)
			pthread_cond_wait(&written, &lock);
		free(m);
		at = &masters;          /* the list may be another by now */
	}
	pthread_mutex_unlock(&lock);
}

void
pci_master_lost(const void *key)
{
	struct master *m;

	pthread_mutex_lock(&lock);
	for (m = masters; m != NULL; m = m->next)
		if (m->key == key)
			m->is_over = true;
	pthread_mutex_unlock(&lock);
}

void
pci_master_pause(const char *name, bool is_paused)
{
	struct master *m;

	pthread_mutex_lock(&lock);
	m = find_name(name);
	if (m != NULL)
		m->is_over = is_paused;
	while ((m = find_name(name)) != NULL && m->n_writing > 0)
		pthread_cond_wait(&written, &lock);
	pthread_mutex_unlock(&lock);
}

/* True: it is to be switched on again, and whoever ends it waits until end_writing(). */
static bool
is_missed(const char *name, uint8_t command, struct master **found)
{
	bool is_decoding = pci_is_decoding(name, command), is_missed = false;
	struct master *m;

	pthread_mutex_lock(&lock);
	m = find_name(name);
	if (m != NULL && !m->is_over && is_decoding) {
		is_missed = m->was_on && !(command & COMMAND_BUS_MASTER);
		m->was_on = m->was_on || (command & COMMAND_BUS_MASTER) != 0;
		m->n_writing += is_missed;
	}
	*found = m;
	pthread_mutex_unlock(&lock);
	return is_missed;
}

static void
end_writing(struct master *m)
{
	pthread_mutex_lock(&lock);
	m->n_writing--;
	pthread_cond_broadcast(&written);
	pthread_mutex_unlock(&lock);
}

static void
give_back(int fd, const char *name, struct master *m)
{
	int ret = pci_set_bus_master(fd, true);

	end_writing(m);
	if (ret == 0)
		hotplug_bus_log(HOTPLUG_LOG_NOTICE, "%s: another process has closed it, and the "
				"kernel has taken its bus mastering (uio_pci_generic): it has it "
				"again", name);
	else if (ret != -ENODEV)
		hotplug_bus_log(HOTPLUG_LOG_ERR, "%s: another process has closed it, and the kernel "
				"has taken its bus mastering (uio_pci_generic): it cannot be given "
				"back: %s", name, strerror(-ret));
}

static bool
is_ours(const char *name)
{
	bool is_ours;

	pthread_mutex_lock(&lock);
	is_ours = find_name(name) != NULL;
	pthread_mutex_unlock(&lock);
	return is_ours;
}

void
pci_master_look(const char *name, uint64_t generation)
{
	char path[4096];
	struct master *m;
	uint8_t command;
	int fd;

	if (!is_ours(name))
		return;
	snprintf(path, sizeof(path), "%s/%s/config", rte_pci_get_sysfs_path(), name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;                 /* whoever may not write it has no uio device either */
	if (pci_is_generation(name, generation) && pread(fd, &command, 1, COMMAND) == 1 &&
	    is_missed(name, command, &m))
		give_back(fd, name, m);
	close(fd);
}
