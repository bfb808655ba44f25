/* suggest: presets recognised by their samples and schemas; drafts for strangers' schemas and for a
 * flat JSON; every draft loads back as a valid mapping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "consumer/commands/sample_file.h"
#include "schemas/suggest.h"

/* ---- Helpers ---- */

static void add_schema(struct shape *shape, const char *text) {
    struct writer_schema *schema = NULL;
    struct failure failure = writer_schema_parse(bytes_of_text(text), &schema);
    if (failed(failure)) {
        fail_msg("%s", failure.text);
    }
    shape_add_schema(shape, schema);
    writer_schema_destroy(schema);
}

static void add_schema_file(struct shape *shape, const char *path) {
    struct buffer text = {0};
    struct failure failure = sample_file_read(path, 1 << 20, &text);
    assert_false(failed(failure));
    buffer_append_byte(&text, 0);
    add_schema(shape, (const char *)text.data);
    buffer_clean_up(&text);
}

static void add_line(void *context, struct bytes line) {
    assert_true(shape_add_json(context, line));
}

static void add_sample_file(struct shape *shape, const char *path) {
    struct failure failure = sample_file_lines(path, 1000, add_line, shape);
    assert_false(failed(failure));
}

static void assert_has(const struct buffer *out, const char *wanted) {
    if (!strstr((const char *)out->data, wanted)) {
        fail_msg("'%s' is not in:\n%s", wanted, (const char *)out->data);
    }
}

/* The draft, ended by a NUL; if it says that it is whole, it must load. */
static bool draft(const struct shape *shape, struct buffer *out) {
    bool is_whole = suggest_write(shape, "a test", out);
    struct mapping_config section;
    const struct config_room room = {"mapping", &mapping_config_table, &section};
    struct config *config = NULL;
    if (is_whole) {
        struct failure failure = config_load_text("draft", (const char *)out->data, out->size,
                                                  &room, 1, stderr, &config);
        assert_false(failed(failure));
        struct mapping *mapping = mapping_new(&section, stderr);
        assert_non_null(mapping);
        mapping_destroy(mapping);
        config_destroy(config);
    }
    buffer_append_byte(out, 0);
    return is_whole;
}

/* ---- What names mean ---- */

static void test_names_of_events(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum event_type type;
    } rows[] = {
        {"view", EVENT_PRODUCT_VIEWED},
        {"Product Viewed", EVENT_PRODUCT_VIEWED},
        {"detail-page-view", EVENT_PRODUCT_VIEWED},
        {"ItemViewed", EVENT_PRODUCT_VIEWED},
        {"view_item_list", EVENT_PRODUCT_LIST_VIEWED},
        {"category-page-view", EVENT_PRODUCT_LIST_VIEWED},
        {"cart", EVENT_PRODUCT_ADDED},
        {"addtocart", EVENT_PRODUCT_ADDED},
        {"BASKET_ADD_ITEM", EVENT_PRODUCT_ADDED},
        {"Product Added to Wishlist", EVENT_OTHER},
        {"remove_from_cart", EVENT_PRODUCT_REMOVED},
        {"cartItemDeleted", EVENT_PRODUCT_REMOVED},
        {"view_cart", EVENT_CART_VIEWED},
        {"shopping-cart-page-view", EVENT_CART_VIEWED},
        {"begin_checkout", EVENT_CHECKOUT_STARTED},
        {"purchase", EVENT_ORDER_COMPLETED},
        {"transaction", EVENT_ORDER_COMPLETED},
        {"OrderPlaced", EVENT_ORDER_COMPLETED},
        {"checkout_success", EVENT_ORDER_COMPLETED},
        {"order.cancelled", EVENT_ORDER_CANCELLED},
        {"refund", EVENT_ORDER_REFUNDED},
        {"order_item_returned", EVENT_ORDER_REFUNDED},
        {"Coupon Applied", EVENT_COUPON_APPLIED},
        {"Coupon Removed", EVENT_OTHER},
        {"coupon_denied", EVENT_OTHER},
        {"view_search_results", EVENT_PRODUCTS_SEARCHED},
        {"login", EVENT_USER_IDENTIFIED},
        {"identify", EVENT_USER_IDENTIFIED},
        {"page", EVENT_OTHER},
        {"view_promotion", EVENT_OTHER},
        {"scroll", EVENT_OTHER},
        {"snowplow_ecommerce_action", EVENT_OTHER},
        {"payment_failed", EVENT_OTHER},
        {"", EVENT_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum event_type type = suggest_event_type(rows[i].text);
        if (type != rows[i].type) {
            fail_msg("%s: %s", rows[i].text, event_type_name(type));
        }
    }
}

