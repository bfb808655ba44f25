/* The shop under pushes, through its API: what --listen does. */
#include "producer/shop.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "producer/shop_outcome.h"
#include "producer/shop_report.h"

#define DECISIONS_MAX 4000

struct decision {
    struct shop_truth truth;
    char user_id[16], session_id[20];
    bool is_delivered, is_opened, is_dismissed, is_ordered;
    double total;
    char coupon[16];
    int64_t order_ms;
};

struct bench {
    struct shop *shop;
    struct decision *decisions;
    size_t count, pushed;
    const char *offer_kind;
    double offer_value;
    int64_t life_ms;
};

static void on_truth(void *context, const struct shop_truth *truth) {
    struct bench *bench = context;
    assert_true(bench->count < DECISIONS_MAX);
    struct decision *decision = &bench->decisions[bench->count++];
    memset(decision, 0, sizeof *decision);
    decision->truth = *truth;
    memcpy(decision->user_id, truth->user_id.data, truth->user_id.size);
    memcpy(decision->session_id, truth->session_id.data, truth->session_id.size);
}

static struct bench *bench_new(const char *world, int64_t users, int days) {
    struct bench *bench = memory_new(1, sizeof *bench);
    struct shop_options options = shop_options_default();
    bench->decisions = memory_new(DECISIONS_MAX, sizeof *bench->decisions);
    bench->offer_kind = "percent_off";
    bench->offer_value = 10;
    bench->life_ms = SHOP_WINDOW_MS;
    options.world = world;
    options.users = users;
    options.days = days;
    options.on_truth = on_truth;
    options.truth_context = bench;
    struct failure failure = shop_new(&options, stderr, &bench->shop);
    assert_false(failed(failure));
    return bench;
}

static void bench_destroy(struct bench *bench) {
    shop_destroy(bench->shop);
    free(bench->decisions);
    free(bench);
}

static struct push_row row_of(const struct bench *bench, size_t index, char id[16]) {
    const struct decision *decision = &bench->decisions[index];
    int size = snprintf(id, 16, "p%zu", index);
    return (struct push_row){.kind = PUSH_SEND,
                             .push_id = bytes_of(id, (size_t)size),
                             .decision_id = {0, index},
                             .user_id = bytes_of_text(decision->user_id),
                             .trigger = TRIGGER_CART_ABANDONED,
                             .offer_id = bytes_of_text("offer"),
                             .offer_kind = bytes_of_text(bench->offer_kind),
                             .offer_value = bench->offer_value,
                             .not_before_ms = decision->truth.deadline_ms,
                             .expires_ms = decision->truth.deadline_ms + bench->life_ms,
                             .coupon_code = bytes_of_text("TEN")};
}

static struct decision *decision_of_session(struct bench *bench, struct bytes session) {
    for (size_t i = bench->count; i > 0; i--) {
        if (bytes_equal(session, bytes_of_text(bench->decisions[i - 1].session_id))) {
            return &bench->decisions[i - 1];
        }
    }
    return NULL;
}

static void hear(struct bench *bench, const struct shop_emission *emission) {
    const struct event *event = &emission->event;
    struct hash128 id;
    if (emission->stream == SHOP_FEEDBACK) {
        assert_int_equal(emission->partition, 5);
        assert_true(hash128_parse(event->decision_id, &id) && id.low < bench->count);
        struct decision *decision = &bench->decisions[id.low];
        assert_true(bytes_equal(emission->key, bytes_of_text(decision->user_id)));
        decision->is_delivered |= event->type == EVENT_PUSH_DELIVERED;
        decision->is_opened |= event->type == EVENT_PUSH_OPENED;
        decision->is_dismissed |= event->type == EVENT_PUSH_DISMISSED;
        assert_true(decision->is_delivered); /* the others come after it */
    } else if (event->type == EVENT_ORDER_COMPLETED || event->type == EVENT_COUPON_APPLIED) {
        struct decision *decision = decision_of_session(bench, event->session_id);
        if (decision && event->type == EVENT_COUPON_APPLIED) {
            memcpy(decision->coupon, event->coupon.data, event->coupon.size);
        } else if (decision) {
            assert_false(decision->is_ordered);
            decision->is_ordered = true;
            decision->total = event->total;
            decision->order_ms = event->event_ms;
        }
    }
}

/* A push for each decision, at once. */
static void push_to_all(struct bench *bench) {
    struct shop_emission emission;
    for (;;) {
        bool is_there = shop_next(bench->shop, &emission);
        if (is_there) {
            hear(bench, &emission);
        }
        if (!is_there && bench->pushed == bench->count) {
            return;
        }
        for (; bench->pushed < bench->count; bench->pushed++) {
            char id[16];
            struct push_row row = row_of(bench, bench->pushed, id);
            shop_feedback(bench->shop, &row, row.not_before_ms, 5);
        }
    }
}

