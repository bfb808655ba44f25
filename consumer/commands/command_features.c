/* features: the table of features as documentation; what every decision freezes, in the order of
 * the rows. */
#include <inttypes.h>
#include <stdio.h>

#include "consumer/commands/support.h"
#include "consumer/ops/printable.h"
#include "consumer/rooms/features.h"

struct features_options {
    bool json;
};

static const struct option_row rows[] = {
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct features_options, json),
     .help = "Print one JSON object: version, numbers, names."},
};

static const struct option_page page = {
    .name = "promostream features",
    .summary = "list the features that every decision freezes",
    .synopsis = "[--json]",
    .description =
        "Prints the features in the order in which `promotion-decisions`, `open-decisions` and "
        "`examples` carry them: first the numbers, then the names (categorical values). All are "
        "raw: no scaling, no running means; a missing number is null, a missing name is empty. "
        "The version goes up whenever this table changes, and stands in every row.",
    .exit_status = command_exit_status,
    .examples = " promostream features --json | jq -r '.numbers[].name'",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
};

static void print_rows(const char *title, const struct feature_row *features, size_t count) {
    printf("\n%s\n", title);
    for (size_t i = 0; i < count; i++) {
        printf("  %2zu  %-24s %-18s %s\n", i, features[i].name, features[i].unit, features[i].help);
    }
}

static void append_rows(struct buffer *out, const char *title, const struct feature_row *features,
                        size_t count) {
    buffer_format(out, ",\"%s\":[", title);
    for (size_t i = 0; i < count; i++) {
        buffer_append(out, bytes_of_text(i ? ",{\"name\":" : "{\"name\":"));
        printable_append_json(out, bytes_of_text(features[i].name));
        buffer_append(out, bytes_of_text(",\"unit\":"));
        printable_append_json(out, bytes_of_text(features[i].unit));
        buffer_append(out, bytes_of_text(",\"help\":"));
        printable_append_json(out, bytes_of_text(features[i].help));
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, ']');
}

static void print_json(void) {
    struct buffer out;
    buffer_init(&out, 8192);
    buffer_format(&out, "{\"version\":%d", FEATURE_VERSION);
    append_rows(&out, "numbers", feature_numbers, feature_number_count);
    append_rows(&out, "names", feature_names, feature_name_count);
    buffer_append(&out, bytes_of_text("}\n"));
    fwrite(out.data, 1, out.size, stdout);
    buffer_clean_up(&out);
}

int command_features(int argc, char **argv) {
    struct features_options options = {0};
    int code = COMMAND_OK;
    if (!command_options(&page, argc, argv, &options, &code)) {
        return code;
    }
    if (options.json) {
        print_json();
        return COMMAND_OK;
    }
    printf("feature version %d\n", FEATURE_VERSION);
    print_rows("numbers", feature_numbers, feature_number_count);
    print_rows("names", feature_names, feature_name_count);
    return COMMAND_OK;
}
