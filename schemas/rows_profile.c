#include "schemas/event.h"
#include "schemas/rows_plan.h"

/* profile.avsc, field by field. */
static const struct plan_op ops[] = {
    ROW_TEXT(profile_row, user_id),
    ROW_TEXT_OPTIONAL(profile_row, subject_key_id),
    ROW_TEXT_OPTIONAL(profile_row, canonical_id),
    ROW_TEXT_OPTIONAL(profile_row, age_band),
    ROW_TEXT_OPTIONAL(profile_row, gender),
    ROW_TEXT_OPTIONAL(profile_row, region),
    ROW_TEXT_OPTIONAL(profile_row, timezone),
    ROW_TEXT_OPTIONAL(profile_row, locale),
    ROW_TEXT_OPTIONAL(profile_row, channel),
    ROW_BOUND(PLAN_ENUM, profile_row, consent, CONSENT_DENIED + 1),
    ROW_END,
};

void profile_encode(const struct profile_row *row, struct buffer *out) {
    plan_encode(ops, row, out);
}

bool profile_decode(struct bytes body, struct profile_row *out) {
    return plan_decode_body(ops, body, out) == WIRE_OK;
}
