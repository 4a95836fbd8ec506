#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Does a packet cost the same however many queues or VFs an lcore serves?

    bench/flat.py queues    io on one lcore between net_null ports with 1 to 128 queues in all
    bench/flat.py vfs       mac on one lcore between 2 to 31 VFs of a soft82599, each sending to the next,
                            32 frames for each queue going round

All sizes are up at a time and take turns on one core, as bench/compare.py has it. Printed are nanoseconds
for a packet, of the processor time that the polling thread got: median and lowest of the rounds' medians,
and the median ratio to the smallest size in the same turn. Exit status 1 when one is higher by more than --within.
"""
import argparse
import os
import statistics
import sys

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


def vfs_setup(n, ring):
    """The VFs in a circle."""
    conf = ["pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }"]
    for i in range(n):
        conf.append(f"vf {i} {{ mac = 02:09:c0:00:00:{i:02x}  peer = vf{(i + 1) % n} }}")
        conf.append(f"forward r{i} {{ from = vf{i}  to = vf{i}  mode = mac }}")
        if ring:
            conf.append(f"port vf{i} {{ rx_ring = {ring}  tx_ring = {ring} }}")
    return "\n".join(conf), "", n


def contender(o, n):
    """vfplane with n queues or VFs."""
    conf, devices, ports = queues_setup(n) if o.what == "queues" else vfs_setup(n, o.ring)
    conf_file = compare.config_file(conf + "\n")
    memory = f"-m {o.memory} " + ("--huge-unlink" if o.huge else "--no-huge")
    command = f"{o.build}/app/vfplane -l {o.cores} {memory} --file-prefix PREFIX " \
              f"{devices} -- --config {conf_file.name} -i"
    if o.what == "vfs":
        command = f"{o.build}/soft82599/soft82599 run --name PREFIX --vfs {n} -- {command}"
    it = compare.Contender(f"{n} {o.what}", "exec " + command,
                           "start tx_first" if o.what == "vfs" else "start")
    it.ports, it.conf = ports, conf_file
    return it


def one_round(o, sizes):
    """All sizes, up at a time. @return nanoseconds of the polling thread's time for a packet, by slice"""
    them = [contender(o, n) for n in sizes]
    return [[1e3 / cpu for _, cpu in rates]
            for rates in compare.alternate(them, f"vfpflat{os.getpid()}", o.slices, o.seconds)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["queues", "vfs"])
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--slices", type=int, default=20, help="of each size in a round")
    p.add_argument("--seconds", type=float, default=0.1, help="of a slice")
    p.add_argument("--ring", type=int, help="descriptors of a VF's queue; default: vfplane's own")
    p.add_argument("--memory", type=int, default=1024, help="of a process, MB")
    p.add_argument("--huge", action="store_true", help="packet buffers in hugepages instead of 4 kB pages")
    p.add_argument("--build", default="build")
    p.add_argument("--cores", default="0-1", help="EAL's -l: the first is control, the second polls")
    p.add_argument("--within", type=float, default=0.10)
    o = p.parse_args()
    sizes = QUEUES if o.what == "queues" else VFS
    cost, ratio = [[] for _ in sizes], [[] for _ in sizes]
    for _ in range(o.rounds):
        got = one_round(o, sizes)
        for i, slices in enumerate(got):
            cost[i].append(statistics.median(slices))
            ratio[i].append(statistics.median(a / b for a, b in zip(slices, got[0])))
    worst = 0
    print(f"{o.what:>7}  median  lowest  ratio   ns per packet, {o.rounds} rounds of {o.slices} slices "
          f"of {o.seconds:g} s")
    for n, costs, ratios in zip(sizes, cost, ratio):
        worst = max(worst, statistics.median(ratios) - 1)
        print(f"{n:7}  {statistics.median(costs):6.1f}  {min(costs):6.1f}  {statistics.median(ratios):5.2f}")
    return 1 if worst > o.within else 0


if __name__ == "__main__":
    sys.exit(main())