static void check_share(double part, double whole, double expected) {
    assert_true(fabs(part / whole - expected) < 4 * sqrt(expected * (1 - expected) / whole));
}

/* p1 = max(p0, pa) by the episode's own uniform: who buys is known to the last one. */
static void test_uplift_is_exact(void **state) {
    (void)state;
    struct bench *bench = bench_new("exact", 6000, 30);
    push_to_all(bench);
    double delivered = 0, opened = 0, brought = 0, disturbed = 0, dismissed = 0,
           other_dismissed = 0;
    assert_true(bench->count > 800);
    for (size_t i = 0; i < bench->count; i++) {
        const struct decision *decision = &bench->decisions[i];
        const double *p = decision->truth.p;
        double p1 = decision->is_delivered && p[SHOP_10] > p[SHOP_NONE] ? p[SHOP_10] : p[SHOP_NONE];
        assert_int_equal(decision->is_ordered, decision->truth.u < p1);
        bool is_disturb = decision->truth.z / 3 == 3;
        delivered += decision->is_delivered;
        opened += decision->is_opened;
        brought += decision->is_ordered && decision->truth.u >= p[SHOP_NONE];
        disturbed += is_disturb && decision->is_delivered;
        dismissed += is_disturb && decision->is_dismissed;
        other_dismissed += !is_disturb && decision->is_dismissed;
    }
    check_share(delivered, (double)bench->count, .97);
    check_share(opened, delivered, .35);
    check_share(dismissed, disturbed, .30);
    check_share(other_dismissed, delivered - disturbed, .10);
    const struct shop_push_counts *counts = &shop_report_of(bench->shop)->pushes;
    assert_int_equal(counts->read, bench->count);
    assert_int_equal(counts->delivered, delivered);
    assert_int_equal(counts->brought_order, brought);
    assert_true(brought > 20);
    bench_destroy(bench);
}

static void test_coupons_are_used(void **state) {
    (void)state;
    struct bench *bench = bench_new("exact", 3000, 20);
    push_to_all(bench);
    int used = 0;
    for (size_t i = 0; i < bench->count; i++) {
        const struct decision *decision = &bench->decisions[i];
        if (!decision->is_ordered) {
            continue;
        }
        double cart = decision->truth.cart_value;
        bool has_coupon = strcmp(decision->coupon, "TEN") == 0;
        assert_true(fabs(decision->total - (has_coupon ? .9 * cart : cart)) < 0.011);
        assert_int_equal(has_coupon, decision->is_delivered);
        used += has_coupon;
    }
    assert_true(used > 50);
    bench_destroy(bench);
}

static void test_pushes_tire(void **state) {
    (void)state;
    struct bench *bench = bench_new("base", 3000, 40);
    push_to_all(bench);
    int tired = 0, tried = 0;
    for (size_t i = 0; i < bench->count; i++) {
        const struct decision *later = &bench->decisions[i];
        tired += later->truth.fatigue > 0;
        tried += later->truth.coupons_30d > 0;
        for (size_t j = 0; j < i; j++) {
            const struct decision *before = &bench->decisions[j];
            double age =
                (double)(later->truth.deadline_ms - before->truth.deadline_ms) / (7.0 * 86400000);
            if (before->truth.user == later->truth.user && before->is_delivered) {
                assert_true(later->truth.fatigue >= exp2(-age) - 1e-3);
            }
        }
    }
    assert_true(tired > 50 && tried > 30 && tried <= tired);
    bench_destroy(bench);
}

