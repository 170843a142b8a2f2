#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The kernels that guests boot: fetched from Debian, kept in the cache.

    kernel.py [--headers] NAME...      NAME: 5.10, 6.1, 6.12 or sid

Makes <cache>/kernel/NAME a link to a folder that holds `vmlinuz`,
`lib/modules/` and, with --headers, `build/` (what `make -C` wants), and prints
that link.  Nothing is installed: packages are downloaded and unpacked.  They
come from the Debian release that carries the kernel, through an apt
configuration of its own; the mirror is the one that this system uses.

Called by devtools/setup; guest.py asks directory() and initramfs(), scenarios
igb_uio() and module().
"""
import argparse
import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
IGB_UIO = os.path.normpath(os.path.join(HERE, "../../../kernel/linux"))  # ours, not the stock one
SUITES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie", "sid": "sid"}
# What the initramfs needs to reach the real root and the agent's port.
BOOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console")


def cache():
    """Where everything that is downloaded or made for the guests goes."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("HOTPLUG_CACHE") or os.path.join(home, "dpdk-hotplug")


def directory(name):
    """The folder of kernel `name`, which devtools/setup has made."""
    link = os.path.join(cache(), "kernel", name)
    if not os.path.exists(os.path.join(link, "vmlinuz")):
        raise FileNotFoundError("kernel %s is not prepared: run devtools/setup %s"
                                % (name, name))
    return os.path.realpath(link)


def release(folder):
    return os.listdir(os.path.join(folder, "lib/modules"))[0]


