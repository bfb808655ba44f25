/* pipeline_config: pipeline.yaml as one struct: every room's section, in the order of the rooms.
 * The table of sections stands here; what a section means stands in its room. */
#ifndef PROMOSTREAM_PIPELINE_CONFIG_H
#define PROMOSTREAM_PIPELINE_CONFIG_H

#include "broker/broker.h"
#include "consumer/ops/ops_config.h"
#include "consumer/pipeline.h"
#include "consumer/rooms/clean.h"
#include "consumer/rooms/decide.h"
#include "consumer/rooms/decode.h"
#include "consumer/rooms/models.h"
#include "consumer/rooms/outcomes.h"
#include "consumer/rooms/state.h"
#include "consumer/rooms/triggers.h"
#include "consumer/side/side_table.h"

struct epoch_config {            /* section `epoch` */
    int64_t interval_ms;         /* an epoch closes after this long ... */
    int64_t events_max;          /* ... or after this many input records */
    int64_t bytes_max;           /* ... or this many bytes of them, keys and values */
    int64_t backlog_interval_ms; /* instead of interval_ms while more is waiting, if it is longer */
    int64_t micro_batch_max;     /* decisions that are scored together at most */
    bool ticks;                  /* idle partitions' watermarks follow the wall clock's pace */
    int64_t idle_after_ms; /* a partition is idle when nothing came for this long (and its log end
                              is reached) */
    int64_t heartbeat_ms;  /* idle workers commit their offsets this often, to notice fencing */
};

struct pipeline_config {
    struct broker_config broker; /* section `kafka` */
    struct topics topics;        /* resolved: full names are there */
    struct epoch_config epoch;
    struct side_config side;
    struct decode_config decode;
    struct mapping_config mapping;
    struct registry_config registry;
    struct clean_config clean;
    struct state_config state;
    struct outcomes_config outcomes;
    struct triggers_config triggers;
    struct decide_config decide; /* sections `decide`, `offers`, `rules` */
    struct learn_config learn;
    struct ops_config ops;
    uint64_t fingerprint; /* of the file's text */
    struct config *owned; /* the texts and lists that all of them point to */
};

/* Reads, checks and resolves the whole file: tables first, then every room's own check. On failure
 * (STOP) every error stands in errors, one a line, text says how many, and *out is empty. */
MUST_CHECK struct failure pipeline_config_load(const char *path, FILE *errors,
                                               struct pipeline_config *out);
MUST_CHECK struct failure pipeline_config_load_text(const char *name, const char *text, size_t size,
                                                    FILE *errors, struct pipeline_config *out);
/* What a pipeline takes from the configuration; the caller adds sources and schema ids. Borrows it.
 */
struct pipeline_settings pipeline_config_settings(const struct pipeline_config *config,
                                                  int32_t partition_count);
void pipeline_config_clean_up(struct pipeline_config *config); /* idempotent */
/* All sections as commented YAML with their defaults. */
void pipeline_config_write_defaults(FILE *out);
/* All sections as YAML with the values in force; secrets are masked. */
void pipeline_config_write_values(const struct pipeline_config *config, FILE *out);

#endif
