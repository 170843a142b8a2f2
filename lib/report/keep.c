/* SPDX-License-Identifier: BSD-3-Clause */

/* keep: events in a file, longer than the process lives.
 * In:  each event, after the subscribers.  Out: a line of JSON at the end of the file that
 *      history= names.
 * It is opened for each line, so that it can be moved away (logrotate), and nothing is left
 * open.  One write() a line: several processes may have the same file.  A disk that is full, and
 * the limit of a file, leave half of one, of whichever process: the next begins on a new line.
 * Whatever the file is, the application pays nothing for it: who may write it is decided by
 * others, at any time.  So nothing in here waits for a reader of it (O_NONBLOCK: a FIFO, a
 * terminal), and no signal that a write can raise (SIGPIPE; SIGXFSZ, at the limit of ulimit -f)
 * comes to the process.
 * Lock: none; has_failed is the events thread's, and enable's before that runs.
 * Context: events (it may wait for a disk); keep_begin(): app. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../core/enable.h"
#include "../eal/host.h"
#include "keep.h"

#define NS_PER_S 1000000000u
#define FILE_MODE 0640

static bool has_failed;                 /* that has been said */

static int
open_file(void)
{
	int fd = open(enable_config()->history, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
		      O_NONBLOCK | O_NOCTTY, FILE_MODE);

	return fd >= 0 ? fd : -errno;
}

static void
say_failure(int error)
{
	if (!has_failed)
		host_log(HOST_WARN, "history=%s: cannot be written: %s", enable_config()->history,
			 strerror(-error));
	has_failed = true;
}

void
keep_begin(void)
{
	int fd;

	has_failed = false;
	if (enable_config()->history[0] == '\0')
		return;
	fd = open_file();
	if (fd < 0)
		say_failure(fd);
	else
		close(fd);
}

/* Who may not read it leaves it as it is.  Another process that is in the middle of its line has
 * written it before we write ours: that leaves an empty line. */
static bool
ends_in_half_a_line(int fd)
{
	struct stat ours, found;
	char last = '\n';
	int reader;

	if (fstat(fd, &ours) != 0 || !S_ISREG(ours.st_mode) || ours.st_size == 0)
		return false;
	reader = open(enable_config()->history, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (reader < 0)
		return false;
	if (fstat(reader, &found) == 0 && found.st_ino == ours.st_ino &&
	    found.st_dev == ours.st_dev && pread(reader, &last, 1, ours.st_size - 1) != 1)
		last = '\n';
	close(reader);
	return last != '\n';
}

/* The text so far, which ends where there is no room. */
struct line {
	char text[1024];
	size_t len;
};

__attribute__((format(printf, 2, 3)))
static void
add(struct line *line, const char *fmt, ...)
{
	size_t room = sizeof(line->text) - line->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line->text + line->len, room, fmt, ap);
	va_end(ap);
	line->len += n < (int)room ? n : (int)room - 1;
}

/* A name is a bus's or a driver's: what JSON has no place for is none. */
static void
add_text(struct line *line, const char *key, const char *value)
{
	add(line, ", \"%s\": \"", key);
	for (; *value != '\0'; value++)
		add(line, "%c", *value == '"' || *value == '\\' || (unsigned char)*value < ' ' ?
		    '?' : *value);
	add(line, "\"");
}

static void
add_number(struct line *line, const char *key, uint64_t value)
{
	add(line, ", \"%s\": %" PRIu64, key, value);
}

/* {"time": "2026-11-30T12:00:00.000001Z" */
static void
add_time(struct line *line, uint64_t wall_ns)
{
	time_t seconds = wall_ns / NS_PER_S;
	char text[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	add(line, "{\"time\": \"%s.%06uZ\"", text, (unsigned int)(wall_ns % NS_PER_S / 1000));
}

static void
add_ports(struct line *line, const struct hotplug_event *event)
{
	unsigned int i;

	add(line, ", \"ports\": [");
	for (i = 0; i < event->n_ports && i < HOTPLUG_MAX_PORTS; i++)
		add(line, "%s%u", i > 0 ? ", " : "", event->port[i]);
	add(line, "]");
}

static void
write_line(struct line *line, const struct hotplug_event *event)
{
	add_time(line, event->wall_ns);
	add_number(line, "pid", getpid());
	add_number(line, "sequence", event->sequence);
	add_text(line, "event", hotplug_event_name(event->type));
	add_text(line, "device", event->device);
	add_text(line, "cause", hotplug_cause_name(event->cause));
	add_text(line, "sign", hotplug_sign_name(event->sign));
	add_text(line, "kernel_driver", event->kernel_driver);
	add_ports(line, event);
	add_number(line, "is_simulated", event->is_simulated);
	add_number(line, "sign_ns", event->sign_ns);
	add_number(line, "cut_ns", event->cut_ns);
	add_number(line, "event_ns", event->event_ns);
	add(line, "}\n");
}

/* Those of the two that are pending are somebody else's. */
static void
take_signals(sigset_t *ours, sigset_t *old)
{
	sigset_t pending;

	sigemptyset(ours);
	sigpending(&pending);
	if (!sigismember(&pending, SIGPIPE))
		sigaddset(ours, SIGPIPE);
	if (!sigismember(&pending, SIGXFSZ))
		sigaddset(ours, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, ours, old);
}

/* Written whole: 0. */
static int
write_quietly(int fd, const struct line *line)
{
	static const struct timespec at_once;
	sigset_t ours, old;
	ssize_t n;
	int ret;

	take_signals(&ours, &old);
	n = write(fd, line->text, line->len);
	ret = n < 0 ? -errno : n < (ssize_t)line->len ? -ENOSPC : 0;
	while (ret != 0 && sigtimedwait(&ours, NULL, &at_once) > 0)
		;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

void
keep_event(const struct hotplug_event *event)
{
	struct line line;
	int fd, ret;

	if (enable_config()->history[0] == '\0')
		return;
	fd = open_file();
	if (fd < 0) {
		say_failure(fd);
		return;
	}
	line.len = 0;
	if (ends_in_half_a_line(fd))
		add(&line, "\n");
	write_line(&line, event);
	ret = write_quietly(fd, &line);
	if (ret == 0)
		has_failed = false;
	else
		say_failure(ret);
	close(fd);
}
