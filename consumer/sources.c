#include "consumer/sources.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "schemas/canonical.h"

static size_t refuse(FILE *errors, const char *key, const char *found, const char *expected) {
    fprintf(errors, "decode.%s: found %s, expected %s\n", key, found, expected);
    return 1;
}

/* A mapped Avro message needs the schema that it was written with. */
static size_t check_avro(const struct pipeline_config *config, FILE *errors) {
    const struct decode_config *decode = &config->decode;
    if (decode->schema[0] != '\0') {
        return 0;
    }
    switch ((enum wire_framing)decode->framing) {
    case WIRE_BARE:
        return refuse(errors, "schema", "''",
                      "the file of the writer schema, for framing bare names none");
    case WIRE_CONFLUENT:
        return registry_is_given(&config->registry)
                   ? 0
                   : refuse(errors, "schema", "''",
                            "a file, or registry.url or registry.folder, with a mapping of Avro");
    case WIRE_SINGLE_OBJECT:
        return config->registry.folder[0] != '\0'
                   ? 0
                   : refuse(errors, "schema", "''",
                            "a file, or registry.folder, with a mapping of single_object Avro");
    }
    return 0;
}

size_t sources_check(const struct pipeline_config *config, FILE *errors) {
    const struct decode_config *decode = &config->decode;
    bool is_mapped = mapping_is_given(&config->mapping);
    size_t count = registry_config_check(&config->registry, errors);
    if (decode->format == FORMAT_JSON && decode->framing == WIRE_SINGLE_OBJECT) {
        count += refuse(errors, "framing", wire_framing_names[decode->framing],
                        "bare or confluent with format json");
    }
    if (decode->format == FORMAT_JSON && !is_mapped) {
        count += refuse(errors, "format", "json", "a section mapping beside it");
    }
    if (config->registry.register_outputs && config->registry.url[0] == '\0') {
        fprintf(errors, "registry.register_outputs: found true, expected registry.url beside it\n");
        count++;
    }
    if (decode->format == FORMAT_AVRO && is_mapped) {
        count += check_avro(config, errors);
    }
    if (is_mapped) {
        struct mapping *mapping = mapping_new(&config->mapping, errors);
        count += !mapping;
        mapping_destroy(mapping);
    }
    return count;
}

/* The whole file, at most WRITER_SCHEMA_BYTES_MAX and one byte. */
static struct failure read_file(const char *path, struct buffer *out) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        return failure_make(FAILURE_STOP, 0, "decode.schema: %s: %s", path, strerror(errno));
    }
    uint8_t *at = buffer_reserve(out, WRITER_SCHEMA_BYTES_MAX + 1);
    out->size += fread(at, 1, WRITER_SCHEMA_BYTES_MAX + 1, file);
    bool is_read = !ferror(file);
    fclose(file);
    return is_read ? failure_none()
                   : failure_make(FAILURE_STOP, 0, "decode.schema: %s: %s", path, strerror(errno));
}

static struct failure open_schema(const char *path, struct sources *sources) {
    struct buffer text = {0}, canonical = {0};
    struct failure failure = read_file(path, &text);
    if (!failed(failure)) {
        failure = writer_schema_parse(buffer_bytes(&text), &sources->schema);
        if (failed(failure)) {
            failure = failure_make(FAILURE_STOP, 0, "decode.schema: %s: %s", path, failure.text);
        }
    }
    if (!failed(failure) && canonical_schema(buffer_bytes(&text), &canonical)) {
        sources->decode.schema_fingerprint = canonical_fingerprint(buffer_bytes(&canonical));
    }
    buffer_clean_up(&text);
    buffer_clean_up(&canonical);
    return failure;
}

struct failure sources_open(const struct pipeline_config *config, const struct log_sink *log,
                            struct sources *out) {
    *out = (struct sources){.own = mapping_new_own()};
    if (mapping_is_given(&config->mapping)) {
        out->mapping = mapping_new(&config->mapping, stderr); /* checked before: no errors */
    }
    struct failure failure = failure_none();
    if (config->decode.schema[0] != '\0') {
        failure = open_schema(config->decode.schema, out);
    }
    if (!failed(failure) && registry_is_given(&config->registry)) {
        failure = registry_new(&config->registry, log, &out->registry);
    }
    if (failed(failure)) {
        sources_close(out);
        return failure;
    }
    out->decode.mapping = out->mapping;
    out->decode.own = out->own;
    out->decode.schema = out->schema;
    out->decode.registry = out->registry;
    out->decode.log = log;
    return failure;
}

void sources_close(struct sources *sources) {
    registry_destroy(sources->registry);
    writer_schema_destroy(sources->schema);
    mapping_destroy(sources->mapping);
    mapping_destroy(sources->own);
    *sources = (struct sources){0};
}

bool sources_wait(struct decode *decode, bool is_feedback, struct bytes value, int timeout_ms) {
    for (int waited_ms = 0; !decode_is_ready(decode, is_feedback, value); waited_ms += 20) {
        if (waited_ms >= timeout_ms) {
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return true;
}
