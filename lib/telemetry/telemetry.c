/* SPDX-License-Identifier: BSD-3-Clause */

/* telemetry: our answers in the form of EAL's telemetry.
 * In:  a command on the telemetry socket.  Out: answers.c's content as rte_tel_data,
 *      nothing of its own.
 * An entry for which there is no room is left out, as the stock commands do.
 * Context: telemetry's own threads, one for each client; offer: app. */

#include <stdbool.h>
#include <string.h>

#include <rte_telemetry.h>
#include <rte_version.h>

#include "../eal/host.h"
#include "answers.h"
#include "telemetry.h"

#if RTE_VERSION < RTE_VERSION_NUM(23, 3, 0, 0)
#define rte_tel_data_add_array_uint rte_tel_data_add_array_u64
#define rte_tel_data_add_dict_uint rte_tel_data_add_dict_u64
#endif

static void
add_number(void *to, const char *key, uint64_t value)
{
	if (key == NULL)
		rte_tel_data_add_array_uint(to, value);
	else
		rte_tel_data_add_dict_uint(to, key, value);
}

static void
add_text(void *to, const char *key, const char *value)
{
	if (key == NULL)
		rte_tel_data_add_array_string(to, value);
	else
		rte_tel_data_add_dict_string(to, key, value);
}

#if RTE_VERSION < RTE_VERSION_NUM(23, 3, 0, 0)
#define UINTS RTE_TEL_U64_VAL
#else
#define UINTS RTE_TEL_UINT_VAL
#endif

static void
start(struct rte_tel_data *data, enum answer_kind kind)
{
	static const enum rte_tel_value_type values[] = {
		[ANSWER_NUMBERS] = UINTS,
		[ANSWER_TEXTS] = RTE_TEL_STRING_VAL,
	};

	if (kind == ANSWER_DICT)
		rte_tel_data_start_dict(data);
	else
		rte_tel_data_start_array(data, values[kind]);
}

static void *
open_part(enum answer_kind kind)
{
	struct rte_tel_data *data = rte_tel_data_alloc();

	if (data != NULL)
		start(data, kind);
	return data;
}

/* From then on it is the other's. */
static void
close_part(void *to, const char *key, void *part)
{
	if (rte_tel_data_add_dict_container(to, key, part, 0) != 0)
		rte_tel_data_free(part);
}

static const struct answer_ops ops = {
	.number = add_number,
	.text = add_text,
	.open = open_part,
	.close = close_part,
};

static const struct question {
	const char *command;
	enum answer_kind kind;
	int (*answer)(const struct answer *answer, const char *params);
	const char *help;
} questions[] = {
	{ "/hotplug/list", ANSWER_TEXTS, answer_list,
	  "Devices that were attached in this process. No parameters" },
	{ "/hotplug/info", ANSWER_DICT, answer_info,
	  "State, card and ports of a device. Parameter: its name" },
	{ "/hotplug/stats", ANSWER_DICT, answer_stats,
	  "Counters since hotplug was enabled. No parameters" },
	{ "/hotplug/events", ANSWER_DICT, answer_events,
	  "The last events, newest first. Parameters: how many (16; at most 24), "
	  "and the sequence number to begin before" },
	{ "/hotplug/health", ANSWER_DICT, answer_health,
	  "What protects this process, and who blocks a removal. No parameters" },
	{ "/hotplug/ports", ANSWER_DICT, answer_ports,
	  "Each port: is it guarded, and why not? Parameter: the first one (0); 24 are told" },
	{ "/hotplug/drill", ANSWER_DICT, answer_drill,
	  "Rehearse the loss of a device: its port is interrupted. Parameters: its name, "
	  "milliseconds until it is back" },
	{ "/hotplug/drill_end", ANSWER_DICT, answer_drill_end,
	  "End such a rehearsal now. Parameter: the device's name" },
};

#define N_QUESTIONS (sizeof(questions) / sizeof(questions[0]))

static int
reply(const char *command, const char *params, struct rte_tel_data *data)
{
	const struct answer answer = { .ops = &ops, .to = data };
	unsigned int i;

	for (i = 0; i < N_QUESTIONS; i++) {
		if (strcmp(questions[i].command, command) != 0)
			continue;
		start(data, questions[i].kind);
		return questions[i].answer(&answer, params);
	}
	return -1;
}

void
telemetry_offer(void)
{
	static bool is_offered;         /* enable's lock */
	unsigned int i;
	int ret = 0;

	for (i = 0; i < N_QUESTIONS && !is_offered && ret == 0; i++)
		ret = rte_telemetry_register_cmd(questions[i].command, reply, questions[i].help);
	if (ret != 0)
		host_log(HOST_WARN, "telemetry refuses %s", questions[i - 1].command);
	if (!is_offered)
		telemetry_open_secondary();
	is_offered = true;
}
