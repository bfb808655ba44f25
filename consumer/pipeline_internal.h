/* pipeline_internal: what pipeline.c (the table of contents, one event), pipeline_batch.c (the
 * micro-batch), pipeline_timers.c and pipeline_rows.c share. Private to them. */
#ifndef PROMOSTREAM_CONSUMER_PIPELINE_INTERNAL_H
#define PROMOSTREAM_CONSUMER_PIPELINE_INTERNAL_H

#include "consumer/pipeline.h"

/* Scores and decides what waits, in order. */
void pipeline_close_batch(struct pipeline *pipeline);
/* Before a user is touched again its waiting decision must be taken. */
void pipeline_settle_user(struct pipeline *pipeline, const struct user_slot *tenant);
/* Captures a decision into the micro-batch. */
void pipeline_open_decision(struct pipeline *pipeline, struct partition *partition, uint32_t slot,
                            const struct capture_cause *cause);
/* Sets the user's timer to the earliest thing that its open decisions wait for. */
void pipeline_arm_decisions(struct pipeline *pipeline, struct partition *partition, uint32_t slot);
/* The index-th open decision is over: it leaves the user, the topic and the partition. */
void pipeline_forget_decision(struct pipeline *pipeline, struct partition *partition,
                              struct user_state *user, size_t index);

/* Fires what is due until until_ms, in the order (deadline, user, kind); at most timers_max. True
 * if none is left. */
bool pipeline_fire_due(struct pipeline *pipeline, struct partition *partition, int64_t until_ms,
                       size_t timers_max);

void pipeline_write_dead_letter(struct pipeline *pipeline, struct partition *partition,
                                const struct record *record, const char *reason);

#endif
