/* mapping_yaml: a section `mapping` as text into a mapping. Asserts with cmocka. */
#ifndef PROMOSTREAM_TESTS_MAPPING_YAML_H
#define PROMOSTREAM_TESTS_MAPPING_YAML_H

#include "schemas/mapping.h"

struct mapping_yaml {
    struct mapping_config config;
    struct config *owned;
    struct mapping *mapping; /* NULL if it was refused */
    char *errors;            /* what was said of it */
};

/* yaml: "mapping: {...}". */
void mapping_yaml_load(struct mapping_yaml *loaded, const char *yaml);
void mapping_yaml_clean_up(struct mapping_yaml *loaded);

#endif
