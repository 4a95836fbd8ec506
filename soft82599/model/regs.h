/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Register addresses and bits of the 82599, as far as the model gives them a meaning.
 * Numbers in brackets are sections of Intel's 82599 datasheet (331520).
 */
#ifndef S82_REGS_H
#define S82_REGS_H

/* General [8.2.3.1] */
#define R_CTRL		0x00000
#define  CTRL_GIO_DIS	(1u << 2)
#define  CTRL_LRST	(1u << 3)
#define  CTRL_RST	(1u << 26)
#define R_STATUS	0x00008
#define  STATUS_LAN_ID	2	/* shift */
#define  STATUS_GIO	(1u << 19)	/* PCIe master enable status */
#define R_CTRL_EXT	0x00018
#define  CTRL_EXT_PFRSTD (1u << 14)
#define R_ESDP		0x00020
#define  ESDP_SDP0	(1u << 0)
#define  ESDP_SDP2	(1u << 2)	/* low: module present */
#define  ESDP_SDP3	(1u << 3)	/* high: laser off */
#define R_I2CCTL	0x00028
#define  I2C_CLK_IN	(1u << 0)
#define  I2C_CLK_OUT	(1u << 1)
#define  I2C_DATA_IN	(1u << 2)
#define  I2C_DATA_OUT	(1u << 3)
#define R_FRTIMER	0x00048

/* NVM [8.2.3.2] */
#define R_EEC		0x10010
#define  EEC_SK		(1u << 0)
#define  EEC_CS		(1u << 1)
#define  EEC_DI		(1u << 2)
#define  EEC_DO		(1u << 3)
#define  EEC_REQ	(1u << 6)
#define  EEC_GNT	(1u << 7)
#define  EEC_PRES	(1u << 8)
#define  EEC_ARD	(1u << 9)	/* auto-read done */
#define  EEC_ADDR16	(1u << 10)
#define  EEC_SIZE	11	/* shift */
#define R_EERD		0x10014
#define  EERD_START	(1u << 0)
#define  EERD_DONE	(1u << 1)
#define R_EEMNGCTL	0x10110
#define R_SWSM		0x10140
#define  SWSM_SMBI	(1u << 0)
#define R_FWSM		0x10148
#define R_GSSR		0x10160
#define R_GCR_EXT	0x11050
#define  GCR_EXT_VT_MODE 3u	/* 1: 16 pools, 2: 32, 3: 64 */

/* Interrupts [8.2.3.5] */
#define R_EICR		0x00800
#define  EICR_MAILBOX	(1u << 19)
#define  EICR_LSC	(1u << 20)
#define  EICR_OTHER	0x7fff0000u
#define R_EICS		0x00808
#define R_EIMS		0x00880
#define R_EIMC		0x00888
#define R_EIAC		0x00810
#define R_EIAM		0x00890
#define R_EITR(v)	((v) < 24 ? 0x00820 + 4 * (v) : 0x12300 + 4 * ((v) - 24))
#define  EITR_INTERVAL	3	/* shift, 9 bits, of 2048 ns */
#define  EITR_UNIT_NS	2048
#define R_GPIE		0x00898
#define  GPIE_MSIX	(1u << 4)
#define  GPIE_EIAME	(1u << 30)
#define R_EICS_EX(i)	(0x00a90 + 4 * (i))
#define R_EIMS_EX(i)	(0x00aa0 + 4 * (i))
#define R_EIMC_EX(i)	(0x00ab0 + 4 * (i))
#define R_EIAM_EX(i)	(0x00ad0 + 4 * (i))
#define R_IVAR(i)	(0x00900 + 4 * (i))
#define R_IVAR_MISC	0x00a00
#define  IVAR_VALID	0x80u

