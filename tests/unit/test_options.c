/* options: every type, getopt's ways of writing, and every way of being wrong with its exact words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/options.h"

#define COUNT(items)  (sizeof(items) / sizeof(items)[0])
#define AT(the_field) .offset = offsetof(struct target, the_field)
#define WORDS_MAX     80

struct target {
    bool until_end, dry;
    const char *config;
    int64_t users, wait_ms, memory_bytes, from_ms;
    double rate;
    int at_end;
    struct option_list set;
};

static const char *const ends[] = {"fire", "hold", NULL};
static const struct option_row rows[] = {
    {.name = "config",
     .letter = 'c',
     .argument = "FILE",
     .type = OPTION_TEXT,
     AT(config),
     .is_required = true},
    {.name = "until-end", .letter = 'u', .type = OPTION_FLAG, AT(until_end)},
    {.name = "dry", .letter = 'd', .type = OPTION_FLAG, AT(dry)},
    {.name = "users",
     .letter = 'n',
     .argument = "N",
     .type = OPTION_INT,
     AT(users),
     .default_text = "100",
     .min = 1,
     .max = 1000},
    {.name = "rate", .argument = "R", .type = OPTION_NUMBER, AT(rate), .default_text = "0.5"},
    {.name = "wait",
     .argument = "TIME",
     .type = OPTION_DURATION_MS,
     AT(wait_ms),
     .default_text = "30m"},
    {.name = "memory",
     .argument = "SIZE",
     .type = OPTION_SIZE_BYTES,
     AT(memory_bytes),
     .default_text = "64M"},
    {.name = "from", .argument = "TIME", .type = OPTION_INSTANT_MS, AT(from_ms)},
    {.name = "at-end",
     .argument = "WHAT",
     .type = OPTION_CHOICE,
     AT(at_end),
     .default_text = "hold",
     .choices = ends},
    {.name = "set", .letter = 's', .argument = "KEY=VALUE", .type = OPTION_TEXT_LIST, AT(set)},
};
static const struct option_page page = {
    .name = "tool run", .rows = rows, .row_count = COUNT(rows), .arguments_max = 2};

/* One command line of words parted by single spaces, and what came of it. */
struct line {
    char text[512];
    char *words[WORDS_MAX + 1];
    struct target target;
    struct option_arguments arguments;
    enum options_verdict verdict;
    char *errors;
};

static void parse(struct line *line, const struct option_page *used, const char *text) {
    *line = (struct line){.target = {.users = -1, .from_ms = 42, .dry = true}};
    snprintf(line->text, sizeof line->text, "run %s", text);
    int count = 0;
    for (char *word = strtok(line->text, " "); word; word = strtok(NULL, " ")) {
        assert_true(count < WORDS_MAX);
        line->words[count++] = word;
    }
    size_t size;
    FILE *errors = open_memstream(&line->errors, &size);
    line->verdict =
        options_parse(used, count, line->words, &line->target, &line->arguments, errors);
    fclose(errors);
}

/* The target lends from line. */
static struct target accepts(struct line *line, const char *text) {
    parse(line, &page, text);
    assert_string_equal(line->errors, "");
    assert_int_equal(line->verdict, OPTIONS_OK);
    free(line->errors);
    return line->target;
}

static void refuses_on(const struct option_page *used, const char *text, const char *expected) {
    struct line line;
    parse(&line, used, text);
    assert_string_equal(line.errors, expected);
    assert_int_equal(line.verdict, OPTIONS_ERROR);
    free(line.errors);
}

static void refuses(const char *text, const char *expected) {
    refuses_on(&page, text, expected);
}

static void what_is_not_given_takes_its_default(void **state) {
    (void)state;
    struct line line;
    struct target target = accepts(&line, "-c f");
    assert_false(target.until_end || target.dry);
    assert_string_equal(target.config, "f");
    assert_int_equal(target.users, 100);
    assert_float_equal(target.rate, 0.5, 0);
    assert_int_equal(target.wait_ms, 1800000);
    assert_int_equal(target.memory_bytes, 64 << 20);
    assert_int_equal(target.from_ms, 42); /* no default: as the caller set it */
    assert_int_equal(target.at_end, 1);
    assert_int_equal(target.set.count, 0);
}

static void every_type_is_read(void **state) {
    (void)state;
    struct line line;
    struct target target =
        accepts(&line, "--config=a=b --until-end -n 1000 --rate 2.5 --wait=250ms --memory 2G "
                       "--from 1970-01-02 --at-end fire --set a=1 -s b=2 -sc=3");
    assert_string_equal(target.config, "a=b");
    assert_true(target.until_end);
    assert_int_equal(target.users, 1000);
    assert_float_equal(target.rate, 2.5, 0);
    assert_int_equal(target.wait_ms, 250);
    assert_true(target.memory_bytes == INT64_C(2147483648));
    assert_int_equal(target.from_ms, 86400000);
    assert_int_equal(target.at_end, 0);
    assert_int_equal(target.set.count, 3);
    assert_string_equal(target.set.items[0], "a=1");
    assert_string_equal(target.set.items[2], "c=3");
}

static void getopt_ways_of_writing_work(void **state) {
    (void)state;
    struct line line;
    struct target target = accepts(&line, "-udn5 -cf");
    assert_true(target.until_end && target.dry);
    assert_int_equal(target.users, 5);
    assert_string_equal(target.config, "f");
    assert_string_equal(accepts(&line, "--conf f").config, "f"); /* a beginning that is unique */
    assert_string_equal(accepts(&line, "-c a -c b").config, "b");
    assert_string_equal(accepts(&line, "-c -").config, "-");
}

