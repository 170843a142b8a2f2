# SPDX-License-Identifier: BSD-3-Clause
"""hotplug: what /hotplug/... says, for DPDK's dpdk-telemetry-exporter.py.

In:  sock.cmd(), the exporter's connection to one process.  Out: (name, value, labels),
     each name described by info().  The exporter puts dpdk_hotplug_ in front.  Names
     are as promtool wants them: counters end in _total, times are in seconds.
"""

COUNTERS = {
    "cut_offs": "Devices whose registers were cut off.",
    "cut_failures": "BARs that could not be cut off.",
    "restored": "Suspected devices that lived and were mapped again.",
    "faults": "SIGBUS that were a guarded device's.",
    "faults_foreign": "SIGBUS that were not, passed on.",
    "events_lost": "Events dropped because subscribers lag.",
    "uevents": "Kernel uevents received.",
    "uevent_losses": "Times the kernel said that uevents were lost.",
    "scans": "Full comparisons with what the kernel lists.",
    "differences": "What they found that no event had told.",
    "simulated": "Removals that were simulated.",
    "stuck": "Drivers of lost ports that did not return in time.",
}
GAUGES = {
    "enabled": "1 while the library protects the process.",
    "sigbus": "Who handles SIGBUS: 0 the library, 1 the application, 2 nobody.",
    "has_monitor": "1 while uevents are received.",
    "is_netns_ok": "1 where the kernel sends uevents to this network namespace.",
    "has_handler": "1 while our SIGBUS handler is on top.",
    "guarded": "Devices guarded now.",
    "zombies": "Silent devices that the kernel still lists.",
    "suspect": "Devices whose removal is being confirmed.",
    "gone": "Devices lost and not detached yet.",
    "drills": "Devices whose removal is being simulated.",
    "flapping": "Devices that come and go.",
    "requested": "Devices that the kernel asks for.",
    "held": "Of those, asked for longer ago than deadline_ms.",
}
DEVICE_GAUGES = {
    "state": "0 absent, 1 present, 2 ready, 3 attached, 4 suspect, 5 gone.",
    "is_guarded": "1 while the device's registers are guarded.",
    "is_cut": "1 while they are cut off.",
    "is_simulated": "1 in a drill.",
    "n_ports": "Its ethdev ports when it was probed.",
}
RENAMED = {"drills": "simulated"}       # of /hotplug/health: now, not since the start


def info():
    """{name: (description, type)}"""
    described = {f"{name}_total": (text, "counter") for name, text in COUNTERS.items()}
    described.update({name: (text, "gauge") for name, text in GAUGES.items()})
    described.update({f"device_{name}": (text, "gauge")
                      for name, text in DEVICE_GAUGES.items()})
    described["events_total"] = ("Events told to subscribers.", "counter")
    described["oldest_request_seconds"] = ("Age of the oldest of those requests.", "gauge")
    return described


def metrics(sock):
    """[(name, value, labels)]; a process that has none of our commands has no metrics."""
    health = sock.cmd("/hotplug/health")
    if health is None:
        return []
    stats = sock.cmd("/hotplug/stats") or {}
    out = [(f"{name}_total", stats[name], {}) for name in COUNTERS if name in stats]
    out += [(name, health[RENAMED.get(name, name)], {})
            for name in GAUGES if RENAMED.get(name, name) in health]
    if "oldest_request_ms" in health:
        out.append(("oldest_request_seconds", health["oldest_request_ms"] / 1000, {}))
    out += [("events_total", value, {"type": key[len("events_"):]})
            for key, value in stats.items() if key.startswith("events_") and
            key != "events_lost"]
    for device in sock.cmd("/hotplug/list") or []:
        out += device_metrics(sock, device)
    return out


def device_metrics(sock, device):
    """It may be forgotten between the list and the question."""
    facts = sock.cmd("/hotplug/info", device)
    if facts is None:
        return []
    labels = {"device": device, "driver": facts["driver"], "card":
              f"{facts['vendor']:04x}:{facts['device_id']:04x}"}
    return [(f"device_{name}", facts[name], labels) for name in DEVICE_GAUGES]