# --- a private apt that sees one Debian release ------------------------------
class Apt:
    """apt-get and apt-cache over `suite` only, with state in the cache."""

    def __init__(self, suite):
        self.dir = os.path.join(cache(), "apt", suite)
        for d in ("lists/partial", "archives/partial"):
            os.makedirs(os.path.join(self.dir, d), exist_ok=True)
        sources = os.path.join(self.dir, "list.sources")
        with open(sources, "w") as f:
            f.write("\n\n".join(stanzas(suite)) + "\n")
        self.options = [x for o in (
            "Dir::Etc::SourceList=" + sources, "Dir::Etc::SourceParts=/dev/null",
            "Dir::State::Lists=%s/lists" % self.dir, "Dir::Cache=" + self.dir,
            "Dir::State::status=/dev/null", "APT::Sandbox::User=root",
            "Acquire::Languages=none") for x in ("-o", o)]
        self.run("apt-get", "-q", "update")

    def run(self, tool, *args, cwd=None):
        p = subprocess.run([tool] + self.options + list(args), cwd=cwd, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if p.returncode:
            raise RuntimeError("%s %s: %s" % (tool, " ".join(args), p.stderr.strip()))
        return p.stdout

    def field(self, package, name):
        """A field of the package's newest version; "" when it has none."""
        text = self.run("apt-cache", "show", "--no-all-versions", package)
        m = re.search(r"^%s: (.*)$" % name, text, re.M)
        return m.group(1) if m else ""

    def kernel_parts(self, package):
        """`package` and those of its kind, for the same kernel, that it needs."""
        found, todo = [], [package]
        while todo:
            p = todo.pop()
            found.append(p)
            todo += [d for d in re.findall(
                r"(linux-(?:image|binary|modules|headers|kbuild)-\d[^ ,]*)",
                self.field(p, "Depends")) if d not in found + todo]
        return found

    def unpack(self, packages, target):
        with tempfile.TemporaryDirectory(dir=self.dir) as d:
            self.run("apt-get", "-q", "download", *packages, cwd=d)
            for deb in sorted(os.listdir(d)):
                subprocess.run(["dpkg", "-x", os.path.join(d, deb), target], check=True)


def stanzas(suite):
    """apt sources for `suite`, at the mirrors where this system's own come from."""
    text = subprocess.run(["apt-get", "indextargets", "--format",
                           "$(REPO_URI) $(RELEASE)", "Created-By: Packages"],
                          capture_output=True, text=True, check=True).stdout
    used = {r: uri for uri, r in (line.split() for line in set(text.splitlines()))}
    own = debian_codename()
    if own not in used:
        raise RuntimeError("apt has no source for %s, so no mirror is known" % own)
    wanted = [(used[own], suite)]
    if suite != "sid" and own + "-security" in used:
        wanted.append((used[own + "-security"], suite + "-security"))
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    return ["Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s"
            % (uri, s, key) for uri, s in wanted]


def debian_codename():
    with open("/etc/os-release") as f:
        m = re.search(r"^VERSION_CODENAME=\"?(\w+)", f.read(), re.M)
    return m.group(1) if m else "unknown"


# --- kernels ---------------------------------------------------------------
def prepare(name, headers):
    """Download and unpack what is missing of kernel `name`; its link."""
    base = os.path.join(cache(), "kernel")
    link = os.path.join(base, name)
    os.makedirs(base, exist_ok=True)
    with open(os.path.join(base, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(link, "vmlinuz")):
            print("fetching kernel %s from Debian %s" % (name, SUITES[name]), flush=True)
            fetch_image(name, base)
        if headers and not os.path.exists(os.path.join(link, "build/Makefile")):
            print("fetching the headers of kernel %s" % name, flush=True)
            fetch_headers(name, os.path.realpath(link))
    return link


def fetch_image(name, base):
    apt = Apt(SUITES[name])
    meta = apt.field("linux-image-amd64", "Depends")
    package = re.search(r"linux-image-\d[^ ,]*", meta).group(0)
    rel = package[len("linux-image-"):]
    target = os.path.join(base, "%s_%s" % (rel, apt.field(package, "Version")))
    with tempfile.TemporaryDirectory(dir=base) as d:
        apt.unpack(apt.kernel_parts(package), d)
        root = d if os.path.isdir(d + "/lib/modules") else d + "/usr"
        shutil.rmtree(target, ignore_errors=True)
        os.makedirs(target + "/lib/modules")
        shutil.move("%s/lib/modules/%s" % (root, rel), target + "/lib/modules/" + rel)
        image = [v for v in (d + "/boot/vmlinuz-" + rel,        # since 7.2 with the modules
                             target + "/lib/modules/%s/vmlinuz" % rel)
                 if os.path.exists(v)][0]
        subprocess.run(["depmod", "-b", target, rel], check=True)
        shutil.copy(image, target + "/vmlinuz")     # last: says that it is complete
    point(os.path.join(base, name), target)


def point(link, target):
    """Make `link` lead to `target`, at once."""
    os.symlink(os.path.basename(target), link + ".new")
    os.replace(link + ".new", link)


def fetch_headers(name, folder):
    rel = release(folder)
    apt = Apt(SUITES[name])
    root = os.path.join(folder, "headers")
    shutil.rmtree(root, ignore_errors=True)
    apt.unpack(apt.kernel_parts("linux-headers-" + rel), root)
    relocate(root)
    link = os.path.join(folder, "build")
    if os.path.lexists(link):
        os.unlink(link)
    os.symlink("headers/usr/src/linux-headers-" + rel, link)


def relocate(root):
    """The packages' makefiles and links name /usr/...: point them below root."""
    for d, folders, files in os.walk(root + "/usr/src"):
        for f in folders + files:
            path = os.path.join(d, f)
            if os.path.islink(path):
                relink(path, root)
            elif f in ("Makefile", ".kernelvariables"):
                rewrite(path, root)


def relink(path, root):
    to = os.readlink(path)
    to = to if to.startswith("/") else os.path.normpath(
        os.path.join(os.path.dirname(path), to))
    if not to.startswith(root) and to.startswith("/usr/"):
        os.unlink(path)
        os.symlink(root + to, path)


def rewrite(path, root):
    with open(path) as f:
        text = f.read()
    new = re.sub(r"(?<![\w/.])/usr/(src|lib)/linux-", root + r"/usr/\1/linux-", text)
    if new != text:
        with open(path, "w") as f:
            f.write(new)


def module(name, source):
    """Build one of the tests' own modules for kernel `name`; where its .ko is."""
    folder = directory(name)
    work = os.path.join(cache(), "modules", os.path.basename(folder), os.path.basename(source))
    os.makedirs(work, exist_ok=True)
    for f in os.listdir(source):
        shutil.copy2(os.path.join(source, f), work)
    p = subprocess.run(["make", "-s", "-C", folder + "/build", "M=" + work, "modules"],
                       text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if p.returncode:
        raise RuntimeError("%s does not build: %s" % (os.path.basename(source), p.stdout[-800:]))
    return os.path.join(work, os.path.basename(source) + ".ko")


def igb_uio(name):
    """Our igb_uio.ko for kernel `name`: built here if this machine's compiler can, or
    else before by kernel/linux/check-kernels, in a chroot."""
    folder = directory(name)
    out = os.path.join(cache(), "igb_uio", release(folder))
    ko = os.path.join(out, "igb_uio.ko")
    if is_older(ko, glob.glob(IGB_UIO + "/igb_uio/*")):
        p = subprocess.run([IGB_UIO + "/build", folder + "/build", out], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if p.returncode:
            raise RuntimeError("igb_uio for kernel %s: %s; another compiler: kernel/linux/check-kernels"
                               % (name, p.stdout.strip()[-400:]))
    return ko


def is_older(path, sources):
    if not os.path.exists(path):
        return True
    return os.path.getmtime(path) < max(os.path.getmtime(s) for s in sources)


# --- the first file system of a guest ----------------------------------------
def initramfs(folder):
    """busybox, the modules that reach the root over 9p, and init; made once."""
    with open(os.path.join(HERE, "init"), "rb") as f:
        init = f.read()
    out = os.path.join(folder, "initramfs-%s.gz" % hashlib.sha256(init).hexdigest()[:12])
    if os.path.exists(out):
        return out
    with tempfile.TemporaryDirectory(dir=folder) as d:
        tree = os.path.join(d, "tree")
        for sub in ("bin", "proc", "sys", "dev", "mnt", "mod"):
            os.makedirs(os.path.join(tree, sub))
        shutil.copy(shutil.which("busybox"), tree + "/bin/busybox")
        shutil.copy(os.path.join(HERE, "init"), tree + "/init")
        os.chmod(tree + "/init", 0o755)
        copy_modules(folder, tree + "/mod")
        subprocess.run("find . | cpio -o -H newc --quiet | gzip -1 > ../new.gz",
                       shell=True, cwd=tree, check=True)
        os.replace(d + "/new.gz", out)
    return out


def copy_modules(folder, target):
    """Each boot module after those it depends on, unpacked and numbered."""
    order = []
    for m in BOOT_MODULES:
        found = subprocess.run(["modprobe", "-d", folder, "-S", release(folder),
                                "--show-depends", m], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if found.returncode and "not found" not in found.stderr:
            raise RuntimeError(found.stderr.strip())
        text = found.stdout                     # not found: built in (7.2 lists no such)
        order += [k for k in re.findall(r"^insmod (\S+)", text, re.M) if k not in order]
    for n, path in enumerate(order):
        name = re.sub(r"\.ko.*", ".ko", os.path.basename(path))
        tool = {".xz": ["xz", "-dc"], ".zst": ["zstd", "-qdc"]}.get(
            os.path.splitext(path)[1], ["cat"])
        with open("%s/%02d-%s" % (target, n, name), "wb") as f:
            subprocess.run(tool + [path], stdout=f, check=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("--headers", action="store_true", help="also what builds modules")
    ap.add_argument("name", nargs="+", choices=sorted(SUITES))
    o = ap.parse_args()
    try:
        for name in o.name:
            print(prepare(name, o.headers))
    except (RuntimeError, OSError, subprocess.CalledProcessError) as e:
        sys.exit("kernel.py: %s" % e)


if __name__ == "__main__":
    main()
