/* Rows of our own topics: the first byte says of which. What is read is written again, and that is
 * read as the same bytes. */
#include <stdlib.h>

#include "schemas/rows.h"
#include "schemas/user_state.h"
#include "tests/fuzz/fuzz.h"

#define ITEMS 128

struct names {
    struct bytes items[ITEMS];
    uint32_t count;
};

static struct bytes item_of(void *context, uint32_t item) {
    return ((struct names *)context)->items[item];
}

static uint32_t intern(void *context, struct bytes id) {
    struct names *names = context;
    if (names->count + 1 >= ITEMS) {
        return 0;
    }
    names->items[++names->count] = id;
    return names->count;
}

static struct bytes zone_of(void *context, uint16_t zone) {
    (void)context;
    return bytes_of_text(zone ? "Europe/Berlin" : "");
}

static uint16_t find_zone(void *context, struct bytes name) {
    (void)context;
    return bytes_equal(name, bytes_of_text("Europe/Berlin")) ? 1 : 0;
}

static bool user_again(struct bytes body, struct buffer *out) {
    struct names names = {0};
    struct user_state_names reach = {.context = &names,
                                     .item = item_of,
                                     .intern_item = intern,
                                     .zone = zone_of,
                                     .find_zone = find_zone};
    struct user_state user = {0};
    bool is_good = user_state_decode(body, &reach, &user);
    if (is_good) {
        user_state_encode(&user, &reach, out);
    }
    user_state_clean_up(&user);
    return is_good;
}

#define ROW(name, type)                                                                            \
    static bool name##_again(struct bytes body, struct buffer *out) {                              \
        static struct type row;                                                                    \
        bool is_good = name##_decode(body, &row);                                                  \
        if (is_good) {                                                                             \
            name##_encode(&row, out);                                                              \
        }                                                                                          \
        return is_good;                                                                            \
    }
ROW(decision, decision_row)
ROW(push, push_row)
ROW(open_decision, open_decision_row)
ROW(example, example_row)
ROW(model_row, model_row)
ROW(partition_state, partition_state_row)
ROW(journal, journal_row)
ROW(dead_letter, dead_letter_row)
ROW(control, control_row)
ROW(catalogue_item, catalogue_item_row)
ROW(profile, profile_row)

static bool (*const again[])(struct bytes body, struct buffer *out) = {
    user_again,           decision_again,        push_again,    open_decision_again, example_again,
    model_row_again,      partition_state_again, journal_again, dead_letter_again,   control_again,
    catalogue_item_again, profile_again};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buffer once = {0}, twice = {0};
    if (size == 0) {
        return 0;
    }
    size_t row = data[0] % (sizeof again / sizeof again[0]);
    if (again[row](bytes_of(data + 1, size - 1), &once)) {
        FUZZ_ASSERT(again[row](buffer_bytes(&once), &twice));
        FUZZ_ASSERT(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
    }
    buffer_clean_up(&once);
    buffer_clean_up(&twice);
    return 0;
}
