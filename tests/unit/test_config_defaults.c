/* config_defaults: the written file is exact, loads again to the defaults, and its comments load
 * when uncommented. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/config_probe.h"

static char *write_defaults(const struct config_room *rooms, size_t count) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_write_defaults(rooms, count, out);
    fclose(out);
    return text;
}

static const char expected[] =
    "probe:\n"
    "  # [true or false; default true]\n"
    "  on: true\n"
    "  # how many, in pieces [an integer from 1 to 9; default 7]\n"
    "  count: 7\n"
    "  # [a number from -1 to 1; default 0.25]\n"
    "  share: 0.25\n"
    "  # how long nothing may happen before something does, a sentence that is long enough to be"
    " broken\n"
    "  # at the hundredth column [a duration (250ms, 5s, 30m, 24h, 7d) from 1s to 1d; default "
    "30m]\n"
    "  wait: 30m\n"
    "  # [a size (4096, 64K, 64M, 2G) of at least 4K; default 64M]\n"
    "  memory: 64M\n"
    "  # [text; default none]\n"
    "  name: \"none\"\n"
    "  # [one of off, observe, apprentice; default apprentice]\n"
    "  mode: apprentice\n"
    "  # [a time range (22:00-08:00; \"\" is none); default 22:00-08:00]\n"
    "  quiet: \"22:00-08:00\"\n"
    "  # [an instant (2026-11-01, 2026-11-01T08:00:00Z; \"\" is none); default empty]\n"
    "  start: \"\"\n"
    "  # [a section of names with a text each; default empty]\n"
    "  properties: {}\n"
    "  # [a list; default empty]\n"
    "  offers: []\n"
    "  # -\n"
    "  #   # unique name [text; required]\n"
    "  #   # id:\n"
    "  #   # [a number of at least 0; default 0.5]\n"
    "  #   cost: 0.5\n"
    "  #   # [one of off, observe, apprentice; default observe]\n"
    "  #   kind: observe\n"
    "  #   # [a list of texts; default [a, b]]\n"
    "  #   tags: [a, b]\n"
    "  # a section within\n"
    "  inner:\n"
    "    # [an integer of at least 0; default 3]\n"
    "    depth: 3\n"
    "    # a text with quotes [text; default say \"hi\" \\ bye]\n"
    "    label: \"say \\\"hi\\\" \\\\ bye\"\n"
    "  # [a list of texts; default empty]\n"
    "  words: []\n"
    "\n"
    "kafka:\n"
    "  # host:port [text; required]\n"
    "  # brokers:\n";

static void the_file_is_its_own_manual(void **state) {
    (void)state;
    const struct config_room rooms[] = {{"probe", &probe_table, NULL},
                                        {"kafka", &probe_required_table, NULL}};
    char *text = write_defaults(rooms, 2);
    assert_string_equal(text, expected);
    free(text);
}

static void it_loads_again_to_the_defaults(void **state) {
    (void)state;
    struct probe absent = {0}, written = {0};
    const struct config_room room = {"probe", &probe_table, NULL};
    char *text = write_defaults(&room, 1);
    struct config *first = probe_assert_loads("", &absent);
    struct config *second = probe_assert_loads(text, &written);
    assert_string_equal(absent.name, written.name);
    assert_string_equal(absent.inner.label, written.inner.label);
    written.name = absent.name; /* each load owns its texts; all else is the same */
    written.inner.label = absent.inner.label;
    assert_memory_equal(&absent, &written, sizeof absent);
    config_destroy(first);
    config_destroy(second);
    free(text);
}

/* A reader who takes "# " away from an element, fills in what is required and drops the "[]" gets a
 * list. */
static void an_uncommented_element_loads(void **state) {
    (void)state;
    const struct config_room room = {"probe", &probe_table, NULL};
    char *text = write_defaults(&room, 1);
    char *from = strstr(text, "  offers: []\n") + strlen("  offers:");
    memset(from, ' ', strlen(" []"));
    char *end = strstr(text, "  # a section within\n");
    for (char *line = from + strlen(" []\n"); line < end; line = strchr(line, '\n') + 1) {
        memmove(line, "    ", 4);
    }
    char *id = strstr(text, "# id:\n");
    memcpy(id, "id: x ", 5);
    struct probe probe = {0};
    struct config *config = probe_assert_loads(text, &probe);
    assert_int_equal(probe.offers.count, 1);
    assert_string_equal(((struct probe_offer *)probe.offers.items)->id, "x");
    config_destroy(config);
    free(text);
}

/* Sections of the same keys are written out once, where a scalar can stand for the next. */
static void sections_of_a_kind_are_short(void **state) {
    (void)state;
    struct probe_boxes boxes = {0};
    const struct config_room room = {"boxes", &probe_boxes_table, &boxes};
    char *text = write_defaults(&room, 1);
    assert_string_equal(text, "boxes:\n"
                              "  # a box\n"
                              "  first:\n"
                              "    # [text; default plain]\n"
                              "    label: \"plain\"\n"
                              "    # [an integer from 0 to 9; default 1]\n"
                              "    size: 1\n"
                              "  second: 1\n"
                              "  # [a list; default empty]\n"
                              "  more: []\n"
                              "  # -\n"
                              "  #   # [text; default plain]\n"
                              "  #   label: \"plain\"\n"
                              "  #   # [an integer from 0 to 9; default 1]\n"
                              "  #   size: 1\n");
    struct config *config;
    assert_false(failed(config_load_text("f.yaml", text, strlen(text), &room, 1, stderr, &config)));
    assert_int_equal(boxes.second.size, 1);
    assert_string_equal(boxes.second.label, "plain");
    config_destroy(config);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_its_own_manual),
        cmocka_unit_test(it_loads_again_to_the_defaults),
        cmocka_unit_test(an_uncommented_element_loads),
        cmocka_unit_test(sections_of_a_kind_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
