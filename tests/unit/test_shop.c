#include "producer/shop.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "producer/shop_report.h"
#include "tests/support/temp_file.h"

static struct shop_options options_of(const char *world, int64_t users, int days) {
    struct shop_options options = shop_options_default();
    options.world = world;
    options.users = users;
    options.days = days;
    return options;
}

static struct shop *open_shop(const struct shop_options *options) {
    struct shop *shop;
    struct failure failure = shop_new(options, stderr, &shop);
    if (failed(failure)) {
        fail_msg("%s", failure.text);
    }
    return shop;
}

/* ---- what it says, as bytes ---- */

struct said {
    struct buffer events, items, truth;
    uint64_t count;
};

static void run(const struct shop_options *options, struct said *out) {
    struct temp_file truth = temp_file_of_text("");
    struct shop_options own = *options;
    own.truth_path = truth.path;
    own.with_catalogue_changes = true;
    struct shop *shop = open_shop(&own);
    struct shop_emission emission;
    int64_t last_ms = options->start_ms;
    buffer_init(&out->events, 1 << 16);
    buffer_init(&out->items, 1 << 12);
    buffer_init(&out->truth, 1 << 16);
    for (out->count = 0; shop_next(shop, &emission); out->count++) {
        assert_true(emission.arrival_ms >= last_ms);
        assert_int_equal(emission.partition, -1);
        assert_int_equal(shop_now_ms(shop), emission.arrival_ms);
        last_ms = emission.arrival_ms;
        if (emission.stream == SHOP_CATALOGUE) {
            assert_true(bytes_equal(emission.key, emission.item.item_id));
            buffer_format(&out->items, "%lld ", (long long)emission.arrival_ms);
            catalogue_item_encode(&emission.item, &out->items);
        } else {
            assert_int_equal(emission.stream, SHOP_CLICKSTREAM);
            assert_true(bytes_equal(emission.key, emission.event.user_id));
            buffer_format(&out->events, "%lld ", (long long)emission.arrival_ms);
            event_encode(&emission.event, &out->events);
        }
    }
    struct failure failure = shop_finish(shop);
    assert_false(failed(failure));
    shop_destroy(shop);
    FILE *file = fopen(truth.path, "r");
    uint8_t *room = buffer_reserve(&out->truth, 1 << 22);
    out->truth.size = fread(room, 1, 1 << 22, file);
    assert_true(out->truth.size < 1 << 22);
    fclose(file);
    temp_file_remove(&truth);
}

static void forget(struct said *said) {
    buffer_clean_up(&said->events);
    buffer_clean_up(&said->items);
    buffer_clean_up(&said->truth);
}

static bool is_same(const struct buffer *a, const struct buffer *b) {
    return bytes_equal(buffer_bytes(a), buffer_bytes(b));
}

static void test_same_seed_same_bytes(void **state) {
    (void)state;
    struct shop_options options = options_of("dirty", 800, 12);
    struct said first, again, other;
    run(&options, &first);
    run(&options, &again);
    options.seed = 2;
    run(&options, &other);
    assert_true(first.events.size > 100000 && first.items.size > 10000 && first.truth.size > 1000);
    assert_true(is_same(&first.events, &again.events));
    assert_true(is_same(&first.items, &again.items));
    assert_true(is_same(&first.truth, &again.truth));
    assert_false(is_same(&first.events, &other.events));
    assert_false(is_same(&first.truth, &other.truth));
    forget(&first);
    forget(&again);
    forget(&other);
}

static void test_nuisance_leaves_the_truth_alone(void **state) {
    (void)state;
    struct shop_options options = options_of("base", 1500, 15);
    struct said clean, dirty;
    run(&options, &clean);
    options.nuisance = SHOP_ON;
    run(&options, &dirty);
    assert_true(is_same(&clean.truth, &dirty.truth));
    assert_true(is_same(&clean.items, &dirty.items));
    assert_true(dirty.count > clean.count);
    forget(&dirty);
    options.world = "dirty";
    options.nuisance = SHOP_OFF;
    run(&options, &dirty);
    assert_true(is_same(&clean.events, &dirty.events));
    forget(&dirty);
    forget(&clean);
}

/* ---- truth against the stream ---- */

#define USERS     3000
#define LINES_MAX 20
#define CARTS_MAX 4000

