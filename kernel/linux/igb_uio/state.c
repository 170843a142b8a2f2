// SPDX-License-Identifier: GPL-2.0
/*
 * The state of a device, and where it changes: state_move(), nowhere else.
 *
 *	           OPEN     CLOSE      FAIL    RESUME   RESET     DONE
 *	probed     opened   -          failed  -        resetting -
 *	opened     opened   (1)        failed  -        resetting -
 *	released   opened   -          failed  -        resetting -
 *	resetting  -EAGAIN  resetting  failed  -        resetting (1)
 *	failed     -EIO     failed     failed  (1)      failed    failed
 *	removed    -ENODEV  removed    -       -        -         -
 *	unplugged  -ENODEV  unplugged  -       -        -         -
 *
 *	           REMOVE     UNPLUG
 *	removed    removed    removed
 *	unplugged  unplugged  unplugged
 *	all others removed    unplugged
 *
 *	(1)		opened or released, by what is left open
 *	OPEN, CLOSE	/dev/uioN
 *	FAIL, RESUME	PCI error recovery begins, has succeeded
 *	RESET, DONE	somebody else's reset of the function begins, is over
 *	REMOVE		unbind, removal or shutdown of a device that answers
 *	UNPLUG		the same, or an error without recovery, when it is gone
 *	-		cannot happen: -EINVAL, and nothing changes
 *
 * A removed device stays in memory until its last descriptor, and with it its
 * last mapping, is gone ("grave" below): uio does not tell when that is, so
 * the graves are looked through whenever another device comes or goes.
 *
 * Context: process.  The table is guarded by each device's lock, the graves by
 * graves_lock; the one is never taken under the other.
 */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "igb_uio.h"

static LIST_HEAD(graves);
static DEFINE_MUTEX(graves_lock);

static const char *const state_names[N_STATES] = {
	[STATE_PROBED] = "probed",
	[STATE_OPENED] = "opened",
	[STATE_RELEASED] = "released",
	[STATE_RESETTING] = "resetting",
	[STATE_FAILED] = "failed",
	[STATE_REMOVED] = "removed",
	[STATE_UNPLUGGED] = "unplugged",
};

/* A state, or what to refuse with; EITHER is opened or released, by ->opens. */
#define EITHER N_STATES
static const short table[N_STATES][N_EVENTS] = {
	[STATE_PROBED] = {
		STATE_OPENED, -EINVAL, STATE_FAILED, -EINVAL,
		STATE_RESETTING, -EINVAL,
		STATE_REMOVED, STATE_UNPLUGGED },
	[STATE_OPENED] = {
		STATE_OPENED, EITHER, STATE_FAILED, -EINVAL,
		STATE_RESETTING, -EINVAL,
		STATE_REMOVED, STATE_UNPLUGGED },
	[STATE_RELEASED] = {
		STATE_OPENED, -EINVAL, STATE_FAILED, -EINVAL,
		STATE_RESETTING, -EINVAL,
		STATE_REMOVED, STATE_UNPLUGGED },
	[STATE_RESETTING] = {
		-EAGAIN, STATE_RESETTING, STATE_FAILED, -EINVAL,
		STATE_RESETTING, EITHER,
		STATE_REMOVED, STATE_UNPLUGGED },
	[STATE_FAILED] = {
		-EIO, STATE_FAILED, STATE_FAILED, EITHER,
		STATE_FAILED, STATE_FAILED,
		STATE_REMOVED, STATE_UNPLUGGED },
	[STATE_REMOVED] = {
		-ENODEV, STATE_REMOVED, -EINVAL, -EINVAL,
		-EINVAL, -EINVAL,
		STATE_REMOVED, STATE_REMOVED },
	[STATE_UNPLUGGED] = {
		-ENODEV, STATE_UNPLUGGED, -EINVAL, -EINVAL,
		-EINVAL, -EINVAL,
		STATE_UNPLUGGED, STATE_UNPLUGGED },
};

static bool is_unusual(enum igb_uio_event event, unsigned int opens)
{
	if (event == EVENT_REMOVE || event == EVENT_UNPLUG)
		return opens > 0;
	return event == EVENT_FAIL || event == EVENT_RESUME;
}

/* What state_move() would answer. */
int state_peek(const struct igb_uio *u, enum igb_uio_event event)
{
	lockdep_assert_held(&u->lock);
	return min_t(int, table[u->state][event], 0);
}

int state_move(struct igb_uio *u, enum igb_uio_event event)
{
	enum igb_uio_state from = u->state;
	int to = table[from][event];

	lockdep_assert_held(&u->lock);
	if (to < 0)
		return to;
	if (event == EVENT_OPEN)
		u->opens++;
	if (event == EVENT_CLOSE)
		u->opens--;
	if (to == EITHER)
		to = u->opens ? STATE_OPENED : STATE_RELEASED;
	u->state = to;
	if (u->state != from && is_unusual(event, u->opens))
		pci_info(u->pdev, "%s, was %s, open %u times\n",
			 state_names[u->state], state_names[from], u->opens);
	return 0;
}

