/* rows: what goes to our other topics, as structs, and their Avro bodies (no framing).
 * Encoders append and cannot fail; decoders return false for bytes that are not exactly one valid
 * row and lend texts out of the body. The .avsc beside this file is the contract; schemas/README.md
 * tells how it may change. */
#ifndef PROMOSTREAM_SCHEMAS_ROWS_H
#define PROMOSTREAM_SCHEMAS_ROWS_H

#include "base/behaviour.h"
#include "base/buffer.h"
#include "base/hash.h"
#include "schemas/user_state.h"

#define ROW_ACTIONS_MAX  33 /* none and 32 offers */
#define ROW_GATES_MAX    16
#define ROW_ITEMS_MAX    10
#define ROW_NUMBERS_MAX  64
#define ROW_NAMES_MAX    24
#define ROW_INPUTS_MAX   2
#define ROW_LEDGER_MAX   8
#define ROW_SIDES_MAX    4
#define ROW_LEARNERS_MAX 4
#define ROW_STEPS_MAX    8

/* ---- promotion-decisions ---- */

struct action_probability {
    struct bytes action; /* offer id or "none" */
    double p;            /* conditional on not-control and after all gates (METHODS 0, rule 7) */
    double value;        /* expected profit, currency; NaN = not valued */
};

/* What one learner would have served, frozen at the decision (METHODS 0, rule 6). */
struct learner_score_row {
    struct bytes learner;
    int64_t version_offset; /* next example offset of the version that scored; 0 = untrained */
    size_t p_count;
    double p[ROW_ACTIONS_MAX]; /* probability of buying under each of actions, in their order */
};

struct decision_row {
    struct hash128 decision_id;
    int32_t attempt; /* 0, then 1 after quiet hours */
    struct bytes user_id, subject_key_id, canonical_id;
    enum trigger trigger;
    int64_t deadline_ms; /* the trigger's deadline */
    int64_t decided_ms; /* event time at which this attempt was taken: deadline, or the end of quiet
                           hours */
    uint64_t anchor;
    struct hash128 episode_id;
    bool is_followup;    /* not the decision that opened the episode */
    struct bytes mode;   /* observe | apprentice | live */
    struct bytes bucket; /* control | explore | policy */
    size_t action_count;
    struct action_probability actions[ROW_ACTIONS_MAX]; /* the eligible set, "none" first */
    struct bytes would_have; /* what the written rule says without gates; "none" */
    struct bytes action;     /* what was done */
    double action_p;         /* its probability */
    bool sent;
    struct bytes reason; /* "rule", "trial" or "value" when sent, else the gate that held it */
    size_t gate_count;
    struct bytes gates[ROW_GATES_MAX]; /* every gate that was closed, in the order of the house */
    double cart_value;                 /* NaN = unknown */
    struct bytes currency;
    size_t item_count;
    struct bytes items[ROW_ITEMS_MAX];
    int32_t feature_version;
    size_t number_count;
    double numbers[ROW_NUMBERS_MAX]; /* raw, frozen; NaN = missing (null on the wire) */
    size_t name_count;
    struct bytes names[ROW_NAMES_MAX]; /* raw categorical values, empty = missing */
    uint64_t rule_fingerprint;         /* of the offers and rules in force */
    struct bytes policy;               /* who chose: see policy_names of rooms/decision.h */
    size_t score_count;
    struct learner_score_row scores[ROW_LEARNERS_MAX]; /* the champion first */
    size_t step_count;
    struct behaviour_step steps[ROW_STEPS_MAX];
};
void decision_encode(const struct decision_row *row, struct buffer *out);
bool decision_decode(struct bytes body, struct decision_row *out);

/* ---- promotion-pushes ---- */

enum push_kind { PUSH_SEND, PUSH_REVOKED }; /* "push", "push_revoked" */

struct push_item {
    struct bytes id, name, image, url;
    double price; /* NaN = unknown */
};

