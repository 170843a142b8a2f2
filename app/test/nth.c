/* SPDX-License-Identifier: BSD-3-Clause */

/* nth: the nth call of the library that can be refused is; and what the library has
 * taken from the heap is counted.
 * In:  tests arm it (app).  Out: failures, in whichever thread comes to the nth call.
 * Lock: `lock` guards the pieces; the count is atomic: calls in a signal handler fail
 *      too.
 * Context: any. */

#include <stdatomic.h>
#include <stdint.h>

#include "eal/host.h"
#include "nth.h"
#include "test.h"

#define N_PIECES 4096

static atomic_bool is_armed, is_held;
static _Atomic long n_calls, first, final, n_failed;    /* calls are numbered from 1 */
static char last[128] = "nothing";
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* pieces */
static void *pieces[N_PIECES];

void
nth_arm(unsigned int n, unsigned int more)
{
	atomic_store(&n_failed, 0);
	atomic_store(&n_calls, 0);
	atomic_store(&first, n);
	atomic_store(&final, (long)n + more);
	atomic_store(&is_armed, n != 0);
}

unsigned int
nth_disarm(void)
{
	atomic_store(&is_armed, false);
	return atomic_load(&n_failed);
}

void
nth_hold(bool hold)
{
	atomic_store(&is_held, hold);
}

const char *
nth_last(void)
{
	return last;
}

bool
nth_fails(int err, const char *where)
{
	long turn;
	size_t i;

	if (!atomic_load(&is_armed) || atomic_load(&is_held))
		return false;
	turn = atomic_fetch_add(&n_calls, 1) + 1;
	if (turn < atomic_load(&first) || turn > atomic_load(&final))
		return false;
	atomic_fetch_add(&n_failed, 1);
	for (i = 0; i < sizeof(last) - 1 && where[i] != '\0'; i++)
		last[i] = where[i];     /* the path may be on a stack */
	last[i] = '\0';
	errno = err;
	return true;
}

static void
exchange(const void *from, void *to)
{
	unsigned int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < N_PIECES && pieces[i] != from; i++)
		;
	if (i < N_PIECES)
		pieces[i] = to;
	pthread_mutex_unlock(&lock);
}

/* Devargs are EAL's to free once it has them. */
void *
nth_taken(void *p, const char *file)
{
	if (strstr(file, "devargs.c") == NULL && strstr(file, "port/local.c") == NULL)
		exchange(NULL, p);
	return p;
}

/* What others have allocated, for the library to free, is not in the list. */
void
nth_given(void *p)
{
	if (p != NULL)
		exchange(p, NULL);
}

/* The old place is given up first: somebody else may have it at once. */
void *
nth_moved(void *p, size_t len)
{
	void *moved;

	nth_given(p);
	moved = realloc(p, len);
	exchange(NULL, moved != NULL ? moved : p);
	return moved;
}

unsigned int
nth_n_pieces(void)
{
	unsigned int i, n = 0;

	pthread_mutex_lock(&lock);
	for (i = 0; i < N_PIECES; i++)
		n += pieces[i] != NULL;
	pthread_mutex_unlock(&lock);
	return n;
}

int
nth_open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, int) : 0;
	va_end(ap);
	return nth_fails(EMFILE, path) ? -1 : open(path, flags, mode);
}

/* --- the library's threads: --wrap=host_thread_start ------------------------------------- */

int __real_host_thread_start(struct host_thread *thread, const char *name,
			     void (*run)(void *arg), void *arg);
int __wrap_host_thread_start(struct host_thread *thread, const char *name,
			     void (*run)(void *arg), void *arg);

int
__wrap_host_thread_start(struct host_thread *thread, const char *name,
			 void (*run)(void *arg), void *arg)
{
	return nth_fails(EAGAIN, name) ? -EAGAIN :
		__real_host_thread_start(thread, name, run, arg);
}