struct line {
    char item[16];
    double value;
};

struct seen_cart {
    struct line lines[LINES_MAX];
    size_t count;
    int64_t changed_ms;
    char session[20];
};

struct left {
    int64_t user, deadline_ms;
    double value;
    char session[20];
};

struct lefts {
    struct left carts[CARTS_MAX];
    size_t count;
};

static void add_left(struct lefts *lefts, int64_t user, int64_t deadline_ms, double value,
                     const char *session) {
    assert_true(lefts->count < CARTS_MAX);
    struct left *left = &lefts->carts[lefts->count++];
    memset(left, 0, sizeof *left);
    left->user = user;
    left->deadline_ms = deadline_ms;
    left->value = value;
    memcpy(left->session, session, 17);
}

/* The cart was left alone until now: is that an hour? Told once per change. */
static void check_idle(struct seen_cart *cart, struct lefts *lefts, int64_t user, int64_t now_ms) {
    if (cart->count == 0 || cart->changed_ms < 0 || now_ms < cart->changed_ms + 3600000) {
        return;
    }
    double value = 0;
    for (size_t i = 0; i < cart->count; i++) {
        value += cart->lines[i].value;
    }
    add_left(lefts, user, cart->changed_ms + 3600000, value, cart->session);
    cart->changed_ms = -1;
}

static size_t find_line(const struct seen_cart *cart, struct bytes item) {
    size_t at = 0;
    while (at < cart->count && !bytes_equal(item, bytes_of_text(cart->lines[at].item))) {
        at++;
    }
    return at;
}

static void change_cart(struct seen_cart *cart, const struct event *event) {
    const struct event_line *line = event->lines;
    size_t at = find_line(cart, line->item_id);
    if (event->type == EVENT_PRODUCT_ADDED) {
        assert_int_equal(at, cart->count); /* never twice */
        assert_true(cart->count < LINES_MAX);
        struct line *added = &cart->lines[cart->count++];
        memset(added, 0, sizeof *added);
        memcpy(added->item, line->item_id.data, line->item_id.size);
        added->value = line->price * line->quantity;
    } else {
        assert_true(at < cart->count); /* only what is there */
        cart->lines[at] = cart->lines[--cart->count];
    }
    memcpy(cart->session, event->session_id.data, event->session_id.size);
    cart->changed_ms = event->event_ms;
}

static void see(struct seen_cart *carts, struct lefts *lefts, const struct event *event) {
    int64_t user = strtoll((const char *)event->user_id.data + 1, NULL, 10);
    struct seen_cart *cart = &carts[user];
    check_idle(cart, lefts, user, event->event_ms);
    if (event->type == EVENT_PRODUCT_ADDED || event->type == EVENT_PRODUCT_REMOVED) {
        change_cart(cart, event);
    } else if (event->type == EVENT_ORDER_COMPLETED) {
        /* A late order may be for the cart before this one: then it is of another session. */
        if (memcmp(cart->session, event->session_id.data, event->session_id.size) == 0) {
            assert_int_equal(event->line_count, cart->count);
            cart->count = 0;
        }
    }
}

static void on_truth(void *context, const struct shop_truth *truth) {
    char session[20] = "";
    memcpy(session, truth->session_id.data, truth->session_id.size);
    add_left(context, truth->user, truth->deadline_ms, truth->cart_value, session);
    for (int arm = 0; arm < SHOP_ARM_COUNT; arm++) {
        assert_true(truth->p[arm] > 0 && truth->p[arm] < 1);
    }
    assert_int_equal(truth->is_bought, truth->has_stock && truth->u < truth->p[SHOP_NONE]);
    assert_true(truth->z >= 0 && truth->z < 12);
}

static int by_user(const void *a, const void *b) {
    const struct left *x = a, *y = b;
    if (x->user != y->user) {
        return x->user < y->user ? -1 : 1;
    }
    return (x->deadline_ms > y->deadline_ms) - (x->deadline_ms < y->deadline_ms);
}

/* The decisions of the truth are exactly the carts that a reader of the stream sees left for an
 * hour. */
