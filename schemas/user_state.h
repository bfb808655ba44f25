/* user_state: what promostream keeps of one user, and how it goes to the topic user-state
 * (user_state.avsc).
 *
 * The part that every user has is one fixed struct (<= 432 bytes); what only shoppers with
 * something at stake have (cart, timers, open decisions, sent pushes) hangs on `active` and is
 * absent otherwise. Every field is a pure function of the partition's input and the user's own
 * recorded decisions: encode(decode(x)) == x byte for byte, and two runs over the same input encode
 * to the same bytes. */
#ifndef PROMOSTREAM_SCHEMAS_USER_STATE_H
#define PROMOSTREAM_SCHEMAS_USER_STATE_H

#include "base/buffer.h"
#include "base/hash.h"

/* Decayed counters: one per kind and half-life (METHODS 0, rule 10 reads them as features). */
enum counter_kind {
    COUNTER_VIEWED,
    COUNTER_ADDED,
    COUNTER_CHECKOUT,
    COUNTER_ORDERED,
    COUNTER_SEARCHED,
    COUNTER_KIND_COUNT
};
#define COUNTER_HALF_LIVES 3
extern const double counter_half_life_ms[COUNTER_HALF_LIVES]; /* 1 h, 1 d, 14 d */

#define USER_RECENT_ITEMS   4
#define USER_AFFINITIES     3
#define USER_DEDUP_RING     16
#define USER_CART_LINES_MAX 50
#define USER_OPEN_MAX       4
#define USER_SENT_RING      8
#define USER_ID_NEAR_MAX    16
#define TIME_NONE           INT64_MIN

/* 20 bytes, not 24: every user has five, and a user with its slot fills seven cache lines. */
struct __attribute__((packed, aligned(4))) decayed_counter {
    int64_t last_ms;                 /* event time of the last increment; TIME_NONE = never */
    float value[COUNTER_HALF_LIVES]; /* as of last_ms */
};

/* Item ids are interned per partition (consumer/rooms/items.h): the number means nothing outside
 * the process. */
struct recent_item {
    uint32_t item; /* interned id, 0 = empty slot */
    uint32_t category_hash;
    int32_t gap_s; /* seconds since the item before it, -1 for the first */
    uint8_t kind;  /* enum event_type of its last event */
};

struct affinity {
    uint32_t name_hash; /* 0 = empty */
    float weight;       /* decayed with the 14 d half-life at each touch of this user */
};

struct cart_line {
    uint32_t item; /* interned id */
    uint32_t category_hash;
    int32_t quantity;
    float price; /* NaN = unknown */
};

enum trigger {
    TRIGGER_CART_ABANDONED,
    TRIGGER_CHECKOUT_ABANDONED,
    TRIGGER_BROWSE_ABANDONED,
    TRIGGER_OBSERVE, /* the sampled decision that only watches */
    TRIGGER_COUNT
};
extern const char *const trigger_names[TRIGGER_COUNT + 1]; /* "cart_abandoned", ..., NULL */

/* What a user's timers are for; the order is the third key of the firing order (deadline, user,
 * kind). */
enum timer_kind {
    TIMER_CART,
    TIMER_CHECKOUT,
    TIMER_BROWSE,
    TIMER_DECISIONS, /* the earliest thing that an open decision waits for */
    TIMER_OBSERVE,
    TIMER_KIND_COUNT
};

struct timer {
    int64_t deadline_ms; /* TIME_NONE = not armed */
    int64_t queued_ms;   /* in-memory only: the live entry of the timer heap, TIME_NONE = none. Not
                            encoded. */
    uint64_t anchor;     /* hash of the arming event's id or position: part of the decision id */
};

enum decision_flag {
    DECISION_SENT = 1,
    DECISION_DELIVERED = 2,
    DECISION_REVOKED = 4,
    DECISION_DEFERRED = 8,  /* waits for redecide_ms */
    DECISION_ORDERED = 16,  /* an order came inside its window and was not cancelled */
    DECISION_LABELLED = 32, /* its short window is over: an example was written */
    DECISION_MATURED =
        64, /* its attribution window is over: only refunds and cancellations count */
    DECISION_CENSORED = 128, /* a later push came before its first label */
};

struct open_decision {
    struct hash128 id;
    int64_t deadline_ms; /* the trigger's deadline: the decision's own time */
    int64_t close_ms;    /* end of the attribution window */
    int64_t redecide_ms; /* TIME_NONE unless DECISION_DEFERRED */
    int64_t expires_ms;  /* of the push; TIME_NONE if nothing was sent */
    uint64_t anchor;
    uint8_t trigger;     /* enum trigger */
    uint8_t attempt;     /* last attempt written */
    uint8_t flags;       /* enum decision_flag */
    char offer_id[24];   /* NUL-terminated; "" if nothing was sent */
    uint8_t revision;    /* examples written so far, saturating */
    int64_t decided_ms;  /* of the last attempt: outcomes count from here */
    int64_t order_ms;    /* of its order, or of the last one that was cancelled; TIME_NONE */
    uint64_t order_hash; /* of that order's id, 0 = it had none */
    double order_total;  /* NaN = unknown */
    double refunded;     /* share of the order, 0 to 1; NaN = nothing */
};

