# SPDX-License-Identifier: BSD-3-Clause
"""Process 1 of a lab guest: does what the host asks, over a virtio-serial port.

One JSON object per line each way.  A request names an `op` (the functions
op_* below) and an `id`, which its answer carries; each runs on a thread of its
own, so that one that blocks in the kernel keeps nobody waiting.
Times are this machine's CLOCK_MONOTONIC in seconds.  The other end: guest.py.
"""
import ctypes
import glob
import io
import itertools
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import threading
import time
import tty

PORT = "lab.agent"
SLOT_OFF = 0x700                            # in Slot Control: power and its indicator
procs, threads = {}, {}                     # by name; pciehp's, by root port


class Proc:
    """A background process: its output, and when each piece of it came."""

    def __init__(self, cmd):
        self.out, slave = pty.openpty()     # a terminal: its output is not held back
        tty.setraw(slave)
        self.p = subprocess.Popen(["/bin/sh", "-c", "exec " + cmd],
                                  stdin=subprocess.PIPE, stdout=slave, stderr=slave,
                                  start_new_session=True)
        os.close(slave)
        self.text, self.marks, self.died = io.StringIO(), [], None
        self.lock, self.habit = threading.Lock(), 0     # of its text; which one it has now
        threading.Thread(target=self.pump, daemon=True).start()

    def pump(self):
        while True:
            try:
                b = os.read(self.out, 65536)
            except OSError:                 # the last writer is gone
                b = b""
            if not b:
                break
            with self.lock:
                self.marks.append((self.text.seek(0, os.SEEK_END), time.monotonic()))
                self.text.write(b.decode("utf-8", "replace"))
        os.close(self.out)
        self.p.wait()
        self.died = time.monotonic()

    def read(self, offset, n_marks):
        """What it has printed from there on, and when that came."""
        with self.lock:
            self.text.seek(offset)
            return {"text": self.text.read(), "marks": self.marks[n_marks:]}

    def send(self, text):
        try:
            self.p.stdin.write(text.encode())
            self.p.stdin.flush()
        except OSError:                     # it ended: its state says so
            pass

    def type_on(self, lines, every, habit):
        """Type these lines in turn, until it ends or gets another habit."""
        for line in itertools.cycle(lines):
            if self.habit != habit or self.p.poll() is not None:
                return
            self.send(line + "\n")
            time.sleep(every)

    def state(self):
        rc = self.p.poll()
        killed = rc is not None and rc < 0
        return {"alive": rc is None, "rc": rc, "pid": self.p.pid, "died": self.died,
                "signal": signal.Signals(-rc).name if killed else None}


