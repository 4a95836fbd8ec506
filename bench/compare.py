#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run two programs in turn on the same kind of ports and say how their rates compare.

Both are up at a time, on the same core, and take turns: while one is measured for --seconds, the other
is stopped. So what the machine does besides meets both alike. They are watched from outside in the same
way, by DPDK's own telemetry (/ethdev/stats). Next to the rate by the clock stands the rate per second of
processor time that the polling thread really got: on a machine with other work the first one measures the
scheduler too. A round starts both anew, for a process keeps its layout in memory.

    bench/compare.py null-io            vfplane against testpmd, io, two net_null ports
    bench/compare.py null-mac           the same in mac mode
    bench/compare.py null-macswap       the same in macswap mode
    bench/compare.py null-latencystats  vfplane io, which always measures, against testpmd io with
                                        --latencystats. They do not measure the same: testpmd stamps
                                        packets and keeps min, avg, max and jitter of all ports in one;
                                        vfplane takes one clock reading per burst, and keeps residence and
                                        bound of every rule in histograms
    bench/compare.py null-measure       vfplane io with latency recorded against without, --burst N
    bench/compare.py ring-io            vfplane against testpmd, io between two net_ring ports, each of
                                        which receives what it sends; 32 packets for each go round
    bench/compare.py memif-io           vfplane against testpmd, io over a net_memif pair, likewise
    bench/compare.py null-bare          vfplane io against the bare loop of bench_bare
    bench/compare.py soft-mac           vfplane against testpmd, mac ping-pong VF 0 <-> VF 1 on soft82599,
                                        32 frames circulating each way, two queues a port, MAC anti-spoof
                                        on, one polling lcore
    bench/compare.py soft-memif         testpmd's mac ping-pong VF 0 <-> VF 1 on soft82599 against its own
                                        over a net_memif pair, bursts of 32
    bench/compare.py soft-burst4        the first of these with bursts of 4 against bursts of 32

