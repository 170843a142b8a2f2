/* SPDX-License-Identifier: BSD-3-Clause */

/* main: what a device of a bus outside of this project gets; TAP.
 * In:  the bus "ext".  Out: "ok" for each of policies, dead ops, link, INTR_RMV, heal, drill,
 *      telemetry; "not ok" and the line.
 * Context: app. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <hotplug_bus.h>

#include "ext.h"

static struct rte_mempool *pool;
static _Atomic unsigned int n_gone, n_ready, n_recovering, n_success, n_removed, n_link;
static unsigned int n_tests;
static int bad_line;

#define EXPECT(condition) do { \
		if (!(condition) && bad_line == 0) { \
			bad_line = __LINE__; \
			printf("# line %d: %s\n", __LINE__, #condition); \
		} \
	} while (0)

#define WAIT_FOR(condition) do { \
		unsigned int tries_; \
		for (tries_ = 0; tries_ < 10000 && !(condition); tries_++) \
			nanosleep(&(const struct timespec){ .tv_nsec = 1000000 }, NULL); \
		EXPECT(condition); \
	} while (0)

static void
on_event(const struct hotplug_event *event, void *arg)
{
	(void)arg;
	n_gone += event->type == HOTPLUG_EVENT_GONE;
	n_ready += event->type == HOTPLUG_EVENT_READY;
}

static int
on_port_event(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)arg;
	(void)result;
	n_recovering += type == RTE_ETH_EVENT_ERR_RECOVERING;
	n_success += type == RTE_ETH_EVENT_RECOVERY_SUCCESS;
	n_removed += type == RTE_ETH_EVENT_INTR_RMV;
	n_link += type == RTE_ETH_EVENT_INTR_LSC;
	return 0;
}

static uint16_t
begin(enum hotplug_policy policy)
{
	const struct rte_eth_conf conf = { .rxmode.mtu = RTE_ETHER_MTU };
	struct hotplug_config config;
	uint16_t port = RTE_MAX_ETHPORTS;

	n_gone = n_ready = n_recovering = n_success = n_removed = n_link = 0;
	hotplug_config_init(&config);
	config.policy = policy;
	EXPECT(hotplug_enable(&config) == 0);
	EXPECT(hotplug_event_subscribe(NULL, on_event, NULL) > 0);
	EXPECT(ext_insert() == 0);
	EXPECT(hotplug_port_attach(EXT_CARD, &port) == 0);
	EXPECT(rte_eth_dev_configure(port, 1, 1, &conf) == 0);
	EXPECT(rte_eth_rx_queue_setup(port, 0, 64, SOCKET_ID_ANY, NULL, pool) == 0);
	EXPECT(rte_eth_tx_queue_setup(port, 0, 64, SOCKET_ID_ANY, NULL) == 0);
	EXPECT(rte_eth_dev_start(port) == 0);
	EXPECT(ext_read() == 0x1234);
	return port;
}

static bool
is_up(uint16_t port)
{
	struct rte_eth_link link = { .link_status = RTE_ETH_LINK_DOWN };

	return rte_eth_link_get_nowait(port, &link) == 0 &&
		link.link_status == RTE_ETH_LINK_UP;
}

static void
end(uint16_t port)
{
	char name[HOTPLUG_NAME_LEN];

	EXPECT(hotplug_port_remove(port, name, sizeof(name)) == 0);
	EXPECT(hotplug_disable() == 0);         /* and nobody is subscribed any more */
}

static void
test_tell(void)
{
	uint16_t port = begin(HOTPLUG_POLICY_TELL);
	struct rte_mbuf *pkts[4];

	EXPECT(is_up(port));
	ext_pull();
	(void)rte_eth_rx_burst(port, 0, pkts, 4);       /* reads a dead register: no SIGBUS */
	WAIT_FOR(n_gone == 1 && n_removed == 1 && n_link == 1);
	EXPECT(ext_n_lost == 1);
	EXPECT(!is_up(port));
	EXPECT(rte_eth_dev_is_removed(port) == 1);
	EXPECT(rte_eth_promiscuous_enable(port) == -EIO);
	EXPECT(ext_read() == UINT32_MAX);
	EXPECT(rte_eth_dev_stop(port) == 0);            /* on registers that flip */
	end(port);
}

static void
test_survive(void)
{
	uint16_t port = begin(HOTPLUG_POLICY_SURVIVE);
	unsigned int n_closed = ext_n_closed;

	ext_pull();
	WAIT_FOR(ext_n_closed == n_closed + 1);
	EXPECT(n_removed == 0);
	EXPECT(rte_eth_dev_is_valid_port(port));
	end(port);
}

