#include <stdlib.h>

#include "base/nearest.h"
#include "schemas/suggest.h"

#define NEAR_LENGTH_MIN 6 /* shorter names are near too much */

#define LIST(...) ((const struct suggest_name[]){__VA_ARGS__, {NULL, 0}})

const struct suggest_name *const suggest_event_names[MAPPING_EVENT_FIELD_COUNT] = {
    [MAP_TYPE] = LIST({"event", 95}, {"eventname", 100}, {"eventtype", 100}, {"action", 85},
                      {"actiontype", 90}, {"activity", 75}, {"activitytype", 80}, {"type", 70},
                      {"kind", 65}, {"verb", 65}, {"what", 50}, {"name", 40}, {"interaction", 60}),
    [MAP_EVENT_MS] =
        LIST({"eventtime", 100}, {"eventtimestamp", 100}, {"eventms", 100}, {"occurredat", 98},
             {"happenedat", 98}, {"timestamp", 96}, {"derivedtstamp", 96}, {"eventts", 96},
             {"ts", 90}, {"time", 85}, {"datetime", 85}, {"clienttime", 80}, {"createdat", 75},
             {"originaltimestamp", 70}, {"collectortstamp", 70}, {"date", 55}, {"sentat", 50},
             {"receivedat", 45}, {"ingestedat", 40}),
    [MAP_USER_ID] = LIST({"userid", 100}, {"customerid", 98}, {"shopperid", 98}, {"memberid", 92},
                         {"accountid", 88}, {"clientid", 75}, {"buyerid", 90}, {"uid", 85},
                         {"user", 75}, {"customer", 75}, {"shopper", 75}, {"personid", 80},
                         {"customernumber", 85}, {"userkey", 80}, {"who", 80}, {"profileid", 75}),
    [MAP_EVENT_ID] = LIST({"eventid", 100}, {"messageid", 98}, {"eventuuid", 98}, {"eventguid", 95},
                          {"uuid", 75}, {"guid", 70}, {"insertid", 85}, {"dedupkey", 85},
                          {"idempotencykey", 90}, {"hitid", 75}, {"metaid", 80}, {"headerid", 75}),
    [MAP_SUBJECT_KEY_ID] = LIST({"subjectkeyid", 100}),
    [MAP_CANONICAL_ID] = LIST({"canonicalid", 100}),
    [MAP_GUEST_ID] = LIST({"anonymousid", 100}, {"guestid", 100}, {"visitorid", 98}, {"anonid", 95},
                          {"userpseudoid", 100}, {"domainuserid", 100}, {"deviceid", 80},
                          {"cookieid", 88}, {"browserid", 85}, {"visitor", 70}, {"guest", 70}),
    [MAP_SESSION_ID] = LIST({"sessionid", 100}, {"usersession", 100}, {"domainsessionid", 100},
                            {"gasessionid", 100}, {"session", 85}, {"visitid", 90}, {"sid", 75},
                            {"sessionkey", 85}),
    [MAP_ORDER_ID] = LIST({"orderid", 100}, {"transactionid", 96}, {"ordernumber", 96},
                          {"orderno", 92}, {"purchaseid", 92}, {"purchasetransactionid", 92},
                          {"invoiceid", 75}, {"ordercode", 85}, {"orderref", 85}),
    [MAP_COUPON] = LIST({"coupon", 96}, {"couponcode", 100}, {"vouchercode", 98}, {"voucher", 90},
                        {"promocode", 96}, {"discountcode", 96}, {"couponid", 85}),
    [MAP_CURRENCY] =
        LIST({"currency", 100}, {"currencycode", 100}, {"curr", 75}, {"ordercurrency", 92}),
    [MAP_TIMEZONE] =
        LIST({"timezone", 100}, {"tz", 90}, {"ostimezone", 98}, {"zoneid", 80}, {"zone", 75}),
    [MAP_LOCALE] = LIST({"locale", 100}, {"language", 85}, {"lang", 85}, {"brlang", 95}),
    [MAP_PLACE] = LIST({"country", 95}, {"countrycode", 100}, {"geocountry", 98}, {"region", 70},
                       {"market", 65}, {"place", 85}),
    [MAP_DEVICE] = LIST({"device", 90}, {"devicetype", 100}, {"devicecategory", 100},
                        {"dvcetype", 100}, {"channel", 45}, {"platform", 55}),
    [MAP_USER_AGENT] = LIST({"useragent", 100}, {"ua", 80}, {"agent", 75}),
    [MAP_DECISION_ID] = LIST({"decisionid", 100}),
    [MAP_QUERY] =
        LIST({"query", 92}, {"searchquery", 100}, {"searchterm", 100}, {"searchterms", 96},
             {"keywords", 80}, {"searchtext", 96}, {"term", 70}, {"q", 75}),
    [MAP_TOTAL] = LIST({"total", 92}, {"ordertotal", 100}, {"ordervalue", 98}, {"grandtotal", 98},
                       {"totalamount", 98}, {"totalprice", 96}, {"revenue", 92},
                       {"orderamount", 96}, {"purchaserevenue", 96}, {"totalcents", 96},
                       {"totalmicros", 96}, {"totalvalue", 80}, {"amount", 55}, {"value", 50}),
    [MAP_CONSENT] = LIST({"marketingconsent", 100}, {"consent", 85}, {"marketingoptin", 100},
                         {"acceptsmarketing", 98}, {"optin", 85}, {"pushoptin", 98},
                         {"marketing", 60}, {"promotions", 60}),
};

