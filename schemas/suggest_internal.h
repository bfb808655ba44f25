/* suggest_internal: a preset as mapping, between the files of suggest. */
#ifndef PROMOSTREAM_SCHEMAS_SUGGEST_INTERNAL_H
#define PROMOSTREAM_SCHEMAS_SUGGEST_INTERNAL_H

#include "schemas/suggest.h"

struct suggest_preset_load {
    struct config *config; /* owns the texts of section */
    struct mapping_config section;
    struct mapping *mapping;
};

/* A preset of ours that does not load is a bug: asserts. */
void suggest_preset_open(const struct mapping_preset *preset, struct suggest_preset_load *out);
void suggest_preset_close(struct suggest_preset_load *load);
/* The first alternative of the field that the shape has; NULL = none. */
const struct shape_leaf *suggest_preset_leaf(const struct shape *shape,
                                             const struct mapping *mapping,
                                             enum mapping_scope scope, size_t field);
/* Is the field mapped there at all? */
bool suggest_preset_maps(const struct mapping *mapping, enum mapping_scope scope, size_t field);

#endif
