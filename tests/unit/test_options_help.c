/* options_help: the whole page, word for word, and never wider than a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"

static const char *const ends[] = {"fire", "hold", NULL};
static const struct option_row rows[] = {
    {.name = "config",
     .letter = 'c',
     .argument = "FILE",
     .type = OPTION_TEXT,
     .is_required = true,
     .help = "The configuration. It is checked whole before anything is started, and every error "
             "names its file, line and key."},
    {.name = "until-end", .type = OPTION_FLAG, .help = "End at the log's end as of now."},
    {.name = "at-end",
     .argument = "WHAT",
     .type = OPTION_CHOICE,
     .default_text = "hold",
     .choices = ends,
     .help = "What timers do then."},
    {.name = "set", .letter = 's', .argument = "KEY=VALUE", .type = OPTION_TEXT_LIST},
};

static char *print(const struct option_page *page) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    options_help(page, out);
    fclose(out);
    return text;
}

static void the_page_is_complete(void **state) {
    (void)state;
    static const struct option_page page = {
        .name = "tool run",
        .summary = "do the main job",
        .synopsis = "--config FILE [OPTION]...\n--help",
        .description = "Reads what comes in, thinks about it for as long as it takes, and writes "
                       "what goes out.\n\nA second paragraph\nthat flows on.",
        .exit_status = "  0  done\n  1  failed: standard error says why",
        .examples = "Run it:\n\n    tool run --config f.yaml\n",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
    };
    char *text = print(&page);
    assert_string_equal(
        text, "NAME\n"
              "       tool run - do the main job\n"
              "\n"
              "SYNOPSIS\n"
              "       tool run --config FILE [OPTION]...\n"
              "       tool run --help\n"
              "\n"
              "DESCRIPTION\n"
              "       Reads what comes in, thinks about it for as long as it takes, and writes\n"
              "       what goes out.\n"
              "\n"
              "       A second paragraph that flows on.\n"
              "\n"
              "OPTIONS\n"
              "       -c, --config=FILE\n"
              "              The configuration. It is checked whole before anything is started,\n"
              "              and every error names its file, line and key. Required.\n"
              "\n"
              "       --until-end\n"
              "              End at the log's end as of now.\n"
              "\n"
              "       --at-end=WHAT\n"
              "              What timers do then. One of fire, hold. Default: hold.\n"
              "\n"
              "       -s, --set=KEY=VALUE\n"
              "              May be given again.\n"
              "\n"
              "       -h, --help\n"
              "              Print this and exit.\n"
              "\n"
              "EXIT STATUS\n"
              "         0  done\n"
              "         1  failed: standard error says why\n"
              "\n"
              "EXAMPLES\n"
              "       Run it:\n"
              "\n"
              "           tool run --config f.yaml\n");
    free(text);
}

static void sections_may_be_left_out(void **state) {
    (void)state;
    static const struct option_page page = {.name = "t", .summary = "s", .synopsis = ""};
    char *text = print(&page);
    assert_string_equal(text, "NAME\n       t - s\n\nSYNOPSIS\n       t\n\nOPTIONS\n"
                              "       -h, --help\n              Print this and exit.\n");
    free(text);
}

static void lines_end_at_the_eightieth_column(void **state) {
    (void)state;
    char words[2000] = "";
    for (size_t i = 0; strlen(words) < sizeof words - 20; i++) {
        strncat(words, "abcdefghijklm", 1 + i % 13);
        strcat(words, " ");
    }
    const struct option_row row = {.name = "x", .type = OPTION_FLAG, .help = words};
    const struct option_page page = {.name = "t",
                                     .summary = words,
                                     .synopsis = words,
                                     .description = words,
                                     .rows = &row,
                                     .row_count = 1};
    char *text = print(&page);
    size_t widest = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        size_t size = strlen(line);
        widest = size > widest ? size : widest;
        assert_true(line[size - 1] != ' ');
    }
    assert_int_equal(widest, 80);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_complete),
        cmocka_unit_test(sections_may_be_left_out),
        cmocka_unit_test(lines_end_at_the_eightieth_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
