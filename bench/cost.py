#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a packet costs on soft82599, and where that goes.

testpmd plays mac ping-pong between two VFs on one lcore, who does the NIC's work as well. Counted is
the processor time of that thread (/proc/PID/task/TID/schedstat) by packet received (the card's own
counters), so that what else runs on the machine disturbs less; perf, where there is one, tells
whose instructions it went to. Variants alternate, round by round:

    patched   hot tail stores have become calls (as it comes)
    trapped   SOFT82599_PATCH=off: each of them is a fault
    bursts    patched, bursts of 4 packets instead of 32

    bench/cost.py [--rounds N] [--seconds N] [--huge]

--huge: hugepages, which have to be there, instead of --no-huge.
"""
import argparse
import collections
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CARD = os.path.join(ROOT, "build/soft82599/soft82599")
VARIANTS = {"patched": ({}, 32), "trapped": ({"SOFT82599_PATCH": "off"}, 32), "bursts": ({}, 4)}
OWNERS = {"libsoft82599.so": "card", "[kernel.kallsyms]": "kernel", "dpdk-testpmd": "testpmd",
          "librte_net_ixgbe": "driver", "[vdso]": "kernel"}


class Testpmd:
    """mac ping-pong between two VFs of a card of its own."""

    def __init__(self, name, environment, burst, huge):
        self.name = name
        command = [CARD, "run", "--name", name, "--", "dpdk-testpmd", "-l", "0-1", "--main-lcore",
                   "0", *([] if huge else ["--no-huge"]), "-m", "256", "--no-telemetry",
                   "--file-prefix", name, "-a", "0000:03:00.1", "-a", "0000:03:10.1", "-a",
                   "0000:03:10.3", "--", "-i", "--total-num-mbufs=16384", "--no-flush-rx"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **environment})
        self.prompt()
        macs = [pool["macs"][0] for pool in self.show()["pools"][:2]]
        for line in ("set all queues drop 0 on", "set portlist 1,2", "set fwd mac",
                     f"set burst {burst}", f"set eth-peer 1 {macs[1]}",
                     f"set eth-peer 2 {macs[0]}", "start tx_first 1"):
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
            self.prompt()
        children = subprocess.check_output(["pgrep", "-P", str(self.process.pid)]).split()
        self.pid = int(children[0])
        self.thread = self.find_worker()

    def prompt(self):
        text = b""
        while not text.endswith(b"testpmd> "):
            part = os.read(self.process.stdout.fileno(), 4096)
            if not part:
                sys.exit("testpmd ended: " + text.decode(errors="replace")[-500:])
            text += part

    def show(self):
        return json.loads(subprocess.check_output([CARD, "show", "--name", self.name, "--json"]))

    def find_worker(self):
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{thread}/comm", encoding="ascii") as file:
                if "worker" in file.read():
                    return int(thread)
        sys.exit("testpmd has no worker thread")

    def sample(self):
        """(ns of the worker's processor time, packets received)"""
        with open(f"/proc/{self.pid}/task/{self.thread}/schedstat", encoding="ascii") as file:
            ns = int(file.read().split()[0])
        return ns, sum(pool["rx_packets"] for pool in self.show()["pools"][:2])

    def cost(self, seconds):
        (ns0, n0), _, (ns1, n1) = self.sample(), time.sleep(seconds), self.sample()
        return (ns1 - ns0) / (n1 - n0)

    def shares(self, seconds):
        """{owner: part of the worker's time}, {function of the card: part}"""
        with tempfile.TemporaryDirectory() as folder:
            data = os.path.join(folder, "perf")
            subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "4000", "-t",
                            str(self.thread), "-o", data, "--", "sleep", str(seconds)],
                           check=True, stderr=subprocess.DEVNULL)
            text = subprocess.check_output(["perf", "report", "-q", "-i", data, "--stdio", "--sort",
                                            "dso,symbol"], stderr=subprocess.DEVNULL, text=True)
        owners, functions = collections.Counter(), collections.Counter()
        for percent, dso, symbol in re.findall(r"([\d.]+)%\s+(\S+)\s+\[.\] (\S+)", text):
            owner = next((v for k, v in OWNERS.items() if dso.startswith(k)), "libraries")
            owners[owner] += float(percent) / 100
            if owner == "card":
                functions[symbol.split(".")[0]] += float(percent) / 100
        return owners, functions

    def end(self):
        self.process.terminate()
        self.process.wait()


def measure(args, have_perf):
    costs = collections.defaultdict(list)
    owners = collections.defaultdict(list)
    functions = collections.defaultdict(list)
    for number in range(args.rounds):
        for variant, (environment, burst) in VARIANTS.items():
            testpmd = Testpmd(f"cost{os.getpid()}", environment, burst, args.huge)
            try:
                testpmd.cost(0.5)    # until the places are patched
                costs[variant].append(testpmd.cost(args.seconds))
                if have_perf:
                    by_owner, by_function = testpmd.shares(args.seconds)
                    owners[variant].append(by_owner)
                    functions[variant].append(by_function)
            finally:
                testpmd.end()
        print(f"round {number + 1}: " + "  ".join(f"{v} {c[-1]:.0f}" for v, c in costs.items()) +
              " ns a packet", flush=True)
    return costs, owners, functions


def print_split(variant, cost, parts, least):
    names = {name for part in parts for name in part}
    split = {name: cost * statistics.median(part[name] for part in parts) for name in names}
    print(f"{variant}: " + ", ".join(f"{name} {ns:.1f}" for name, ns in
                                     sorted(split.items(), key=lambda i: -i[1]) if ns >= least))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--huge", action="store_true")
    args = parser.parse_args()
    have_perf = shutil.which("perf") is not None
    costs, owners, functions = measure(args, have_perf)
    print("median ns a packet, " + ("hugepages" if args.huge else "--no-huge") + ": " +
          ", ".join(f"{v} {statistics.median(c):.1f} ({min(c):.0f} to {max(c):.0f})"
                    for v, c in costs.items()))
    if not have_perf:
        print("no perf here: whose it was is not known")
        return
    for variant, cost in costs.items():
        print_split(variant + ", whose", statistics.median(cost), owners[variant], 0.5)
    print_split("patched, the card's functions", statistics.median(costs["patched"]),
                functions["patched"], 0.5)


if __name__ == "__main__":
    main()
