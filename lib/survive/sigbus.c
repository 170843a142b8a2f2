/* SPDX-License-Identifier: BSD-3-Clause */

/* sigbus: a load or store has met a BAR that is no more.
 * In:  the kernel (our handler), the host's handler (hotplug_sigbus_dispatch),
 *      the stock bus's sigbus_handler slot (through the bus's op).
 * Out: pages to read at the faulting chunk, a FAULT sign for watch; whatever is
 *      not ours goes to the action below with the kernel's own siginfo.
 * Context: signal, but for install/remove (app, watch).  Atomics, the guard,
 *      mmap and write only; errno is kept. */

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../core/bus.h"
#include "../core/stats.h"
#include "cutoff.h"
#include "flip.h"
#include "guard.h"
#include "intact.h"
#include "pages.h"
#include "sigbus.h"

/* The action below ours: two copies, so that a handler never reads one that is
 * being written (it changes when somebody else's handler has come and gone). */
static struct sigaction below[2];
static _Atomic unsigned int below_now;

/* Somebody who expects faults of one thread, for a while. */
static void (*guest)(int signo);
static _Atomic pid_t guest_thread;      /* 0: nobody; else set after `guest` */

void
sigbus_admit(void (*handler)(int signo))
{
	guest = handler;
	atomic_store(&guest_thread, (pid_t)syscall(SYS_gettid));
}

bool
sigbus_dismiss(void)
{
	pid_t own = (pid_t)syscall(SYS_gettid);

	return atomic_compare_exchange_strong(&guest_thread, &own, 0);
}

/* Probes in progress: their devices have BARs that are not guarded yet. */
static _Atomic unsigned int n_probing;

void
sigbus_probing(bool begins)
{
	if (begins)
		atomic_fetch_add(&n_probing, 1);
	else
		atomic_fetch_sub(&n_probing, 1);
}

/* What flips while a driver is at work on it: it stays as long as we are in the guard. */
static int
lay(struct region *region, uintptr_t addr)
{
	struct flip *flip = atomic_load(&region->dev->flip);

	if (flip != NULL && flip_lay_chunk(flip, region, addr) == 0)
		return 0;
	return pages_lay_chunk(region, addr);
}

/* What was cut off when the library was disabled answers by itself from then on. */
static _Atomic unsigned int n_left;

void
sigbus_leave(void)
{
	atomic_fetch_add(&n_left, 1);
}

bool
sigbus_has_left(void)
{
	return atomic_load(&n_left) != 0;
}

/* What this fault met may have been mended since it was raised, for the n_mended'th time.  The
 * instruction tries again; if it faults again, with nothing mended in between, it is a fault.  A
 * slot for each of some threads: who overwrites another's only has it try once more. */
static bool
may_be_over(uintptr_t addr, uint32_t n_mended)
{
	static _Atomic uint64_t tried[64];
	uint64_t tid = syscall(SYS_gettid);
	uint64_t now = (uint64_t)addr << 24 ^ (uint64_t)n_mended << 32 ^ tid;

	return atomic_exchange(&tried[tid % 64], now) != now;
}

/* A device that is not cut off may have been, and be restored since. */
static bool
may_be_restored(const struct hotplug_device *dev, uintptr_t addr)
{
	return !atomic_load(&dev->is_cut) && may_be_over(addr, atomic_load(&dev->n_restored));
}

int
hotplug_bus_fault(const void *addr)
{
	struct region *region;
	int saved = errno, ret = 1;

	guard_enter();
	region = guard_find((uintptr_t)addr);
	if (region != NULL && may_be_restored(region->dev, (uintptr_t)addr)) {
		ret = 0;
	} else if (region != NULL && (atomic_load(&region->dev->n_unsettled) == 0 ||
			       intact_is_mapped(region, (uintptr_t)addr))) {
		ret = lay(region, (uintptr_t)addr);
		if (!atomic_load(&region->dev->is_gone))
			device_post(region->dev, DEVICE_SIGN(HOTPLUG_SIGN_FAULT));
	}
	guard_leave();
	if (region == NULL && atomic_load(&n_probing) > 0)
		ret = cutoff_lay_unguarded((uintptr_t)addr);
	if (region == NULL && ret != 0 && sigbus_has_left() &&
	    may_be_over((uintptr_t)addr, atomic_load(&n_left)))
		ret = 0;
	errno = saved;
	return ret;
}

