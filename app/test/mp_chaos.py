#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Random attaches and detaches beside processes that are killed, stopped, frozen, late, forked,
strange, or the primary: nothing is lost, nobody hangs, all agree.

usage: mp_chaos.py HOTPLUG_MP FORKER [--seconds S] [--seeds N,...] [--at-once N]
                   [--only FAULT,...]

In:  the console; forker.so.  Out: TAP, one test for each seed.
Episode i of a seed draws from a generator of its own: it depends on the seed, its number and
what lives and is attached by then.  A failure is one of
  differ    lists differ 5 s after all were let go on
  hung      no reply in time
  ended     a process has ended that nobody killed
  wrong     the reply and the list disagree, or what nobody asked for has changed
  refused   a request was refused although nothing was wrong
  leak      descriptors or threads grow over equal states
"""
import argparse
import collections
import contextlib
import os
import random
import signal
import subprocess
import sys
import time

import mp_console

PARSER = argparse.ArgumentParser()
PARSER.add_argument("program", type=os.path.abspath)
PARSER.add_argument("forker", type=os.path.abspath)
PARSER.add_argument("--seconds", type=float, default=30)
PARSER.add_argument("--seeds", default="1,2,3")
PARSER.add_argument("--at-once", type=int, default=3)
PARSER.add_argument("--only", default="")
PARSER.add_argument("--seed", type=int, help="in this process")
mp_console.own_namespaces()
ARGS = PARSER.parse_args()

N_SECONDARIES, MOST, PATIENCE = 4, 10, 30
DEVICES = ["net_null0", "net_null1,size=128,copy=1", "net_null2", "net_null3", "net_ring0",
           "net_ring1", "net_af_packet0,iface=veth0", "net_pcap0,iface=veth1",
           "net_vhost0,iface=FOLDER/vh,queues=1,client=0"]
FAULTS = {"kill": 4, "stop": 4, "stop long": 1, "join": 5, "quit": 2, "fork": 1, "stranger": 1,
          "kill primary": 1, "stop primary": 2, "new primary": 1, "freeze": 1}
if ARGS.only:
    FAULTS = {name: FAULTS[name] for name in ARGS.only.split(",")}


class Failure(Exception):
    pass


def name_of(devargs):
    return devargs.split(",")[0]


class Chaos:
    def __init__(self, folder, seed):
        self.folder, self.seed = folder, seed
        self.counts = collections.Counter()
        self.slowest = 0
        self.group = None
        self.devices = [d.replace("FOLDER", folder) for d in DEVICES]

    # --- a group, and who is in it

    def begin(self):
        self.end()
        self.group = mp_console.Group(ARGS.program, self.folder, N_SECONDARIES,
                                      preload=ARGS.forker)
        self.there = {}
        self.strangers, self.killed = [], []
        self.base = {}
        self.forked_until = 0
        self.n_started = 0

    def end(self):
        if self.group:
            self.group.__exit__()
        self.group = None

    def start(self, kind, **more):
        self.n_started += 1
        console = self.group.start("%s %d" % (kind, self.n_started), "--proc-type=secondary",
                                   wait=False, preload=ARGS.forker, **more)
        self.joining.append(console)
        return console

    @property
    def primary(self):
        return self.group.all[0]

    def members(self):
        return [c for c in self.group.live() if c not in self.strangers]

    def secondaries(self):
        return self.members()[1:]

    def kill(self, console):
        self.killed.append(console)
        console.kill()

    def reply(self, console, seconds=PATIENCE):
        """What it has answered; None: it was killed."""
        try:
            return console.until_prompt(seconds)
        except TimeoutError as e:
            raise Failure("hung: %s" % e)
        except mp_console.Ended as e:
            if console in self.killed:
                return None
            raise Failure("ended: %s, status %s: %s" % (console.name, console.process.wait(), e))

    def lists(self):
        end = time.monotonic() + 5
        while True:
            for console in self.members():
                console.send("list")
            texts = [self.reply(c) for c in self.members()]
            lists = [mp_console.ports_in(text) for text in texts if text is not None]
            if all(ports == lists[0] for ports in lists):
                return lists[0]
            if time.monotonic() > end:
                raise Failure("differ: %s" % lists)
            time.sleep(0.1)

    # --- an episode: a script, played, and judged

    def draw_requests(self, rng):
        requests = []
        for console in rng.sample(self.members(), min(rng.choice([1, 1, 1, 2, 2, 3]),
                                                      len(self.members()))):
            if self.there and rng.random() < (0.75 if len(self.there) >= 5 else 0.45):
                verb, devargs = "detach", rng.choice(sorted(self.there))
            else:
                verb = "attach" if rng.random() < 0.92 else "detach"
                devargs = rng.choice(self.devices)
            if verb == "detach":
                devargs = name_of(devargs)
            requests.append({"by": console, "verb": verb, "devargs": devargs, "reply": None,
                             "at": rng.choice([0, 0, rng.uniform(0, 0.004), rng.uniform(0, 0.4)])})
        return requests

    def draw_fault(self, rng, busy):
        """[(when, what, whom)]"""
        what = rng.choices(list(FAULTS), list(FAULTS.values()))[0]
        at = rng.choice([0, rng.uniform(0, 0.003), rng.uniform(0, 0.3), rng.uniform(0, 1.5)])
        others = [c for c in self.secondaries() if c not in busy]
        if what in ("kill", "stop", "stop long", "quit", "fork"):
            if len(others) < 2:
                return []
            whom = rng.choice(others)
            busy.append(whom)
            if what in ("kill", "quit"):
                return [(at, what, whom)]
            if what == "fork":
                return [(at, what, whom)] + ([(at + rng.uniform(0.001, 0.1), "kill", whom)]
                                             if rng.random() < 0.6 else [])
            longest = (0.9, 4) if what == "stop long" else (0, rng.choice([0.05, 0.9]))
            return [(at, "stop", whom), (at + rng.uniform(*longest), "go on", whom)]
        if what in ("join", "stranger"):
            return [(at, what, None)] if len(self.group.live()) < MOST else []
        if what == "stop primary":
            return [(at, "stop", self.primary),
                    (at + rng.uniform(0, rng.choice([0.1, 3])), "go on", self.primary)]
        if what == "freeze":
            until = at + rng.uniform(0.05, 3)
            return [(when, do, c) for c in self.members()
                    for when, do in ((at, "stop"), (until, "go on"))]
        return [(at, what, self.primary)]

    def do(self, what, whom):
        if what == "kill":
            self.kill(whom)
        elif what == "stop" and whom.process.poll() is None:
            whom.signal(signal.SIGSTOP)
        elif what == "go on" and whom.process.poll() is None:
            whom.cont()
        elif what == "quit" and whom.process.poll() is None:
            self.killed.append(whom)
            whom.send("quit")
        elif what == "fork" and whom.process.poll() is None:
            whom.signal(signal.SIGUSR1)
            self.forked_until = time.monotonic() + 0.7
        elif what == "join":
            self.start("joiner")
        elif what == "stranger":
            self.strangers.append(self.start("stranger", options="sync=off"))
        elif what in ("kill primary", "new primary"):
            self.kill(self.primary)
        elif what == "ask" and whom["by"].process.poll() is None:
            whom["sent"] = time.monotonic()
            with contextlib.suppress(OSError):
                whom["by"].send("%s %s" % (whom["verb"], whom["devargs"]))

    def play(self, script):
        begin = time.monotonic()
        for at, what, whom in script:
            time.sleep(max(0, begin + at - time.monotonic()))
            self.do(what, whom)
        for console in self.group.live():
            console.cont()

    def episode(self, rng):
        self.joining, self.killed = [], [c for c in self.group.all if c.process.poll() is not None]
        requests = self.draw_requests(rng)
        busy, faults = [], []
        for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
            drawn = self.draw_fault(rng, busy)
            if not drawn or not any("primary" in f[1] for f in faults):
                faults += drawn
        was_wrong = bool(faults or self.strangers) or time.monotonic() < self.forked_until
        script = faults + [(r["at"], "ask", r) for r in requests]
        self.play(sorted(script, key=lambda event: event[0]))
        self.counts["episodes"] += 1
        for fault in {f[1] for f in faults}:
            self.counts[fault] += 1
        for request in requests:
            if "sent" in request:
                self.counts["requests"] += 1
                request["reply"] = self.reply(request["by"])
                self.slowest = max(self.slowest, time.monotonic() - request["sent"])
        ends = [f[1] for f in faults if "primary" in f[1]]
        for console in self.joining:
            if ends:
                with contextlib.suppress(Failure):      # it may rightly find no primary
                    self.reply(console)
            else:
                self.reply(console)
        if ends:
            return self.after_the_primary("new primary" in ends)
        self.wait_for_quits()
        if self.strangers and rng.random() < 0.7:
            for console in self.strangers:
                self.kill(console)
        self.strangers = [c for c in self.strangers if c.process.poll() is None]
        if any(r["by"] in self.killed for r in requests):
            time.sleep(1.2 if was_wrong else 0.3)       # its request may be under way still
        self.judge(requests, was_wrong)
        self.group.all = self.group.live()
        while len(self.secondaries()) < 2:
            self.reply(self.start("secondary"))

    def wait_for_quits(self):
        for console in self.killed:
            try:
                status = console.process.wait(15)
            except subprocess.TimeoutExpired:
                raise Failure("hung: %s does not quit" % console.name)
            if status not in (0, -signal.SIGKILL):
                raise Failure("ended: %s quit with %d" % (console.name, status))

    def judge(self, requests, was_wrong):
        now = self.lists()
        asked = collections.Counter(name_of(r["devargs"]) for r in requests if "sent" in r)
        for name in set(now) | set(self.there):
            if name not in asked and now.get(name) != self.there.get(name):
                raise Failure("wrong: nobody asked for %s: %s, then %s" % (name, self.there, now))
        for request in requests:
            name = name_of(request["devargs"])
            if request["reply"] is None or asked[name] > 1:
                continue
            is_done = "failed to" not in request["reply"]
            had, attaches = name in self.there, request["verb"] == "attach"
            if (name in now) != (attaches if is_done else had) or (is_done and attaches == had):
                raise Failure("wrong: %s %s: %s, had %s, has %s" % (
                    request["verb"], name, request["reply"], had, name in now))
            if not is_done and attaches != had:
                self.counts["refused beside a fault"] += 1
                if not was_wrong:
                    raise Failure("refused: %s %s: %s" % (request["verb"], name, request["reply"]))
        self.there = now

    def after_the_primary(self, comes_again):
        """Those that it has left say so at once, and end; or a new one comes."""
        for console in self.secondaries() if self.primary in self.members() else self.members():
            begin = time.monotonic()
            reason = console.attach("net_null9", PATIENCE)
            if reason is None or time.monotonic() - begin > 3:
                raise Failure("wrong: attach after the primary's end: %s" % reason)
        left = self.members()
        if comes_again:
            self.new_primary(left)
        for console in left if not comes_again else ():
            if console.process.poll() is None and console.quit() != 0:
                raise Failure("ended: %s quits with %s after the primary's end" % (
                    console.name, console.process.returncode))
        self.begin()

    def new_primary(self, left):
        """EAL in it finds the memory that the old secondaries have, and does not start; it has
        written over their configuration by then, and their own rte_eal_cleanup() dies of that
        (stock; 22.11): they are not asked to quit."""
        new = self.group.start("new primary", "-m", "64", wait=False, preload=ARGS.forker)
        try:
            new.until_prompt(PATIENCE)
        except mp_console.Ended:
            self.counts["new primary refused"] += 1
            return
        if new.attach("net_null8", PATIENCE) is not None:
            for console in left:
                console.kill()
            if new.attach("net_null7", PATIENCE) is not None:
                raise Failure("wrong: a new primary, alone, cannot attach")
        new.kill()

    # --- what grows

    def look_for_leaks(self):
        for console in self.strangers:
            self.kill(console)
        self.strangers = []
        time.sleep(max(0, self.forked_until - time.monotonic()))
        self.group.all = self.group.live()
        for name in list(self.there):
            reason = self.primary.detach(name, PATIENCE)
            if reason is not None:
                raise Failure("refused: detach %s at a quiet moment: %s" % (name, reason))
        self.there = self.lists()
        if self.there:
            raise Failure("wrong: left over: %s" % self.there)
        for console in self.members():
            now = tuple(len(os.listdir("/proc/%d/%s" % (console.pid, what)))
                        for what in ("fd", "task"))
            before = self.base.setdefault(console.pid, now)
            if now[0] > before[0] + 1 or now[1] > before[1]:
                raise Failure("leak: %s: descriptors, threads: %s, then %s" % (
                    console.name, before, now))

    def run(self, seconds):
        end = time.monotonic() + seconds
        i = 0
        failures = []
        self.begin()
        while time.monotonic() < end:
            group = self.group
            try:
                self.episode(random.Random(self.seed * 100003 + i))
                if i % 15 == 14 and self.group is group:
                    self.look_for_leaks()
            except (Failure, TimeoutError, mp_console.Ended) as e:
                failures.append("episode %d of seed %d: %s" % (i, self.seed, e))
                self.begin()
            i += 1
        self.end()
        return failures


def run_one(seed):
    subprocess.run("ip link add veth0 type veth peer name veth1 && ip link set veth0 up && "
                   "ip link set veth1 up", shell=True, check=True)
    with mp_console.place(wants=96) as folder:
        chaos = Chaos(folder, seed)
        try:
            failures = chaos.run(ARGS.seconds)
        finally:
            chaos.end()
    print("%d failed of %d requests in %d episodes; slowest %.1f s; %s" % (
        len(failures), chaos.counts.pop("requests"), chaos.counts.pop("episodes"), chaos.slowest,
        ", ".join("%s %d" % item for item in sorted(chaos.counts.items()))))
    for failure in failures:
        print(failure)
    return 1 if failures else 0


def run_all(seeds):
    """So many beside each other; each in namespaces of its own."""
    env = dict(os.environ)
    env.pop("HOTPLUG_MP_INSIDE")
    waiting, running, n_failed = list(enumerate(seeds, 1)), [], 0
    print("1..%d" % len(seeds))
    while waiting or running:
        while waiting and len(running) < ARGS.at_once:
            i, seed = waiting.pop(0)
            running.append((i, seed, subprocess.Popen(
                [sys.executable, *sys.argv, "--seed", seed], env=env, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)))
        i, seed, process = running.pop(0)
        text = process.communicate()[0]
        n_failed += process.returncode != 0
        print("%s %d - seed %s" % ("not ok" if process.returncode else "ok", i, seed))
        for line in text.splitlines():
            print("# " + line, flush=True)
    return 1 if n_failed else 0


sys.exit(run_one(ARGS.seed) if ARGS.seed is not None else run_all(ARGS.seeds.split(",")))
