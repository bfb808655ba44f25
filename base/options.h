/* options: a command line into a struct, by a table, and the manual page that the same table gives.
 *
 * Both binaries and every subcommand describe themselves by one struct option_page; getopt_long
 * does the reading. Long names, single letters, --name=value and --name value all work, options may
 * stand after arguments, "--" ends them and "-" is an argument. --help and -h are always known and
 * need no row. Main thread only: getopt keeps its own globals, which options_parse sets up anew on
 * every call. */
#ifndef PROMOSTREAM_BASE_OPTIONS_H
#define PROMOSTREAM_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_type {
    OPTION_FLAG,        /* bool: true when given; takes no value */
    OPTION_TEXT,        /* const char *: points into argv, or at default_text */
    OPTION_INT,         /* int64_t within [min, max] */
    OPTION_NUMBER,      /* double within [min, max] */
    OPTION_DURATION_MS, /* int64_t ms: 250ms, 5s, 30m, 24h, 7d */
    OPTION_SIZE_BYTES,  /* int64_t: 4096, 64K, 64M, 2G */
    OPTION_INSTANT_MS,  /* int64_t ms UTC: 2026-11-01, 2026-11-01T08:00:00Z */
    OPTION_CHOICE,      /* int: index into choices (NULL-terminated) */
    OPTION_TEXT_LIST,   /* struct option_list: may be given again and again, at most OPTION_LIST_MAX
                           times */
};

#define OPTION_LIST_MAX 32

struct option_list {
    const char *items[OPTION_LIST_MAX]; /* point into argv */
    size_t count;
};

struct option_row {
    const char *name;     /* long name without the dashes: "until-end" */
    char letter;          /* single letter, 0 for none; 'h' is taken */
    const char *argument; /* what the help calls the value, "FILE"; NULL for a flag */
    enum option_type type;
    size_t offset;            /* of the field in the target struct */
    const char *default_text; /* as it would be typed; NULL: the field stays as the caller set it */
    const char *help; /* sentences, unit included; wrapped and given the default by options_help */
    const char *const *choices;
    double min, max;  /* INT, NUMBER, DURATION (ms), SIZE (bytes); both 0 = any non-negative */
    bool is_required; /* its absence is an error */
};

/* Texts are plain paragraphs, wrapped by options_help; a line that begins with a space is kept as
 * it is. */
struct option_page {
    const char *name;        /* as typed: "promostream run"; begins every error line */
    const char *summary;     /* half a sentence for NAME */
    const char *synopsis;    /* what follows the name, a line for each form:
                              * "--config FILE [OPTION]..." */
    const char *description; /* this and the two below: NULL leaves the section out */
    const char *exit_status;
    const char *examples;
    const struct option_row *rows;
    size_t row_count;
    int arguments_min, arguments_max; /* positional arguments; max -1 = any number */
};

struct option_arguments {
    char **items; /* lent: a stretch of argv */
    int count;
};

enum options_verdict {
    OPTIONS_OK,
    OPTIONS_HELP,  /* --help or -h was given: print the page, exit 0. The target is not to be used.
                    */
    OPTIONS_ERROR, /* every error was printed, one a line; exit 2 is the house's code for it */
};

/* Sets the defaults, then reads argv[1..] into target (argv[0] is not looked at; argv is reordered,
 * arguments last). The whole line is checked: each error is one line "NAME: --option: found X,
 * expected Y" on errors, an unknown option names the nearest known one. */
enum options_verdict options_parse(const struct option_page *page, int argc, char **argv,
                                   void *target, struct option_arguments *out_arguments,
                                   FILE *errors);
/* Writes NAME, SYNOPSIS, DESCRIPTION, OPTIONS, EXIT STATUS, EXAMPLES, at most 80 columns wide. */
void options_help(const struct option_page *page, FILE *out);
/* Flushes standard output at a program's end. False, and a line "NAME: ..." on errors, if some of
 * what was printed could not be written (full disk, closed pipe): a failure even if the work was
 * done. */
bool options_flush_output(const char *name, FILE *errors);

#endif
