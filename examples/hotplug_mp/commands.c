/* SPDX-License-Identifier: BSD-3-Clause */

/* commands: the words of the console; each is a token list and a function.
 * In:  a line, parsed by librte_cmdline (history and completion are its own).
 * Out: the lines that the test plan's tools expect, and a reason after a failure. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmdline.h>
#include <cmdline_parse_string.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include <hotplug.h>

#include "commands.h"
#include "events.h"

/* As librte_cmdline fills it: a word, and the device after it.  Its fixed strings end
 * at 128 bytes, so devargs are the rest of the line. */
struct words {
	cmdline_fixed_string_t word;
	cmdline_multi_string_t device;
};

static void
help(void *parsed, struct cmdline *console, void *data)
{
	(void)parsed;
	(void)data;
	cmdline_printf(console, "commands:\n"
		       "- attach <devargs>\n"
		       "- detach <devargs>\n"
		       "- list\n"
		       "- state\n"
		       "- events\n"
		       "- help\n"
		       "- quit\n");
}

static void
quit(void *parsed, struct cmdline *console, void *data)
{
	(void)parsed;
	(void)data;
	cmdline_quit(console);
}

static void
list(void *parsed, struct cmdline *console, void *data)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t port;

	(void)parsed;
	(void)data;
	cmdline_printf(console, "list all etherdev\n");
	RTE_ETH_FOREACH_DEV(port)
		if (rte_eth_dev_get_name_by_port(port, name) == 0)
			cmdline_printf(console, "%u\t%s\n", port, name);
}

/* What is known of a port's device, in a word. */
static const char *
state_of(uint16_t port)
{
	struct rte_eth_dev_info info;
	int state;

	if (rte_eth_dev_info_get(port, &info) != 0 || info.device == NULL)
		return "no device";
	state = hotplug_device_state(rte_dev_name(info.device));
	return state >= 0 ? hotplug_state_name(state) : "not watched";
}

static void
state(void *parsed, struct cmdline *console, void *data)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	struct rte_eth_link link;
	uint16_t port;

	(void)parsed;
	(void)data;
	cmdline_printf(console, "process %d, %s\n", getpid(),
		       rte_eal_process_type() == RTE_PROC_PRIMARY ? "the primary" : "a secondary");
	RTE_ETH_FOREACH_DEV(port) {
		if (rte_eth_link_get_nowait(port, &link) != 0)
			link.link_status = RTE_ETH_LINK_DOWN;
		if (rte_eth_dev_get_name_by_port(port, name) == 0)
			cmdline_printf(console, "%u\t%s\t%s, link %s\n", port, name, state_of(port),
				       link.link_status == RTE_ETH_LINK_UP ? "up" : "down");
	}
}

static void
print_line(const char *line, void *console)
{
	cmdline_printf(console, "%s\n", line);
}

static void
events(void *parsed, struct cmdline *console, void *data)
{
	(void)parsed;
	(void)data;
	events_say(print_line, console);
}

/* The device's name: what its devargs begin with, or "name=" and "addr=" of their bus. */
static const char *
name_of(const char *devargs, char *name, size_t len)
{
	const char *at = strncmp(devargs, "bus=", 4) == 0 ? strchr(devargs, '=') : NULL;

	for (at = at != NULL ? strchr(at, ',') : NULL; at != NULL; at = strchr(at, ','))
		if (strncmp(++at, "name=", 5) == 0 || strncmp(at, "addr=", 5) == 0) {
			snprintf(name, len, "%.*s", (int)strcspn(at + 5, ",/"), at + 5);
			return name;
		}
	snprintf(name, len, "%.*s", (int)strcspn(devargs, ","), devargs);
	return name;
}

static void
say_why(struct cmdline *console, const struct hotplug_outcome *outcome)
{
	if (outcome->pid != 0)
		cmdline_printf(console, "process %d: ", outcome->pid);
	cmdline_printf(console, "%s\n", outcome->reason);
}

static void
attach(void *parsed, struct cmdline *console, void *data)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };
	const struct words *words = parsed;
	char name[HOTPLUG_NAME_LEN];

	(void)data;
	if (hotplug_device_attach(words->device, 0, &outcome) == 0) {
		cmdline_printf(console, "attached device %s\n",
			       name_of(words->device, name, sizeof(name)));
		return;
	}
	cmdline_printf(console, "failed to attached device %s\n",
		       name_of(words->device, name, sizeof(name)));
	say_why(console, &outcome);
}

static void
detach(void *parsed, struct cmdline *console, void *data)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };
	const struct words *words = parsed;
	char name[HOTPLUG_NAME_LEN];

	(void)data;
	name_of(words->device, name, sizeof(name));
	cmdline_printf(console, "detaching...\n");
	if (hotplug_device_detach(words->device, 0, &outcome) == 0) {
		cmdline_printf(console, "detached device %s\n", name);
		return;
	}
	cmdline_printf(console, "failed to detach device %s\n", name);
	say_why(console, &outcome);
}

#define WORD(text) TOKEN_STRING_INITIALIZER(struct words, word, text)

static cmdline_parse_token_string_t help_word = WORD("help");
static cmdline_parse_token_string_t quit_word = WORD("quit");
static cmdline_parse_token_string_t list_word = WORD("list");
static cmdline_parse_token_string_t state_word = WORD("state");
static cmdline_parse_token_string_t events_word = WORD("events");
static cmdline_parse_token_string_t attach_word = WORD("attach");
static cmdline_parse_token_string_t detach_word = WORD("detach");
static cmdline_parse_token_string_t device =
	TOKEN_STRING_INITIALIZER(struct words, device, TOKEN_STRING_MULTI);

static cmdline_parse_inst_t help_command = {
	.f = help, .help_str = "help: the commands", .tokens = { (void *)&help_word, NULL },
};

static cmdline_parse_inst_t quit_command = {
	.f = quit, .help_str = "quit: leave", .tokens = { (void *)&quit_word, NULL },
};

static cmdline_parse_inst_t list_command = {
	.f = list, .help_str = "list: all ports", .tokens = { (void *)&list_word, NULL },
};

static cmdline_parse_inst_t state_command = {
	.f = state, .help_str = "state: this process, and its ports",
	.tokens = { (void *)&state_word, NULL },
};

static cmdline_parse_inst_t events_command = {
	.f = events, .help_str = "events: what has happened last",
	.tokens = { (void *)&events_word, NULL },
};

static cmdline_parse_inst_t attach_command = {
	.f = attach, .help_str = "attach <devargs>: in every process, or in none",
	.tokens = { (void *)&attach_word, (void *)&device, NULL },
};

static cmdline_parse_inst_t detach_command = {
	.f = detach, .help_str = "detach <devargs>: in every process, or in none",
	.tokens = { (void *)&detach_word, (void *)&device, NULL },
};

cmdline_parse_ctx_t commands[] = {
	&help_command, &quit_command, &list_command, &state_command, &events_command,
	&attach_command, &detach_command, NULL,
};
