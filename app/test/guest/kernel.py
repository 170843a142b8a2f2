#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The kernels that guests boot: fetched from Debian, kept in the cache.

    kernel.py [--headers] NAME...      NAME: 5.10, 6.1, 6.12 or sid

Makes <cache>/kernel/NAME a link to a folder that holds `vmlinuz`,
`lib/modules/` and, with --headers, `build/` (what `make -C` wants), and prints
that link.  Nothing is installed: packages are downloaded and unpacked.  They
come from the Debian release that carries the kernel, through an apt
configuration of its own; the mirror is the one that this system uses.  What is
in the cache is complete: it is made beside its place and moved there last.

Called by devtools/setup; guest.py asks directory() and initramfs(), scenarios
igb_uio() and module().
"""
import argparse
import collections
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
        """Download and unpack them; says how much it is."""
        debs = self.debs(packages)
        size = sum(d.size for d in debs)
        say("%s, %.0f MB to download" % (" ".join(packages), size / 1e6))
        free = shutil.disk_usage(os.path.dirname(target)).free
        if free < 8 * size:                         # they are packed, and once more unpacked
            raise RuntimeError("the disk is too full: %d MB are free at %s, and %d MB are needed"
                               % (free / 1e6, os.path.dirname(target), 8 * size / 1e6))
        with tempfile.TemporaryDirectory(dir=self.dir) as d:
            if not take_kept(debs, d):
                self.download(packages, d)
                keep(debs, d)
            for deb in sorted(os.listdir(d)):
                subprocess.run(["dpkg", "-x", os.path.join(d, deb), target], check=True)

    def debs(self, packages):
        """What apt-get would download: 'URI' NAME SIZE SHA256:..."""
        text = self.run("apt-get", "-q", "download", "--print-uris", *packages)
        return [Deb(name, int(size), sha) for name, size, sha in re.findall(
            r"^'.*' (\S+) (\d+) SHA256:(\w+)$", text, re.M)]

    def download(self, packages, folder):
        """On a terminal apt itself shows how far it is."""
        if not sys.stderr.isatty():
            self.run("apt-get", "-q", "download", *packages, cwd=folder)
        elif subprocess.run(["apt-get", *self.options, "download", *packages], cwd=folder,
                            stdout=sys.stderr).returncode:
            raise RuntimeError("apt-get download failed (above): " + " ".join(packages))


# --- downloads that are kept, for whoever begins anew each time: devtools/fresh --------
Deb = collections.namedtuple("Deb", "name size sha256")     # the name has the version


def kept(deb):
    """Where it is, or would be, in the folder $HOTPLUG_DEBS; None if nothing is kept."""
    folder = os.environ.get("HOTPLUG_DEBS")
    return os.path.join(folder, deb.name) if folder else None


def take_kept(debs, folder):
    """All of them, or none: False."""
    for deb in debs:
        path = kept(deb)
        if not path or not os.path.exists(path):
            return False
        with open(path, "rb") as f:
            if hashlib.sha256(f.read()).hexdigest() != deb.sha256:
                return False
    for deb in debs:
        shutil.copy(kept(deb), folder)
    return bool(debs)


def keep(debs, folder):
    for path in filter(None, map(kept, debs)):
        shutil.copy(os.path.join(folder, os.path.basename(path)), path + ".new")
        os.replace(path + ".new", path)


def say(text):
    print("setup: " + text, file=sys.stderr, flush=True)


def stanzas(suite):
    """apt sources for `suite`, at the mirrors where this system's own come from."""
    used, own = mirrors(), debian_codename()
    if own not in used:
        raise RuntimeError("no source for %s in /etc/apt/sources.list or sources.list.d, "
                           "so no mirror is known" % own)
    wanted = [(used[own], suite)]
    if suite != "sid" and own + "-security" in used:
        wanted.append((used[own + "-security"], suite + "-security"))
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    return ["Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s"
            % (uri, s, key) for uri, s in wanted]


def mirrors(folder="/etc/apt"):
    """{suite: URI} of this system's sources: its own files, since apt's lists may be empty."""
    used = {}
    for path in [folder + "/sources.list"] + sorted(glob.glob(folder + "/sources.list.d/*")):
        if not os.path.exists(path):
            continue
        with open(path) as f:
            text = re.sub(r"^#.*\n", "", f.read(), flags=re.M)
        if path.endswith(".sources"):
            found = [deb822(part) for part in re.split(r"\n\s*\n", text)]
        elif path.endswith(".list"):
            found = [([uri], [suite]) for uri, suite in re.findall(
                r"^\s*deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", text, re.M)]
        else:
            continue
        for uris, suites in found:
            for suite in suites:
                used.setdefault(suite, uris[0])
    return used


