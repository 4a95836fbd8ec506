#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How long do 63 VFs in three processes take to come up?

Three testpmds come to a card with 63 VFs, one after the other: the PF and 21 VFs, 21 VFs, 21 VFs.
What a VF costs is what 21 take more than one, a twentieth of it. net_ixgbe_vf sleeps 2 x 60 ms in
that time, being reset when it is probed and when it is started; the rest is the card's share, and
testpmd's for a port.

    bench/bringup.py [--rounds N] [--at-most MS]

Exit status 1 when the median of the rest is above --at-most (30).
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CARD = os.path.join(ROOT, "build/soft82599/soft82599")
SLEEPS_MS = 120


def vf(number):
    return f"0000:03:{16 + number // 4:02x}.{number % 4 * 2 + 1}"


def wait_prompt(process):
    text = b""
    while not text.endswith(b"testpmd> "):
        part = os.read(process.stdout.fileno(), 4096)
        if not part:
            sys.exit("testpmd ended: " + text.decode(errors="replace")[-500:])
        text += part


def start(name, number, verb, ports):
    """A testpmd with these ports, at its prompt, and how many ms that took."""
    command = [CARD, *verb, "--name", name, "--", "dpdk-testpmd", "-l", "0-1", "--no-huge", "-m",
               "384", "--no-telemetry", "--file-prefix", f"{name}-{number}"]
    for port in ports:
        command += ["-a", port]
    command += ["--", "-i", "--total-num-mbufs=32768", "--rxd=256", "--txd=256",
                "--port-topology=loop"]
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    wait_prompt(process)
    return process, (time.monotonic() - began) * 1000


def bring_up(per_process):
    """The ms that each of three processes took, with so many VFs each."""
    name = f"bringup{os.getpid()}"
    processes, took = [], []
    try:
        for i in range(3):
            ports = [vf(21 * i + k) for k in range(per_process)]
            verb = ["run", "--vfs", "63"] if i == 0 else ["exec"]
            process, ms = start(name, i, verb, (["0000:03:00.1"] if i == 0 else []) + ports)
            processes.append(process)
            took.append(ms)
    finally:
        for process in reversed(processes):
            process.terminate() if process is processes[0] else process.kill()
            process.wait()
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-most", type=float, default=30, metavar="MS")
    args = parser.parse_args()
    rest = []
    for number in range(args.rounds):
        one, all_of_them = bring_up(1), bring_up(21)
        each = [(b - a) / 20 - SLEEPS_MS for a, b in zip(one, all_of_them)]
        rest += each
        print(f"round {number + 1}: 63 VFs in {sum(all_of_them) / 1000:.1f} s, 3 in "
              f"{sum(one) / 1000:.1f} s; above the driver's sleeps "
              + "  ".join(f"{ms:.1f}" for ms in each) + " ms a VF", flush=True)
    median = statistics.median(rest)
    ok = median <= args.at_most
    print(f"median {median:.1f} ms a VF above {SLEEPS_MS} ms of the driver's own, wanted at most "
          f"{args.at_most:g}: {'PASS' if ok else 'FAIL'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