/* Receive [8.2.3.7, 8.2.3.8] */
#define R_FCTRL		0x05080
#define  FCTRL_SBP	(1u << 1)
#define  FCTRL_MPE	(1u << 8)
#define  FCTRL_UPE	(1u << 9)
#define  FCTRL_BAM	(1u << 10)
#define R_VLNCTRL	0x05088
#define  VLNCTRL_VET	0xffffu
#define  VLNCTRL_VFE	(1u << 30)
#define R_MCSTCTRL	0x05090
#define  MCSTCTRL_MO	3u
#define  MCSTCTRL_MFE	(1u << 2)
#define R_RXCSUM	0x05000
#define  RXCSUM_PCSD	(1u << 13)
#define R_MTA(i)	(0x05200 + 4 * (i))
#define R_RAL_LOW	0x05400	/* the first 16 once more */
#define R_RAL(i)	(0x0a200 + 8 * (i))
#define R_RAH(i)	(0x0a204 + 8 * (i))
#define  RAH_AV		(1u << 31)
#define R_MPSAR(i)	(0x0a600 + 8 * (i))
#define R_PSRTYPE_LOW	0x05480
#define R_PSRTYPE(i)	(0x0ea00 + 4 * (i))
#define  PSRTYPE_RQPL	29	/* shift */
#define R_VFTA(i)	(0x0a000 + 4 * (i))
#define R_UTA(i)	(0x0f400 + 4 * (i))
#define R_MRQC_LOW	0x05818
#define R_MRQC		0x0ec80
#define  MRQC_MRQE	0xfu
#define  MRQC_TCPIPV4	(1u << 16)
#define  MRQC_IPV4	(1u << 17)
#define  MRQC_IPV6	(1u << 20)
#define  MRQC_TCPIPV6	(1u << 21)
#define  MRQC_UDPIPV4	(1u << 22)
#define  MRQC_UDPIPV6	(1u << 23)
#define R_RETA_LOW	0x05c00
#define R_RETA(i)	(0x0eb00 + 4 * (i))
#define R_RSSRK_LOW	0x05c80
#define R_RSSRK(i)	(0x0eb80 + 4 * (i))
#define R_RXCTRL	0x03000
#define  RXCTRL_RXEN	(1u << 0)
#define R_RDRXCTL	0x02f00
#define  RDRXCTL_CRCSTRIP (1u << 1)
#define  RDRXCTL_DMAIDONE (1u << 3)
#define R_RXPBSIZE(i)	(0x03c00 + 4 * (i))
#define R_RQSMR(i)	(0x02300 + 4 * (i))
#define R_QDE		0x02f04
#define  QDE_ENABLE	(1u << 0)
#define  QDE_WE		(1u << 16)
#define  QDE_RE		(1u << 17)

/* One receive queue: offsets in its 64 bytes at 0x1000 + 64 q, from queue 64 at 0xd000. */
#define Q_RDBAL		0x00
#define Q_RDBAH		0x04
#define Q_RDLEN		0x08
#define Q_DCA_RXCTRL	0x0c
#define Q_RDH		0x10
#define Q_SRRCTL	0x14
#define  SRRCTL_BSIZE	0x1fu		/* in KB */
#define  SRRCTL_DROP_EN	(1u << 28)
#define Q_RDT		0x18
#define Q_RXDCTL	0x28
#define  RXDCTL_ENABLE	(1u << 25)
#define  RXDCTL_SWFLSH	(1u << 26)
#define  RXDCTL_VME	(1u << 30)
#define Q_RSCCTL	0x2c

/* Transmit [8.2.3.9] */
#define R_DMATXCTL	0x04a80
#define  DMATXCTL_TE	(1u << 0)
#define  DMATXCTL_VT	16	/* shift: ethertype of an inserted tag */
#define R_DTXTCPFLGL	0x04a88	/* TCP flags that stay: first segment, from bit 16 on in the middle */
#define R_DTXTCPFLGH	0x04a8c	/* last segment */
#define R_MTQC		0x08120
#define R_VMVIR(i)	(0x08000 + 4 * (i))
#define  VMVIR_VLANA	(3u << 30)
#define  VMVIR_DEFAULT	(1u << 30)
#define  VMVIR_NEVER	(2u << 30)
#define R_VFTE(i)	(0x08110 + 4 * (i))
#define R_PFVFSPOOF(i)	(0x08200 + 4 * (i))	/* MAC: bits 7:0, VLAN: 15:8 */
#define R_PFDTXGSWC	0x08220
#define  PFDTXGSWC_LBE	(1u << 0)
#define R_TQSM(i)	(0x08600 + 4 * (i))
#define R_RTTDQSEL	0x04904	/* the queue that RTTBCNRC is about */
#define R_RTTBCNRC	0x04984
#define  RTTBCNRC_FACTOR 0xffffffu	/* link rate / rate, 10.14 bits */
#define  RTTBCNRC_ENA	(1u << 31)
#define R_HLREG0	0x04240
#define  HLREG0_TXPADEN	(1u << 10)
#define  HLREG0_RXCRCSTRP (1u << 1)
#define  HLREG0_JUMBOEN	(1u << 2)
#define  HLREG0_LPBK	(1u << 15)
#define R_MAXFRS	0x04268
#define Q_TDBAL		0x00
#define Q_TDBAH		0x04
#define Q_TDLEN		0x08
#define Q_DCA_TXCTRL	0x0c
#define Q_TDH		0x10
#define Q_TDT		0x18
#define Q_TXDCTL	0x28
#define  TXDCTL_ENABLE	(1u << 25)
#define  TXDCTL_SWFLSH	(1u << 26)
#define Q_TDWBAL	0x38
#define  TDWBAL_HEAD_WB	(1u << 0)
#define Q_TDWBAH	0x3c