struct push_row {
    enum push_kind kind;
    struct bytes push_id; /* idempotency key; a revocation carries the same one */
    struct hash128 decision_id;
    struct bytes user_id, subject_key_id;
    enum trigger trigger;
    struct bytes offer_id, offer_kind; /* percent_off | amount_off | free_shipping | reminder */
    double offer_value;                /* percent or amount, NaN where it means nothing */
    struct bytes channel, locale, currency;
    int64_t not_before_ms, expires_ms;
    size_t item_count;
    struct push_item items[ROW_ITEMS_MAX];
    struct bytes coupon_code; /* empty = none (null) */
    struct bytes title, body; /* rendered */
    struct bytes reason;      /* one readable sentence */
};
void push_encode(const struct push_row *row, struct buffer *out);
bool push_decode(struct bytes body, struct push_row *out);

/* ---- open-decisions: frozen at the decision, tombstoned at close ---- */

struct open_decision_row {
    struct open_decision open; /* as in the user's state at the time of the decision */
    struct bytes user_id, subject_key_id;
    struct bytes action;
    double action_p;
    struct bytes bucket;
    struct hash128 episode_id;
    int32_t feature_version;
    size_t number_count;
    double numbers[ROW_NUMBERS_MAX];
    size_t name_count;
    struct bytes names[ROW_NAMES_MAX];
    size_t action_count;
    struct action_probability actions[ROW_ACTIONS_MAX];
    size_t score_count;
    struct learner_score_row scores[ROW_LEARNERS_MAX];
    double margin; /* of the cart, a share of price; NaN = the configured default */
    double weight; /* 1 / sampling rate */
    size_t step_count;
    struct behaviour_step steps[ROW_STEPS_MAX];
};
void open_decision_encode(const struct open_decision_row *row, struct buffer *out);
bool open_decision_decode(struct bytes body, struct open_decision_row *out);

/* ---- examples: what learners train on ---- */

enum label { LABEL_NOT_BOUGHT, LABEL_BOUGHT, LABEL_CANCELLED, LABEL_COUNT };
extern const char *const label_names[LABEL_COUNT + 1];

struct example_row {
    struct hash128 decision_id;
    int32_t revision; /* 0, then +1 for each correction */
    struct bytes user_id, subject_key_id;
    struct bytes origin; /* observe, or the trigger */
    struct hash128 episode_id;
    int64_t decided_ms, labelled_ms; /* event times of the decision and of this label */
    int32_t feature_version;
    size_t number_count;
    double numbers[ROW_NUMBERS_MAX];
    size_t name_count;
    struct bytes names[ROW_NAMES_MAX];
    struct bytes bucket, action;
    double action_p;
    size_t action_count;
    struct action_probability actions[ROW_ACTIONS_MAX];
    size_t score_count;
    struct learner_score_row scores[ROW_LEARNERS_MAX];
    enum label label;
    bool is_retraction; /* this revision's label is the opposite of the one before */
    double net_margin;  /* after the offer's cost and refunds, currency; NaN = not known yet */
    double weight;
    bool is_censored_by_push;
    size_t step_count;
    struct behaviour_step steps[ROW_STEPS_MAX];
};
void example_encode(const struct example_row *row, struct buffer *out);
/* False too for a number that is written out and is NaN or infinite. */
bool example_decode(struct bytes body, struct example_row *out);
/* The same of a body with others behind it: *rest is what is left. */
bool example_decode_first(struct bytes bodies, struct example_row *out, struct bytes *rest);

/* ---- model: rows of learners' memories ---- */

#define MODEL_VERSION_ROW "version" /* the row that ends a version; no values */

struct model_row {
    struct bytes learner, row; /* the record's key is learner/row */
    struct bytes kind;         /* learner_row_kind_names, or "version" */
    struct bytes values;       /* empty = null */
    int64_t version_offset;
};
void model_row_encode(const struct model_row *row, struct buffer *out);
bool model_row_decode(struct bytes body, struct model_row *out);

/* ---- partition-state ---- */

