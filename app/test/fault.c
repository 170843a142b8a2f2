/* SPDX-License-Identifier: BSD-3-Clause */

/* fault: SIGBUS of every kind, on demand.
 * In:  tests, in a child process (app).  Out: a fault at a known instruction and
 *      address, or a signal that says it is one.
 * Context: app; fault_mend(): signal. */

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "child.h"
#include "fault.h"
#include "test.h"

uint8_t *
fault_make(void)
{
	int fd = memfd_create("foreign", MFD_CLOEXEC);
	uint8_t *p = mmap(NULL, test_page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHILD_CHECK(fd >= 0 && p != MAP_FAILED);
	return p;
}

void
fault_mend(void *page)
{
	mmap((void *)((uintptr_t)page & -test_page()), test_page(), PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

__attribute__((noinline, no_sanitize("thread", "address")))
uint8_t
fault_touch(const volatile uint8_t *p)
{
	uint8_t value;

#if defined(__x86_64__)
	__asm__ volatile(".globl fault_pc\nfault_pc: movb (%1), %0" : "=q"(value) : "r"(p));
#elif defined(__aarch64__)
	__asm__ volatile(".globl fault_pc\nfault_pc: ldrb %w0, [%1]" : "=r"(value) : "r"(p));
#else
#error "say where the program counter is on this machine"
#endif
	return value;
}

uintptr_t
fault_context_pc(const void *context)
{
	const ucontext_t *uc = context;

#if defined(__x86_64__)
	return uc->uc_mcontext.gregs[REG_RIP];
#else
	return uc->uc_mcontext.pc;
#endif
}

void
fault_inject(int code, const void *addr)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGBUS;
	info.si_code = code;
	info.si_addr = (void *)(uintptr_t)addr;
	CHILD_CHECK(syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), SIGBUS,
			    &info) == 0);
}