/* Security blocks: always idle and ready */
#define R_SECTXSTAT	0x08804
#define R_SECRXSTAT	0x08d04

/* MAC, link [8.2.3.22] */
#define R_MSCA		0x0425c
#define  MSCA_MDI	(1u << 30)
#define R_MSRWD		0x04260
#define R_AUTOC		0x042a0
#define  AUTOC_RESTART	(1u << 12)
#define R_LINKS		0x042a4
#define  LINKS_UP	(1u << 30)
#define  LINKS_10G	(3u << 28)
#define R_ANLP1		0x042b0

/* Virtualization [8.2.3.27] */
#define R_VT_CTL	0x051b0
#define  VT_CTL_ENA	(1u << 0)
#define  VT_CTL_DEF_PL	7	/* shift, 6 bits */
#define  VT_CTL_DIS_DEFPL (1u << 29)
#define  VT_CTL_RPL_EN	(1u << 30)
#define R_VFRE(i)	(0x051e0 + 4 * (i))
#define R_VMOLR(i)	(0x0f000 + 4 * (i))	/* PFVML2FLT */
#define  VMOLR_UPE	(1u << 22)	/* X540 and later; reserved on 82599 */
#define  VMOLR_AUPE	(1u << 24)
#define  VMOLR_ROMPE	(1u << 25)
#define  VMOLR_ROPE	(1u << 26)
#define  VMOLR_BAM	(1u << 27)
#define  VMOLR_MPE	(1u << 28)
#define R_VLVF(i)	(0x0f100 + 4 * (i))
#define  VLVF_VIEN	(1u << 31)
#define R_VLVFB(i)	(0x0f200 + 4 * (i))
#define R_VMTXSW(i)	(0x05180 + 4 * (i))	/* local loopback to the sender itself */
#define R_MRCTL(i)	(0x0f600 + 4 * (i))
#define  MRCTL_VPME	(1u << 0)	/* pools */
#define  MRCTL_UPME	(1u << 1)	/* from the wire */
#define  MRCTL_DPME	(1u << 2)	/* to the wire */
#define  MRCTL_VLME	(1u << 3)	/* VLANs */
#define  MRCTL_ALL	0xfu
#define  MRCTL_MP	8		/* shift, 6 bits: the pool that gets the copy */
#define R_MRVLAN(i)	(0x0f610 + 4 * (i))	/* rule i: VLVF entries 0-31; i + 4: 32-63 */
#define R_MRVM(i)	(0x0f630 + 4 * (i))	/* rule i: pools 0-31; i + 4: 32-63 */
#define R_PFMAILBOX(v)	(0x04b00 + 4 * (v))
#define  PFMB_STS	(1u << 0)
#define  PFMB_ACK	(1u << 1)
#define  PFMB_VFU	(1u << 2)
#define  PFMB_PFU	(1u << 3)
#define  PFMB_RVFU	(1u << 4)
#define R_PFMBMEM	0x13000	/* 64 bytes a VF */
#define R_MBVFICR(i)	(0x00710 + 4 * (i))
#define R_MBVFIMR(i)	(0x00720 + 4 * (i))
#define R_VFLRE0	0x00600
#define R_VFLRE1	0x001c0
#define R_VFLREC(i)	(0x00700 + 4 * (i))

