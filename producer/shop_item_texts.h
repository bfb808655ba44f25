/* shop_item_texts: the words of the catalogue: ids, names, categories, brands, links. Made once,
 * lent for good. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_ITEM_TEXTS_H
#define PROMOSTREAM_PRODUCER_SHOP_ITEM_TEXTS_H

#include "base/buffer.h"

struct shop_item_texts {
    struct bytes id, name, category, brand, image, url;
};

/* Texts of count items; item i is of category[i] < categories; brands are shared out among the
 * categories and brand_draw[i] chooses one of them. *out_text owns the bytes: free it after the
 * array. */
struct shop_item_texts *shop_item_texts_new(size_t count, const int *category,
                                            const uint64_t *brand_draw, size_t categories,
                                            size_t brands, char **out_text);
/* Name of a category, a constant for the first twelve, else written to out. */
struct bytes shop_category_name(int category, char out[24]);

#endif
