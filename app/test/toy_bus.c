/* SPDX-License-Identifier: BSD-3-Clause */

/* toy_bus: devices made of memory, on a bus that knows nothing of PCI.
 * In:  tests make, pull and script devices (app).  Out: hotplug_bus.h, as any
 *      backend would call it; look() answers what the test said.
 * Lock: `lock` guards the list of toys; a toy's gate is the test's to hold.
 * Context: app; look(): look, work. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"
#include "toy_bus.h"

#define LONELY (1ul << 30)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* toys */
static struct toy *toys;

static enum hotplug_look
look(const char *name, const char *kernel_driver, const struct hotplug_identity *id)
{
	enum hotplug_look answer = HOTPLUG_LOOK_ABSENT;
	struct toy *toy;

	(void)kernel_driver;
	(void)id;
	pthread_mutex_lock(&lock);
	for (toy = toys; toy != NULL && strcmp(toy->name, name) != 0; toy = toy->next)
		;
	pthread_mutex_unlock(&lock);
	if (toy == NULL)
		return answer;
	pthread_mutex_lock(&toy->gate);
	answer = atomic_load(&toy->look);
	atomic_fetch_add(&toy->n_looks, 1);
	pthread_mutex_unlock(&toy->gate);
	pthread_mutex_lock(&toy->way_back);
	pthread_mutex_unlock(&toy->way_back);
	return answer;
}

static int
holders(const char *name, void (*fn)(int pid, void *arg), void *arg)
{
	(void)name;
	fn(getpid(), arg);
	return 0;
}

static const struct hotplug_bus_ops ops = { .look = look, .holders = holders };

struct hotplug_bus toy_bus = { .name = "toy", .ops = &ops };

int
toy_enable(const struct hotplug_config *config)
{
	hotplug_bus_register(&toy_bus);
	return hotplug_enable(config);
}

void
toy_disable(void)
{
	hotplug_disable();
	hotplug_bus_unregister(&toy_bus);
}

/* Far below where the kernel puts what is mapped next: a BAR that is unmapped leaves a
 * hole, and what a thread has there when it starts (its thread-local variables) would
 * make the BAR look mapped; a sanitizer reads what is in front of them, too. */
static void *
lonely_place(size_t len)
{
	void *p = mmap(NULL, LONELY + len, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(p != MAP_FAILED);
	munmap(p, LONELY + len);
	return p;
}

static void
make_region(struct toy *toy, unsigned int i)
{
	toy->fd[i] = memfd_create("toy", MFD_CLOEXEC);
	assert_true(toy->fd[i] >= 0);
	assert_int_equal(ftruncate(toy->fd[i], toy->len), 0);
	toy->bar[i] = mmap(lonely_place(toy->len), toy->len, PROT_READ | PROT_WRITE, MAP_SHARED,
			   toy->fd[i], 0);
	assert_true(toy->bar[i] != MAP_FAILED);
	if (toy->len <= 16 * 1024 * 1024)       /* a larger one stays sparse */
		memset(toy->bar[i], 0x5a, toy->len);
}

void
toy_make(struct toy *toy, const char *name, unsigned int n_regions, size_t len)
{
	unsigned int i;

	memset(toy, 0, sizeof(*toy));
	snprintf(toy->name, sizeof(toy->name), "%s", name);
	toy->n_regions = n_regions;
	toy->len = len;
	toy->restores_by_fd = true;
	atomic_store(&toy->look, HOTPLUG_LOOK_PRESENT);
	pthread_mutex_init(&toy->gate, NULL);
	pthread_mutex_init(&toy->way_back, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, toy->sign), 0);
	for (i = 0; i < n_regions; i++)
		make_region(toy, i);
	pthread_mutex_lock(&lock);
	toy->next = toys;
	toys = toy;
	pthread_mutex_unlock(&lock);
}

uint8_t *
toy_unmap(struct toy *toy, unsigned int i)
{
	uint8_t *where = toy->bar[i];

	munmap(where, toy->len);
	toy->bar[i] = NULL;
	return where;
}

void
toy_destroy(struct toy *toy)
{
	struct toy **at;
	unsigned int i;

	hotplug_device_withdraw(&toy_bus, toy);
	pthread_mutex_lock(&lock);
	for (at = &toys; *at != NULL && *at != toy; at = &(*at)->next)
		;
	if (*at != NULL)
		*at = toy->next;
	pthread_mutex_unlock(&lock);
	pthread_mutex_lock(&toy->gate);         /* the last look has left it */
	pthread_mutex_unlock(&toy->gate);
	pthread_mutex_lock(&toy->way_back);
	pthread_mutex_unlock(&toy->way_back);
	for (i = 0; i < toy->n_regions; i++) {
		if (toy->bar[i] != NULL)
			munmap(toy->bar[i], toy->len);
		close(toy->fd[i]);
	}
	close(toy->sign[0]);
	if (toy->sign[1] >= 0)
		close(toy->sign[1]);
}

