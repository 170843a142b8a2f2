# SPDX-License-Identifier: BSD-3-Clause
"""dpdk-hotplug, the command: its modules.

sockets.py finds and asks processes, processes.py makes facts of the answers, judge.py words
and a verdict of those; status.py, events.py, watch.py and drill.py print; doctor.py,
machine.py and card.py look at a machine on which nothing need run; report.py writes a file.
"""
VERSION = "0.1.0"
