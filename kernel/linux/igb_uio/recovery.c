// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to a function behind our back: PCI errors, and resets that
 * somebody else makes (sysfs, vfio for a function beside it).
 *
 * In:  the PCI core, with the device's lock held; a work at the deadline.
 * Out: the state, the configuration, ->resets; whoever waits for them wakes.
 *
 * After an error the function is as it was, or it ends as if unplugged.  Some
 * kernels tell nobody that a recovery has failed (when a function beside it has
 * a driver that cannot recover, say): so it has a deadline.
 * Context: process.
 */
#include "igb_uio.h"

/* The kernel waits for the link and for other drivers; a user will not longer. */
#define DEADLINE_S	20

/* The end, as at an unplug: whoever waits is woken, and finds out. */
static void give_up(struct igb_uio *u)
{
	mutex_lock(&u->lock);
	retire(u);
	mutex_unlock(&u->lock);
	state_notify(u);
}

static void deadline(struct work_struct *work)
{
	struct igb_uio *u = container_of(to_delayed_work(work), struct igb_uio, deadline);
	bool is_late;

	mutex_lock(&u->lock);
	is_late = u->state == STATE_FAILED;
	if (is_late)
		retire(u);
	mutex_unlock(&u->lock);
	if (is_late)
		state_notify(u);
}

void recovery_init(struct igb_uio *u)
{
	INIT_DELAYED_WORK(&u->deadline, deadline);
}

/* After retire(): nothing starts it again. */
void recovery_stop(struct igb_uio *u)
{
	cancel_delayed_work_sync(&u->deadline);
}

/* The reader wakes; its next write() tells: EIO while it lasts, then not. */
static void begin(struct igb_uio *u)
{
	mutex_lock(&u->lock);
	if (!state_move(u, EVENT_FAIL))
		mod_delayed_work(system_wq, &u->deadline, DEADLINE_S * HZ);
	mutex_unlock(&u->lock);
	state_notify(u);
}

static pci_ers_result_t error_detected(struct pci_dev *pdev, pci_channel_state_t channel)
{
	struct igb_uio *u = pci_get_drvdata(pdev);

	if (channel == pci_channel_io_normal)
		return PCI_ERS_RESULT_CAN_RECOVER;
	if (channel == pci_channel_io_frozen) {
		begin(u);
		return PCI_ERS_RESULT_NEED_RESET;
	}
	give_up(u);
	return PCI_ERS_RESULT_DISCONNECT;
}

/* The link was reset, and the function with it. */
static pci_ers_result_t slot_reset(struct pci_dev *pdev)
{
	struct igb_uio *u = pci_get_drvdata(pdev);
	int ret = -ENODEV;

	mutex_lock(&u->lock);
	if (state_is_live(u) && pci_device_is_present(pci_physfn(pdev)))
		ret = config_restore(u);
	mutex_unlock(&u->lock);
	if (!ret)
		return PCI_ERS_RESULT_RECOVERED;
	give_up(u);
	return PCI_ERS_RESULT_DISCONNECT;
}

static void resume(struct pci_dev *pdev)
{
	struct igb_uio *u = pci_get_drvdata(pdev);

	mutex_lock(&u->lock);
	if (!state_move(u, EVENT_RESUME)) {
		u->resets++;
		if (!u->opens)
			u->is_clean = false;
	}
	mutex_unlock(&u->lock);
	state_notify(u);
}

/* From here to reset_done() nobody opens it, and no configuration is saved. */
static void reset_prepare(struct pci_dev *pdev)
{
	struct igb_uio *u = pci_get_drvdata(pdev);

	mutex_lock(&u->lock);
	state_move(u, EVENT_RESET);
	mutex_unlock(&u->lock);
}

/*
 * The PCI core has restored what it found before the reset, which may have been
 * nothing, and with it the bus master of whoever has closed meanwhile.
 */
static int settle(struct igb_uio *u)
{
	int ret = config_save(u);

	if (ret == -EIO)
		return config_restore(u);
	config_apply(u);
	return 0;
}

static void reset_done(struct pci_dev *pdev)
{
	struct igb_uio *u = pci_get_drvdata(pdev);

	mutex_lock(&u->lock);
	if (u->state == STATE_RESETTING) {
		u->resets++;
		if (settle(u))
			retire(u);
		else
			state_move(u, EVENT_DONE);
	}
	mutex_unlock(&u->lock);
	state_notify(u);
}

const struct pci_error_handlers recovery_handlers = {
	.error_detected = error_detected,
	.slot_reset = slot_reset,
	.resume = resume,
	.reset_prepare = reset_prepare,
	.reset_done = reset_done,
};
