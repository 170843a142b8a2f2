#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""As strict an exporter as can be, for a DPDK that brings none along (before 23.11).

usage: own_exporter.py -o openmetrics://HOST:PORT -p FOLDER -e NAME -s SOCKET

In:  FOLDER/NAME.py, a plug-in as DPDK's dpdk-telemetry-exporter.py takes them: info() gives
     {name: (description, type)}, metrics(sock) [(name, value, labels)], where sock.cmd(uri,
     arg) asks the process whose telemetry socket it is.  Out: its metrics, by HTTP, as
     Prometheus' text format has them; 500 and the reason for whatever is not as agreed:
     an undescribed name, a value that is no number, the same series twice.
Called by exporter.py.
"""
import argparse
import http.server
import importlib.util
import json
import os
import re
import socket
import sys
from urllib.parse import urlparse

sys.dont_write_bytecode = True


class Socket:
    """The one method that a plug-in gets."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.size = json.loads(self.socket.recv(1024))["max_output_len"]

    def cmd(self, uri, arg=None):
        self.socket.send((uri if arg is None else f"{uri},{arg}").encode())
        return json.loads(self.socket.recv(self.size))[uri]


def loaded(folder, name):
    spec = importlib.util.spec_from_file_location(name, os.path.join(folder, name + ".py"))
    plugin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plugin)
    return plugin


def series(name, labels):
    quoted = {key: str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
              for key, value in labels.items()}
    inside = ",".join(f'{key}="{value}"' for key, value in quoted.items())
    return name + (f"{{{inside}}}" if inside else "")


def checked(described, told, prefix):
    """{full name: its lines}, in the order in which they were told."""
    groups, seen = {}, set()
    for name, value, labels in told:
        if name not in described:
            raise ValueError(f"{name} is not described by info()")
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise ValueError(f"{name} is no number: {value!r}")
        full = prefix + name
        if not re.fullmatch(r"[a-zA-Z_]\w*", full):
            raise ValueError(f"{full} is no name of a metric")
        line = series(full, labels)
        if line in seen:
            raise ValueError(f"{line} is told twice")
        seen.add(line)
        text, kind = described[name]
        groups.setdefault(full, [f"# HELP {full} {text}", f"# TYPE {full} {kind}"]).append(
            f"{line} {value}")
    return groups


def page(plugin, path):
    groups = checked(plugin.info(), plugin.metrics(Socket(path)), f"dpdk_{plugin.__name__}_")
    return "".join(line + "\n" for lines in groups.values() for line in lines)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):                   # pylint: disable=invalid-name
        try:
            status, text = 200, page(self.server.plugin, self.server.path)
        except (FileNotFoundError, ConnectionRefusedError) as e:
            status, text = 503, f"no process: {e}\n"
        except Exception as e:          # pylint: disable=broad-except
            status, text = 500, f"{type(e).__name__}: {e}\n"
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def main():
    ap = argparse.ArgumentParser()
    for option in "-o", "-p", "-e", "-s":
        ap.add_argument(option, required=True)
    o = ap.parse_args()
    where = urlparse(o.o)
    with http.server.HTTPServer((where.hostname, where.port), Handler) as server:
        server.plugin, server.path = loaded(o.p, o.e), o.s
        server.serve_forever()


if __name__ == "__main__":
    main()
