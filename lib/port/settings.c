/* SPDX-License-Identifier: BSD-3-Clause */

/* settings: what an application sets beside configure and queue setup, and a PMD does
 * not tell when its device is dead: RSS key, hash and redirection table, flow control,
 * further MAC addresses, a link that was set down.
 * In:  ethdev's control calls (app), which the PMD has taken.
 * Out: a record, set again when the port heals; what a card does not take is logged.
 * Lock: port_lock() around the record, never around the PMD.
 * Context: app; settings_restore(): work. */

#include <errno.h>
#include <string.h>

#include "../eal/host.h"
#include "change.h"
#include "inside.h"
#include "settings.h"

#define DEFAULT_KEY_LEN 40      /* where the application does not say */

/* What heal sets is what is on record, and is that again; what the application sets meanwhile, in
 * a callback of the driver's start, is new.  What a driver has taken in the application's call is
 * recorded before the call is out of it, also when the card has died meanwhile: a teardown waits
 * for that, and a heal for the teardown. */
static bool
is_recorded(const struct rte_eth_dev *eth)
{
	return port_own(eth) != PORT_OWN_DRIVER;
}

/* With the lock held. */
static void
keep_key(struct port_settings *settings, const struct rte_eth_rss_conf *conf)
{
	unsigned int len = conf->rss_key_len != 0 ? conf->rss_key_len : DEFAULT_KEY_LEN;

	if (conf->rss_key == NULL || len > sizeof(settings->rss_key))
		return;
	memmove(settings->rss_key, conf->rss_key, len);
	settings->rss_key_len = len;
}

/* A new configuration: the key that it brings, and the PMD's own table.  Heal's is the old one. */
static int
configure(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);
	int ret;

	if (!inside_enter(eth))
		return change_keep_refusal(eth, -EIO);
	ret = port->pmd_ops->dev_configure(eth);
	port_lock();
	if (ret == 0 && port_own(eth) == PORT_OWN_NOTHING) {
		port->settings.has_rss = port->settings.is_link_down = false;
		port->settings.rss_key_len = port->settings.reta_size = 0;
		keep_key(&port->settings, &eth->data->dev_conf.rx_adv_conf.rss_conf);
	}
	port_unlock();
	inside_leave(eth);
	return change_keep_refusal(eth, ret);
}

static int
update_rss(struct rte_eth_dev *eth, struct rte_eth_rss_conf *conf)
{
	struct port *port = port_of(eth);
	int ret;

	if (!inside_enter(eth))
		return -EIO;
	ret = port->pmd_ops->rss_hash_update(eth, conf);
	port_lock();
	if (ret == 0 && is_recorded(eth)) {
		port->settings.has_rss = true;
		port->settings.rss = *conf;
		port->settings.rss.rss_key = NULL;      /* the caller's */
		keep_key(&port->settings, conf);
	}
	port_unlock();
	inside_leave(eth);
	return ret;
}

/* With the lock held: only the entries that the mask names. */
static void
keep_reta(struct port_settings *settings, const struct rte_eth_rss_reta_entry64 *reta,
	  uint16_t size)
{
	unsigned int i;

	if (settings->reta_size != size)
		memset(settings->reta, 0, sizeof(settings->reta));
	settings->reta_size = size;
	for (i = 0; i < size; i++)
		if (reta[i / 64].mask >> (i % 64) & 1) {
			settings->reta[i / 64].mask |= UINT64_C(1) << (i % 64);
			settings->reta[i / 64].reta[i % 64] = reta[i / 64].reta[i % 64];
		}
}

static int
update_reta(struct rte_eth_dev *eth, struct rte_eth_rss_reta_entry64 *reta, uint16_t size)
{
	struct port *port = port_of(eth);
	int ret;

	if (!inside_enter(eth))
		return -EIO;
	ret = port->pmd_ops->reta_update(eth, reta, size);
	port_lock();
	if (ret == 0 && is_recorded(eth) && size <= SETTINGS_MAX_RETA)
		keep_reta(&port->settings, reta, size);
	port_unlock();
	inside_leave(eth);
	return ret;
}

