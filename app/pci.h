/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_PCI_H
#define VFPLANE_PCI_H

/**
 * @file
 * What sysfs says of PCI devices. The environment variable SYSFS_PCI_DEVICES moves the folder, as
 * DPDK honours it. No EAL; any thread.
 */

#include <stdbool.h>
#include <stdint.h>

/** Does the device exist? */
bool pci_exists(const char *bdf);

/** VF n of a PF, by its virtfnN link. 0 or -ENOENT. */
int pci_vf_of(const char *pf, unsigned int n, char bdf[16]);

/** How many VFs a PF has: virtfn0, virtfn1, … until one is missing. */
unsigned int pci_vf_count(const char *pf);

/** The PF of a VF, and which of its VFs it is. -ENOENT: it is no VF. */
int pci_pf_of(const char *vf, char pf[16], unsigned int *n);

/** A number in a file of the device, such as "subsystem_vendor". 0 or -errno. */
int pci_read_number(const char *bdf, const char *file, unsigned long *value);

/** The status word of its configuration space. 0; -ENODEV: it answers no more; -errno. */
int pci_status(const char *bdf, uint16_t *status);

/** Clear those bits of it. 0 or -errno: the kernel forbids it where it is locked down. */
int pci_status_clear(const char *bdf, uint16_t bits);

/** Is it a software 82599 (subsystem 5f82:0599)? -errno when sysfs does not tell. */
int pci_is_software(const char *bdf);

/** Which driver holds it, "" for none. */
void pci_driver(const char *bdf, char *driver, unsigned int len);

#endif