static void test_names_of_fields(void **state) {
    (void)state;
    const struct suggest_name *user = suggest_event_names[MAP_USER_ID];
    assert_int_equal(suggest_name_weight(user, "userid", ""), 100);
    assert_int_equal(suggest_name_weight(user, "id", "user"), 100); /* user.id */
    assert_int_equal(suggest_name_weight(user, "shopuserid", "x"), 75);
    assert_true(suggest_name_weight(user, "custmerid", "") > 50);
    assert_int_equal(suggest_name_weight(user, "id", "order"), 0);
    assert_int_equal(suggest_name_weight(user, "", ""), 0);
    assert_int_equal(suggest_name_weight(suggest_line_names[MAP_LINE_PRICE], "unitprice", "item"),
                     100);
}

/* ---- Presets ---- */

static void check_preset(const char *name, bool has_schema) {
    char path[128];
    struct shape sample = {0}, schema = {0};
    snprintf(path, sizeof path, "schemas/presets/%s.jsonl", name);
    add_sample_file(&sample, path);
    struct suggest_fit fit = suggest_preset(&sample);
    assert_non_null(fit.preset);
    assert_string_equal(fit.preset->name, name);
    struct buffer out = {0};
    assert_true(draft(&sample, &out));
    char wanted[128];
    snprintf(wanted, sizeof wanted, "\n  preset: %s\n", name);
    assert_has(&out, wanted);
    buffer_clean_up(&out);
    shape_clean_up(&sample);
    if (has_schema) {
        snprintf(path, sizeof path, "schemas/presets/%s.avsc", name);
        add_schema_file(&schema, path);
        fit = suggest_preset(&schema);
        assert_non_null(fit.preset);
        assert_string_equal(fit.preset->name, name);
        shape_clean_up(&schema);
    }
}

static void test_presets(void **state) {
    (void)state;
    check_preset("segment", true);
    check_preset("ga4", true);
    check_preset("snowplow", true);
    check_preset("google_retail", false);
}

/* Beside the preset: names of its own, understood or not, and a field where the preset has none. */
static void test_differences(void **state) {
    (void)state;
    struct shape shape = {0};
    struct buffer out = {0};
    add_sample_file(&shape, "schemas/presets/segment.jsonl");
    static const char *const own[] = {"Order Paid", "Lamp Polished", "Lamp Polished"};
    for (size_t i = 0; i < 3; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "{\"type\":\"track\",\"event\":\"%s\",\"userId\":\"u\",\"session_id\":\"s%zu\","
                 "\"timestamp\":\"2026-11-02T08:00:00Z\"}",
                 own[i], i);
        assert_true(shape_add_json(&shape, bytes_of_text(text)));
    }
    assert_true(draft(&shape, &out));
    assert_has(&out, "preset: segment\n  type:\n    values:\n");
    assert_has(&out, "      # \"Lamp Polished\": ?                          # 2 of 14\n");
    assert_has(&out, "      \"Order Paid\": order_completed                 # 1 of 14\n");
    assert_has(&out, "  session_id: {path: session_id}");
    assert_null(strstr((const char *)out.data, "user_id:"));
    buffer_clean_up(&out);
    shape_clean_up(&shape);
}

/* ---- Strangers ---- */

static void test_nested(void **state) {
    (void)state;
    struct shape shape = {0};
    struct buffer out = {0};
    add_schema_file(&shape, "tests/data/suggest/nested.avsc");
    assert_true(draft(&shape, &out));
    assert_has(&out, "    path: action\n    values:\n");
    assert_has(&out, "      \"BASKET_ADD_ITEM\": product_added\n");
    assert_has(&out, "      \"ORDER_PLACED\": order_completed\n");
    assert_has(&out, "      # \"HEARTBEAT\": ?\n");
    assert_has(&out, "event_ms: {path: meta.occurred_at} ");
    assert_has(&out, "user_id: {path: actor.customer_number | actor.visitor_id}");
    assert_has(&out, "guest_id: {path: actor.visitor_id}");
    assert_has(&out, "timezone: {path: meta.session.tz}");
    assert_has(&out, "item_id: {path: article.article_number}");
    assert_has(&out, "price: {path: article.unit_price_cents, unit: cents}");
    buffer_clean_up(&out);
    shape_clean_up(&shape);
}

static void test_unions(void **state) {
    (void)state;
    struct shape shape = {0};
    struct buffer out = {0};
    add_schema_file(&shape, "tests/data/suggest/unions.avsc");
    assert_true(draft(&shape, &out));
    assert_has(&out, "    path: \"payload.@type\"\n");
    assert_has(&out, "      \"ItemAddedToBag\": product_added\n");
    assert_has(&out, "      # \"Scrolled\": ?\n");
    assert_has(&out, "event_ms: {path: ts}");
    assert_has(&out, "user_id: {path: shopper.memberId}");
    assert_has(&out, "order_id: {path: payload.orderNo}");
    assert_has(&out, "total: {path: payload.grandTotal}");
    assert_has(&out, "item_id: {path: payload.itemId}");
    buffer_clean_up(&out);
    shape_clean_up(&shape);
}

