#include "consumer/learn/source_internal.h"
struct source_avro {
    int unused;
};
struct failure source_avro_open(struct source *source, const struct source_config *config) {
    (void)config;
    return failure_make(FAILURE_STOP, 0, "%s: Avro containers are not read yet", source->name);
}
void source_avro_columns(const struct source *source, struct columns *out) {
    (void)source;
    columns_init(out, NULL, 0);
}
struct failure source_avro_bind(struct source *source, const char *kept) {
    (void)source;
    (void)kept;
    return failure_none();
}
struct failure source_avro_next(struct source *source, struct data_row *out, enum row_verdict *v,
                                char *error) {
    (void)source;
    (void)out;
    (void)error;
    *v = ROW_END;
    return failure_none();
}
void source_avro_close(struct source_avro *avro) {
    (void)avro;
}
