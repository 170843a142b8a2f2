# SPDX-License-Identifier: BSD-3-Clause
"""status: each process, device and port, and one verdict.

In:  options.  Out: text or JSON; the exit status of the verdict.
"""
import json
import time

from . import VERSION, judge, processes, sockets, text

COLORS = {"ok": text.GOOD, "bad": text.BAD, "open": text.WARN, "none": text.DIM}
NO_TELEMETRY = ("no telemetry (--no-telemetry, as SPDK has it): 'hotplug:' in its log is what "
                "there is%s")
DEAF = ("does not answer: it is stopped, hangs, or has as many clients as it takes (ten); "
        "'hotplug:' in its log is what there is%s")


def add(ap):
    ap.set_defaults(run=run)


def history(process, device):
    """The last loss and the last return, as sentences."""
    now, out = time.time(), []
    gone = process.last(device, "gone")
    back = process.last(device, "healed", "ready", "given_up", "stuck")
    if gone:
        out.append("lost %s (%s ago): %s" % (
            text.clock(int(gone.wall * 1e9)), text.age(now - gone.wall),
            "in a drill" if gone.is_simulated else "%s, seen %s" % (
                judge.CAUSES.get(gone.cause, gone.cause.lower()),
                judge.SIGNS.get(gone.sign, gone.sign))))
    if gone and back and back.at >= gone.at:
        word = {"healed": "healed", "ready": "back", "given_up": "given up",
                "stuck": "stuck"}[back.type]
        after = " after " + text.span(back.healed_after) if back.healed_after else ""
        out.append("%s%s (%s ago)" % (word, after, text.age(now - back.wall)))
    return out


def drivers(facts):
    if not facts:
        return ""
    kernel = facts["kernel_driver"]
    return facts["driver"] + (" on " + kernel if kernel else "")


def print_finding(head, finding, details):
    print("  %s%s" % (head, text.color(COLORS[finding.level], finding.word)))
    for line in details:
        print(text.fold(text.clean(line), "       ", "         "))
    if finding.text:
        print(text.fold(text.clean(finding.text), "       ", "         "))
    if finding.todo:
        print(text.fold("-> " + text.clean(finding.todo), "       ", "          "))


def others(process, device, who):
    """"who else has it open"."""
    rest = ["%s (%d)" % (name, pid) for pid, name in who.get(device, []) if pid != process.pid]
    return ["also open in: " + ", ".join(rest)] if rest else []


def print_process(process, who):
    line = "%s  pid %d  prefix %s  DPDK %s" % (
        text.color(text.BOLD, text.clean(process.name)), process.pid, process.prefix,
        process.dpdk.replace("DPDK ", ""))
    print(line + ("  hotplug %s" % process.version if process.version else ""))
    if process.remark():
        print(text.fold(process.remark(), "  "))
    for finding in judge.judge_process(process):
        print_finding("", finding, [])
    for number, facts in sorted(process.ports.items()):
        name = facts["device"]
        device = process.devices.get(name)
        details = [d for d in (drivers(device),) if d and facts["is_guarded"]]
        if facts["policy_name"] and (facts["is_guarded"] or facts["is_lost"]):
            details = [", ".join(details + ["policy " + facts["policy_name"]])]
        details += history(process, name) + others(process, name, who)
        print_finding("port %-3d %-22s " % (number, text.clean(name)),
                      judge.judge_port(process, facts), details)
    for name, facts in sorted(judge.plain_devices(process).items()):
        print_finding("device   %-22s " % text.clean(name), judge.judge_device(facts),
                      [drivers(facts)] + history(process, name) + others(process, name, who))


def silent_text(one):
    kept = sockets.history_file(one.pid)
    more = "; events are in %s" % kept if kept else ""
    if one.is_deaf:
        return DEAF % more
    if not one.has_library:
        return "no telemetry, and no libdpdk-hotplug.so in it (one linked in statically is not seen)"
    return NO_TELEMETRY % more


def print_silent(silent):
    for one in silent:
        print("%s  pid %d%s" % (text.color(text.BOLD, text.clean(sockets.comm(one.pid))), one.pid,
                                "  prefix " + one.prefix if one.prefix else ""))
        print(text.fold(silent_text(one), "  "))


def as_dict(event, now):
    return {"event": event.type, "device": event.device, "time": event.wall,
            "age_s": round(now - event.wall, 3), "cause": event.cause, "sign": event.sign,
            "cut_after_s": event.cut_after, "healed_after_s": event.healed_after,
            "is_simulated": event.is_simulated, "sequence": event.sequence}


def port_dict(process, number, facts, who):
    finding, now = judge.judge_port(process, facts), time.time()
    device = process.devices.get(facts["device"]) or {}
    last = {kind: process.last(facts["device"], *types) for kind, types in (
        ("last_loss", ("gone",)), ("last_return", ("healed", "ready", "given_up")))}
    return {"port": number, "device": facts["device"], "bus": facts["bus"],
            "driver": device.get("driver"), "kernel_driver": device.get("kernel_driver"),
            "policy": facts["policy_name"], "state": facts["state_name"],
            "word": finding.word, "level": finding.level, "text": finding.text,
            "todo": finding.todo, "holders": [p for p, _ in who.get(facts["device"], [])],
            **{k: as_dict(e, now) if e else None for k, e in last.items()}}


def process_dict(process, who):
    return {"pid": process.pid, "name": process.name, "file_prefix": process.prefix,
            "dpdk": process.dpdk, "version": process.version, "enabled": process.is_enabled,
            "remark": process.remark(),
            "findings": [f._asdict() for f in judge.judge_process(process)],
            "ports": [port_dict(process, n, f, who) for n, f in sorted(process.ports.items())],
            "devices": [{"device": n, **judge.judge_device(f)._asdict()}
                        for n, f in sorted(judge.plain_devices(process).items())]}


def everything(found, silent, who):
    sentence, status = judge.verdict(found, silent)
    return {"version": VERSION, "verdict": sentence, "status": status,
            "processes": [process_dict(p, who) for p in found],
            "silent": [{"pid": s.pid, "name": sockets.comm(s.pid), "file_prefix": s.prefix,
                        "has_library": s.has_library, "is_deaf": s.is_deaf,
                        "text": silent_text(s)} for s in silent]}


def show(found, silent, who):
    """Prints it; the exit status."""
    for process in found:
        print_process(process, who)
        print()
    print_silent(silent)
    if silent:
        print()
    sentence, status = judge.verdict(found, silent)
    level = {0: "ok", 1: "bad", 3: "open"}.get(status, "open")
    print(text.color(COLORS[level], text.fold(sentence, "")))
    if status == judge.STATUS["nobody"]:
        print(text.fold("Before an application runs: dpdk-hotplug doctor", ""))
    return status


def run(o):
    found, silent = processes.ask_all(o)
    try:
        who = processes.holders({n for p in found for n in p.devices})
        if not o.json:
            return show(found, silent, who)
        all_of_it = everything(found, silent, who)
        print(json.dumps(all_of_it, indent=2))
        return all_of_it["status"]
    finally:
        processes.close_all(found)
