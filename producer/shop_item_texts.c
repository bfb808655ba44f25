#include "producer/shop_item_texts.h"

#include <stdio.h>

#define NAMED_CATEGORIES   12
#define NAMED_PER_CATEGORY 5
#define TEXT_BYTES         192 /* of one item, all fields together */

static const char *const category_names[NAMED_CATEGORIES] = {
    "shoes",   "dresses", "jackets", "bags",  "phones", "audio",
    "kitchen", "garden",  "toys",    "books", "beauty", "sports",
};

static const char *const brand_names[NAMED_CATEGORIES * NAMED_PER_CATEGORY] = {
    "Astera", "Fjordan", "Velmo",     "Pasito",    "Kurva",    "Linnea", "Odalys", "Mirabel",
    "Tressa", "Solenne", "Nordhaus",  "Gelvin",    "Altor",    "Brisk",  "Karvik", "Tessuto",
    "Marlow", "Vanto",   "Ledra",     "Corvina",   "Zephon",   "Nuvia",  "Orbit9", "Telmar",
    "Quanta", "Sonara",  "Klangwerk", "Auditor",   "Bassline", "Timbra", "Cucina", "Hearthly",
    "Pellio", "Messa",   "Kochwert",  "Verdano",   "Grunwald", "Florin", "Rastro", "Bloemen",
    "Ludo",   "Pimpel",  "Knopf",     "Tinka",     "Bobbin",   "Folio",  "Quarto", "Inkwell",
    "Lesart", "Vellum",  "Rosalba",   "Dermia",    "Lumea",    "Petale", "Ondine", "Strider",
    "Apexo",  "Vigor",   "Rallye",    "Trailkind",
};

struct bytes shop_category_name(int category, char out[24]) {
    if (category < NAMED_CATEGORIES) {
        return bytes_of_text(category_names[category]);
    }
    int size = snprintf(out, 24, "category-%02d", category + 1);
    return bytes_of(out, (size_t)size);
}

static struct bytes brand_name(size_t brand, char out[24]) {
    if (brand < NAMED_CATEGORIES * NAMED_PER_CATEGORY) {
        return bytes_of_text(brand_names[brand]);
    }
    int size = snprintf(out, 24, "brand-%03zu", brand + 1);
    return bytes_of(out, (size_t)size);
}

/* Appends text to the arena and lends what it became. */
static struct bytes keep(char **cursor, struct bytes text) {
    char *at = *cursor;
    memcpy(at, text.data, text.size);
    *cursor = at + text.size;
    return bytes_of(at, text.size);
}

static void fill(struct shop_item_texts *texts, size_t index, struct bytes category,
                 struct bytes brand, char **cursor) {
    char line[96];
    int size = snprintf(line, sizeof line, "i%06zu", index);
    texts->id = keep(cursor, bytes_of(line, (size_t)size));
    texts->category = keep(cursor, category);
    texts->brand = keep(cursor, brand);
    size =
        snprintf(line, sizeof line, "%.*s %.*s %zu", BYTES_ARG(brand), BYTES_ARG(category), index);
    texts->name = keep(cursor, bytes_of(line, (size_t)size));
    size = snprintf(line, sizeof line, "https://shop.example/img/i%06zu.jpg", index);
    texts->image = keep(cursor, bytes_of(line, (size_t)size));
    size = snprintf(line, sizeof line, "https://shop.example/p/i%06zu", index);
    texts->url = keep(cursor, bytes_of(line, (size_t)size));
}

struct shop_item_texts *shop_item_texts_new(size_t count, const int *category,
                                            const uint64_t *brand_draw, size_t categories,
                                            size_t brands, char **out_text) {
    struct shop_item_texts *texts = memory_new(count, sizeof *texts);
    char *cursor = memory_new(count, TEXT_BYTES);
    *out_text = cursor;
    size_t per_category = brands / categories > 0 ? brands / categories : 1;
    for (size_t i = 0; i < count; i++) {
        char category_text[24], brand_text[24];
        size_t brand = (size_t)category[i] * per_category + (size_t)(brand_draw[i] % per_category);
        fill(&texts[i], i, shop_category_name(category[i], category_text),
             brand_name(brand % brands, brand_text), &cursor);
    }
    return texts;
}