Exit status 1 when the 95 % lower bound of the rate per processor second lies below --at-least.
"""
import argparse
import json
import math
import os
import signal
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

MBUFS = 16384
FRAME = 60  # bytes without FCS of what goes round: vfplane's; testpmd's are of 64 if not told
NULL_EAL = "--no-huge -m 512 --no-pci --vdev net_null0 --vdev net_null1"
PF, VFS = "03:00.1", ["03:10.1", "03:10.3"]
INJECTOR = "03:10.5"
MACS = ["02:09:c0:00:00:00", "02:09:c0:00:00:01"]
SOFT_CONFIG = f"""
pf 0 {{ pci = 0000:{PF}  queues_per_pool = 2 }}
vf 0 {{ mac = {MACS[0]}  peer = vf1 }}
vf 1 {{ mac = {MACS[1]}  peer = vf0 }}
vf 2 {{ mac = 02:09:c0:00:00:02  owner = tenant }}
forward ping-pong {{ from = vf0  to = vf1  mode = mac  both = yes }}
"""


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

    def ports(self):
        """All but a PF: its own counters have the queues of its VFs too."""
        return {i["name"].replace("0000:", ""): p for p in self.ask("/ethdev/list")
                for i in [self.ask(f"/ethdev/info,{p}")] if PF not in i["name"]}

    def mac(self, port):
        return self.ask(f"/ethdev/info,{port}")["mac_addr"]

    def sent(self, ports=None):
        return sum(self.ask(f"/ethdev/stats,{p}")["opackets"]
                   for p in ports or self.ports().values())

    def up(self, port):
        return self.ask(f"/ethdev/link_status,{port}")["status"] == "UP"

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


def wait_until(what, done, process):
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"it ended with status {process.returncode}")
        try:
            got = done()
            if got:
                return got
        except (OSError, ValueError, KeyError, TypeError):
            pass
        time.sleep(0.1)
    raise RuntimeError(f"no {what} within {START_S} s")


def type_in(process, text):
    process.stdin.write(text + "\n")
    process.stdin.flush()


class Run:
    """A contender at work. It is stopped whenever it is not measured, so two of them can share a core."""

    def __init__(self, contender, prefix):
        self.contender, self.prefix = contender, prefix
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(contender.command.replace("PREFIX", prefix), shell=True,
                                        cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=self.log,
                                        stderr=self.log)
        self.sent, self.cpu, self.wall = [], [], []
        try:
            self.bring_up()
        except (RuntimeError, OSError, subprocess.SubprocessError) as e:
            self.fail(e)

    def bring_up(self):
        t = self.telemetry = wait_until("telemetry", lambda: Telemetry(self.prefix), self.process)
        self.contender.prepare(self.process, t)
        wait_until("ports", lambda: len(t.ports()) == self.contender.ports, self.process)
        self.ports = sorted(t.ports().values())
        wait_until("links", lambda: all(t.up(p) for p in self.ports), self.process)
        self.contender.begin(self.process, t, self.prefix)
        for port in self.ports:
            first = t.sent([port])
            wait_until(f"traffic from port {port}", lambda: t.sent([port]) > first + 1000, self.process)
        self.pid = t.pid()
        self.halt()

    def halt(self):
        os.kill(self.pid, signal.SIGSTOP)
        until = time.monotonic() + START_S
        while any(state(self.pid, task) not in "TZX" for task in os.listdir(f"/proc/{self.pid}/task")):
            if time.monotonic() > until:
                raise RuntimeError("it does not stop")

    def go_on(self):
        """@return when, after the packets sent so far were read."""
        os.kill(self.pid, signal.SIGCONT)
        at = time.monotonic()
        self.sent.append(self.telemetry.sent(self.ports))
        return at

    def slice(self, seconds):
        """Packets are read at the beginning of this and the next; the processor time at the end, exact
        then. The reading takes part in what is measured: both ends of a slice have the same delay."""
        at = self.go_on()
        time.sleep(seconds)
        self.halt()
        self.wall.append(time.monotonic() - at)
        self.cpu.append(worker_cpu_s(self.pid))

    def rates(self):
        """[(Mpps by the clock, per processor second)] of all slices but the first."""
        self.go_on()
        packets = [b - a for a, b in zip(self.sent[1:], self.sent[2:])]
        cpu = [b - a for a, b in zip(self.cpu, self.cpu[1:])]
        return [(n / w / 1e6, n / c / 1e6) for n, w, c in zip(packets, self.wall[1:], cpu)]

    def fail(self, why):
        self.end()
        self.log.seek(0)
        sys.exit(f"{self.contender.command}\n{self.log.read()}\n{why}")

    def end(self):
        if hasattr(self, "pid"):
            os.kill(self.pid, signal.SIGCONT)
        if self.process.poll() is None:
            try:
                self.process.stdin.write("quit\n")
                self.process.stdin.close()
                self.process.wait(15)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait()


def state(pid, task):
    try:
        with open(f"/proc/{pid}/task/{task}/stat") as f:
            return f.read().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "X"


def alternate(contenders, prefix, slices, seconds):
    """All by turns, in this order. @return the slices' rates of each"""
    runs = []
    try:
        for i, contender in enumerate(contenders):
            runs.append(Run(contender, f"{prefix}{i}"))
        try:
            for _ in range(slices + 1):
                for run in runs:
                    run.slice(seconds)
            return [run.rates() for run in runs]
        except (OSError, RuntimeError) as e:
            run.fail(e)
    finally:
        for run in runs:
            run.end()


def measure(pair, prefix, first, slices, seconds):
    """@return the slices' rates, ours and theirs; `first` says who begins"""
    got = alternate(pair[::-1] if first else pair, prefix, slices, seconds)
    return got[::-1] if first else got


class Contender:
    """A program, and what to type once its ports are up. `quit` ends it."""

    ports = 2

    def __init__(self, name, command, say=""):
        self.name, self.command, self.say = name, command, say

    def prepare(self, process, telemetry):
        """Brings the two ports up, where the command does not."""

    def begin(self, process, _telemetry, _prefix):
        type_in(process, self.say)


def config_file(text):
    """A configuration, gone when it is closed or forgotten."""
    f = tempfile.NamedTemporaryFile("w", prefix="vfplane-bench-", suffix=".conf")
    f.write(text)
    f.flush()
    return f


class VdevVfplane(Contender):
    """With as many packet buffers as testpmd, and what else the command line cannot say."""

    def __init__(self, name, command, datapath, mode="io", kind="net_null", say="start"):
        self.conf = config_file(
            f"forward pair {{ from = {kind}0  to = {kind}1  mode = {mode}  both = yes }}\n"
            f"datapath {{ mbufs = {MBUFS}  {datapath} }}\n")
        super().__init__(name, f"{command} --config {self.conf.name}", say)


