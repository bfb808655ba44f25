#include "tests/support/mapping_yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

void mapping_yaml_load(struct mapping_yaml *loaded, const char *yaml) {
    *loaded = (struct mapping_yaml){0};
    struct config_room room = {"mapping", &mapping_config_table, &loaded->config};
    struct failure failure =
        config_load_text("test", yaml, strlen(yaml), &room, 1, stderr, &loaded->owned);
    assert_false(failed(failure));
    size_t size = 0;
    FILE *errors = open_memstream(&loaded->errors, &size);
    assert_non_null(errors);
    loaded->mapping = mapping_new(&loaded->config, errors);
    fclose(errors);
    assert_int_equal(loaded->mapping == NULL, size > 0); /* refused and said why, or neither */
}

void mapping_yaml_clean_up(struct mapping_yaml *loaded) {
    mapping_destroy(loaded->mapping);
    config_destroy(loaded->owned);
    free(loaded->errors);
    *loaded = (struct mapping_yaml){0};
}
