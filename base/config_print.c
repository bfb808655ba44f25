/* What a loaded configuration holds, as YAML: each key once, secrets masked. */
#include "base/config_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <time.h>

#define MASK "\"***\""

static void write_values(FILE *out, const char *prefix, const struct config_table *table,
                         const char *target);

static bool has_part(const char *name, const char *part) {
    for (; *name; name++) {
        size_t i = 0;
        while (part[i] && tolower((unsigned char)name[i]) == part[i]) {
            i++;
        }
        if (!part[i]) {
            return true;
        }
    }
    return false;
}

bool config_is_secret_name(const char *name) {
    static const char *const parts[] = {"password", "secret", "token", "key",        "pem",
                                        "jaas",     "oauth",  "crede", "passphrase", "kinit"};
    if (has_part(name, ".location") || has_part(name, ".endpoint")) {
        return false;
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (has_part(name, parts[i])) {
            return true;
        }
    }
    return false;
}

/* A text that would be replaced when it is read again is kept from it. */
static void write_text(FILE *out, const char *text, bool is_secret) {
    if (is_secret && text[0]) {
        fputs(MASK, out);
        return;
    }
    struct buffer escaped = {0};
    for (; *text; text++) {
        if (text[0] == '$' && text[1] == '{') {
            buffer_append_byte(&escaped, '$');
        }
        buffer_append_byte(&escaped, (uint8_t)*text);
    }
    config_write_quoted(out, config_buffer_text(&escaped));
    buffer_clean_up(&escaped);
}

static void write_range(FILE *out, const struct config_time_range *range) {
    if (range->start_minute == range->end_minute) {
        fputs("\"\"", out);
        return;
    }
    fprintf(out, "\"%02d:%02d-%02d:%02d\"", range->start_minute / 60, range->start_minute % 60,
            range->end_minute / 60, range->end_minute % 60);
}

static void write_instant(FILE *out, int64_t ms) {
    time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
    struct tm utc;
    char text[40];
    if (ms == INT64_MIN || !gmtime_r(&seconds, &utc) ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc) == 0) {
        fputs("\"\"", out);
        return;
    }
    fprintf(out, "\"%s.%03dZ\"", text, (int)((ms % 1000 + 1000) % 1000));
}

/* The shortest of 15 to 17 digits that reads back the same. */
static void write_number(FILE *out, double value) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    fputs(text, out);
}

static void write_with_unit(FILE *out, const struct config_key *key, int64_t value) {
    struct buffer text = {0};
    config_value_print_number(key, (double)value, &text);
    fputs(config_buffer_text(&text), out);
    buffer_clean_up(&text);
}

static void write_scalar(FILE *out, const struct config_key *key, const void *field) {
    switch (key->type) {
    case CONFIG_BOOL:
        fputs(*(const bool *)field ? "true" : "false", out);
        break;
    case CONFIG_INT:
        fprintf(out, "%lld", (long long)*(const int64_t *)field);
        break;
    case CONFIG_NUMBER:
        write_number(out, *(const double *)field);
        break;
    case CONFIG_DURATION_MS:
    case CONFIG_SIZE_BYTES:
        write_with_unit(out, key, *(const int64_t *)field);
        break;
    case CONFIG_CHOICE:
        fputs(key->choices[*(const int *)field], out);
        break;
    case CONFIG_TIME_RANGE:
        write_range(out, field);
        break;
    case CONFIG_INSTANT_MS:
        write_instant(out, *(const int64_t *)field);
        break;
    case CONFIG_TEXT:
        write_text(out, *(const char *const *)field, key->is_secret);
        break;
    default:
        break;
    }
}

static void write_properties(FILE *out, const char *prefix,
                             const struct config_properties *properties) {
    fputs(properties->count == 0 ? " {}\n" : "\n", out);
    for (size_t i = 0; i < properties->count; i++) {
        const struct config_property *property = &properties->items[i];
        fprintf(out, "%s  ", prefix);
        config_write_quoted(out, property->name);
        fputs(": ", out);
        write_text(out, property->value, config_is_secret_name(property->name));
        fputc('\n', out);
    }
}

static void write_texts(FILE *out, const struct config_text_list *list) {
    fputs(" [", out);
    for (size_t i = 0; i < list->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        config_write_quoted(out, list->items[i]); /* taken as they stand: nothing is replaced */
    }
    fputs("]\n", out);
}

static void write_list(FILE *out, const char *prefix, const struct config_key *key,
                       const struct config_list *list) {
    struct buffer inner = {0};
    buffer_format(&inner, "%s    ", prefix);
    fputs(list->count == 0 ? " []\n" : "\n", out);
    for (size_t i = 0; i < list->count; i++) {
        fprintf(out, "%s  -\n", prefix);
        write_values(out, config_buffer_text(&inner), key->element,
                     (const char *)list->items + i * key->element->struct_size);
    }
    buffer_clean_up(&inner);
}

static void write_section(FILE *out, const char *prefix, const struct config_key *key,
                          const char *field) {
    struct buffer inner = {0};
    buffer_format(&inner, "%s  ", prefix);
    fputc('\n', out);
    write_values(out, config_buffer_text(&inner), key->element, field);
    buffer_clean_up(&inner);
}

static void write_values(FILE *out, const char *prefix, const struct config_table *table,
                         const char *target) {
    for (size_t i = 0; i < table->key_count; i++) {
        const struct config_key *key = &table->keys[i];
        const char *field = target + key->offset;
        fprintf(out, "%s%s:", prefix, key->name);
        switch (key->type) {
        case CONFIG_SECTION:
            write_section(out, prefix, key, field);
            break;
        case CONFIG_LIST:
            write_list(out, prefix, key, (const void *)field);
            break;
        case CONFIG_TEXT_LIST:
            write_texts(out, (const void *)field);
            break;
        case CONFIG_PROPERTIES:
            write_properties(out, prefix, (const void *)field);
            break;
        default:
            fputc(' ', out);
            write_scalar(out, key, field);
            fputc('\n', out);
        }
    }
}

void config_write_values(const struct config_room *rooms, size_t room_count, FILE *out) {
    for (size_t i = 0; i < room_count; i++) {
        fprintf(out, "%s%s:\n", i > 0 ? "\n" : "", rooms[i].section);
        write_values(out, "  ", rooms[i].table, rooms[i].target);
    }
}
