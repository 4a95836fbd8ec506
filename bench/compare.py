#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run two programs in turn on the same kind of ports and say how their rates compare.

Both are watched from outside in the same way: DPDK's own telemetry (/ethdev/stats) is read twice,
--seconds apart, while they run undisturbed. Next to the rate by the clock stands the rate per second
of processor time that the polling thread really got: on a machine with other work the first one
measures the scheduler too.

    bench/compare.py null-io            vfplane against testpmd, io, two net_null ports
    bench/compare.py null-mac           the same in mac mode
    bench/compare.py null-bare          vfplane io against the bare loop of bench_bare

Exit status 1 when the 95 % lower bound lies below --at-least.
"""
import argparse
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
START_S = 30
# Student's t, one-sided 95 %, by degrees of freedom; beyond the table the normal value is near.
T95 = [0, 6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771,
       1.761, 1.753, 1.746, 1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708]

NULL_EAL = "--no-huge -m 512 --no-pci --vdev net_null0 --vdev net_null1"


class Telemetry:
    """One connection to a DPDK process."""

    def __init__(self, prefix):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(5)
        self.sock.connect(f"/var/run/dpdk/{prefix}/dpdk_telemetry.v2")
        self.max = json.loads(self.sock.recv(1024))["max_output_len"]

    def ask(self, what):
        self.sock.send(what.encode())
        return json.loads(self.sock.recv(self.max))[what.split(",")[0]]

    def sent(self):
        return sum(self.ask(f"/ethdev/stats,{p}")["opackets"] for p in self.ask("/ethdev/list"))

    def pid(self):
        return self.ask("/info")["pid"]


def worker_cpu_s(pid):
    """Seconds that the polling threads were on a processor."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm") as f:
            if "worker" not in f.read():
                continue
        with open(f"/proc/{pid}/task/{task}/schedstat") as f:
            total += int(f.read().split()[0]) / 1e9
    return total


def wait_for_traffic(prefix, process):
    """Until packets are sent: the first reading is of a program that runs."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"it ended with status {process.returncode}")
        try:
            t = Telemetry(prefix)
            first = t.sent()
            time.sleep(0.1)
            if t.sent() > first:
                return t
            t.sock.close()
        except (OSError, ValueError, KeyError, TypeError):
            pass
        time.sleep(0.1)
    raise RuntimeError(f"no traffic within {START_S} s")


def measure(command, first, prefix, seconds, warm):
    """Mpps by the clock and per processor second of one run."""
    with tempfile.TemporaryFile("w+") as log:
        # Their own process group, and a standard input that stays open: testpmd ends with it.
        process = subprocess.Popen(command, shell=True, cwd=ROOT, stdin=subprocess.PIPE, stdout=log,
                                   stderr=log, text=True)
        try:
            process.stdin.write(first + "\n")
            process.stdin.flush()
            t = wait_for_traffic(prefix, process)
            time.sleep(warm)
            pid = t.pid()
            sent, cpu, at = t.sent(), worker_cpu_s(pid), time.monotonic()
            time.sleep(seconds)
            sent = t.sent() - sent
            cpu, at = worker_cpu_s(pid) - cpu, time.monotonic() - at
            t.sock.close()
        except (RuntimeError, OSError) as e:
            log.seek(0)
            sys.exit(f"{command}\n{log.read()}\n{e}")
        finally:
            stop(process)
    return sent / at / 1e6, sent / cpu / 1e6


def stop(process):
    if process.poll() is None:
        try:
            process.stdin.write("quit\n")
            process.stdin.close()
            process.wait(15)
        except (OSError, subprocess.TimeoutExpired):
            process.kill()
            process.wait()


def contenders(what, build, cores, prefix):
    """Two of (name, command, what to type first); ours first. `quit` ends each."""
    eal = f"-l {cores} --file-prefix {prefix}"
    vfplane = f"exec {build}/app/vfplane {eal} {NULL_EAL} -- -i"
    testpmd = f"exec dpdk-testpmd {eal} {NULL_EAL} -- -i --total-num-mbufs=16384 --forward-mode="
    bare = f"exec {build}/bench/bench_bare {eal} {NULL_EAL} -- bare forever"
    return {
        "null-io": [("vfplane", vfplane, "start"), ("testpmd", testpmd + "io", "start")],
        "null-mac": [("vfplane", vfplane, "set fwd mac\nstart"),
                     ("testpmd", testpmd + "mac", "start")],
        "null-bare": [("vfplane", vfplane, "start"), ("bare", bare, "")],
    }[what]


def summary(name, unit, a, b):
    logs = [math.log(x / y) for x, y in zip(a, b)]
    mean = statistics.fmean(logs)
    n = len(logs)
    t = T95[n - 1] if n - 1 < len(T95) else 1.7
    low = mean - t * statistics.stdev(logs) / math.sqrt(n) if n > 1 else float("nan")
    print(f"{unit:<28} median {statistics.median(a):6.2f} against {statistics.median(b):6.2f}, "
          f"ratio {math.exp(mean):.3f}, 95 % lower bound {math.exp(low):.3f}")
    return math.exp(low)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("what", choices=["null-io", "null-mac", "null-bare"])
    p.add_argument("--rounds", type=int, default=10)
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--warm", type=float, default=0.3)
    p.add_argument("--build", default="build")
    p.add_argument("--cores", default="0-1", help="EAL's -l: the first is control, the second polls")
    p.add_argument("--at-least", type=float, default=0.0)
    o = p.parse_args()
    prefix = f"vfpbench{os.getpid()}"
    pair = contenders(o.what, o.build, o.cores, prefix)
    rates = [[], []]
    for i in range(o.rounds):
        for k in (0, 1) if i % 2 == 0 else (1, 0):
            rates[k].append(measure(pair[k][1], pair[k][2], prefix, o.seconds, o.warm))
        ours, theirs = rates[0][-1], rates[1][-1]
        print(f"round {i + 1}: {pair[0][0]} {ours[0]:.2f} ({ours[1]:.2f}), {pair[1][0]} "
              f"{theirs[0]:.2f} ({theirs[1]:.2f}) Mpps, ratio {ours[0] / theirs[0]:.3f} "
              f"({ours[1] / theirs[1]:.3f})", flush=True)
    print(f"{o.what}: {pair[0][0]} against {pair[1][0]}, {o.rounds} alternating rounds of "
          f"{o.seconds:g} s; in brackets and below: per second of processor time")
    low = summary(o.what, "Mpps", [r[0] for r in rates[0]], [r[0] for r in rates[1]])
    low_cpu = summary(o.what, "Mpps per processor second", [r[1] for r in rates[0]],
                      [r[1] for r in rates[1]])
    return 1 if max(low, low_cpu) < o.at_least else 0


if __name__ == "__main__":
    sys.exit(main())
