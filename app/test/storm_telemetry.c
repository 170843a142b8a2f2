/* SPDX-License-Identifier: BSD-3-Clause */

/* storm_telemetry: clients that ask every command of /ethdev and /hotplug, by the socket.
 * In:  the socket of this process; the list of commands that it gives.
 * Out: requests with a port or a device; answers, which must come.
 * A question about a port: that card's `life` for reading, as any question (storm.h).
 * Context: app; the answers: telemetry's own threads. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_eal.h>

#include "storm.h"
#include "test.h"

#define MAX_COMMANDS 64
#define ANSWER_LEN (64 * 1024)

struct commands {
	char name[MAX_COMMANDS][64];
	unsigned int n;
};

static int
connect_to_ourselves(char *answer)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/dpdk_telemetry.v2",
		 rte_eal_get_runtime_dir());
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    recv(fd, answer, ANSWER_LEN - 1, 0) <= 0) {
		storm_fail("telemetry's socket", addr.sun_path, -errno, 0);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static bool
request(int fd, const char *text, char *answer)
{
	ssize_t len;

	if (send(fd, text, strlen(text), 0) < 0)
		return false;
	len = recv(fd, answer, ANSWER_LEN - 1, 0);
	if (len <= 0)
		return false;
	answer[len] = '\0';
	atomic_fetch_add(&storm_n_answers, 1);
	return true;
}

/* Those of ethdev's and ours, in the answer to "/". */
static void
take_commands(char *answer, struct commands *commands)
{
	char *rest = answer, *word;

	while ((word = strtok_r(rest, "\"", &rest)) != NULL && commands->n < MAX_COMMANDS)
		if (strncmp(word, "\\/ethdev", 8) == 0 || strncmp(word, "\\/hotplug", 9) == 0 ||
		    strncmp(word, "/ethdev", 7) == 0 || strncmp(word, "/hotplug", 8) == 0) {
			if (word[0] == '\\')
				word++;
			snprintf(commands->name[commands->n], 64, "%s", word);
			commands->n++;
		}
}

/* Json writes a slash as "\/". */
static void
unescape(struct commands *commands)
{
	unsigned int i;
	char *at;

	for (i = 0; i < commands->n; i++)
		while ((at = strstr(commands->name[i], "\\/")) != NULL)
			memmove(at, at + 1, strlen(at));
}

static bool
ask_one(int fd, const char *command, char *answer, struct dice *dice)
{
	struct storm_card *card = &storm_cards[dice_below(dice, storm_n_cards)];
	struct storm_port *port;
	char text[160];
	bool is_answered;

	pthread_rwlock_rdlock(&card->life);
	port = app_pick(card, dice);
	if (strncmp(command, "/hotplug", 8) == 0)
		snprintf(text, sizeof(text), "%s,%s", command, card->name);
	else if (port != NULL && strcmp(command, "/ethdev/list") != 0)
		snprintf(text, sizeof(text), "%s,%u,0", command, port->id);
	else
		snprintf(text, sizeof(text), "%s", "/ethdev/list");
	is_answered = request(fd, text, answer);
	pthread_rwlock_unlock(&card->life);
	return is_answered;
}

int
storm_client(unsigned int number)
{
	struct dice dice = dice_of(400 + number);
	static char answers[4][ANSWER_LEN];
	char *answer = answers[number % 4];
	struct commands commands = { .n = 0 };
	int fd = connect_to_ourselves(answer);

	if (fd < 0)
		return -1;
	if (request(fd, "/", answer))
		take_commands(answer, &commands);
	unescape(&commands);
	if (commands.n < 10)
		storm_fail("telemetry's commands", "/", commands.n, 10);
	while (storm_goes_on() && commands.n > 0)
		if (!ask_one(fd, commands.name[dice_below(&dice, commands.n)], answer, &dice)) {
			storm_fail("no answer from telemetry", "", -errno, 0);
			break;
		}
	close(fd);
	return 0;
}