/* Does the device still take part: may it be touched, and its BARs mapped? */
bool state_is_live(const struct igb_uio *u)
{
	lockdep_assert_held(&u->lock);
	return u->state != STATE_REMOVED && u->state != STATE_UNPLUGGED;
}

/*
 * Whoever reads these attributes keeps the driver bound: the driver core takes
 * them away before it calls remove(), and waits for readers.
 */
static struct igb_uio *from_dev(struct device *dev)
{
	return pci_get_drvdata(to_pci_dev(dev));
}

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct igb_uio *u = from_dev(dev);
	enum igb_uio_state state;

	mutex_lock(&u->lock);
	state = u->state;
	mutex_unlock(&u->lock);
	return sysfs_emit(buf, "%s\n", state_names[state]);
}
static DEVICE_ATTR_RO(state);

static ssize_t opens_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct igb_uio *u = from_dev(dev);
	unsigned int opens;

	mutex_lock(&u->lock);
	opens = u->opens;
	mutex_unlock(&u->lock);
	return sysfs_emit(buf, "%u\n", opens);
}
static DEVICE_ATTR_RO(opens);

/* "0,2": the BARs that were cut off; "none". */
static int emit_bars(char *buf, int at, unsigned int bars)
{
	unsigned int i;

	if (!bars)
		return at + sysfs_emit_at(buf, at, "none\n");
	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		if (!(bars & BIT(i)))
			continue;
		bars &= ~BIT(i);
		at += sysfs_emit_at(buf, at, "%u%c", i, bars ? ',' : '\n');
	}
	return at;
}

static ssize_t revoked_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct igb_uio *u = from_dev(dev);
	unsigned int revoked;

	mutex_lock(&u->lock);
	revoked = u->revoked;
	mutex_unlock(&u->lock);
	return emit_bars(buf, 0, revoked);
}
static DEVICE_ATTR_RO(revoked);

static ssize_t resets_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct igb_uio *u = from_dev(dev);
	unsigned int resets;

	mutex_lock(&u->lock);
	resets = u->resets;
	mutex_unlock(&u->lock);
	return sysfs_emit(buf, "%u\n", resets);
}
static DEVICE_ATTR_RO(resets);

/*
 * Whoever polls them wakes, and so does the reader of /dev/uioN.  Not from
 * open or close, whose callers know.
 */
void state_notify(struct igb_uio *u)
{
	sysfs_notify(&u->pdev->dev.kobj, igb_uio_state_group.name, "state");
	sysfs_notify(&u->pdev->dev.kobj, igb_uio_state_group.name, "resets");
	uio_event_notify(&u->info);
}

static struct attribute *state_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_opens.attr,
	&dev_attr_revoked.attr,
	&dev_attr_resets.attr,
	NULL
};

const struct attribute_group igb_uio_state_group = {
	.name = "igb_uio",
	.attrs = state_attrs,
};

static void free_grave(struct igb_uio *u)
{
	list_del(&u->grave);
	put_device(u->node);
	free_device(u);
}

/*
 * Free the removed devices that nobody has open any more: each descriptor
 * holds a reference of the uio device, and so do we, one.
 * @all: whatever is left, because the module goes, so that nobody can.
 */
void state_reap(bool all)
{
	struct igb_uio *u, *next;

	mutex_lock(&graves_lock);
	list_for_each_entry_safe(u, next, &graves, grave)
		if (all || (u->node && kref_read(&u->node->kobj.kref) == 1))
			free_grave(u);
	mutex_unlock(&graves_lock);
}

/*
 * Keep a removed device until nobody has it open.
 * @node: its uio device, one reference of which is handed over, or NULL when
 *	  there is none any more: then it stays as long as the module.
 */
void state_bury(struct igb_uio *u, struct device *node)
{
	u->node = node;
	mutex_lock(&graves_lock);
	list_add_tail(&u->grave, &graves);
	mutex_unlock(&graves_lock);
	state_reap(false);
}

/* One line for each: address, state, descriptors open at removal, BARs cut off. */
static ssize_t removed_show(struct device_driver *driver, char *buf)
{
	struct igb_uio *u;
	int at = 0;

	state_reap(false);
	mutex_lock(&graves_lock);
	list_for_each_entry(u, &graves, grave) {
		if (at > PAGE_SIZE - 80)
			break;
		at += sysfs_emit_at(buf, at, "%s %s %u ", u->name,
				    state_names[u->state], u->opens);
		at = emit_bars(buf, at, u->revoked);
	}
	mutex_unlock(&graves_lock);
	return at;
}
static DRIVER_ATTR_RO(removed);

static struct attribute *driver_attrs[] = {
	&driver_attr_removed.attr,
	NULL
};

static const struct attribute_group driver_group = {
	.attrs = driver_attrs,
};

const struct attribute_group *igb_uio_driver_groups[] = {
	&driver_group,
	NULL
};
