/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RSS_WHY_H
#define RSS_WHY_H

/**
 * @file
 * Why a VF does not spread over its queues, or not as it should. Facts in, reasons out, each with
 * what to do about it. Pure; any thread.
 */

#include "rss_words.h"

#define RSS_SEEN_QUEUES 16

/** What has been counted of packets that a port received; all zero when nobody looked. */
struct rss_seen {
	uint64_t packets;
	uint64_t hashed;	 /**< by the NIC's own word */
	uint64_t note[RSS_NOTES];
	uint64_t queue[RSS_SEEN_QUEUES];
	uint64_t entries_hit;	 /**< different entries of the table */
	unsigned int hashed_queues; /**< different queues that hashed packets came to */
};

/** What is known of a port. */
struct rss_facts {
	bool is_vf;
	bool is_pf_pool;     /**< the PF's own pool beside its VFs' */
	bool pf_known;	     /**< the PF is this process's: its settings below are facts */
	bool rss_mode;	     /**< without pools, or with a layout in which RSS runs in them */
	unsigned int pools;  /**< 16, 32, 64; 0: none */
	unsigned int layout_queues; /**< a pool has so many */
	unsigned int granted;	    /**< the port got so many */
	bool chosen;		    /**< the configuration asks for no more than that */
	unsigned int pf_queues;	    /**< RX queues of the PF: the table reaches only so far */
	const struct rss_conf *conf; /**< the PF's, shared; or the port's own */
	const struct rss_seen *seen; /**< may be NULL */
};

enum rss_reason {
	RSS_Y_FOREIGN_PF,  /**< nothing is known: the PF belongs to somebody else */
	RSS_Y_POOL_MODE,   /**< pools without RSS */
	RSS_Y_PF_POOL,	   /**< the PF's own pool never spreads */
	RSS_Y_ONE_QUEUE,   /**< the port was granted one queue */
	RSS_Y_PF_ONE,	   /**< the PF has one queue, so the table is all zero */
	RSS_Y_FEWER,	   /**< fewer than the pool has */
	RSS_Y_FIELDS_NONE, /**< no hash field is on */
	RSS_Y_FIELD_OFF,   /**< some are off */
	RSS_Y_RETA_ONE,	   /**< all entries lead to one queue of this port */
	RSS_Y_RETA_SKIPS,  /**< some queues are in no entry */
	RSS_Y_RETA_UNEVEN, /**< entries are shared out unevenly, on purpose perhaps */
	RSS_Y_NOT_HASHED,  /**< seen: packets without a hash, though fields are on */
	RSS_Y_NOT_IP,	   /**< seen: packets that are not IP */
	RSS_Y_FRAGMENTS,   /**< seen: fragments */
	RSS_Y_FEW_FLOWS,   /**< seen: one entry or a few take it all */
	RSS_Y_HASHED_ONE,  /**< seen: hashed, many entries hit, yet one queue: the table is flat */
	RSS_REASONS
};

struct rss_why {
	enum rss_reason reason;
	bool stops;	 /**< no spreading at all, not only less */
	char text[160];	 /**< what is the case */
	char advice[160]; /**< what to do; may be empty */
};

/** All that holds, what stops spreading first. @return how many, at most RSS_REASONS */
unsigned int rss_why(const struct rss_facts *f, struct rss_why out[RSS_REASONS]);

/** "pf-one-queue": for JSON. */
const char *rss_reason_name(enum rss_reason r);

#endif