static void test_order_with_lines(void **state) {
    (void)state;
    struct shape shape = {0};
    struct buffer out = {0};
    add_schema_file(&shape, "tests/data/suggest/order.avsc");
    assert_true(draft(&shape, &out));
    assert_has(&out, "event_ms: {path: eventTime}");
    assert_has(&out, "order_id: {path: order.id}");
    assert_has(&out, "coupon: {path: order.voucherCode}");
    assert_has(&out, "  lines:\n    path: \"order.lines[]\"\n    item_id: {path: sku}");
    assert_has(&out, "price: {path: itemPrice}");
    assert_null(strstr((const char *)out.data, "addresses"));
    buffer_clean_up(&out);
    shape_clean_up(&shape);
}

static void test_flat_json(void **state) {
    (void)state;
    struct shape shape = {0};
    struct buffer out = {0};
    add_sample_file(&shape, "tests/data/suggest/flat.jsonl");
    assert_true(draft(&shape, &out));
    assert_has(&out, "    path: event_type\n");
    assert_has(&out, "      \"cart\": product_added                         # 1 of 5\n");
    assert_has(&out, "      \"purchase\": order_completed ");
    assert_has(&out, "event_ms: {path: event_time}");
    assert_has(&out, "# sure; e.g. \"2019-10-01 00:00:00\", in 5 of 5\n");
    assert_has(&out, "user_id: {path: user_id}");
    assert_has(&out, "session_id: {path: user_session}");
    assert_has(&out, "  product:\n    item_id: {path: product_id}");
    assert_has(&out, "category: {path: category_code}");
    assert_null(strstr((const char *)out.data, "preset"));
    buffer_clean_up(&out);
    shape_clean_up(&shape);
}

/* Units by size, a time that is there only sometimes, a type without a name that says so. */
static void test_by_values(void **state) {
    (void)state;
    struct shape shape = {0};
    struct buffer out = {0};
    static const char *const messages[] = {
        "{\"happened\":1793520000,\"what_was_it\":\"viewed product\",\"who\":{\"uid\":7},"
        "\"sku\":\"a\",\"price_micros\":1250000}",
        "{\"happened\":1793520001,\"what_was_it\":\"added to cart\",\"who\":{\"uid\":8},"
        "\"sku\":\"b\",\"price_micros\":2250000}",
        "{\"happened\":1793520002,\"who\":{\"uid\":8}}"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(shape_add_json(&shape, bytes_of_text(messages[i])));
    }
    assert_true(draft(&shape, &out));
    assert_has(&out, "    path: what_was_it\n    default: other\n    values:\n");
    assert_has(&out, "event_ms: {path: happened, unit: s}");
    assert_has(&out, "user_id: {path: who.uid}");
    assert_has(&out, "price: {path: price_micros, unit: micros}");
    buffer_clean_up(&out);
    shape_clean_up(&shape);
}

static void test_nothing_to_go_by(void **state) {
    (void)state;
    struct shape shape = {0};
    struct buffer out = {0};
    assert_true(shape_add_json(&shape, bytes_of_text("{\"x\":1,\"y\":\"z\"}")));
    assert_false(draft(&shape, &out));
    assert_has(&out, "  # not found: type, event_ms, user_id");
    buffer_clean_up(&out);
    shape_clean_up(&shape);
}

/* Values of strangers neither break a comment nor become YAML. */
static void test_hostile_values(void **state) {
    (void)state;
    struct shape shape = {0};
    struct buffer out = {0};
    static const char *const types[] = {"view", "buy\\nmapping: 1", "x\\u0007y", "a \\\"b\\\\",
                                        "order placed \\\"\\\\"};
    for (size_t i = 0; i < 5; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "{\"event\":\"%s\",\"ts\":1793520000000,\"user_id\":\"\\n# \\u2028 %zu\"}",
                 types[i], i);
        assert_true(shape_add_json(&shape, bytes_of_text(text)));
    }
    assert_true(draft(&shape, &out));
    assert_has(&out, "# \"buy?mapping: 1\": ?");
    assert_has(&out, "\"order placed \\\"\\\\\": order_completed");
    buffer_clean_up(&out);
    shape_clean_up(&shape);
}

/* Its path is a text all the same. */
static void test_a_field_called_null(void **state) {
    (void)state;
    struct shape shape = {0};
    struct buffer out = {0};
    assert_true(shape_add_json(
        &shape, bytes_of_text("{\"event\":\"view\",\"null\":1793520000000,\"user_id\":\"u\"}")));
    assert_true(draft(&shape, &out));
    assert_has(&out, "event_ms: {path: \"null\"}");
    buffer_clean_up(&out);
    shape_clean_up(&shape);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_events),  cmocka_unit_test(test_names_of_fields),
        cmocka_unit_test(test_presets),          cmocka_unit_test(test_differences),
        cmocka_unit_test(test_nested),           cmocka_unit_test(test_unions),
        cmocka_unit_test(test_order_with_lines), cmocka_unit_test(test_flat_json),
        cmocka_unit_test(test_by_values),        cmocka_unit_test(test_nothing_to_go_by),
        cmocka_unit_test(test_hostile_values),   cmocka_unit_test(test_a_field_called_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
