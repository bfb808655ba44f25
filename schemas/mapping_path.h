/* mapping_path: the texts of paths into steps. Private to schemas/mapping.c. */
#ifndef PROMOSTREAM_SCHEMAS_MAPPING_PATH_H
#define PROMOSTREAM_SCHEMAS_MAPPING_PATH_H

#include "schemas/mapping.h"

struct path_error {
    struct bytes at; /* the rest of the text, from where it is wrong */
    const char *expected;
};

/* Parses one alternative into steps, whose names point into text. is_array: the text must end with
 * [], which is no step. False with *out_error. */
bool mapping_path_parse(struct bytes text, bool is_array, struct mapping_step *out_steps,
                        uint8_t *out_count, struct path_error *out_error);

/* Cuts the first alternative off the text, without blanks around it. False at the end. */
bool mapping_path_next(struct bytes *text, struct bytes *out_alternative);

#endif