static void test_truth_is_what_the_stream_shows(void **state) {
    (void)state;
    static struct lefts told, seen;
    struct seen_cart *carts = memory_new(USERS, sizeof *carts);
    struct shop_options options = options_of("base", USERS, 40);
    options.on_truth = on_truth;
    options.truth_context = &told;
    struct shop *shop = open_shop(&options);
    struct shop_emission emission;
    while (shop_next(shop, &emission)) {
        assert_int_equal(emission.event.event_ms, emission.arrival_ms);
        see(carts, &seen, &emission.event);
    }
    for (int64_t user = 0; user < USERS; user++) {
        check_idle(&carts[user], &seen, user, INT64_MAX);
    }
    const struct shop_report *report = shop_report_of(shop);
    assert_int_equal(report->decided, told.count);
    assert_int_equal(report->emitted[EVENT_ORDER_COMPLETED], report->orders);
    assert_true(told.count > 500);
    assert_int_equal(told.count, seen.count);
    qsort(told.carts, told.count, sizeof told.carts[0], by_user);
    qsort(seen.carts, seen.count, sizeof seen.carts[0], by_user);
    for (size_t i = 0; i < told.count; i++) {
        assert_int_equal(told.carts[i].user, seen.carts[i].user);
        assert_int_equal(told.carts[i].deadline_ms, seen.carts[i].deadline_ms);
        assert_string_equal(told.carts[i].session, seen.carts[i].session);
        assert_true(fabs(told.carts[i].value - seen.carts[i].value) < 1e-6);
    }
    free(carts);
    shop_destroy(shop);
}

/* ---- the rest of the API ---- */

static void test_sides(void **state) {
    (void)state;
    struct shop_options options = options_of("exact", 50, 2);
    struct shop *shop = open_shop(&options);
    assert_int_equal(shop_catalogue_count(shop), 2000);
    assert_int_equal(shop_profile_count(shop), 50);
    struct catalogue_item_row item;
    shop_catalogue_item(shop, 1999, &item);
    assert_true(bytes_equal(item.item_id, bytes_of_text("i001999")));
    struct profile_row profile;
    for (int64_t i = 0; i < 50; i++) {
        shop_profile(shop, i, &profile);
        assert_int_equal(profile.consent, CONSENT_GRANTED); /* world exact */
    }
    assert_true(bytes_equal(profile.user_id, bytes_of_text("u0000049")));
    assert_int_equal(shop_now_ms(shop), SHOP_START_MS_DEFAULT);
    shop_destroy(shop);
    shop_destroy(NULL);
}

static void test_consent_option(void **state) {
    (void)state;
    struct shop_options options = options_of("base", 20, 1);
    options.consent_granted = 0;
    options.consent_denied = 1;
    struct shop *shop = open_shop(&options);
    struct profile_row profile;
    shop_profile(shop, 3, &profile);
    assert_int_equal(profile.consent, CONSENT_DENIED);
    shop_destroy(shop);
}

static void refuse(struct shop_options options, const char *expected) {
    struct shop *shop;
    struct failure failure = shop_new(&options, stderr, &shop);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_non_null(strstr(failure.text, expected));
    assert_null(shop);
}

static void test_bad_options(void **state) {
    (void)state;
    refuse(options_of("base", 0, 1), "users");
    refuse(options_of("base", 1, 0), "days");
    refuse(options_of("elsewhere", 1, 1), "elsewhere");
    struct shop_options options = options_of("base", 1, 1);
    options.start_ms++;
    refuse(options, "midnight");
    options = options_of("base", 1, 1);
    options.consent_granted = .5;
    refuse(options, "consent");
    options.consent_denied = .6;
    refuse(options, "consent");
    options = options_of("base", 1, 1);
    options.truth_path = "/nowhere/truth";
    refuse(options, "/nowhere/truth");
}

static void test_full_disk_is_told(void **state) {
    (void)state;
    struct shop_options options = options_of("base", 300, 10);
    options.truth_path = "/dev/full";
    struct shop *shop = open_shop(&options);
    struct shop_emission emission;
    while (shop_next(shop, &emission)) {
    }
    struct failure failure = shop_finish(shop);
    assert_int_equal(failure.action, FAILURE_STOP);
    shop_destroy(shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_same_bytes),
        cmocka_unit_test(test_nuisance_leaves_the_truth_alone),
        cmocka_unit_test(test_truth_is_what_the_stream_shows),
        cmocka_unit_test(test_sides),
        cmocka_unit_test(test_consent_option),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
