/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFPLANE_CLI_H
#define VFPLANE_CLI_H

/**
 * @file
 * The prompt, on rte_cmdline. A noun has a file of its own, cmd_NOUN.c, which exports one list of
 * commands; cli.c joins the lists, so that help and completion know them all. Where testpmd has a
 * command, the same words work here. Control thread.
 */

#include <rte_common.h>
#include <cmdline.h>
#include <cmdline_parse.h>
#include <cmdline_parse_num.h>
#include <cmdline_parse_string.h>

#include <vfp_out.h>

#include "../view.h"

struct cli;

/** A prompt on standard input; the loop calls cli_feed() when there is something to read. */
struct cli *cli_new(struct app *app);
/** Read what is there and run complete lines; the end of input quits. */
void cli_feed(struct cli *cli);
void cli_free(struct cli *cli);

/** Run the commands of a file. A mistyped one is told with its line, and is an error. */
int cli_run_file(struct app *app, const char *path, struct vfp_err *err);

/** The app behind the prompt. Valid in a command's function. */
struct app *cli_app(void);

/** Print one getter as text: takes the view and the lock; says what fails. */
void cli_show(struct cmdline *cl, view_get *get, const char *arg);
/** The same in the format of one's choice. */
void cli_show_as(struct cmdline *cl, enum vfp_format format, view_get *get, const char *arg);

/** The modes as the prompt takes them: ours, and testpmd's words for them. */
#define CLI_MODES "io#mac#macswap#echo#icmpecho#sink#rxonly#source#txonly"
/** The mode of such a word. */
enum dp_mode cli_mode(const char *word);

/* One list per noun, NULL-terminated. */
extern cmdline_parse_inst_t *const cmd_run_list[];   /* start, stop, quit */
extern cmdline_parse_inst_t *const cmd_show_list[];  /* show … */
extern cmdline_parse_inst_t *const cmd_clear_list[]; /* clear … */
extern cmdline_parse_inst_t *const cmd_set_list[];   /* set … */
extern cmdline_parse_inst_t *const cmd_rules_list[]; /* rules, lcores, probes */
extern cmdline_parse_inst_t *const cmd_mailbox_list[]; /* the mailbox log */
extern cmdline_parse_inst_t *const cmd_vf_list[];      /* set vf …, set port P vf V … */
extern cmdline_parse_inst_t *const cmd_filter_list[];  /* rx_vlan …, mac_addr … */
extern cmdline_parse_inst_t *const cmd_port_list[];    /* port …, settings of a whole port */
extern cmdline_parse_inst_t *const cmd_rss_list[];   /* RSS */
extern cmdline_parse_inst_t *const cmd_explain_list[]; /* explain … */
extern cmdline_parse_inst_t *const cmd_noise_list[]; /* show noise */
extern cmdline_parse_inst_t *const cmd_write_list[]; /* write latency */
extern cmdline_parse_inst_t *const cmd_help_list[];  /* help */

/** All commands joined, NULL-terminated: for help. */
cmdline_parse_inst_t *const *cli_all(void);

#endif
