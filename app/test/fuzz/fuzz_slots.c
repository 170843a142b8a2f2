/* SPDX-License-Identifier: BSD-3-Clause */

/* fuzz_slots: a process that writes anything into its slot of the shared table, at any
 * moment of what the primary and a sound member do.
 * In:  letters, each with its arguments: what happens next (struct happening).  Out:
 * whatever a driver is given is a text with an end; when that process has died, the
 * primary comes to rest, has answered the sound member, and has written nowhere else.
 * lib/sync's machine runs here as it does in processes; the drivers are made up. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sync/machine.h"

#define N_ENTRIES 2u
#define N_SLOTS 3u
#define TEXT_LEN 64u
#define MEMBER 1u               /* sound */
#define WILD 2u
#define MS 1000000ull
#define MANY 200u               /* steps until everything is at rest */

/* r, q, h: a request of the wild one, of the member's, of the primary's heal; of which op,
 * for which of four devices; p: a byte in the wild slot (two of where, one of what);
 * f: many there (eighths of where, what); k: the wild one acknowledges entry 0, with this
 * error; P, M: a step of the primary, of the member; t: so many tenths of a second; d: what
 * drivers answer from now on; x: the member stops waiting. */
const char *const fuzz_seeds[] = {
	"q\x01PPPPMPk\x02PP", "r\x01PPPPMPPP", "q\x01PPPMPPq\x02PPPMPP", "r\x02PPt\xff", "PPPP",
	"r\x03PPPM", "p\x01\x01\xff", "p\x08\x01\x01", "d\x05q\x01PPPd\x01PPPP", "xPP", "k\x01k\x03",
	"q\x02PPPMPMPPq\x0aPPPMPMPPq\x12PPP", "h\x02PPPMPP", "q\x02PPPMPMPPh\x01PPPPMPMPPPP",
	"r\x01""f\x1dyPPP", "r\x01""f\xccyPPP", "r\x02""f\x02yf\x1dyPPMPP",
	"q\x01PPPf\x02yf\x0cyk\x03PPPP",
	"p\x0d\x01\x78p\xd8\x01\x78", "t\xfft\xfft\xfft\xff", "MMMM", NULL,
};

static struct process {
	unsigned int has, device;       /* bits, by name */
	bool is_at_work, attaches;
} processes[2];                 /* the primary, the sound member */

static uint64_t time_ns;
static bool is_wild_alive;
static unsigned int answer;     /* of drivers */

static uint64_t
now_ns(void *arg)
{
	(void)arg;
	return time_ns;
}

static bool
is_alive(void *arg, uint32_t slot)
{
	(void)arg;
	FUZZ_CHECK(slot < N_SLOTS);
	return slot != WILD || is_wild_alive;
}

static void
wake(void *arg, uint32_t slot)
{
	(void)arg;
	FUZZ_CHECK(slot < N_SLOTS);
}

static void
check_name(const char *name)
{
	FUZZ_CHECK(memchr(name, '\0', HOTPLUG_NAME_LEN) != NULL);
}

static unsigned int
bit_of(const char *name)
{
	check_name(name);
	return 1u << (strlen(name) > 3 ? (uint8_t)name[3] % 4 : 0);
}

static bool
has(void *arg, const char *name)
{
	const struct process *process = arg;

	return (process->has & bit_of(name)) != 0;
}

static int
finish(struct process *process)
{
	process->is_at_work = answer % 4 == 1;
	if (process->is_at_work)
		return -EINPROGRESS;
	if (answer % 4 == 2)
		return -EIO;
	process->has &= ~process->device;
	if (process->attaches)
		process->has |= process->device;
	return 1;
}

static int
begin(struct process *process, const char *name, bool attaches)
{
	if (process->is_at_work)
		return -EALREADY;
	if (has(process, name) == attaches)
		return 0;
	process->device = bit_of(name);
	process->attaches = attaches;
	return finish(process);
}

static int
attach(void *arg, const char *name, const char *text)
{
	FUZZ_CHECK(memchr(text, '\0', TEXT_LEN) != NULL);
	return begin(arg, name, true);
}

static int
detach(void *arg, const char *name)
{
	return begin(arg, name, false);
}

static int
poll(void *arg)
{
	FUZZ_CHECK(((struct process *)arg)->is_at_work);
	return finish(arg);
}