static int
set_flow_ctrl(struct rte_eth_dev *eth, struct rte_eth_fc_conf *conf)
{
	struct port *port = port_of(eth);
	int ret;

	if (!inside_enter(eth))
		return -EIO;
	ret = port->pmd_ops->flow_ctrl_set(eth, conf);
	port_lock();
	if (ret == 0 && is_recorded(eth)) {
		port->settings.has_flow_ctrl = true;
		port->settings.flow_ctrl = *conf;
	}
	port_unlock();
	inside_leave(eth);
	return ret;
}

static void
keep_link(const struct rte_eth_dev *eth, bool is_down)
{
	port_lock();
	if (is_recorded(eth))
		port_of(eth)->settings.is_link_down = is_down;
	port_unlock();
}

static int
set_link_down(struct rte_eth_dev *eth)
{
	int ret;

	if (!inside_enter(eth))
		return -EIO;
	ret = port_of(eth)->pmd_ops->dev_set_link_down(eth);
	if (ret == 0)
		keep_link(eth, true);
	inside_leave(eth);
	return ret;
}

static int
set_link_up(struct rte_eth_dev *eth)
{
	int ret;

	if (!inside_enter(eth))
		return -EIO;
	ret = port_of(eth)->pmd_ops->dev_set_link_up(eth);
	if (ret == 0)
		keep_link(eth, false);
	inside_leave(eth);
	return ret;
}

/* What cannot be set down is up.  fail-safe sets its link on a sub-device that returns,
 * and on -ENOTSUP never takes it back; to all others it is what it was. */
static int
leave_link_up(struct rte_eth_dev *eth)
{
	return eth->data->owner.id != RTE_ETH_DEV_NO_OWNER ? 0 : -ENOTSUP;
}

void
settings_wrap(struct eth_dev_ops *ops)
{
	if (ops->dev_configure != NULL)
		ops->dev_configure = configure;
	if (ops->rss_hash_update != NULL)
		ops->rss_hash_update = update_rss;
	if (ops->reta_update != NULL)
		ops->reta_update = update_reta;
	if (ops->flow_ctrl_set != NULL)
		ops->flow_ctrl_set = set_flow_ctrl;
	if (ops->dev_set_link_down != NULL)
		ops->dev_set_link_down = set_link_down;
	if (ops->dev_set_link_up != NULL)
		ops->dev_set_link_up = set_link_up;
	else if (ops->dev_set_link_down == NULL)
		ops->dev_set_link_up = leave_link_up;
}

void
settings_forget_mac(struct port *port, const struct rte_ether_addr *mac)
{
	unsigned int i;

	port_lock();
	for (i = 1; i < port->n_addrs; i++)
		if (rte_is_same_ether_addr(&port->addrs[i], mac)) {
			memset(&port->addrs[i], 0, sizeof(port->addrs[i]));
			break;
		}
	port_unlock();
}

/* --- and back ------------------------------------------------------------------------ */

static void
check(const struct port *port, const char *what, int ret)
{
	if (ret != 0)
		host_log(HOST_WARN, "%s: the card does not take the %s that its port had: %s",
			 port->device, what, strerror(-ret));
}

static void
restore_rss(uint16_t id, struct port *port)
{
	struct port_settings *settings = &port->settings;
	struct rte_eth_rss_conf conf = settings->rss;

	conf.rss_key = settings->rss_key_len != 0 ? settings->rss_key : NULL;
	conf.rss_key_len = settings->rss_key_len;
	if (settings->has_rss)
		check(port, "RSS key and hash", rte_eth_dev_rss_hash_update(id, &conf));
	if (settings->reta_size != 0)
		check(port, "RSS redirection table",
		      rte_eth_dev_rss_reta_update(id, settings->reta, settings->reta_size));
}

void
settings_restore(uint16_t id, struct port *port)
{
	struct port_settings *settings = &port->settings;
	struct rte_ether_addr mac;
	unsigned int i;

	restore_rss(id, port);
	if (settings->has_flow_ctrl)
		check(port, "flow control",
		      rte_eth_dev_flow_ctrl_set(id, &settings->flow_ctrl));
	for (i = 1; i < port->n_addrs; i++) {
		mac = port->addrs[i];
		if (!rte_is_zero_ether_addr(&mac))
			check(port, "further MAC addresses", rte_eth_dev_mac_addr_add(id, &mac, 0));
	}
	if (settings->is_link_down)
		check(port, "link state (down)", rte_eth_dev_set_link_down(id));
}