def op_run(q):
    """A shell command: waits for its end, or kills it after `limit` s."""
    p = subprocess.Popen(["/bin/sh", "-c", q["cmd"]], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        out, rc = p.communicate(timeout=q.get("limit", 60))[0], p.returncode
    except subprocess.TimeoutExpired:
        p.kill()
        out, rc = b"(still running)", 124
    return {"rc": rc, "out": out.decode("utf-8", "replace")}


def op_read(q):
    """What is in the files that match `path`; nothing, where there are none."""
    text = ""
    for path in sorted(glob.glob(q["path"])):
        try:
            with open(path, errors="replace") as f:
                text += f.read()
        except OSError:                     # gone meanwhile, or its device is
            pass
    return {"text": text}


def op_dmesg(q):
    """The kernel log, as dmesg(1) prints it; `clear`: and begin a new one."""
    libc = ctypes.CDLL(None)
    log = ctypes.create_string_buffer(libc.klogctl(10, None, 0))    # SYSLOG_ACTION_SIZE_BUFFER
    n = libc.klogctl(4 if q.get("clear") else 3, log, len(log))     # READ_CLEAR, READ_ALL
    return {"text": re.sub(r"^<\d+>", "", log.raw[:n].decode("utf-8", "replace"), flags=re.M)}


def op_few_drivers(q):
    """From now on DPDK finds these in its folder of drivers, and no others; programs still
    find the libraries that they are linked with.  Loading all 128 takes as long as a row."""
    for folder in glob.glob("/usr/lib/*/dpdk/pmds-*"):
        # not below /run or /tmp: EAL loads nothing from where anybody may write
        every, few = ("/srv/%s-%s" % (os.path.basename(folder), x) for x in ("every", "few"))
        os.makedirs(every)
        os.makedirs(few)
        subprocess.run(["mount", "--bind", folder, every], check=True)
        for name in os.listdir(every):
            library, _, version = name.partition(".so")
            # EAL loads NAME.so and NAME.so.23.0; the linker wants NAME.so.23
            if version.count(".") == 1 or version == "" and library in q["drivers"]:
                os.symlink(os.path.join(every, name), os.path.join(few, name))
        subprocess.run(["mount", "--bind", few, folder], check=True)
    return {}


def op_time(q):
    return {"time": time.monotonic()}


def op_use_dpdk(q):
    """What starts from now on finds that DPDK first."""
    library = glob.glob(q["prefix"] + "/lib*/**/librte_eal.so", recursive=True)[0]
    os.environ["LD_LIBRARY_PATH"] = os.path.dirname(library)
    os.environ["PATH"] = "%s/bin:%s" % (q["prefix"], os.environ.get("PATH", os.defpath))
    return {}


def op_spawn(q):
    procs[q["name"]] = Proc(q["cmd"])
    return procs[q["name"]].state()


def op_send(q):
    """Text to the standard input of a process."""
    p = procs[q["name"]]
    p.send(q["text"])
    return p.state()


def op_habit(q):
    """Somebody types `lines` into it, one every so many seconds; none: nobody does."""
    p = procs[q["name"]]
    p.habit += 1
    if q["lines"]:
        threading.Thread(target=p.type_on, daemon=True,
                         args=(q["lines"], q["every"], p.habit)).start()
    return p.state()


def op_log(q):
    """A process's state, and its output from character `offset` on (marks: as many are known)."""
    p = procs[q["name"]]
    return dict(p.state(), **p.read(q.get("offset", 0), q.get("marks", 0)))


def op_status(q):
    return procs[q["name"]].state()


def op_kill(q):
    os.killpg(procs[q["name"]].p.pid, q.get("signal", signal.SIGKILL))
    return procs[q["name"]].state()


def op_write(q):
    """Writes `text` to a file, as `echo` would: when it began and ended."""
    t0, error = time.monotonic(), None
    try:
        fd = os.open(q["path"], os.O_WRONLY)
        try:
            os.write(fd, q["text"].encode())
        finally:
            os.close(fd)
    except OSError as e:
        error = str(e)
    return {"t0": t0, "t1": time.monotonic(), "failed": error}


def op_look(q):
    """The device behind a root port, and its driver: None for what is not there."""
    port = "/sys/bus/pci/devices/%s/" % q["port"]
    found = [n for n in os.listdir(port) if re.fullmatch(r"\w{4}:\w\w:\w\w\.\d", n)]
    if not found:
        return {"bdf": None, "driver": None}
    try:
        driver = os.path.basename(os.readlink(port + found[0] + "/driver"))
    except OSError:                     # it has none, or has just gone
        driver = None
    return {"bdf": found[0], "driver": driver}


def put(path, text):
    with open(path, "w") as f:
        f.write(text)


def op_bind(q):
    """Binds the device to the driver, by driver_override."""
    drivers, dev = "/sys/bus/pci/drivers/", "/sys/bus/pci/devices/%s/" % q["bdf"]
    if not os.path.exists(drivers + q["driver"]):
        subprocess.run(["modprobe", q["driver"]], check=True)
    put(dev + "driver_override", q["driver"])
    if os.path.exists(dev + "driver"):
        put(dev + "driver/unbind", q["bdf"])
    put(drivers + q["driver"] + "/bind", q["bdf"])
    return {}


def op_slot_off(q):
    """Switches the power of a slot off: its device is gone when this returns.

    `port` is the root port.  With `masked` the hot-plug interrupt is held back
    meanwhile and everything put back, so that the kernel then finds an empty
    slot: surprise removal.  Without, it takes the lost power for its own doing
    and leaves the device in place: silent death.
    `vendor` is what the `device` answers afterwards, 0xffff when it is gone.

    On the CPU that polls the card (`cpus`): QEMU 7.2 frees the NIC's queue within that
    write, and a receive tail that another CPU is just writing is then served from what
    was freed (SIGSEGV in qemu_net_queue_flush()).  Where several do, the process (`halt`)
    is stopped meanwhile, for `halted_s`.
    """
    os.sched_setaffinity(0, q["cpus"])      # of this thread
    halted = procs[q["halt"]].p.pid if q["halt"] else None
    fd, slot = slot_control(q["port"], os.O_RDWR)
    dev = os.open("/sys/bus/pci/devices/%s/config" % q["device"], os.O_RDONLY)
    old = get(fd, slot, 2)
    off = old | SLOT_OFF
    if q["masked"]:
        off &= ~0x20                        # no hot-plug interrupt
    begin = time.monotonic()
    try:
        if halted:
            halt(halted)
        t0 = time.monotonic()
        os.pwrite(fd, struct.pack("<H", off), slot)
        t1 = time.monotonic()
    finally:
        if halted:
            os.kill(halted, signal.SIGCONT)
    halted_s = time.monotonic() - begin if halted else 0.0
    vendor = get(dev, 0, 2)
    if q["masked"]:
        os.pwrite(fd, struct.pack("<H", old), slot)
    os.close(fd)
    os.close(dev)
    return {"t0": t0, "t1": t1, "vendor": vendor, "halted_s": halted_s}


def halt(pid):
    """Returns when none of its threads runs: what sleeps in the kernel touches no register."""
    os.kill(pid, signal.SIGSTOP)
    while "R" in {thread_state(t) for t in glob.glob("/proc/%d/task/*" % pid)}:
        time.sleep(0.001)


def get(fd, at, n):
    """A value in a configuration space."""
    return int.from_bytes(os.pread(fd, n, at), "little")


def slot_control(port, flags):
    """The configuration space of a root port, and where its Slot Control is in there."""
    fd = os.open("/sys/bus/pci/devices/%s/config" % port, flags)
    cap = get(fd, 0x34, 1)                  # the list of capabilities
    while get(fd, cap, 1) != 0x10:          # PCI Express
        cap = get(fd, cap + 1, 1)
    return fd, cap + 0x18


def op_slot(q):
    """How far pciehp is with the slot of a root port.

    `is_off`: power and indicator are; pciehp switches the latter off last, a second after
    the power.  `is_idle`: its thread sleeps, so that it has handled all it was told.
    """
    fd, slot = slot_control(q["port"], os.O_RDONLY)
    control = get(fd, slot, 2)
    os.close(fd)
    states = [thread_state(t) for t in threads.get(q["port"], [])]
    if not states or "X" in states:         # the port's driver may have been bound anew
        threads[q["port"]] = list(pciehp_threads(q["port"]))
        states = [thread_state(t) for t in threads[q["port"]]]
    return {"control": control, "states": states, "is_off": control & SLOT_OFF == SLOT_OFF,
            "is_idle": set(states) == {"S"}}


def pciehp_threads(port):
    """The threads that serve the hot-plug interrupt of a root port."""
    path = "/sys/bus/pci/devices/%s/" % port
    try:
        irqs = os.listdir(path + "msi_irqs")
    except FileNotFoundError:               # it has none, but a line
        with open(path + "irq") as f:
            irqs = [f.read().strip()]
    wanted = {"irq/%s-pciehp" % n for n in irqs}
    for comm in glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(comm) as f:
                if f.read().strip() in wanted:
                    yield os.path.dirname(comm)
        except OSError:                     # it has just ended
            pass


def thread_state(path):
    try:
        with open(path + "/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except OSError:                         # it has just ended
        return "X"


def serve(fd, lock, q):
    try:
        a = globals()["op_" + q["op"]](q)
    except Exception as e:                  # report, never die
        a = {"error": repr(e)}
    a["id"] = q.get("id")
    b = (json.dumps(a) + "\n").encode()
    with lock:
        while b:
            b = b[os.write(fd, b[:32768]):]


def open_port():
    for _ in range(200):
        for d in glob.glob("/sys/class/virtio-ports/*"):
            with open(d + "/name") as f:
                name = f.read().strip()
            dev = "/dev/" + os.path.basename(d)
            if name == PORT and os.path.exists(dev):
                return os.open(dev, os.O_RDWR)
        time.sleep(0.05)
    sys.exit("no agent port")


def main():
    os.environ.update(PATH="/usr/sbin:/usr/bin:/sbin:/bin", HOME="/root", TERM="dumb")
    fd, lock, buf = open_port(), threading.Lock(), b""
    os.write(fd, b'{"id": 0}\n')            # hello
    while True:
        try:
            b = os.read(fd, 65536)
        except OSError:
            b = b""
        if not b:                           # nobody at the other end
            time.sleep(0.02)
        *lines, buf = (buf + b).split(b"\n")
        for line in filter(bytes.strip, lines):
            threading.Thread(target=serve, daemon=True,
                             args=(fd, lock, json.loads(line))).start()


if __name__ == "__main__":
    main()
