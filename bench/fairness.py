#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Three processes share a card and two processors: does each get its share?

Each of three testpmds plays mac ping-pong between two VFs of its own, 32 frames each way for ever,
with one polling thread that may run on either of two processors. The work of the NIC is done by
whoever polls, under one lock. The card's own counters tell how many frames each pair received.

    bench/fairness.py [--seconds N] [--rounds N] [--at-least SHARE]

Exit status 1 when a pair gets less than --at-least (0.5) of its fair share, a third of all, in the
median of the rounds.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CARD = os.path.join(ROOT, "build/soft82599/soft82599")
NAME = f"fair{os.getpid()}"


def show():
    return json.loads(subprocess.check_output([CARD, "show", "--name", NAME, "--json"]))


class Testpmd:
    """An interactive testpmd on the card."""

    def __init__(self, number, verb, ports):
        command = [CARD, *verb, "--name", NAME, "--", "dpdk-testpmd", "--lcores", "0@(0-1),1@(0-1)",
                   "--no-huge", "-m", "128", "--no-telemetry", "--file-prefix", f"{NAME}-{number}"]
        for port in ports:
            command += ["-a", "0000:" + port]
        command += ["--", "-i", "--total-num-mbufs=8192"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.prompt()

    def prompt(self):
        """Reads until the next prompt."""
        text = b""
        while not text.endswith(b"testpmd> "):
            byte = os.read(self.process.stdout.fileno(), 1)
            if not byte:
                sys.exit("testpmd ended: " + text.decode(errors="replace")[-500:])
            text += byte

    def say(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        self.prompt()


def vf(number):
    return f"03:{16 + number // 4:02x}.{number % 4 * 2 + 1}"


def start():
    pairs = []
    for i in range(3):
        ports = [vf(2 * i), vf(2 * i + 1)]
        if i == 0:
            pairs.append(Testpmd(i, ["run", "--vfs", "6"], ["03:00.1"] + ports))
            pairs[0].say("set all queues drop 0 on")
            pairs[0].say("set portlist 1,2")
        else:
            pairs.append(Testpmd(i, ["exec"], ports))
    pools = show()["pools"]
    for i, pair in enumerate(pairs):
        first = 1 if i == 0 else 0
        for k in range(2):
            pair.say(f"set eth-peer {first + k} {pools[2 * i + 1 - k]['macs'][0]}")
        pair.say("set fwd mac")
    for pair in pairs:
        pair.say("start tx_first 1")
    return pairs


def received():
    pools = show()["pools"]
    return [pools[2 * i]["rx_packets"] + pools[2 * i + 1]["rx_packets"] for i in range(3)]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--at-least", type=float, default=0.5)
    args = parser.parse_args()
    pairs = start()
    shares = []
    try:
        for number in range(args.rounds):
            before = received()
            began = time.monotonic()
            time.sleep(args.seconds)
            moved = [b - a for a, b in zip(before, received())]
            took = time.monotonic() - began
            shares.append([3 * m / max(1, sum(moved)) for m in moved])
            print(f"round {number + 1}: {sum(moved) / took / 1e6:6.2f} Mpps in all; of the fair share "
                  + "  ".join(f"{s:.2f}" for s in shares[-1]), flush=True)
        drops = [p["drops"] for p in show()["pools"] if p["drops"]]
    finally:
        for pair in reversed(pairs):
            pair.process.kill() if pair is not pairs[0] else pair.process.terminate()
            pair.process.wait()
    medians = [statistics.median(s[i] for s in shares) for i in range(3)]
    ok = min(medians) >= args.at_least and not drops
    print("medians " + "  ".join(f"{m:.2f}" for m in medians) + f", wanted {args.at_least}; frames "
          f"dropped: {drops or 'none'}: {'PASS' if ok else 'FAIL'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
