# SPDX-License-Identifier: BSD-3-Clause
"""What the facts mean: a word for each port, what to do about it, and one verdict.

In:  Processes.  Out: findings.  A finding's level: "ok"; "none": nothing to protect; "bad":
lost, stuck, or about to be (exit status 1); "open": not protected (exit status 3).
"""
import collections
import os

from . import sockets, text

Finding = collections.namedtuple("Finding", "word level text todo")
N_TRIES = 6                             # of the library's heal, before it tries slowly
STATUS = {"ok": 0, "bad": 1, "open": 3, "nobody": 4}

CAUSES = {"REMOVED": "removed", "UNBOUND": "its kernel driver was unbound", "FAULT":
          "its registers fault", "SILENT": "it stopped answering", "RESET": "it was reset",
          "REQUESTED": "the kernel asks for it"}
SIGNS = {"uio": "by its uio descriptor", "uevent": "by a kernel uevent", "vfio":
         "by a vfio request", "eal": "by EAL's monitor", "fault": "by a SIGBUS",
         "liveness": "by a periodic look", "caller": "by its bus"}

# How the library's reason begins: what mends it.
UNGUARDED = (
    ("its registers", "report it: dpdk-hotplug doctor --report FILE"),
    ("its interface", "make the port in the process's own network namespace"),
    ("the library does not know the bus", "a bus other than pci and vdev needs a backend: "
     "hotplug_bus.h"),
    ("the bus has not told", "'left alone' in its log says why; else the driver has made the port "
     "by itself"),
)


def unguarded_port(why):
    for reason, todo in UNGUARDED:
        if why.startswith(reason):
            return Finding("NOT GUARDED", "open", why, todo)
    return Finding("NOT GUARDED", "open", why, "see 'not guarded' in the log")


def lost_port(facts, device):
    """Of a port whose device is lost."""
    state, policy = facts["state_name"], facts["policy_name"]
    is_back = bool(device and device.get("is_present"))
    card = "interface" if facts["bus"] in ("vdev", "netdev") else "card"
    if state == "stuck":
        return Finding("STUCK", "bad", "its driver does not return",
                       "restart the process when it suits: the port cannot be closed")
    if state == "healing":
        return Finding("healing", "bad", "its %s is back and is being set up" % card,
                       "wait some seconds")
    if state in ("doomed", "dying"):
        return Finding("closing", "bad", "its driver is being closed", "wait some seconds")
    if state == "dead":
        return Finding("LOST", "bad", "policy %s: the application closes it" % policy,
                       "the application must stop, close and detach it: see its log")
    if policy == "survive":
        return Finding("LOST", "bad", "detached; policy survive: it does not come back",
                       "restart the process, or use policy=heal from the next start on")
    if facts["refusal"]:
        return Finding("LOST", "bad", "its %s is back, and may not be used: %s"
                       % (card, facts["refusal"]),
                       "bind it to its driver, or see to the permissions of its /dev node: "
                       "'hotplug:' in the log names what is missing")
    if facts["n_tries"] >= N_TRIES:
        return Finding("GIVEN UP", "bad", "its %s is back, and %d tries have not healed it"
                       % (card, facts["n_tries"]),
                       "'hotplug:' in the log has the reason; take the %s away and give it "
                       "back for fresh tries" % card)
    if is_back and device["is_flapping"]:
        return Finding("FLAPPING", "bad", "it comes and goes: it is healed when its %s has stayed "
                       "for ten seconds" % card, "see to its slot, cable, power")
    if is_back:
        return Finding("healing", "bad", "its %s is back; tried %s so far"
                       % (card, text.count(facts["n_tries"], "time")), "wait some seconds")
    return Finding("LOST", "bad", "detached, and waits for its " + card,
                   "put the card back, or bind it to its driver again" if card == "card" else
                   "make the interface again, under its name")


def judge_living(device):
    """Of one that is guarded."""
    if device["is_requested"]:
        return Finding("ASKED FOR", "bad", "the kernel waits until the application gives it up",
                       "close and detach it: until then all PCI hotplug of the machine waits")
    if device["is_flapping"]:
        return Finding("FLAPPING", "bad", "it comes and goes", "see to its slot, cable, power")
    return Finding("guarded", "ok", "", "")


