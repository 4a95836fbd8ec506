#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes a capture of frames as a test wants them.

frames.py OUT.pcap SPEC...
SPEC: kind=raw|udp|tcp|udp6|tcp6 dst=MAC src=MAC len=BYTES n=COUNT vlan=ID spoil=OFFSET, joined by
commas. len is the frame's, without CRC. TCP carries FIN, PSH and ACK. Checksums are right, until
spoil changes the byte at OFFSET.
"""
import struct
import sys


def mac(text):
    return bytes(int(byte, 16) for byte in text.split(":"))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def layer4(proto, addresses, payload):
    size = len(payload) + (20 if proto == 6 else 8)
    pseudo = addresses + struct.pack("!II", size, proto)
    if proto == 6:
        head = struct.pack("!HHIIBBHHH", 1024, 5001, 1000, 1, 0x50, 0x19, 8192, 0, 0)
        at = 16
    else:
        head = struct.pack("!HHHH", 1024, 5001, size, 0)
        at = 6
    value = checksum(pseudo + head + payload) or 0xFFFF
    return head[:at] + struct.pack("!H", value) + head[at + 2:] + payload


def packet(kind, size, number):
    proto = 6 if kind.startswith("tcp") else 17
    head4 = 20 if proto == 6 else 8
    if kind == "raw":
        return 0x88B5, bytes((number + i) & 0xFF for i in range(size))
    head3 = 40 if kind.endswith("6") else 20
    payload = bytes((number + i * 7) & 0xFF for i in range(size - head3 - head4))
    if head3 == 40:
        addresses = bytes.fromhex("fd00" + "00" * 13 + "01" + "fd00" + "00" * 13 + "02")
        inner = layer4(proto, addresses, payload)
        return 0x86DD, struct.pack("!IHBB", 6 << 28, len(inner), proto, 64) + addresses + inner
    addresses = bytes((10, 0, 0, 1, 10, 0, 0, 2))
    inner = layer4(proto, addresses, payload)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(inner), number & 0xFFFF, 0, 64, proto, 0)
    head = head[:10] + struct.pack("!H", checksum(head + addresses)) + addresses
    return 0x0800, head + inner


def frames(spec):
    want = dict(part.split("=", 1) for part in spec.split(","))
    tag = b""
    if "vlan" in want:
        tag = struct.pack("!HH", 0x8100, int(want["vlan"]))
    for number in range(int(want.get("n", "1"))):
        size = int(want["len"]) - 14 - len(tag)
        ethertype, rest = packet(want.get("kind", "raw"), size, number)
        head = mac(want["dst"]) + mac(want["src"]) + tag + struct.pack("!H", ethertype)
        frame = bytearray(head + rest)
        if "spoil" in want:
            frame[int(want["spoil"])] ^= 0x10
        yield bytes(frame)


def main():
    with open(sys.argv[1], "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for spec in sys.argv[2:]:
            for frame in frames(spec):
                out.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


main()