static void arguments_may_stand_anywhere(void **state) {
    (void)state;
    struct line line;
    parse(&line, &page, "one -c f - --dry");
    assert_int_equal(line.verdict, OPTIONS_OK);
    assert_int_equal(line.arguments.count, 2);
    assert_string_equal(line.arguments.items[0], "one");
    assert_string_equal(line.arguments.items[1], "-");
    assert_true(line.target.dry);
    free(line.errors);
    parse(&line, &page, "-c f -- --dry -x");
    assert_int_equal(line.verdict, OPTIONS_OK);
    assert_int_equal(line.arguments.count, 2);
    assert_string_equal(line.arguments.items[0], "--dry");
    assert_false(line.target.dry);
    free(line.errors);
}

static void help_wins_over_errors(void **state) {
    (void)state;
    static const char *const lines[] = {"--help", "-h", "-uh", "--nonsense --help", "a b c --he"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct line line;
        parse(&line, &page, lines[i]);
        assert_int_equal(line.verdict, OPTIONS_HELP);
        free(line.errors);
    }
    struct line line;
    parse(&line, &page, "-c f -- --help");
    assert_int_equal(line.verdict, OPTIONS_OK);
    free(line.errors);
}

static void wrong_values_are_named_all_at_once(void **state) {
    (void)state;
    refuses("-n 0 --rate=nan --wait 30 --memory 1X --from today --at-end burn -c f",
            "tool run: --users: found \"0\", expected an integer from 1 to 1000\n"
            "tool run: --rate: found \"nan\", expected a number of at least 0\n"
            "tool run: --wait: found \"30\", expected a duration (250ms, 5s, 30m, 24h, 7d) of at"
            " least 0s\n"
            "tool run: --memory: found \"1X\", expected a size (4096, 64K, 64M, 2G) of at least"
            " 0\n"
            "tool run: --from: found \"today\", expected an instant (2026-11-01,"
            " 2026-11-01T08:00:00Z; \"\" is none)\n"
            "tool run: --at-end: found \"burn\", expected one of fire, hold\n");
}

static void unknown_options_name_the_nearest(void **state) {
    (void)state;
    refuses("-c f --untilend --user-count=5 -x -dz",
            "tool run: --untilend: found an unknown option, expected --until-end (the nearest"
            " known one)\n"
            "tool run: --user-count: found an unknown option, expected one that --help lists\n"
            "tool run: -x: found an unknown option, expected one that --help lists\n"
            "tool run: -z: found an unknown option, expected one that --help lists\n");
    static const struct option_row twins[] = {
        {.name = "max-users", .type = OPTION_FLAG, AT(dry)},
        {.name = "max-rows", .type = OPTION_FLAG, AT(until_end)}};
    const struct option_page used = {.name = "tool", .rows = twins, .row_count = 2};
    refuses_on(&used, "--max",
               "tool: --max: found the beginning of 2 options, expected one whole name\n");
    refuses_on(&used, "--hlep",
               "tool: --hlep: found an unknown option, expected --help (the nearest known one)\n");
}

static void values_stand_where_they_are_wanted(void **state) {
    (void)state;
    refuses("-c f --dry=yes --help=no --users", "tool run: --dry: found a value, expected none\n"
                                                "tool run: --help: found a value, expected none\n"
                                                "tool run: --users: found no value, expected N\n");
    refuses("-c f -dn", "tool run: -n: found no value, expected N\n");
}

static void what_is_required_is_missed(void **state) {
    (void)state;
    refuses("--dry", "tool run: --config: found nothing, expected FILE (required)\n");
    refuses("-c f a b c d", "tool run: c: found one argument too many, expected at most 2\n");
    struct option_page used = page;
    used.arguments_min = 1;
    used.arguments_max = -1;
    used.synopsis = "FILE [OPTION]...\n--all";
    refuses_on(&used, "-c f", "tool run: arguments: found 0, expected tool run FILE [OPTION]...\n");
    struct line line;
    parse(&line, &used, "-c f 1 2 3 4 5 6 7");
    assert_int_equal(line.verdict, OPTIONS_OK);
    assert_int_equal(line.arguments.count, 7);
    free(line.errors);
}

static void lists_are_bounded(void **state) {
    (void)state;
    struct line line;
    char text[400] = "-c f";
    for (int i = 0; i < OPTION_LIST_MAX; i++) {
        strcat(text, " -s a");
    }
    assert_int_equal(accepts(&line, text).set.count, OPTION_LIST_MAX);
    strcat(text, " -s a");
    refuses(text, "tool run: --set: found it again, expected it at most 32 times\n");
}

static void words_from_outside_cannot_break_the_line(void **state) {
    (void)state;
    refuses("-c f --x\x1b[1m -n \x1b\n",
            "tool run: --x\\x1b[1m: found an unknown option, expected one that --help lists\n"
            "tool run: --users: found \"\\x1b\\n\", expected an integer from 1 to 1000\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_takes_its_default),
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(getopt_ways_of_writing_work),
        cmocka_unit_test(arguments_may_stand_anywhere),
        cmocka_unit_test(help_wins_over_errors),
        cmocka_unit_test(wrong_values_are_named_all_at_once),
        cmocka_unit_test(unknown_options_name_the_nearest),
        cmocka_unit_test(values_stand_where_they_are_wanted),
        cmocka_unit_test(what_is_required_is_missed),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(words_from_outside_cannot_break_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
