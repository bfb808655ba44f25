/* progress: plain lines every ten seconds where nobody watches, and the speed since the last one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/progress.h"

#define SECOND_NS INT64_C(1000000000)

static void plain_lines(void **state) {
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = tmpfile();
    assert_non_null(out);
    struct progress progress = progress_make(out, "clickfeed import", 0);
    struct progress_state at = {.sent = 500, .rejected = 2, .event_ms = INT64_MIN, .share = -1};
    progress_show(&progress, &at, 9 * SECOND_NS);
    assert_int_equal(ftell(out), 0);
    progress_show(&progress, &at, 10 * SECOND_NS);
    at = (struct progress_state){.sent = 2500, .rejected = -1, .event_ms = 1000, .share = .25};
    progress_show(&progress, &at, 11 * SECOND_NS);
    progress_show(&progress, &at, 20 * SECOND_NS);
    progress_break(&progress);
    rewind(out);
    FILE *copy = open_memstream(&text, &size);
    for (int c = fgetc(out); c != EOF; c = fgetc(out)) {
        fputc(c, copy);
    }
    fclose(copy);
    assert_string_equal(text, "clickfeed import: 500 sent, 50/s, 2 rejected\n"
                              "clickfeed import: 2500 sent, 200/s, 25 %, at "
                              "1970-01-01T00:00:01.000Z\n");
    free(text);
    fclose(out);
}

static void silence(void **state) {
    (void)state;
    struct progress progress = progress_make(NULL, "x", 0);
    struct progress_state at = {.sent = 1};
    progress_show(&progress, &at, 100 * SECOND_NS);
    progress_break(&progress);
    assert_int_equal(progress.last_ns, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(plain_lines), cmocka_unit_test(silence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
