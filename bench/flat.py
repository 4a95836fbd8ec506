#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Does a packet cost the same however many queues or VFs an lcore serves?

    bench/flat.py queues    io on one lcore between net_null ports with 1 to 128 queues in all
    bench/flat.py vfs       mac on one lcore between 2 to 31 VFs of a soft82599, each sending to the next,
                            32 frames for each queue going round

Rounds go through all sizes in turn. Printed are nanoseconds for a packet, of the processor time that
the polling thread got, as bench/compare.py measures it: median and lowest of the rounds, and the ratio
of the medians to that of the smallest size. Exit status 1 when one is higher by more than --within.
"""
import argparse
import os
import statistics
import sys
import tempfile

import compare

QUEUES = [2, 4, 8, 16, 32, 64, 128]
VFS = [2, 4, 8, 16, 31]
MAX_QUEUES = 16  # of a port


def queues_setup(n):
    """Pairs of ports, as few as will do. @return configuration, devices, how many ports"""
    ports = max(2, n // MAX_QUEUES)
    conf = [f"port net_null{p} {{ queues = {n // ports} }}" for p in range(ports)]
    conf += [f"forward p{p} {{ from = net_null{p}  to = net_null{p + 1}  mode = io  both = yes }}"
             for p in range(0, ports, 2)]
    return "\n".join(conf), "--no-pci " + " ".join(f"--vdev net_null{p}" for p in range(ports)), ports


def vfs_setup(n):
    """A ring of VFs."""
    conf = ["pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }"]
    for i in range(n):
        conf.append(f"vf {i} {{ mac = 02:09:c0:00:00:{i:02x}  peer = vf{(i + 1) % n} }}")
        conf.append(f"forward r{i} {{ from = vf{i}  to = vf{i}  mode = mac }}")
    return "\n".join(conf), "", n


def measure(o, n):
    """Nanoseconds of the polling thread's processor time for a packet, in one run."""
    conf, devices, ports = (queues_setup if o.what == "queues" else vfs_setup)(n)
    prefix = f"vfpflat{os.getpid()}"
    with tempfile.NamedTemporaryFile("w", prefix="vfplane-bench-", suffix=".conf") as c:
        c.write(conf + "\n")
        c.flush()
        command = f"{o.build}/app/vfplane -l {o.cores} --no-huge -m 1024 --file-prefix {prefix} " \
                  f"{devices} -- --config {c.name} -i"
        if o.what == "vfs":
            command = f"{o.build}/soft82599/soft82599 run --name {prefix} --vfs {n} -- {command}"
        contender = compare.Contender("vfplane", "exec " + command,
                                      "start tx_first" if o.what == "vfs" else "start")
        contender.ports = ports
        return 1e3 / compare.measure(contender, prefix, o.seconds, o.warm)[1]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["queues", "vfs"])
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--warm", type=float, default=0.3)
    p.add_argument("--build", default="build")
    p.add_argument("--cores", default="0-1", help="EAL's -l: the first is control, the second polls")
    p.add_argument("--within", type=float, default=0.10)
    o = p.parse_args()
    sizes = QUEUES if o.what == "queues" else VFS
    seen = {n: [] for n in sizes}
    for _ in range(o.rounds):
        for n in sizes:
            seen[n].append(measure(o, n))
    base = statistics.median(seen[sizes[0]])
    worst = 0
    print(f"{o.what:>7}  median  lowest  ratio   ns per packet, {o.rounds} rounds of {o.seconds:g} s")
    for n in sizes:
        median = statistics.median(seen[n])
        worst = max(worst, median / base - 1)
        print(f"{n:7}  {median:6.1f}  {min(seen[n]):6.1f}  {median / base:5.2f}")
    return 1 if worst > o.within else 0


if __name__ == "__main__":
    sys.exit(main())