struct user_active {
    struct timer timers[TIMER_KIND_COUNT];
    /* The episode: the causal unit (METHODS 0, rule 3). end TIME_NONE = none yet. */
    struct hash128 episode_id;
    int64_t episode_end_ms;
    int64_t checkout_ms;     /* last checkout_started since the last order; TIME_NONE */
    int64_t cart_changed_ms; /* last cart change; TIME_NONE */
    uint32_t cart_overflow;  /* lines that did not fit into USER_CART_LINES_MAX */
    uint16_t cart_count, cart_capacity;
    uint8_t open_count;
    uint8_t sent_count;     /* filled part of sent_ms */
    struct cart_line *cart; /* cart_count of them, in the order of adding */
    struct open_decision
        *open; /* open_count of them, in the order of opening; room for no more than there were */
    int64_t sent_ms[USER_SENT_RING]; /* event times of the last sent decisions, oldest first */
};

struct user_state {
    union {
        uint8_t near[USER_ID_NEAR_MAX]; /* most ids: no block of their own, no cache miss */
        uint8_t *far;                   /* owned; the longer ones */
    } user_id;                          /* user_id_size bytes */
    struct user_active *active;         /* NULL for most */
    int64_t first_seen_ms;
    int64_t last_event_ms; /* largest event time seen */
    int64_t session_start_ms;
    int64_t order_ms; /* last order; TIME_NONE */
    struct decayed_counter counters[COUNTER_KIND_COUNT];
    float order_value;   /* decayed (14 d) sum of order totals, as of order_ms */
    float price_mean;    /* running mean of viewed prices, NaN = none */
    float push_pressure; /* decayed (7 d) number of sent pushes, as of the last one in sent_ms
                            (fatigue) */
    struct affinity categories[USER_AFFINITIES];
    struct affinity brands[USER_AFFINITIES];
    struct recent_item recent[USER_RECENT_ITEMS]; /* newest first */
    uint32_t dedup_low[USER_DEDUP_RING]; /* 48-bit hashes of recent event ids; 0/0 = empty */
    uint16_t dedup_high[USER_DEDUP_RING];
    uint32_t minute; /* bot rule: minute since 1970 and events in it */
    uint16_t minute_events;
    uint16_t day_events; /* events in the day of `minute`, saturating */
    uint16_t session_views, session_adds;
    uint32_t sessions;
    uint16_t coupons;           /* coupons applied, saturating */
    uint16_t opened, dismissed; /* pushes, saturating */
    uint16_t zone;              /* interned time zone, 0 = unknown */
    uint8_t user_id_size;
    uint8_t consent;                        /* enum consent */
    uint8_t dedup_next;                     /* next slot of the ring */
    uint8_t bot_suspect;                    /* 1 until the day after the rule was met */
    char locale[12], currency[4], place[8]; /* NUL-padded; what does not fit is not kept */
};

_Static_assert(sizeof(struct user_state) <= 432, "the part that every user has stays small");

/* How the codec reaches interned names: item ids and zones are numbers in memory and texts on the
 * wire. */
struct user_state_names {
    void *context;
    struct bytes (*item)(void *context, uint32_t item);      /* text of an interned item */
    uint32_t (*intern_item)(void *context, struct bytes id); /* adds one reference; 0 = full */
    /* The same of USER_RECENT_ITEMS ids, empty ones among them, in two steps: their hashes, with
     * which the table's memory is fetched, then the numbers. NULL = one by one. */
    void (*hash_items)(void *context, const struct bytes *ids, size_t count, uint64_t *out_hashes);
    void (*intern_items)(void *context, const struct bytes *ids, const uint64_t *hashes,
                         size_t count, uint32_t *out);
    struct bytes (*zone)(void *context, uint16_t zone);
    uint16_t (*find_zone)(void *context, struct bytes name);
};

/* The names of a row, lent from its body until they are interned. */
struct user_row_names {
    struct bytes recent[USER_RECENT_ITEMS];
    struct bytes zone;
    uint64_t recent_hashes[USER_RECENT_ITEMS]; /* if names->hash_items tells them */
    struct bytes cart[USER_CART_LINES_MAX];    /* as many as the cart has lines */
};

/* Avro body of user_state.avsc, appended. The user id is the record's key and is in the row too. */
void user_state_encode(const struct user_state *user, const struct user_state_names *names,
                       struct buffer *out);
/* Fills *out, whatever it held, allocating a long user_id, active, cart, open. False for bytes
 * that are not a whole, valid row (then *out is left freed and zeroed; interned references taken
 * are the caller's problem only on success). */
bool user_state_decode(struct bytes body, const struct user_state_names *names,
                       struct user_state *out);
/* Decoding in its two steps: read leaves the user without items and zone, and takes no reference;
 * name then cannot fail. Whoever reads many rows names each some rows later, when what names are
 * looked up in has been fetched. *out_row need not hold anything beforehand. */
bool user_state_read(struct bytes body, const struct user_state_names *names,
                     struct user_state *out, struct user_row_names *out_row);
void user_state_name(struct user_state *user, const struct user_row_names *row,
                     const struct user_state_names *names);
/* An empty user: times TIME_NONE, prices NaN. Copies user_id. */
void user_state_init(struct user_state *user, struct bytes user_id);
/* Frees what it owns (not interned references: rooms/state releases them first). Idempotent. */
void user_state_clean_up(struct user_state *user);
/* Bytes of memory that this user holds, blocks included. */
size_t user_state_memory_bytes(const struct user_state *user);
/* Lent; points into *user if the id is short. */
static inline struct bytes user_state_id(const struct user_state *user) {
    bool is_near = user->user_id_size <= USER_ID_NEAR_MAX;
    return bytes_of(is_near ? user->user_id.near : user->user_id.far, user->user_id_size);
}

#endif
