/* SPDX-License-Identifier: BSD-3-Clause */

/* sim_bus: a bus that is a table.
 * In:  tests put, take and drive cards (app).  Out: hotplug_bus.h as a backend
 *      would answer from sysfs.
 * Lock: `lock` guards the table; it is not held while a name is handed out.
 * Context: app; ops: watch. */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sim_bus.h"

#define MAX_CARDS 64

struct card {
	char name[HOTPLUG_NAME_LEN];
	char driver[HOTPLUG_NAME_LEN];
	struct hotplug_identity id;
	bool is_there;
	int look;
	unsigned int n_looks, n_disarms;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static struct card cards[MAX_CARDS];
static unsigned int n_cards;
static uint64_t generation;
static void (*on_enumerate)(unsigned int index);
static int enumerate_ret, disarm_ret;

/* With the lock held. */
static struct card *
find(const char *name)
{
	unsigned int i;

	for (i = 0; i < n_cards; i++)
		if (strcmp(cards[i].name, name) == 0)
			return &cards[i];
	return NULL;
}

static struct card *
find_there(const char *name)
{
	struct card *card = find(name);

	return card != NULL && card->is_there ? card : NULL;
}

static enum hotplug_look
look_at(const struct card *card, const char *kernel_driver, const struct hotplug_identity *id)
{
	if (card->look >= 0)
		return card->look;
	if (!card->is_there)
		return HOTPLUG_LOOK_ABSENT;
	if (card->id.generation != id->generation)
		return HOTPLUG_LOOK_OTHER;
	return strcmp(card->driver, kernel_driver) != 0 ? HOTPLUG_LOOK_CLAIMED :
		HOTPLUG_LOOK_PRESENT;
}

static enum hotplug_look
look(const char *name, const char *kernel_driver, const struct hotplug_identity *id)
{
	enum hotplug_look found = HOTPLUG_LOOK_ABSENT;
	struct card *card;

	pthread_mutex_lock(&lock);
	card = find(name);
	if (card != NULL) {
		card->n_looks++;
		found = look_at(card, kernel_driver, id);
	}
	pthread_mutex_unlock(&lock);
	return found;
}

_Atomic unsigned int sim_n_identified;
_Atomic int sim_identify_ret;
pthread_mutex_t sim_way_back = PTHREAD_MUTEX_INITIALIZER;

static int
identify(const char *name, struct hotplug_identity *id)
{
	struct card *card;

	pthread_mutex_lock(&lock);
	card = find_there(name);
	if (card != NULL)
		*id = card->id;
	pthread_mutex_unlock(&lock);
	atomic_fetch_add(&sim_n_identified, 1);
	pthread_mutex_lock(&sim_way_back);
	pthread_mutex_unlock(&sim_way_back);
	return card != NULL ? atomic_load(&sim_identify_ret) : -ENOENT;
}

static int
glance(const char *name, struct hotplug_glance *seen)
{
	struct card *card;

	pthread_mutex_lock(&lock);
	card = find(name);
	if (card != NULL)
		card->n_looks++;
	card = find_there(name);
	if (card != NULL) {
		seen->generation = card->id.generation;
		strcpy(seen->kernel_driver, card->driver);
		seen->is_user_space = strcmp(card->driver, SIM_USER) == 0;
	}
	pthread_mutex_unlock(&lock);
	return card != NULL ? 0 : -ENOENT;
}

/* A list as readdir() has it: read once, then handed out while things change. */
static int
enumerate(void (*fn)(const char *name, void *arg), void *arg)
{
	char name[MAX_CARDS][HOTPLUG_NAME_LEN];
	void (*hook)(unsigned int index);
	unsigned int i, n = 0;
	int ret;

	pthread_mutex_lock(&lock);
	for (i = 0; i < n_cards; i++)
		if (cards[i].is_there)
			strcpy(name[n++], cards[i].name);
	hook = on_enumerate;
	ret = enumerate_ret;
	pthread_mutex_unlock(&lock);
	for (i = 0; i < n && ret == 0; i++) {
		if (hook != NULL)
			hook(i);
		fn(name[i], arg);
	}
	return ret;
}

static enum hotplug_uevent_kind
classify(const struct hotplug_uevent *uevent, char *name)
{
	const char *base = strrchr(uevent->devpath, '/');

	if (strcmp(uevent->subsystem, "sim") != 0 || base == NULL)
		return HOTPLUG_UEVENT_NONE;
	snprintf(name, HOTPLUG_NAME_LEN, "%s", base + 1);
	if (strcmp(uevent->action, "remove") == 0)
		return HOTPLUG_UEVENT_REMOVE;
	if (strcmp(uevent->action, "unbind") == 0)
		return HOTPLUG_UEVENT_UNBIND;
	if (strcmp(uevent->action, "add") == 0)
		return HOTPLUG_UEVENT_ADD;
	if (strcmp(uevent->action, "change") == 0)
		return HOTPLUG_UEVENT_CHANGE;
	if (strcmp(uevent->action, "bind") != 0)
		return HOTPLUG_UEVENT_NONE;
	return uevent->driver != NULL && strcmp(uevent->driver, SIM_USER) == 0 ?
		HOTPLUG_UEVENT_BIND : HOTPLUG_UEVENT_CLAIM;
}

static int
disarm(const char *name)
{
	struct card *card;
	int ret;

	pthread_mutex_lock(&lock);
	card = find(name);
	ret = disarm_ret;
	card->n_disarms += ret == 0;
	pthread_mutex_unlock(&lock);
	return ret;
}

_Atomic unsigned int sim_n_unbound;

static void
unbound(const char *name)
{
	(void)name;
	sim_n_unbound++;
}

static const struct hotplug_bus_ops ops = {
	.look = look, .identify = identify, .glance = glance, .enumerate = enumerate,
	.classify = classify, .disarm = disarm, .unbound = unbound,
};

struct hotplug_bus sim_bus = { .name = "sim", .ops = &ops };

int
sim_enable(const struct hotplug_config *config)
{
	int ret = hotplug_bus_register(&sim_bus);

	if (ret == 0)
		ret = hotplug_enable(config);
	return ret < 0 ? ret : hotplug_scan() < 0;
}

/* Cards stay in the table, since the library remembers names too. */
void
sim_disable(void)
{
	unsigned int i;

	hotplug_disable();
	hotplug_bus_unregister(&sim_bus);
	for (i = 0; i < n_cards; i++) {
		cards[i].is_there = false;
		cards[i].look = -1;
	}
	on_enumerate = NULL;
	enumerate_ret = disarm_ret = 0;
}

void
sim_put(const char *name, const char *driver, const struct hotplug_identity *id)
{
	struct card *card;

	pthread_mutex_lock(&lock);
	card = find(name);
	if (card == NULL)
		card = &cards[n_cards++];
	strcpy(card->name, name);
	strcpy(card->driver, driver);
	card->id = id != NULL ? *id : (struct hotplug_identity){ .vendor = 0x8086, .device = 1 };
	card->id.generation = ++generation;
	card->is_there = true;
	card->look = -1;
	pthread_mutex_unlock(&lock);
}

void
sim_take(const char *name)
{
	pthread_mutex_lock(&lock);
	find(name)->is_there = false;
	pthread_mutex_unlock(&lock);
}

void
sim_drive(const char *name, const char *driver)
{
	pthread_mutex_lock(&lock);
	strcpy(find(name)->driver, driver);
	pthread_mutex_unlock(&lock);
}

void
sim_look(const char *name, int found)
{
	pthread_mutex_lock(&lock);
	find(name)->look = found;
	pthread_mutex_unlock(&lock);
}

unsigned int
sim_n_looks(const char *name)
{
	unsigned int n;

	pthread_mutex_lock(&lock);
	n = find(name)->n_looks;
	pthread_mutex_unlock(&lock);
	return n;
}

static int
attach(const char *name, bool works_on_request)
{
	struct hotplug_device_info info = {
		.name = name, .driver = "sim_pmd", .sign_fd = -1,
		.works_on_request = works_on_request,
	};
	struct card card;

	pthread_mutex_lock(&lock);
	info.key = find(name);
	card = *find(name);
	pthread_mutex_unlock(&lock);
	info.kernel_driver = card.driver;
	info.id = card.id;
	return hotplug_device_publish(&sim_bus, &info);
}

/* The look that follows each of them is over when it returns. */
int
sim_attach(const char *name)
{
	int ret = attach(name, false);

	return ret != 0 ? ret : hotplug_scan();
}

int
sim_attach_vfio(const char *name)
{
	int ret = attach(name, true);

	return ret != 0 ? ret : hotplug_scan();
}

int
sim_detach(const char *name)
{
	int ret = hotplug_device_withdraw(&sim_bus, find(name));

	return ret != 0 || hotplug_scan() < 0;
}

int
sim_request(const char *name)
{
	return hotplug_bus_report(&sim_bus, find(name), HOTPLUG_SIGN_EAL);
}

void
sim_on_enumerate(void (*fn)(unsigned int index))
{
	pthread_mutex_lock(&lock);
	on_enumerate = fn;
	pthread_mutex_unlock(&lock);
}

void
sim_enumerate_fails(int ret)
{
	pthread_mutex_lock(&lock);
	enumerate_ret = ret;
	pthread_mutex_unlock(&lock);
}

void
sim_disarm_fails(int ret)
{
	pthread_mutex_lock(&lock);
	disarm_ret = ret;
	pthread_mutex_unlock(&lock);
}

unsigned int
sim_n_disarms(const char *name)
{
	unsigned int n;

	pthread_mutex_lock(&lock);
	n = find(name)->n_disarms;
	pthread_mutex_unlock(&lock);
	return n;
}
