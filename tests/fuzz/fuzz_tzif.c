/* A time zone's file, and its rule alone; then offsets at many instants. */
#include "base/tzif.h"
#include "tests/fuzz/fuzz.h"

#define DAY_S 86400

/* Real offsets are within a day; RFC 9636 lets a file say what fits its field. */
static void check_rule(const struct tz_rule *rule, int64_t at_s) {
    int64_t next_s = tz_rule_next_s(rule, at_s);
    FUZZ_ASSERT(next_s > at_s);
    int offset_s = tz_rule_offset_s(rule, at_s);
    FUZZ_ASSERT(offset_s > -8 * DAY_S && offset_s < 8 * DAY_S);
    FUZZ_ASSERT(next_s - 1 == at_s || tz_rule_offset_s(rule, next_s - 1) == offset_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int64_t instants_s[] = {
        INT64_C(-4294967296), -1,         0,          951782400,
        1709164800,           1790000000, 4102444799, INT64_C(253402300799)};
    struct tz_rule rule;
    struct tzif tzif;
    bool is_rule = tz_rule_parse(bytes_of(data, size), &rule);
    bool is_file = tzif_parse(bytes_of(data, size), &tzif);
    for (size_t i = 0; i < sizeof instants_s / sizeof instants_s[0]; i++) {
        int64_t at_s = instants_s[i];
        for (int step = 0; is_rule && step < 4; step++) {
            check_rule(&rule, at_s);
            at_s = tz_rule_next_s(&rule, at_s);
            if (at_s == INT64_MAX) {
                break;
            }
        }
        at_s = instants_s[i];
        for (int step = 0; is_file && step < 4 && at_s != INT64_MAX; step++) {
            int64_t next_s = tzif_next_s(&tzif, at_s);
            FUZZ_ASSERT(next_s > at_s);
            FUZZ_ASSERT(tzif_offset_s(&tzif, next_s - 1) == tzif_offset_s(&tzif, at_s));
            at_s = next_s;
        }
    }
    if (is_file) {
        tzif_clean_up(&tzif);
    }
    return 0;
}