def judge_port(process, facts):
    device = process.devices.get(facts["device"])
    if device and device["state_name"] == "SUSPECT":
        return Finding("CHECKING", "bad", "a sign of its removal was seen", "wait two seconds")
    if facts["is_lost"]:
        return lost_port(facts, device)
    if not facts["needs_guard"]:
        return Finding("no need", "none", facts["why"], "")
    if not facts["is_guarded"]:
        return unguarded_port(facts["why"])
    return judge_living(device) if device else Finding("guarded", "ok", "", "")


def judge_device(facts):
    """A device without an ethdev port."""
    if facts["is_cut"] or facts["state_name"] == "GONE":
        return Finding("LOST", "bad", "", "the application must give it up")
    if facts["state_name"] == "SUSPECT":
        return Finding("CHECKING", "bad", "a sign of its removal was seen", "wait two seconds")
    if facts["is_guarded"]:
        return judge_living(facts)
    return Finding("detached", "none", "it is not attached in this process", "")


def plain_devices(process):
    """Those that no port stands on: {name: facts}."""
    with_port = {p["device"] for p in process.ports.values()}
    return {n: f for n, f in process.devices.items() if n not in with_port and
            not (f["ports"] and not f["is_guarded"])}


def judge_process(process):
    """Findings about all of it."""
    health, found = process.health, []
    if not process.has_library:
        return [Finding("NO LIBRARY", "open", "it runs without libdpdk-hotplug",
                        "start it with -d libdpdk-hotplug.so.0, or link it")]
    if not process.is_enabled:
        return [Finding("DISABLED", "open", "the library is loaded, and not at work",
                        "'hotplug: ... not enabled' in its log says why")]
    if not health.get("has_monitor"):
        found.append(Finding("NO UEVENTS", "bad", "the kernel's uevents do not arrive: losses show "
                             "later, returns within a second",
                             "run it in the host's network namespace"))
    if health.get("sigbus") == 0 and not health.get("has_handler"):
        found.append(Finding("SIGBUS", "bad", "another handler was installed over the library's",
                             "let it pass the signal on, or call hotplug_sigbus_dispatch()"))
    if health.get("has_eal_monitor") and health.get("policy") != 0:
        found.append(Finding("EAL MONITOR", "bad", "the application runs EAL's own event monitor: "
                             "lost ports are the application's, whatever the policy",
                             "testpmd: start it without --hot-plug"))
    if health.get("zombies"):
        found.append(Finding("ZOMBIE", "bad", "%s stopped answering, and the kernel still lists "
                             "it" % text.count(health["zombies"], "device"),
                             "remove it in sysfs, or power-cycle its slot"))
    for one in (health.get("waiting") or {}).values():
        found.append(Finding("HELD", "bad", "%s: the kernel asks for it for %s; held by %s" % (
            one["device"], text.span(one["age_ms"] / 1000), one["holders"] or "nobody known"),
            "end or restart those"))
    return found


def closed_dirs():
    """Where processes may be that this user is not to see."""
    return [d for d in sockets.runtime_dirs() if os.path.isdir(d) and
            not os.access(d, os.R_OK | os.X_OK)]


def verdict(found, silent):
    """(sentence, exit status)"""
    if not found:
        more = "; %s cannot be asked" % text.count(len(silent), "DPDK process") if silent else ""
        closed = closed_dirs()
        if closed:
            more += "; %s may be read by its owner only: run this as root, or as who runs the " \
                "application" % " and ".join(closed)
        return "No DPDK process answers on a telemetry socket%s." % more, STATUS["nobody"]
    levels = collections.Counter()
    for process in found:
        levels.update(f.level for f in judge_process(process))
        levels.update(judge_port(process, p).level for p in process.ports.values())
        levels.update(judge_device(d).level for d in plain_devices(process).values())
    if levels["bad"]:
        more = ", and %d not protected" % levels["open"] if levels["open"] else ""
        return "Attention: %s%s." % (text.count(levels["bad"], "finding"), more), STATUS["bad"]
    if levels["open"]:
        return "Not protected: %s." % text.count(levels["open"], "finding"), STATUS["open"]
    if not levels["ok"]:
        return "Nothing to protect: no device that could be taken away.", STATUS["ok"]
    return "All is well: %s guarded." % text.count(levels["ok"], "device"), STATUS["ok"]
