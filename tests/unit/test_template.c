/* template: every text is cut into pieces that add up to it again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "consumer/rooms/template.h"

static void expect(const char *text, size_t count, const struct template_piece *expected) {
    struct bytes rest = bytes_of_text(text);
    struct template_piece piece;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(template_next(&rest, &piece));
        assert_int_equal(piece.kind, expected[i].kind);
        assert_true(bytes_equal(piece.text, expected[i].text));
        size += piece.text.size;
    }
    assert_false(template_next(&rest, &piece));
    assert_int_equal(size, strlen(text));
}

#define PIECE(kind, text)                                                                          \
    {                                                                                              \
        TEMPLATE_##kind, {                                                                         \
            (const uint8_t *)(text), sizeof(text) - 1                                              \
        }                                                                                          \
    }
#define EXPECT(text, ...)                                                                          \
    expect(text, sizeof((struct template_piece[]){__VA_ARGS__}) / sizeof(struct template_piece),   \
           (struct template_piece[]){__VA_ARGS__})

static void known_fields_are_found(void **state) {
    (void)state;
    expect("", 0, NULL);
    EXPECT("plain", PIECE(TEXT, "plain"));
    EXPECT("{item}", PIECE(ITEM, "{item}"));
    EXPECT("a{items}b{item_count}", PIECE(TEXT, "a"), PIECE(ITEMS, "{items}"), PIECE(TEXT, "b"),
           PIECE(ITEM_COUNT, "{item_count}"));
    EXPECT("{user_id}{cart_value}{currency}{offer_value}", PIECE(USER_ID, "{user_id}"),
           PIECE(CART_VALUE, "{cart_value}"), PIECE(CURRENCY, "{currency}"),
           PIECE(OFFER_VALUE, "{offer_value}"));
}

static void other_braces_are_unknown(void **state) {
    (void)state;
    EXPECT("{price}", PIECE(UNKNOWN, "{price}"));
    EXPECT("{}", PIECE(UNKNOWN, "{}"));
    EXPECT("{item", PIECE(UNKNOWN, "{item"));
    EXPECT("{Item}", PIECE(UNKNOWN, "{Item}"));
    EXPECT("{ {item}", PIECE(UNKNOWN, "{ "), PIECE(ITEM, "{item}"));
    EXPECT("{{item}}", PIECE(UNKNOWN, "{"), PIECE(ITEM, "{item}"), PIECE(TEXT, "}"));
    EXPECT("}x", PIECE(TEXT, "}x"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_fields_are_found),
        cmocka_unit_test(other_braces_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
