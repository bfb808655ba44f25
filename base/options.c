#include "base/options.h"

#include <assert.h>
#include <getopt.h>
#include <stdlib.h>

#include "base/config_internal.h"
#include "base/nearest.h"

/* getopt_long answers with this plus the row; letters stay below. */
#define LONG_FIRST 256

struct parsing {
    const struct option_page *page;
    void *target;
    FILE *errors;
    size_t error_count;
    bool *given; /* per row */
};

static void complain(struct parsing *parsing, const char *option, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void complain(struct parsing *parsing, const char *option, const char *format, ...) {
    struct buffer text;
    buffer_init(&text, 128);
    buffer_format(&text, "%s: ", parsing->page->name);
    config_print_safe(&text, bytes_of_text(option));
    buffer_format(&text, ": ");
    va_list arguments;
    va_start(arguments, format);
    buffer_format_list(&text, format, arguments);
    va_end(arguments);
    fprintf(parsing->errors, "%s\n", config_buffer_text(&text));
    buffer_clean_up(&text);
    parsing->error_count++;
}

/* ---- values ---- */

/* Options are read by the rules of the configuration, so that 30m means the same everywhere. */
static struct config_key key_of_row(const struct option_row *row) {
    static const enum config_type types[] = {
        [OPTION_FLAG] = CONFIG_BOOL,
        [OPTION_TEXT] = CONFIG_TEXT,
        [OPTION_INT] = CONFIG_INT,
        [OPTION_NUMBER] = CONFIG_NUMBER,
        [OPTION_DURATION_MS] = CONFIG_DURATION_MS,
        [OPTION_SIZE_BYTES] = CONFIG_SIZE_BYTES,
        [OPTION_INSTANT_MS] = CONFIG_INSTANT_MS,
        [OPTION_CHOICE] = CONFIG_CHOICE,
        [OPTION_TEXT_LIST] = CONFIG_TEXT_LIST,
    };
    return (struct config_key){.name = row->name,
                               .type = types[row->type],
                               .min = row->min,
                               .max = row->max,
                               .choices = row->choices};
}

static bool read_value(const struct option_row *row, const char *text, void *target) {
    void *field = (char *)target + row->offset;
    if (row->type == OPTION_FLAG && !text) {
        *(bool *)field = true;
        return true;
    }
    if (row->type == OPTION_TEXT) {
        *(const char **)field = text;
        return true;
    }
    struct config_key key = key_of_row(row);
    return config_value_parse(&key, text, field);
}

static void set_defaults(const struct option_page *page, void *target) {
    for (size_t i = 0; i < page->row_count; i++) {
        const struct option_row *row = &page->rows[i];
        if (row->type == OPTION_FLAG && !row->default_text) {
            *(bool *)((char *)target + row->offset) = false;
        } else if (row->type == OPTION_TEXT_LIST) {
            assert(!row->default_text && "a list starts empty");
            ((struct option_list *)(void *)((char *)target + row->offset))->count = 0;
        } else if (row->default_text) {
            bool is_value = read_value(row, row->default_text, target);
            assert(is_value && "a row's default is not a value of it");
        }
    }
}

static void complain_value(struct parsing *parsing, const struct option_row *row,
                           const char *option, const char *value) {
    struct config_key key = key_of_row(row);
    struct buffer found, expected;
    buffer_init(&found, 64);
    buffer_init(&expected, 64);
    config_print_safe(&found, bytes_of_text(value));
    config_value_expected(&key, &expected);
    complain(parsing, option, "found \"%s\", expected %s", config_buffer_text(&found),
             config_buffer_text(&expected));
    buffer_clean_up(&found);
    buffer_clean_up(&expected);
}

static void take_option(struct parsing *parsing, size_t index, const char *value) {
    const struct option_row *row = &parsing->page->rows[index];
    parsing->given[index] = true;
    char option[NEAREST_NAME_MAX + 3];
    snprintf(option, sizeof option, "--%s", row->name);
    if (row->type == OPTION_TEXT_LIST) {
        struct option_list *list = (void *)((char *)parsing->target + row->offset);
        if (list->count == OPTION_LIST_MAX) {
            complain(parsing, option, "found it again, expected it at most %d times",
                     OPTION_LIST_MAX);
            return;
        }
        list->items[list->count++] = value;
    } else if (!read_value(row, value, parsing->target)) {
        complain_value(parsing, row, option, value);
    }
}

/* ---- what getopt_long refuses ---- */

static const struct option_row *find_row(const struct option_page *page, int letter) {
    for (size_t i = 0; i < page->row_count; i++) {
        if (page->rows[i].letter && page->rows[i].letter == letter) {
            return &page->rows[i];
        }
    }
    return NULL;
}

static void complain_unknown_long(struct parsing *parsing, const char *word) {
    const struct option_page *page = parsing->page;
    struct bytes whole = bytes_of(word, strcspn(word, "="));
    char *option = memory_copy_text(whole);
    struct nearest nearest;
    nearest_init(&nearest, option + 2);
    nearest_offer(&nearest, "help");
    size_t prefix_count = 0;
    for (size_t i = 0; i < page->row_count; i++) {
        nearest_offer(&nearest, page->rows[i].name);
        prefix_count += strncmp(page->rows[i].name, option + 2, whole.size - 2) == 0;
    }
    if (prefix_count > 1) {
        complain(parsing, option, "found the beginning of %zu options, expected one whole name",
                 prefix_count);
    } else if (nearest.name) {
        complain(parsing, option, "found an unknown option, expected --%s (the nearest known one)",
                 nearest.name);
    } else {
        complain(parsing, option, "found an unknown option, expected one that --help lists");
    }
    free(option);
}

/* word: the argument that getopt_long stumbled over. optopt is 0 for a long name that it does not
 * know, LONG_FIRST and up for a long name that it knows, else a letter. */
static void complain_refused(struct parsing *parsing, const char *word, bool lacks_value) {
    char letter[] = {'-', (char)optopt, '\0'};
    bool is_long = optopt == 0 || optopt >= LONG_FIRST;
    char *option = is_long ? memory_copy_text(bytes_of(word, strcspn(word, "="))) : NULL;
    if (lacks_value) {
        const struct option_row *row =
            is_long ? &parsing->page->rows[optopt - LONG_FIRST] : find_row(parsing->page, optopt);
        complain(parsing, is_long ? option : letter, "found no value, expected %s", row->argument);
    } else if (optopt == 0) {
        complain_unknown_long(parsing, word);
    } else if (is_long) {
        complain(parsing, option, "found a value, expected none");
    } else {
        complain(parsing, letter, "found an unknown option, expected one that --help lists");
    }
    free(option);
}

/* ---- the whole line ---- */

struct getopt_tables {
    struct option *names; /* ends with a zeroed one */
    char *letters;
};

static struct getopt_tables make_tables(const struct option_page *page) {
    struct getopt_tables tables = {.names = memory_new(page->row_count + 2, sizeof(struct option)),
                                   .letters = memory_new(2 * page->row_count + 3, 1)};
    char *letter = tables.letters;
    *letter++ = ':'; /* tells a missing value from an unknown option */
    *letter++ = 'h';
    for (size_t i = 0; i < page->row_count; i++) {
        const struct option_row *row = &page->rows[i];
        assert((row->type == OPTION_FLAG) == !row->argument && row->letter != 'h');
        assert(strlen(row->name) <= NEAREST_NAME_MAX);
        tables.names[i] =
            (struct option){.name = row->name,
                            .has_arg = row->argument ? required_argument : no_argument,
                            .val = LONG_FIRST + (int)i};
        if (row->letter) {
            *letter++ = row->letter;
            if (row->argument) {
                *letter++ = ':';
            }
        }
    }
    tables.names[page->row_count] =
        (struct option){.name = "help", .val = LONG_FIRST + (int)page->row_count};
    return tables;
}

/* True if help is asked for. */
static bool read_options(struct parsing *parsing, int argc, char **argv) {
    struct getopt_tables tables = make_tables(parsing->page);
    bool wants_help = false;
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    while (true) {
        /* Within "-xyz" getopt stays at the word; the word of a long option is the one that it
         * leaves behind. */
        int found = getopt_long(argc, argv, tables.letters, tables.names, NULL);
        if (found == -1) {
            break;
        }
        if (found == '?' || found == ':') {
            complain_refused(parsing, argv[optind - 1], found == ':');
        } else if (found == 'h' || found == LONG_FIRST + (int)parsing->page->row_count) {
            wants_help = true;
        } else if (found >= LONG_FIRST) {
            take_option(parsing, (size_t)(found - LONG_FIRST), optarg);
        } else {
            take_option(parsing, (size_t)(find_row(parsing->page, found) - parsing->page->rows),
                        optarg);
        }
    }
    free(tables.names);
    free(tables.letters);
    return wants_help;
}

static void check_required(struct parsing *parsing) {
    for (size_t i = 0; i < parsing->page->row_count; i++) {
        const struct option_row *row = &parsing->page->rows[i];
        if (row->is_required && !parsing->given[i]) {
            char option[NEAREST_NAME_MAX + 3];
            snprintf(option, sizeof option, "--%s", row->name);
            complain(parsing, option, "found nothing, expected %s (required)", row->argument);
        }
    }
}

static void check_arguments(struct parsing *parsing, const struct option_arguments *arguments) {
    const struct option_page *page = parsing->page;
    if (page->arguments_max >= 0 && arguments->count > page->arguments_max) {
        complain(parsing, arguments->items[page->arguments_max],
                 "found one argument too many, expected at most %d", page->arguments_max);
    } else if (arguments->count < page->arguments_min) {
        complain(parsing, "arguments", "found %d, expected %s %.*s", arguments->count, page->name,
                 (int)strcspn(page->synopsis, "\n"), page->synopsis);
    }
}

enum options_verdict options_parse(const struct option_page *page, int argc, char **argv,
                                   void *target, struct option_arguments *out_arguments,
                                   FILE *errors) {
    assert(argc >= 1);
    struct parsing parsing = {.page = page,
                              .target = target,
                              .errors = errors,
                              .given = memory_new(page->row_count, sizeof(bool))};
    set_defaults(page, target);
    bool wants_help = read_options(&parsing, argc, argv);
    *out_arguments = (struct option_arguments){.items = argv + optind, .count = argc - optind};
    if (!wants_help) {
        check_required(&parsing);
        check_arguments(&parsing, out_arguments);
    }
    free(parsing.given);
    if (wants_help) {
        return OPTIONS_HELP;
    }
    return parsing.error_count > 0 ? OPTIONS_ERROR : OPTIONS_OK;
}