struct ledger_hour {
    int64_t hour; /* event-time hour since 1970 */
    int64_t used; /* decisions sent in it by this partition */
};

struct partition_state_row {
    int32_t partition;
    int64_t epoch;                       /* +1 for each non-empty epoch of this partition */
    int64_t next_offset[ROW_INPUTS_MAX]; /* clickstream, push-feedback */
    int64_t event_ms_max;                /* TIME_NONE before the first event */
    int64_t watermark_ms; /* TIME_NONE before the first event; ticks may have moved it past
                             event_ms_max - lateness */
    size_t hour_count;
    struct ledger_hour hours[ROW_LEDGER_MAX]; /* ascending */
};
void partition_state_encode(const struct partition_state_row *row, struct buffer *out);
bool partition_state_decode(struct bytes body, struct partition_state_row *out);

/* ---- journal ---- */

struct side_position {
    struct bytes topic;
    int64_t next_offset; /* summed over its partitions */
};

struct model_version {
    struct bytes learner;
    int64_t version_offset;
};

struct journal_row {
    int32_t partition;
    int64_t epoch;
    int64_t from_offset[ROW_INPUTS_MAX], to_offset[ROW_INPUTS_MAX]; /* [from, to) per input topic */
    int64_t watermark_before_ms, watermark_after_ms;
    int64_t tick_ms;   /* watermark that an idle tick set, TIME_NONE = no tick */
    bool fired_at_end; /* --at-end=fire ran in this epoch */
    int64_t wall_ms;   /* the wall clock used */
    size_t side_count;
    struct side_position sides[ROW_SIDES_MAX];
    bool paused;
    uint64_t config_fingerprint;
    struct bytes binary; /* version of the binary */
    size_t model_count;
    struct model_version models[ROW_LEARNERS_MAX];
};
void journal_encode(const struct journal_row *row, struct buffer *out);
bool journal_decode(struct bytes body, struct journal_row *out);

/* ---- dead-letters ---- */

#define ROW_HEADERS_MAX 64

struct dead_letter_header {
    struct bytes key;   /* any bytes */
    struct bytes value; /* data NULL = null; empty is not null */
};

/* The reason of a row that is no letter but a note: the letter at topic (dead-letters itself),
 * partition and offset was put back; value is the topic that it was put to. */
#define DEAD_LETTER_REPLAYED "replayed"

struct dead_letter_row {
    struct bytes topic;
    int32_t partition;
    int64_t offset, timestamp_ms;
    struct bytes reason;     /* verdict name */
    struct bytes key, value; /* original bytes; data NULL = null, empty is not null */
    bool cut;                /* key, value or headers are not whole */
    size_t header_count;     /* in order, keys may repeat */
    struct dead_letter_header headers[ROW_HEADERS_MAX];
};
void dead_letter_encode(const struct dead_letter_row *row, struct buffer *out);
bool dead_letter_decode(struct bytes body, struct dead_letter_row *out);

/* ---- control, catalogue, profiles ---- */

struct control_row {
    struct bytes setting; /* also the key: "paused" */
    struct bytes value;   /* "true" | "false" */
    struct bytes changed_by, why;
    int64_t changed_ms;
};
void control_encode(const struct control_row *row, struct buffer *out);
bool control_decode(struct bytes body, struct control_row *out);

struct catalogue_item_row {
    struct bytes item_id, name, category, brand, image, url;
    double price, margin; /* margin as a share of price; NaN = unknown */
    int64_t stock;        /* -1 = unknown */
};
void catalogue_item_encode(const struct catalogue_item_row *row, struct buffer *out);
bool catalogue_item_decode(struct bytes body, struct catalogue_item_row *out);

struct profile_row {
    struct bytes user_id, subject_key_id, canonical_id, age_band, gender, region, timezone, locale,
        channel;
    int consent; /* enum consent of event.h */
};
void profile_encode(const struct profile_row *row, struct buffer *out);
bool profile_decode(struct bytes body, struct profile_row *out);

#endif