static void
abandon(void *arg)
{
	((struct process *)arg)->is_at_work = false;
}

static int
may(void *arg, enum sync_op op, const char *name, char *reason)
{
	(void)arg;
	check_name(name);
	FUZZ_CHECK(op == SYNC_OP_ATTACH || op == SYNC_OP_DETACH || op == SYNC_OP_CLEAR);
	memset(reason, 'x', SYNC_REASON_LEN - 1);
	reason[SYNC_REASON_LEN - 1] = '\0';
	return answer % 8 == 7 ? -EBUSY : 0;
}

static void
describe(void *arg, const char *name, char *text, size_t len)
{
	(void)arg;
	check_name(name);
	memset(text, 'y', len - 1);
	text[len - 1] = '\0';
}

static bool
is_lost(void *arg, const char *name)
{
	(void)arg;
	check_name(name);
	return answer % 16 == 12;
}

static int
has_stranger(void *arg, char *text)
{
	(void)arg;
	strcpy(text, "a stranger");
	return answer % 32 == 24;
}

static int
why(void *arg, int error, char *text)
{
	(void)arg;
	strcpy(text, "its driver failed");
	return error;
}

static void
tell_left_out(void *arg, uint32_t slot)
{
	(void)arg;
	FUZZ_CHECK(slot == WILD);
}

static const struct sync_ops ops = {
	.now_ns = now_ns, .is_alive = is_alive, .wake = wake, .has = has, .attach = attach,
	.detach = detach, .poll = poll, .abandon = abandon, .may = may,
	.describe = describe, .is_lost = is_lost, .has_stranger = has_stranger, .why = why,
	.tell_left_out = tell_left_out,
};

struct world {
	struct sync_table view, *table;
	struct sync_primary primary;
	struct sync_member member;
};

static void
post(struct sync_table *table, uint32_t slot, unsigned int op, unsigned int device)
{
	struct sync_request *request = &sync_slot(table, slot)->request;
	uint32_t state = atomic_load(&request->state);

	if (slot != WILD && state != SYNC_REQUEST_NONE && state != SYNC_REQUEST_DONE)
		return;
	request->op = op;
	request->ticket = atomic_fetch_add(&table->head->next_ticket, 1);
	if (slot != WILD || request->name[0] == '\0') {
		strcpy(request->name, "dev?");
		request->name[3] = 'a' + device;
	}
	if (slot != WILD)
		strcpy(sync_request_text(table, slot), "dev,a=1");
	request->sum = sync_request_sum(table, request, sync_request_text(table, slot));
	atomic_store(&request->state, SYNC_REQUEST_POSTED);
}

static void
stop_waiting(struct sync_table *table)
{
	struct sync_request *request = &sync_slot(table, MEMBER)->request;
	uint32_t posted = SYNC_REQUEST_POSTED, taken = SYNC_REQUEST_TAKEN;

	if (!atomic_compare_exchange_strong(&request->state, &posted, SYNC_REQUEST_NONE))
		atomic_compare_exchange_strong(&request->state, &taken, SYNC_REQUEST_DROPPED);
}

/* The wild slot is the last thing in the table. */
static void
poke(struct sync_table *table, const uint8_t *arg)
{
	uint8_t *slot = (uint8_t *)sync_slot(table, WILD);
	size_t len = (uint8_t *)table->head + table->size - slot;

	slot[(arg[0] | (size_t)arg[1] << 8) % len] = arg[2];
}

static void
flood(struct sync_table *table, const uint8_t *arg)
{
	uint8_t *slot = (uint8_t *)sync_slot(table, WILD);
	size_t len = (uint8_t *)table->head + table->size - slot, at = arg[0] * 8u % len;

	memset(slot + at, arg[1], len - at < 80 ? len - at : 80);
}

static void
acknowledge(struct sync_table *table, uint8_t error)
{
	struct sync_ack *ack = sync_ack(table, WILD, 0);

	ack->error = -(error % 8);
	atomic_store(&ack->generation, atomic_load(&sync_entry(table, 0)->generation));
}

/* Heal's requests are the primary's alone. */
static void
step_primary(struct sync_primary *p)
{
	sync_primary_step(p);
	FUZZ_CHECK(p->phase == SYNC_PHASE_IDLE || p->op == SYNC_OP_ATTACH ||
		   p->op == SYNC_OP_DETACH || p->requester == SYNC_PRIMARY);
}