const struct suggest_name *const suggest_line_names[MAPPING_LINE_FIELD_COUNT] = {
    [MAP_LINE_ITEM_ID] =
        LIST({"productid", 100}, {"itemid", 100}, {"sku", 96}, {"articleid", 96}, {"skuid", 96},
             {"articlenumber", 92}, {"variantid", 85}, {"offerid", 80}, {"productcode", 92},
             {"itemcode", 90}, {"product", 80}, {"item", 80}, {"article", 80}, {"asin", 85},
             {"ean", 75}, {"gtin", 75}, {"productsku", 96}, {"itemsku", 96}),
    [MAP_LINE_CATEGORY] =
        LIST({"category", 98}, {"categorycode", 100}, {"categoryname", 96}, {"categoryid", 92},
             {"itemcategory", 100}, {"productcategory", 100}, {"categorypath", 92},
             {"categories", 92}, {"department", 70}, {"productgroup", 85}, {"group", 60}),
    [MAP_LINE_BRAND] = LIST({"brand", 100}, {"itembrand", 100}, {"brandname", 98}, {"brands", 92},
                            {"manufacturer", 75}, {"vendor", 65}, {"maker", 75}),
    [MAP_LINE_PRICE] =
        LIST({"price", 100}, {"unitprice", 100}, {"itemprice", 100}, {"productprice", 100},
             {"pricecents", 98}, {"unitpricecents", 98}, {"priceincents", 98}, {"pricemicros", 98},
             {"unitpricemicros", 98}, {"priceamount", 92}, {"saleprice", 90}, {"finalprice", 92},
             {"pricegross", 88}, {"listprice", 60}, {"amount", 55}, {"cost", 50}, {"money", 55}),
    [MAP_LINE_QUANTITY] = LIST({"quantity", 100}, {"qty", 100}, {"pieces", 90}, {"units", 80},
                               {"count", 75}, {"amount", 40}, {"itemquantity", 96}, {"number", 45}),
};

static int weigh(const struct suggest_name *names, const char *plain) {
    int best = 0;
    for (; names->name; names++) {
        size_t size = strlen(names->name), plain_size = strlen(plain);
        int weight = 0;
        if (strcmp(plain, names->name) == 0) {
            weight = names->weight;
        } else if (size >= NEAR_LENGTH_MIN && plain_size > size &&
                   strcmp(plain + plain_size - size, names->name) == 0) {
            weight = names->weight * 3 / 4; /* shopuserid */
        } else if (size >= NEAR_LENGTH_MIN && plain_size >= NEAR_LENGTH_MIN &&
                   plain_size <= size + 1 && size <= plain_size + 1 &&
                   nearest_distance(plain, names->name) == 1) {
            weight = names->weight * 2 / 3;
        }
        best = weight > best ? weight : best;
    }
    return best;
}

int suggest_name_weight(const struct suggest_name *names, const char *last, const char *parent) {
    char both[2 * SHAPE_NAME_MAX + 2], plain[SHAPE_NAME_MAX + 1];
    int alone = weigh(names, last);
    if (strlen(parent) + strlen(last) >= SHAPE_NAME_MAX || !*parent) {
        return alone;
    }
    memcpy(both, parent, strlen(parent));
    memcpy(both + strlen(parent), last, strlen(last) + 1);
    shape_plain_name(both, plain);
    int together = weigh(names, plain);
    return together > alone ? together : alone;
}

