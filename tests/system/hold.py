#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Opens a device through VFIO and holds it until it is killed: hold.py READY BDF [TOKEN].

READY is a file that appears when it has the device. Numbers are those of linux/vfio.h.
"""
import fcntl
import os
import signal
import struct
import sys

ready, bdf = sys.argv[1:3]
name = bdf + (" vf_token=" + sys.argv[3] if len(sys.argv) > 3 else "")
group_number = os.path.basename(os.readlink("/sys/bus/pci/devices/%s/iommu_group" % bdf))
container = os.open("/dev/vfio/vfio", os.O_RDWR)
group = os.open("/dev/vfio/" + group_number, os.O_RDWR)
fcntl.ioctl(group, 0x3B68, struct.pack("i", container))  # VFIO_GROUP_SET_CONTAINER
fcntl.ioctl(container, 0x3B66, 3)  # VFIO_SET_IOMMU: type 1, version 2
try:
    device = fcntl.ioctl(group, 0x3B6A, name.encode() + b"\0")  # VFIO_GROUP_GET_DEVICE_FD
except OSError as error:
    sys.exit("%s: %s" % (bdf, error.strerror))
open(ready, "w").close()
signal.pause()