void
toy_info(const struct toy *toy, struct hotplug_device_info *info)
{
	unsigned int i;

	*info = (struct hotplug_device_info){
		.key = toy, .name = toy->name, .driver = toy->driver,
		.kernel_driver = "toy-driver", .n_regions = toy->n_regions,
		.sign_fd = toy->sign[0], .works_on_request = toy->works_on_request,
	};
	for (i = 0; i < toy->n_regions && i < HOTPLUG_MAX_REGIONS; i++)
		info->region[i] = (struct hotplug_region){
			.addr = toy->bar[i], .len = toy->len,
			.restore_fd = toy->restores_by_fd ? toy->fd[i] : -1,
		};
}

int
toy_publish(const struct toy *toy)
{
	struct hotplug_device_info info;

	toy_info(toy, &info);
	return hotplug_device_publish(&toy_bus, &info);
}

int
toy_withdraw(const struct toy *toy)
{
	return hotplug_device_withdraw(&toy_bus, toy);
}

void
toy_pull(struct toy *toy)
{
	unsigned int i;

	atomic_store(&toy->look, HOTPLUG_LOOK_ABSENT);
	for (i = 0; i < toy->n_regions; i++)
		assert_int_equal(ftruncate(toy->fd[i], 0), 0);
}

void
toy_hang_up(struct toy *toy)
{
	int end = toy->sign[1];

	toy->sign[1] = -1;      /* before anybody hears of it */
	close(end);
}

int
toy_report(const struct toy *toy)
{
	return hotplug_bus_report(&toy_bus, toy, HOTPLUG_SIGN_CALLER);
}

__attribute__((noinline, no_sanitize("thread")))
uint8_t
toy_read(const volatile uint8_t *p)
{
	return *p;
}

__attribute__((noinline, no_sanitize("thread")))
void
toy_write(volatile uint8_t *p, uint8_t value)
{
	*p = value;
}

bool
toy_reads_all(const uint8_t *p, size_t len, uint8_t value)
{
	size_t at;

	for (at = 0; at < len; at += 4096)
		if (toy_read(&p[at]) != value ||
		    toy_read(&p[at + 4095 < len ? at + 4095 : len - 1]) != value)
			return false;
	return true;
}

bool
toy_flips(const uint8_t *p)
{
	return WAIT_FOR(toy_read(p) == 0) && WAIT_FOR(toy_read(p) == 0xff);
}

void
heard_init(struct heard *heard)
{
	memset(heard, 0, sizeof(*heard));
	pthread_mutex_init(&heard->lock, NULL);
}

void
heard_fn(const struct hotplug_event *event, void *arg)
{
	struct heard *heard = arg;

	pthread_mutex_lock(&heard->lock);
	if (heard->n < N_ELEMENTS(heard->event))
		heard->event[heard->n] = *event;
	heard->n++;
	pthread_mutex_unlock(&heard->lock);
}

static bool
find(struct heard *heard, enum hotplug_event_type type, unsigned int nth,
     struct hotplug_event *event)
{
	unsigned int i, seen = 0;
	bool is_found = false;

	pthread_mutex_lock(&heard->lock);
	for (i = 0; i < heard->n && i < N_ELEMENTS(heard->event) && !is_found; i++)
		if (heard->event[i].type == type && seen++ == nth) {
			*event = heard->event[i];
			is_found = true;
		}
	pthread_mutex_unlock(&heard->lock);
	return is_found;
}

unsigned int
heard_total(struct heard *heard)
{
	unsigned int n;

	pthread_mutex_lock(&heard->lock);
	n = heard->n;
	pthread_mutex_unlock(&heard->lock);
	return n;
}

unsigned int
heard_count(struct heard *heard, enum hotplug_event_type type)
{
	struct hotplug_event event;
	unsigned int n = 0;

	while (find(heard, type, n, &event))
		n++;
	return n;
}

struct hotplug_event
heard_wait(struct heard *heard, enum hotplug_event_type type, unsigned int nth)
{
	struct hotplug_event event = { .type = (enum hotplug_event_type)-1 };

	(void)WAIT_FOR(find(heard, type, nth, &event));
	return event;
}