static void
test_heal(void)
{
	uint16_t port = begin(HOTPLUG_POLICY_HEAL);

	EXPECT(rte_eth_promiscuous_enable(port) == 0);
	ext_pull();
	WAIT_FOR(n_recovering == 1);
	EXPECT(ext_insert() == 0);
	EXPECT(hotplug_scan() >= 0);
	WAIT_FOR(n_success == 1);
	EXPECT(is_up(port));
	EXPECT(rte_eth_promiscuous_get(port) == 1);
	EXPECT(ext_read() == 0x1234);
	EXPECT(n_gone == 1 && n_removed == 0);
	ext_pull();
	WAIT_FOR(n_gone == 2);
	end(port);
}

static void
test_drill(void)
{
	uint16_t port = begin(HOTPLUG_POLICY_HEAL);

	ext_disarm_refuses(true);
	EXPECT(hotplug_simulate_removal(EXT_CARD) == -ENOTSUP);
	EXPECT(is_up(port));
	ext_disarm_refuses(false);
	EXPECT(hotplug_simulate_removal(EXT_CARD) == 0);
	EXPECT(ext_n_disarmed == 1);
	WAIT_FOR(n_recovering == 1);
	EXPECT(hotplug_simulate_return(EXT_CARD) == 0);
	WAIT_FOR(n_success == 1);
	EXPECT(is_up(port));
	end(port);
	ext_pull();
}

static const char *
ask(const char *question)
{
	static char answer[65536];
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	ssize_t n = -1;

	snprintf(at.sun_path, sizeof(at.sun_path), "%.80s/dpdk_telemetry.v2",
		 rte_eal_get_runtime_dir());
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
	    recv(fd, answer, sizeof(answer), 0) > 0 &&
	    send(fd, question, strlen(question), 0) > 0)
		n = recv(fd, answer, sizeof(answer) - 1, 0);
	close(fd);
	answer[n > 0 ? n : 0] = '\0';
	return answer;
}

static bool
is_told(const char *key, unsigned int value)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "\"%s\":%u,", key, value);
	return strstr(ask("/hotplug/info," EXT_CARD), wanted) != NULL;
}

static void
test_telemetry(void)
{
	uint16_t port = begin(HOTPLUG_POLICY_TELL);

	EXPECT(strstr(ask("/hotplug/info," EXT_CARD), "\"bus\":\"ext\"") != NULL);
	EXPECT(is_told("state", HOTPLUG_STATE_ATTACHED));
	EXPECT(is_told("n_regions", 1));
	ext_pull();
	WAIT_FOR(is_told("state", HOTPLUG_STATE_GONE));
	end(port);
}

static void
test_nonsense(void)
{
	static const struct hotplug_bus_ops no_look;
	struct hotplug_bus odd = { .name = "odd", .ops = &no_look };
	struct hotplug_device_info info = { .key = &odd, .name = "odd0", .sign_fd = -1 };
	uint16_t port = begin(HOTPLUG_POLICY_TELL);

	EXPECT(hotplug_bus_register(&odd) == -EINVAL);
	EXPECT(ext_register() == -EEXIST);
	EXPECT(hotplug_device_publish(&odd, &info) == -EINVAL);
	EXPECT(hotplug_device_withdraw(&odd, &odd) == -ENOENT);
	EXPECT(hotplug_device_settle(&odd, &odd) == -ENOENT);
	EXPECT(hotplug_bus_report(&odd, &odd, HOTPLUG_SIGN_CALLER) == -ENOENT);
	EXPECT(hotplug_bus_unregister(&odd) == -ENOENT);
	end(port);
	ext_pull();
}

static void
run(const char *name, void (*test)(void))
{
	bad_line = 0;
	test();
	printf("%s %u - %s\n", bad_line == 0 ? "ok" : "not ok", ++n_tests, name);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	static const enum rte_eth_event_type heard[] = {
		RTE_ETH_EVENT_ERR_RECOVERING, RTE_ETH_EVENT_RECOVERY_SUCCESS,
		RTE_ETH_EVENT_INTR_RMV, RTE_ETH_EVENT_INTR_LSC,
	};
	unsigned int i;

	if (rte_eal_init(argc, argv) < 0 || ext_register() != 0)
		return 1;
	pool = rte_pktmbuf_pool_create("pool", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	if (pool == NULL)
		return 1;
	for (i = 0; i < RTE_DIM(heard); i++)
		rte_eth_dev_callback_register(RTE_ETH_ALL, heard[i], on_port_event, NULL);
	printf("1..6\n");
	run("tell: INTR_RMV, LSC, dead ops, faults answered, registers that flip", test_tell);
	run("survive: closed and detached, the id kept", test_survive);
	run("heal: the same id, configured and started", test_heal);
	run("drill, refused and done", test_drill);
	run("telemetry", test_telemetry);
	run("nonsense is an error", test_nonsense);
	EXPECT(ext_unregister() == 0);
	return rte_eal_cleanup() != 0;
}