class SoftVfplane(Contender):
    """Its VFs forward; 32 frames for each come from a neighbour on a third VF, which then leaves."""

    def __init__(self, run, neighbour, vfplane):
        self.conf = config_file(SOFT_CONFIG)
        self.neighbour = neighbour
        super().__init__("vfplane", f"{run} {vfplane} --config {self.conf.name} -i", "start")

    def begin(self, process, telemetry, prefix):
        super().begin(process, telemetry, prefix)
        say = ["set fwd mac"]
        for mac in MACS:
            say += [f"set eth-peer 0 {mac}", "start tx_first 1", "stop"]
        subprocess.run(self.neighbour.replace("PREFIX", prefix), shell=True, cwd=ROOT, text=True, timeout=START_S, check=True,
                       input="\n".join(say + ["quit", ""]), stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


class PingPong(Contender):
    """testpmd: its own tx_first sends one burst from each of two ports to the other."""

    def begin(self, process, telemetry, _prefix):
        a, b = sorted(telemetry.ports().values())
        type_in(process, f"set portlist {a},{b}\nset eth-peer {a} {telemetry.mac(b)}\n"
                         f"set eth-peer {b} {telemetry.mac(a)}\nset fwd mac\nstart tx_first 1")


class SoftTestpmd(PingPong):
    """VFs that attach to a running PF get both queues of their pool."""

    def prepare(self, process, _telemetry):
        type_in(process, "\n".join([f"port attach 0000:{vf}" for vf in VFS] + [
            "port start all", "set vf mac antispoof 0 0 on", "set vf mac antispoof 0 1 on"]))


def null_pairs(what, build, eal, burst):
    """Two net_null ports, or what else needs no card. None: it is another comparison."""
    vfplane = f"exec {build}/app/vfplane {eal}"
    testpmd = f"exec dpdk-testpmd {eal}"
    end = f"-- -i --total-num-mbufs={MBUFS} --burst={burst} --forward-mode="
    plain = f"{vfplane} {NULL_EAL} -- -i"
    for mode in "io", "mac", "macswap":
        if what == f"null-{mode}":
            return [VdevVfplane("vfplane", plain, f"burst = {burst}", mode),
                    Contender("testpmd", f"{testpmd} {NULL_EAL} {end}{mode}", "start")]
    if what == "null-bare":
        return [VdevVfplane("vfplane", plain, ""),
                Contender("bare", f"exec {build}/bench/bench_bare {eal} {NULL_EAL} -- bare forever")]
    if what == "null-latencystats":
        worker = eal.split()[1].split("-")[-1].split(",")[-1]
        return [VdevVfplane("vfplane", plain, f"burst = {burst}"),
                Contender("testpmd --latencystats",
                          f"{testpmd} {NULL_EAL} {end}io --latencystats={worker}", "start")]
    if what == "null-measure":
        return [VdevVfplane("measuring", plain, f"burst = {burst}"),
                VdevVfplane("not measuring", plain, f"burst = {burst}  latency = no")]
    devices = {"ring-io": "--vdev net_ring0 --vdev net_ring1",
               "memif-io": "--vdev net_memif0,role=server,{0} --vdev net_memif1,role=client,{0}"}.get(what)
    if devices is None:
        return None
    sock = f"socket={tempfile.gettempdir()}/{eal.split()[-1]}.sock,socket-abstract=no"
    # A memif's server has no buffer to send to before its client polled once.
    say = "start\nstop\nstart tx_first"
    eal_end = f"--no-huge -m 512 --no-pci {devices.format(sock)}"
    return [VdevVfplane("vfplane", f"{vfplane} {eal_end} -- -i", f"burst = {burst}",
                        kind=f"net_{what.split('-')[0]}", say=say),
            Contender("testpmd", f"{testpmd} {eal_end} {end}io --no-flush-rx --txpkts={FRAME}", say)]


def contenders(what, build, cores, burst, memory="--no-huge -m 512"):
    """Ours first. PREFIX stands for the run's own."""
    prefix = "PREFIX"
    eal = f"-l {cores} --file-prefix {prefix}"
    pair = null_pairs(what, build, eal, burst)
    if pair:
        return pair
    soft_pmd = f"dpdk-testpmd -l {cores} {memory} --file-prefix"
    card = f"{build}/soft82599/soft82599"
    run = f"exec {card} run --name {prefix} --vfs 3 --"
    end = f"-- -i --total-num-mbufs={MBUFS}"
    vf_pair = f"{run} {soft_pmd} {prefix} -a {PF} -a {VFS[0]} -a {VFS[1]} {end}"
    if what == "soft-memif":
        sock = f"socket={tempfile.gettempdir()}/{prefix}.sock,socket-abstract=no"
        return [PingPong("soft82599", vf_pair),
                PingPong("memif", f"exec {soft_pmd} {prefix} --no-pci --vdev net_memif0,role=server,{sock} "
                                  f"--vdev net_memif1,role=client,{sock} {end}")]
    if what == "soft-burst4":
        return [PingPong("bursts of 4", vf_pair + " --burst=4"), PingPong("of 32", vf_pair)]
    return [
        SoftVfplane(run, f"{card} exec --name {prefix} -- {soft_pmd} {prefix}n -a {INJECTOR} {end}",
                    f"{build}/app/vfplane -l {cores} {memory} --file-prefix {prefix} --"),
        SoftTestpmd("testpmd", f"{run} {soft_pmd} {prefix} -a {PF} {end} --rxq=2 --txq=2"),
    ]


class Round:
    """Two processes side by side: medians of their slices, and of the ratios of neighbouring slices."""

    def __init__(self, ours, theirs):
        self.ours, self.theirs = statistics.median(ours), statistics.median(theirs)
        self.ratio = statistics.median(a / b for a, b in zip(ours, theirs))


def summary(unit, rounds):
    """Over the rounds, since a process keeps its layout in memory. @return the lower bound"""
    logs = [math.log(r.ratio) for r in rounds]
    mean = statistics.fmean(logs)
    n = len(logs)
    t = T95[n - 1] if n - 1 < len(T95) else 1.7
    low = mean - t * statistics.stdev(logs) / math.sqrt(n) if n > 1 else float("nan")
    print(f"{unit:<28} median {statistics.median(r.ours for r in rounds):6.2f} against "
          f"{statistics.median(r.theirs for r in rounds):6.2f}, ratio {math.exp(mean):.3f}, "
          f"95 % lower bound {math.exp(low):.3f}")
    return math.exp(low)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("what", choices=["null-io", "null-mac", "null-macswap", "null-bare",
                                    "null-latencystats", "null-measure", "ring-io", "memif-io",
                                    "soft-mac", "soft-memif", "soft-burst4"])
    p.add_argument("--burst", type=int, default=32, help="of null-*, ring-io and memif-io")
    p.add_argument("--rounds", type=int, default=10)
    p.add_argument("--slices", type=int, default=20, help="of each contender in a round")
    p.add_argument("--seconds", type=float, default=0.1, help="of a slice")
    p.add_argument("--build", default="build")
    p.add_argument("--cores", default="0-1", help="EAL's -l: the first is control, the second polls")
    p.add_argument("--huge", action="store_true",
                   help="the soft-* ones: packet buffers in hugepages, 512 MB a process, instead of 4 kB pages")
    p.add_argument("--at-least", type=float, default=0.0)
    o = p.parse_args()
    if o.rounds < 1 or o.slices < 1 or o.seconds <= 0:
        p.error("--rounds and --slices: 1 or more; --seconds: more than 0")
    prefix = f"vfpbench{os.getpid()}"
    pair = contenders(o.what, o.build, o.cores, o.burst,
                      "-m 512 --huge-unlink" if o.huge else "--no-huge -m 512")
    rounds = [], []
    for i in range(o.rounds):
        ours, theirs = measure(pair, prefix, i % 2, o.slices, o.seconds)
        for k in 0, 1:
            rounds[k].append(Round([r[k] for r in ours], [r[k] for r in theirs]))
        clock, cpu = rounds[0][-1], rounds[1][-1]
        print(f"round {i + 1}: {pair[0].name} {clock.ours:.2f} ({cpu.ours:.2f}), {pair[1].name} "
              f"{clock.theirs:.2f} ({cpu.theirs:.2f}) Mpps, ratio {clock.ratio:.3f} ({cpu.ratio:.3f})",
              flush=True)
    print(f"{o.what}: {pair[0].name} against {pair[1].name}, {o.rounds} rounds, each of {o.slices} "
          f"alternating slices of {o.seconds:g} s; in brackets and below: per second of processor time")
    summary("Mpps", rounds[0])
    return 1 if summary("Mpps per processor second", rounds[1]) < o.at_least else 0


if __name__ == "__main__":
    sys.exit(main())
