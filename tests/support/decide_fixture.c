#include "tests/support/decide_fixture.h"

#include <math.h>

static struct offer offer_of(const char *id, enum offer_kind kind, double value) {
    return (struct offer){
        .id = id,
        .kind = (int)kind,
        .value = value,
        .start_ms = INT64_MIN,
        .end_ms = INT64_MIN,
        .channel = "push",
        .coupon_code = "",
        .valid_ms = FIXTURE_DAY_MS,
        .title = "{offer_value} for you",
        .body = "{items} ({item_count}) for {cart_value} {currency}",
    };
}

static struct decide_config config_of(struct decide_fixture *fixture) {
    return (struct decide_config){
        .mode = MODE_APPRENTICE,
        .control_salt = "control-1",
        .explore_salt = "explore-1",
        .observe_salt = "observe-1",
        .validation_salt = "validation-1",
        .margin_default = 0.30,
        .attribution_window_ms = 7 * FIXTURE_DAY_MS,
        .default_timezone = "UTC",
        .offers = {fixture->offers, sizeof fixture->offers / sizeof fixture->offers[0]},
        .rules = {fixture->rules, sizeof fixture->rules / sizeof fixture->rules[0]},
    };
}

void decide_fixture_init(struct decide_fixture *fixture, int32_t partition_count) {
    *fixture = (struct decide_fixture){.zones = timezone_set_new(NULL)};
    fixture->offers[FIXTURE_TEN_PERCENT] = offer_of("ten_percent", OFFER_PERCENT_OFF, 10);
    fixture->offers[FIXTURE_FIVE_OFF] = offer_of("five_off", OFFER_AMOUNT_OFF, 5);
    fixture->offers[FIXTURE_SHIPPING] = offer_of("shipping", OFFER_FREE_SHIPPING, 0);
    fixture->offers[FIXTURE_REMINDER] = offer_of("reminder", OFFER_REMINDER, 0);
    fixture->rules[0] = (struct rule){.trigger = TRIGGER_CART_ABANDONED, .offer = "ten_percent"};
    fixture->rules[1] = (struct rule){.trigger = TRIGGER_CHECKOUT_ABANDONED, .offer = "five_off"};
    fixture->rules[2] = (struct rule){.trigger = TRIGGER_BROWSE_ABANDONED, .offer = "reminder"};
    fixture->config = config_of(fixture);
    decide_init(&fixture->room, &fixture->config, fixture->zones, partition_count);
}

void decide_fixture_clean_up(struct decide_fixture *fixture) {
    timezone_set_destroy(fixture->zones);
    fixture->zones = NULL;
}

void decide_fixture_decision(const char *user_id, struct decision *out) {
    struct bytes user = bytes_of_text(user_id);
    *out = (struct decision){
        .user_id = user,
        .trigger = TRIGGER_CART_ABANDONED,
        .id = hash128(user, 1),
        .episode_id = hash128(user, 1),
        .anchor = hash64(user, 2),
        .deadline_ms = FIXTURE_NOON_MS,
        .decided_ms = FIXTURE_NOON_MS,
        .close_ms = FIXTURE_NOON_MS + 7 * FIXTURE_DAY_MS,
        .consent = CONSENT_GRANTED,
        .zone = TIMEZONE_NONE,
        .cart_value = 84.9,
        .margin = NAN,
        .currency = bytes_of_text("EUR"),
        .locale = bytes_of_text("en-GB"),
        .item_count = 3,
        .items =
            {
                {bytes_of_text("i-1"), bytes_of_text("Red shoes"), {0}, {0}, 59.9},
                {bytes_of_text("i-2"), bytes_of_text("Socks"), {0}, {0}, 5},
                {bytes_of_text("i-3"), {0}, {0}, {0}, 20},
            },
    };
}