/* Statistics [8.2.3.23], all cleared by reading */
#define R_CRCERRS	0x04000
#define R_MPC(i)	(0x03fa0 + 4 * (i))
#define R_PRC64		0x0405c	/* PRC64, 127, 255, 511, 1023, 1522 follow one another */
#define R_GPRC		0x04074
#define R_BPRC		0x04078
#define R_MPRC		0x0407c
#define R_GPTC		0x04080
#define R_GORCL		0x04088
#define R_GORCH		0x0408c
#define R_GOTCL		0x04090
#define R_GOTCH		0x04094
#define R_RUC		0x040a4
#define R_ROC		0x040ac
#define R_TORL		0x040c0
#define R_TORH		0x040c4
#define R_TPR		0x040d0
#define R_TPT		0x040d4
#define R_PTC64		0x040d8	/* PTC64 to PTC1522 follow one another */
#define R_MPTC		0x040f0
#define R_BPTC		0x040f4
#define R_SSVPC		0x08780
#define R_QBTC(i)	(0x08700 + 8 * (i))	/* 16 pairs, low and high */
#define R_PVFGPTC(v)	(0x08300 + 4 * (v))
#define R_PVFGOTC(v)	(0x08400 + 8 * (v))
#define Q_PVFGPRC	0x1c
#define Q_PVFGORCL	0x20
#define Q_PVFGORCH	0x24
#define Q_QPRC		0x30	/* queues 0 to 15; in queues 16 to 31 the same place is QPRDC */
#define Q_QBRCL		0x34
#define Q_QBRCH		0x38
#define Q_QPTC		0x30

/* A VF's BAR [8.3] */
#define V_CTRL		0x00000
#define V_STATUS	0x00008
#define V_LINKS		0x00010
#define V_FRTIMER	0x00048
#define V_EICR		0x00100
#define V_EICS		0x00104
#define V_EIMS		0x00108
#define V_EIMC		0x0010c
#define V_EIAC		0x00110
#define V_EIAM		0x00114
#define V_IVAR(i)	(0x00120 + 4 * (i))
#define V_IVAR_MISC	0x00140
#define V_EITR(i)	(0x00820 + 4 * (i))
#define V_MBMEM		0x00200
#define V_MAILBOX	0x002fc
#define  VMB_REQ	(1u << 0)
#define  VMB_ACK	(1u << 1)
#define  VMB_VFU	(1u << 2)
#define  VMB_PFU	(1u << 3)
#define  VMB_PFSTS	(1u << 4)
#define  VMB_PFACK	(1u << 5)
#define  VMB_RSTI	(1u << 6)
#define  VMB_RSTD	(1u << 7)
#define V_PSRTYPE	0x00300
#define V_RXQ		0x01000
#define V_TXQ		0x02000
#define V_GPRC		0x0101c
#define V_GORCL		0x01020
#define V_GORCH		0x01024
#define V_MPRC		0x01034
#define V_GPTC		0x0201c
#define V_GOTCL		0x02020
#define V_GOTCH		0x02024

/* Transmit descriptors [7.2.3.2] */
#define TXD_EOP		(1u << 24)
#define TXD_IFCS	(1u << 25)
#define TXD_IC		(1u << 26)	/* legacy: insert a checksum */
#define TXD_RS		(1u << 27)
#define TXD_DEXT	(1u << 29)
#define TXD_VLE		(1u << 30)
#define TXD_TSE		(1u << 31)
#define TXD_DTYP(cmd)	(((cmd) >> 20) & 0xf)
#define TXD_DTYP_CTX	2u
#define TXD_DTYP_DATA	3u
#define TXD_DD		1u

/* Receive descriptors, write-back [7.1.6.2] */
#define RXD_DD		(1u << 0)
#define RXD_EOP		(1u << 1)
#define RXD_VP		(1u << 3)
#define RXD_UDPCS	(1u << 4)
#define RXD_L4I		(1u << 5)
#define RXD_IPCS	(1u << 6)
#define RXD_PIF		(1u << 7)
#define RXD_LB		(1u << 18)
#define RXD_L4E		(1u << 30)
#define RXD_IPE		(1u << 31)

/* Packet types in a receive descriptor, from bit 4 of the first word on */
#define PKT_IPV4	0x001u
#define PKT_IPV4E	0x002u
#define PKT_IPV6	0x004u
#define PKT_IPV6E	0x008u
#define PKT_TCP		0x010u
#define PKT_UDP		0x020u
#define PKT_SCTP	0x040u

#endif