def deb822(stanza):
    """(URIs, suites) of one stanza of a .sources file; nothing where it is switched off."""
    field = {k.lower(): v.split() for k, v in re.findall(
        r"^([\w-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.M)}
    if "deb" not in field.get("types", []) or field.get("enabled", ["yes"])[0] in ("no", "false"):
        return [], []
    return field.get("uris", []), field.get("suites", []) if field.get("uris") else []


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
        for left in glob.glob(base + "/new.*"):         # of a run that was killed
            shutil.rmtree(left)
        if not os.path.exists(os.path.join(link, "vmlinuz")):
            say("fetching kernel %s from Debian %s" % (name, SUITES[name]))
            fetch_image(name, base)
        if headers and not os.path.exists(os.path.join(link, "build/Makefile")):
            say("fetching the headers of kernel %s" % name)
            fetch_headers(name, os.path.realpath(link))
    return link


def fetch_image(name, base):
    apt = Apt(SUITES[name])
    meta = apt.field("linux-image-amd64", "Depends")
    package = re.search(r"linux-image-\d[^ ,]*", meta).group(0)
    rel = package[len("linux-image-"):]
    target = os.path.join(base, "%s_%s" % (rel, apt.field(package, "Version")))
    with tempfile.TemporaryDirectory(dir=base, prefix="new.") as d:
        os.mkdir(d + "/packages")
        apt.unpack(apt.kernel_parts(package), d + "/packages")
        root = [r for r in (d + "/packages", d + "/packages/usr") if os.path.isdir(r + "/lib/modules")][0]
        made = d + "/kernel"
        os.makedirs(made + "/lib/modules")
        shutil.move("%s/lib/modules/%s" % (root, rel), made + "/lib/modules/" + rel)
        image = [v for v in (d + "/packages/boot/vmlinuz-" + rel,   # since 7.2 with the modules
                             made + "/lib/modules/%s/vmlinuz" % rel)
                 if os.path.exists(v)][0]
        subprocess.run(["depmod", "-b", made, rel], check=True)
        shutil.copy(image, made + "/vmlinuz")
        shutil.rmtree(target, ignore_errors=True)
        os.rename(made, target)
    point(os.path.join(base, name), target)


def point(link, target):
    """Make `link` lead to `target`, at once."""
    if os.path.lexists(link + ".new"):
        os.unlink(link + ".new")
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
    os.symlink("headers/usr/src/linux-headers-" + rel, link)    # last: they are complete


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
    def make(out):
        work = shutil.copytree(source, out + "/build")
        run_make(["make", "-s", "-C", directory(name) + "/build", "M=" + work, "modules"],
                 os.path.basename(source))
        shutil.copy(os.path.join(work, ko), out)
    ko = os.path.basename(source) + ".ko"
    return os.path.join(built(os.path.join("modules", os.path.basename(directory(name))),
                              source, make), ko)


def igb_uio(name):
    """Our igb_uio.ko for kernel `name`: from kernel/linux/check-kernels, which has built it
    in a chroot, or else built here, if this machine's compiler can."""
    folder = directory(name)
    kept = os.path.join(cache(), "igb_uio", release(folder), content(IGB_UIO + "/igb_uio"))

    def make(out):
        run_make([IGB_UIO + "/build", folder + "/build", out],
                 "igb_uio for kernel %s (another compiler: kernel/linux/check-kernels)" % name)
    if not os.path.exists(kept + "/igb_uio.ko"):
        kept = built(os.path.join("modules", os.path.basename(folder)), IGB_UIO + "/igb_uio", make)
    return os.path.join(kept, "igb_uio.ko")


def built(where, source, make):
    """A folder of the cache for what make(folder) builds from `source`, a folder or a file.

    It is named after what is in `source`, so that checkouts and runs beside each other do
    not take one another's.
    """
    base = os.path.join(cache(), where)
    out = os.path.join(base, "%s-%s" % (os.path.basename(source), content(source)))
    if not os.path.exists(out):
        os.makedirs(base, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=base, prefix="new.") as d:
            os.mkdir(d + "/made")
            make(d + "/made")
            try:
                os.rename(d + "/made", out)
            except OSError:                             # another run was faster
                if not os.path.exists(out):
                    raise
    return out


def content(source):
    """A short name for what is in a folder or file."""
    sha = hashlib.sha256()
    for path in [source] + sorted(glob.glob(source + "/**", recursive=True)):
        if os.path.isfile(path):
            sha.update(os.path.relpath(path, source).encode() + b"\0")
            with open(path, "rb") as f:
                sha.update(f.read())
    return sha.hexdigest()[:12]


def run_make(command, what):
    p = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if p.returncode:
        raise RuntimeError("%s does not build: %s" % (what, p.stdout.strip()[-800:]))


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
        sys.exit("setup: kernel %s is not complete: %s" % (name, e))
    except KeyboardInterrupt:
        sys.exit("setup: interrupted")


if __name__ == "__main__":
    main()