/* A push that comes while the cart is still warm is the decision's own arm: it can also do harm. */
static void test_push_before_the_decision(void **state) {
    (void)state;
    struct bench *bench = bench_new("exact", 4000, 30);
    struct shop_emission emission;
    int pushes = 0;
    while (shop_next(bench->shop, &emission)) {
        if (emission.stream != SHOP_CLICKSTREAM) {
            continue;
        }
        const struct event *event = &emission.event;
        if (event->type == EVENT_PRODUCT_ADDED) {
            char id[32];
            int size = snprintf(id, sizeof id, "p%d", pushes++);
            struct push_row row = {.push_id = bytes_of(id, (size_t)size),
                                   .user_id = event->user_id,
                                   .offer_kind = bytes_of_text("reminder"),
                                   .offer_value = NAN,
                                   .not_before_ms = event->event_ms + 1500000,
                                   .expires_ms = INT64_MAX};
            shop_feedback(bench->shop, &row, 0, 5);
        }
    }
    int reminded = 0, harmed = 0;
    for (size_t i = 0; i < bench->count; i++) {
        const struct shop_truth *truth = &bench->decisions[i].truth;
        assert_true(truth->arm == SHOP_REMIND || truth->arm == SHOP_NONE);
        assert_int_equal(truth->is_bought, truth->u < truth->p[truth->arm]);
        reminded += truth->arm == SHOP_REMIND;
        harmed += truth->arm == SHOP_REMIND && truth->u < truth->p[SHOP_NONE] && !truth->is_bought;
    }
    assert_true(reminded > 0.9 * (double)bench->count);
    assert_true(harmed > 0);
    bench_destroy(bench);
}

static struct push_row first_push(struct bench *bench, char id[16]) {
    struct shop_emission emission;
    while (bench->count == 0) {
        assert_true(shop_next(bench->shop, &emission));
    }
    return row_of(bench, 0, id);
}

static void drain(struct bench *bench) {
    struct shop_emission emission;
    while (shop_next(bench->shop, &emission)) {
    }
}

static void test_fates(void **state) {
    (void)state;
    char id[16];
    struct bench *bench = bench_new("exact", 500, 10);
    struct push_row row = first_push(bench, id);
    const struct shop_push_counts *counts = &shop_report_of(bench->shop)->pushes;
    row.user_id = bytes_of_text("u0000500"); /* one beyond the last */
    shop_feedback(bench->shop, &row, 0, 5);
    row.user_id = bytes_of_text("somebody");
    shop_feedback(bench->shop, &row, 0, 5);
    assert_int_equal(counts->unknown, 2);
    row = row_of(bench, 0, id);
    row.expires_ms = shop_now_ms(bench->shop) - 1;
    shop_feedback(bench->shop, &row, 0, 5);
    row = row_of(bench, 0, id);
    shop_feedback(bench->shop, &row, 0, 5);
    assert_int_equal(counts->repeated, 1); /* the push id is known already */
    row.push_id = bytes_of_text("other");
    row.not_before_ms = shop_now_ms(bench->shop) + 100000;
    shop_feedback(bench->shop, &row, 0, 5);
    row.kind = PUSH_REVOKED;
    shop_feedback(bench->shop, &row, 0, 5);
    shop_feedback(bench->shop, &row, 0, 5);
    assert_int_equal(counts->revoked, 1);
    drain(bench);
    assert_int_equal(counts->expired, 1);
    assert_int_equal(counts->delivered + counts->undelivered, 0);
    bench_destroy(bench);
}

/* Pushes do not touch what nobody was pushed for. */
static void test_others_are_left_alone(void **state) {
    (void)state;
    struct bench *quiet = bench_new("base", 1000, 20), *loud = bench_new("base", 1000, 20);
    drain(quiet);
    push_to_all(loud);
    assert_int_equal(quiet->count, loud->count);
    for (size_t i = 0; i < quiet->count; i++) {
        const struct shop_truth *a = &quiet->decisions[i].truth, *b = &loud->decisions[i].truth;
        assert_true(hash128_equal(a->decision_id, b->decision_id));
        assert_true(a->u == b->u && a->cart_value == b->cart_value && a->z == b->z);
        assert_true(b->fatigue > 0 || a->p[SHOP_NONE] == b->p[SHOP_NONE]);
    }
    bench_destroy(quiet);
    bench_destroy(loud);
}

static uint64_t carts_of(const char *world, uint64_t *out_paid) {
    struct bench *bench = bench_new(world, 6000, 60);
    push_to_all(bench);
    uint64_t carts = shop_report_of(bench->shop)->carts;
    *out_paid = shop_report_of(bench->shop)->paid;
    bench_destroy(bench);
    return carts;
}

static void test_worlds_that_remember(void **state) {
    (void)state;
    uint64_t paid, paid_forward, paid_wait;
    uint64_t base = carts_of("base", &paid);
    assert_true(carts_of("forward", &paid_forward) < base);
    assert_int_equal(carts_of("wait", &paid_wait), base);
    assert_true(paid_wait < paid);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uplift_is_exact),
        cmocka_unit_test(test_coupons_are_used),
        cmocka_unit_test(test_pushes_tire),
        cmocka_unit_test(test_push_before_the_decision),
        cmocka_unit_test(test_fates),
        cmocka_unit_test(test_others_are_left_alone),
        cmocka_unit_test(test_worlds_that_remember),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