static void
happen(struct world *w, uint8_t what, const uint8_t *arg)
{
	switch (what) {
	case 'r': post(w->table, WILD, arg[0] % 6, arg[0] / 8 % 4); break;
	case 'q': post(w->table, MEMBER, 1 + arg[0] % 2, arg[0] / 8 % 4); break;
	case 'h': post(w->table, SYNC_PRIMARY, 3 + arg[0] % 2, arg[0] / 8 % 4); break;
	case 'p': poke(w->table, arg); break;
	case 'f': flood(w->table, arg); break;
	case 'k': acknowledge(w->table, arg[0]); break;
	case 'P': step_primary(&w->primary); break;
	case 'M': sync_member_step(&w->member); break;
	case 't': time_ns += arg[0] * 100 * MS; break;
	case 'd': answer = arg[0]; break;
	case 'x': stop_waiting(w->table); break;
	}
}

static size_t
n_args(uint8_t what)
{
	static const char with_one[] = "rqhktd";

	return what == 'p' ? 3 : what == 'f' ? 2 : memchr(with_one, what, 6) != NULL ? 1 : 0;
}

static void
let_happen(struct world *w, const uint8_t *data, size_t len)
{
	uint8_t what, arg[3];
	size_t n;

	while (len > 0) {
		what = *data;
		data++, len--;
		n = n_args(what);
		if (n > len)
			return;
		memcpy(arg, data, n);
		data += n, len -= n;
		happen(w, what, arg);
	}
}

/* The wild process has died, and drivers return. */
static void
check_rest(struct world *w)
{
	uint32_t state;
	unsigned int n;

	is_wild_alive = false;
	answer = 0;
	for (n = 0; n < MANY; n++) {
		if (sync_primary_step(&w->primary) != 1 && !sync_member_step(&w->member) &&
		    w->primary.phase == SYNC_PHASE_IDLE)
			break;
		time_ns += 100 * MS;
	}
	FUZZ_CHECK(n < MANY);
	state = atomic_load(&sync_slot(w->table, MEMBER)->request.state);
	FUZZ_CHECK(state == SYNC_REQUEST_NONE || state == SYNC_REQUEST_DONE);
	if (state == SYNC_REQUEST_DONE)
		FUZZ_CHECK(memchr(sync_slot(w->table, MEMBER)->request.answer.reason, '\0',
				  SYNC_REASON_LEN) != NULL);
	FUZZ_CHECK(sync_slot_is_sound(w->table, MEMBER) &&
		   sync_slot_is_sound(w->table, SYNC_PRIMARY));
	FUZZ_CHECK(!sync_table_mend(w->table));
	for (n = 0; n < N_ENTRIES; n++)
		check_name(sync_entry(w->table, n)->name);
}

static void
begin_world(struct world *w, void *extra, void *member_extra)
{
	sync_slot_claim(w->table, SYNC_PRIMARY, 1);
	sync_slot_claim(w->table, MEMBER, 2);
	sync_slot_claim(w->table, WILD, 3);
	memset(processes, 0, sizeof(processes));
	time_ns = 0;
	is_wild_alive = true;
	answer = 0;
	w->primary = (struct sync_primary){ .table = w->table, .ops = &ops, .arg = &processes[0],
					    .deadline_ms = 1000, .probe_ms = 10000 };
	sync_primary_init(&w->primary, extra);
	w->member = (struct sync_member){ .table = w->table, .slot = MEMBER, .ops = &ops,
					  .arg = &processes[1] };
	sync_member_init(&w->member, member_extra);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t size = (sync_table_size(N_ENTRIES, N_SLOTS, TEXT_LEN) + 63) / 64 * 64;
	void *memory = aligned_alloc(64, size), *extra = NULL, *member_extra = NULL;
	struct world w;

	w.table = &w.view;
	if (memory != NULL) {
		sync_table_format(w.table, memory, N_ENTRIES, N_SLOTS, TEXT_LEN);
		extra = malloc(sync_primary_extra(w.table));
		member_extra = aligned_alloc(64, (sync_member_extra(w.table) + 63) / 64 * 64);
	}
	if (extra != NULL && member_extra != NULL) {
		begin_world(&w, extra, member_extra);
		let_happen(&w, data, len);
		check_rest(&w);
	}
	free(member_extra);
	free(extra);
	free(memory);
	return 0;
}
