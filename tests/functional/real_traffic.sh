#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Captures traffic of the kernel's own stacks between two network namespaces.
#
#   real_traffic.sh OUT.pcap MAC
#
# Into OUT.pcap goes what one side sends to the other, whose address is MAC: TCP and UDP in bursts,
# pings from 60 to 4000 bytes, so fragments too, over IPv4 and IPv6. Needs root; leaves nothing.
set -euo pipefail

out=$1
mac=$2

# In a network namespace of its own, with a second one behind a veth pair.
# Propagation as it is: in a chroot, / need not be a mount that unshare could change.
if [ -z "${IN_NAMESPACE-}" ]; then
	IN_NAMESPACE=1 exec unshare -n -m -p --fork --kill-child \
		--propagation unchanged --mount-proc bash "$0" "$@"
fi

unshare -n sleep 300 &
far=$!
until [ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do :; done
at_far() {
	nsenter -n -t "$far" "$@"
}

ip link add near type veth peer name far address "$mac" netns "$far"
for side in near far; do
	on=
	[ "$side" = near ] || on=at_far
	$on ethtool -K "$side" tx off rx off tso off gso off gro off >/dev/null
	# No address detection: it would delay IPv6 by a second or two.
	$on sysctl -q -w "net.ipv6.conf.$side.accept_dad=0" 2>/dev/null || true
	$on ip link set lo up
	$on ip link set "$side" up
done
ip addr add 198.18.0.1/24 dev near
ip addr add 2001:db8::1/64 dev near nodad
at_far ip addr add 198.18.0.2/24 dev far
at_far ip addr add 2001:db8::2/64 dev far nodad

: >"$out.tcpdump"
: >"$out.ready"
tcpdump -Z root -n -i near -U --immediate-mode -w "$out" ether dst "$mac" 2>"$out.tcpdump" &
tcpdump=$!
until grep -q 'listening on' "$out.tcpdump"; do
	kill -0 "$tcpdump" || { cat "$out.tcpdump" >&2 && exit 1; }
	sleep 0.05
done

# The far side takes six connections and sends back what it was sent; UDP goes to a closed port.
at_far python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
s.bind(("::", 5201)); s.listen(8)
print("ready", flush=True)
for _ in range(6):
    c = s.accept()[0]
    while True:
        d = c.recv(65536)
        if not d: break
        c.sendall(d)
    c.close()
' >"$out.ready" &
server=$!
until grep -q ready "$out.ready"; do
	kill -0 "$server" || exit 1
	sleep 0.05
done
python3 -c '
import socket, threading
def back(s):
    while s.recv(65536): pass
for host in ("198.18.0.2", "2001:db8::2"):
    for n in (1, 3000, 200000):
        s = socket.create_connection((host, 5201), timeout=10)
        t = threading.Thread(target=back, args=(s,)); t.start()
        s.sendall(b"x" * n); s.shutdown(socket.SHUT_WR); t.join(); s.close()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for flow in range(40):
        u = socket.socket(family, socket.SOCK_DGRAM)
        for n in (18, 100, 512, 1200, 1400):
            u.sendto(b"y" * n, (host, 9000 + flow))
        u.close()
    u = socket.socket(family, socket.SOCK_DGRAM)
    for n in (2000, 4000):
        u.sendto(b"z" * n, (host, 9999))
'
wait "$server"
for host in 198.18.0.2 2001:db8::2; do
	for size in 18 56 1400 4000; do
		ping -q -c 3 -i 0.01 -s "$size" "$host" >/dev/null
	done
done
# The last packet is known by its port: when it is in the file, everything is.
until tcpdump -n -r "$out" udp dst port 4 2>/dev/null | grep -q .; do
	kill -0 "$tcpdump"
	echo last >/dev/udp/198.18.0.2/4
	sleep 0.05
done
kill -INT "$tcpdump"
wait "$tcpdump" || true
rm -f "$out.tcpdump" "$out.ready"
kill "$far"