/* Only what an access to a mapping that has nothing behind it raises; not
 * kill(), alignment or memory poison. */
static bool
is_access_error(const siginfo_t *info)
{
#if defined(__aarch64__)
	if (info->si_code == BUS_OBJERR)        /* synchronous external abort */
		return true;
#endif
	return info->si_code == BUS_ADRERR;
}

int
sigbus_answer(const void *addr)
{
	struct hotplug_bus *bus;
	int ret = hotplug_bus_fault(addr);

	for (bus = bus_next(NULL); bus != NULL && ret > 0; bus = bus_next(bus))
		if (bus->ops->sigbus_handler != NULL)
			ret = bus->ops->sigbus_handler(addr);
	return ret;
}

int
hotplug_sigbus_dispatch(const siginfo_t *info)
{
	bool is_ours = info->si_signo == SIGBUS && is_access_error(info) &&
		sigbus_answer(info->si_addr) == 0;

	if (is_ours)
		STATS_ADD(faults, 1);
	else
		STATS_ADD(faults_foreign, 1);
	return is_ours;
}

/* Raised by the instruction that the handler returns to? */
static bool
is_synchronous(const siginfo_t *info)
{
	return info->si_code > 0 && info->si_code != BUS_MCEERR_AO;
}

/* The default action, with the kernel's own siginfo and the true program
 * counter: the instruction faults again, or the signal is sent again. */
static void
die_by_default(siginfo_t *info)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	sigaction(SIGBUS, &dfl, NULL);
	if (!is_synchronous(info))
		syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), SIGBUS, info);
}

/* As the kernel would have called it. */
static void
call_below(const struct sigaction *action, siginfo_t *info, void *context)
{
	sigset_t old, open;

	sigprocmask(SIG_BLOCK, &action->sa_mask, &old);
	if (action->sa_flags & SA_NODEFER) {
		sigemptyset(&open);
		sigaddset(&open, SIGBUS);
		sigprocmask(SIG_UNBLOCK, &open, NULL);
	}
	if (action->sa_flags & SA_SIGINFO)
		action->sa_sigaction(SIGBUS, info, context);
	else
		action->sa_handler(SIGBUS);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void
pass_on(siginfo_t *info, void *context)
{
	unsigned int now = atomic_load(&below_now);
	struct sigaction action = below[now];

	if (atomic_load(&guest_thread) == (pid_t)syscall(SYS_gettid)) {
		guest(SIGBUS);          /* jumps */
		return;
	}
	if (action.sa_handler == SIG_IGN && !is_synchronous(info))
		return;
	if (action.sa_handler == SIG_IGN || action.sa_handler == SIG_DFL) {
		die_by_default(info);
		return;
	}
	if (action.sa_flags & (int)SA_RESETHAND) {
		below[!now] = (struct sigaction){ .sa_handler = SIG_DFL };
		atomic_store(&below_now, !now);
	}
	call_below(&action, info, context);
}

static void
handle(int signo, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)signo;
	if (hotplug_sigbus_dispatch(info) == 0)
		pass_on(info, context);
	errno = saved;
}

bool
sigbus_is_ours(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == handle;
}

bool
sigbus_is_below(const struct sigaction *action)
{
	return action->sa_handler == below[atomic_load(&below_now)].sa_handler;
}

bool
sigbus_is_on_top(void)
{
	struct sigaction action;

	return sigaction(SIGBUS, NULL, &action) == 0 && sigbus_is_ours(&action);
}

int
sigbus_install(const struct sigaction *action)
{
	struct sigaction ours = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
	unsigned int next = !atomic_load(&below_now);

	below[next] = *action;
	atomic_store(&below_now, next);
	sigemptyset(&ours.sa_mask);
	ours.sa_sigaction = handle;
	return sigaction(SIGBUS, &ours, NULL) < 0 ? -errno : 0;
}

int
sigbus_remove(const struct sigaction *back)
{
	if (!sigbus_is_on_top())
		return 0;
	return sigaction(SIGBUS, back, NULL) < 0 ? -errno : 0;
}