/* ---- Names of events ---- */

/* A plain name means the type if it has one of each given group, and none of `not`; or if it is
 * one of `whole`. Groups are words between bars. The first rule that holds wins. */
struct event_rule {
    enum event_type type; /* EVENT_OTHER: it is none of ours */
    const char *whole, *first, *second, *not ;
};

#define CART    "|cart|basket|bag|trolley|"
#define PRODUCT "|product|item|article|sku|"
#define LOOK    "|view|show|open|visit|seen|see|display|impress|page|look|enter|"

static const struct event_rule rules[] = {
    {EVENT_OTHER, NULL, "|wish|fail|denied|error|newsletter|banner|favo|share|review|compare|",
     NULL, NULL},
    {EVENT_ORDER_REFUNDED, NULL, "|refund|", NULL, NULL},
    {EVENT_ORDER_REFUNDED, NULL, "|order|item|product|", "|returned|", NULL},
    {EVENT_ORDER_CANCELLED, "|cancel|cancelled|canceled|", "|order|purchase|transaction|",
     "|cancel|", NULL},
    {EVENT_COUPON_APPLIED, "|coupon|voucher|", "|coupon|voucher|promocode|discountcode|",
     "|appl|redeem|add|used|", "|remov|"},
    {EVENT_OTHER, NULL, "|coupon|voucher|promo|", NULL, NULL},
    {EVENT_PRODUCT_REMOVED, "|remove|", CART PRODUCT, "|remov|delet|", NULL},
    {EVENT_PRODUCT_ADDED, "|cart|basket|add|", CART PRODUCT, "|add|", NULL},
    {EVENT_ORDER_COMPLETED, "|order|purchase|transaction|buy|bought|conversion|sale|",
     "|order|purchase|transaction|sale|checkout|",
     "|complet|creat|plac|paid|success|confirm|submit|done|finish|", NULL},
    {EVENT_CHECKOUT_STARTED, "|checkout|", "|checkout|", "|start|begin|init|enter|open|step|",
     NULL},
    {EVENT_CART_VIEWED, NULL, CART, LOOK, NULL},
    {EVENT_PRODUCTS_SEARCHED, NULL, "|search|", NULL, NULL},
    {EVENT_USER_IDENTIFIED, "|alias|",
     "|login|logon|loggedin|signin|signedin|signup|signedup|"
     "register|registration|identif|",
     NULL, NULL},
    {EVENT_PRODUCT_LIST_VIEWED, "|list|", "|list|categor|collection|catalog|listing|plp|", LOOK,
     NULL},
    {EVENT_PRODUCT_VIEWED, "|view|detail|details|pdp|", PRODUCT "|detail|pdp|", LOOK, NULL},
};

static bool has_word(const char *plain, const char *words, bool is_whole) {
    for (const char *word = words ? words + 1 : ""; *word;) {
        size_t size = strcspn(word, "|");
        char text[SHAPE_NAME_MAX + 1];
        memcpy(text, word, size);
        text[size] = 0;
        if (size > 0 && (is_whole ? strcmp(plain, text) == 0 : strstr(plain, text) != NULL)) {
            return true;
        }
        word += size + (word[size] == '|');
    }
    return false;
}

enum event_type suggest_event_type(const char *text) {
    char plain[SHAPE_NAME_MAX + 1];
    shape_plain_name(text, plain);
    enum event_type ours = event_type_of_name(bytes_of_text(text));
    if (ours != EVENT_OTHER) {
        return ours;
    }
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const struct event_rule *rule = &rules[i];
        bool has_both = has_word(plain, rule->first, false) &&
                        (!rule->second || has_word(plain, rule->second, false)) &&
                        !has_word(plain, rule->not, false);
        if (has_both || has_word(plain, rule->whole, true)) {
            return rule->type;
        }
    }
    return EVENT_OTHER;
}

enum consent suggest_consent(const char *text) {
    char plain[SHAPE_NAME_MAX + 1];
    shape_plain_name(text, plain);
    if (has_word(plain, "|true|yes|y|1|granted|optin|optedin|accepted|subscribed|", true)) {
        return CONSENT_GRANTED;
    }
    return has_word(plain, "|false|no|n|0|denied|optout|optedout|rejected|unsubscribed|revoked|",
                    true)
               ? CONSENT_DENIED
               : CONSENT_UNKNOWN;
}
