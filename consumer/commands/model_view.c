#include "consumer/commands/model_view.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "consumer/ops/console_learning.h"
#include "consumer/ops/printable.h"
#include "schemas/schemas.h"

/* ---- life ---- */

void model_view_init(struct model_view *view, const struct pipeline_config *config) {
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    *view = (struct model_view){.config = config};
    view->learner_count = learn_config_list(&config->learn, learners);
    for (size_t i = 0; i < view->learner_count; i++) {
        model_init(&view->learners[i].model, learners[i], &config->decide);
        view->learners[i].published_ms = INT64_MIN;
    }
}

void model_view_clean_up(struct model_view *view) {
    for (size_t i = 0; i < view->learner_count; i++) {
        model_clean_up(&view->learners[i].model);
    }
    free(view->champions);
    *view = (struct model_view){0};
}

/* ---- taking ---- */

static bool is_of(struct bytes key, const char *learner) {
    size_t size = strlen(learner);
    return key.size > size && key.data[size] == '/' && memcmp(key.data, learner, size) == 0;
}

void model_view_take_model(struct model_view *view, const struct record *record) {
    for (size_t i = 0; i < view->learner_count; i++) {
        struct model_view_learner *learner = &view->learners[i];
        const char *name = learner->model.config->name;
        if (!is_of(record->key, name)) {
            continue;
        }
        int64_t before = learner->model.waiting_offset;
        (void)model_take_record(&learner->model, &view->config->learn,
                                view->config->decide.attribution_window_ms, record->key,
                                record->value, &view->metrics);
        learner->record_count++;
        learner->record_bytes += (int64_t)(record->key.size + record->value.size);
        if (learner->model.waiting_offset != before) {
            learner->published_ms = record->timestamp_ms;
        }
    }
}

static void copy_text(char *out, size_t size, struct bytes text) {
    size_t used = text.size < size ? text.size : size - 1;
    memcpy(out, text.data, used);
    out[used] = '\0';
}

void model_view_take_control(struct model_view *view, const struct record *record) {
    struct bytes body;
    struct control_row row;
    if (!wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_CONTROL, 0, record->value, &body) ||
        !control_decode(body, &row) || !bytes_equal(record->key, row.setting) ||
        !bytes_equal(row.setting, bytes_of_text(CONTROL_CHAMPION)) ||
        row.value.size > SIDE_NAME_BYTES_MAX || memchr(row.value.data, 0, row.value.size)) {
        return; /* as side.c has it */
    }
    if (view->champion_count == view->champion_capacity) {
        view->champion_capacity = view->champion_capacity ? view->champion_capacity * 2 : 16;
        view->champions =
            memory_grow(view->champions, view->champion_capacity, sizeof *view->champions);
    }
    struct model_view_champion *champion = &view->champions[view->champion_count++];
    copy_text(champion->name, sizeof champion->name, row.value);
    copy_text(champion->by, sizeof champion->by, row.changed_by);
    copy_text(champion->why, sizeof champion->why, row.why);
    champion->changed_ms = row.changed_ms;
}

void model_view_take_end(struct model_view *view) {
    for (size_t i = 0; i < view->learner_count; i++) {
        model_take_end(&view->learners[i].model, &view->config->learn,
                       view->config->decide.attribution_window_ms, &view->metrics);
    }
}

/* ---- who decides ---- */

size_t model_view_find(const struct model_view *view, const char *name) {
    size_t at = 0;
    while (at < view->learner_count && strcmp(view->learners[at].model.config->name, name) != 0) {
        at++;
    }
    return at;
}

static const char *named_last(const struct model_view *view) {
    return view->champion_count > 0 ? view->champions[view->champion_count - 1].name : "";
}

size_t model_view_champion(const struct model_view *view) {
    size_t found = model_view_find(view, named_last(view));
    return found < view->learner_count ? found : 0;
}

bool model_view_before(const struct model_view *view, const char **out) {
    const char *now = named_last(view);
    for (size_t i = view->champion_count; i-- > 0;) {
        if (strcmp(view->champions[i].name, now) != 0) {
            *out = view->champions[i].name;
            return true;
        }
    }
    *out = "";
    return *now != '\0';
}

static struct track_calibration calibration_of(const struct model_view *view, size_t learner,
                                               int origin) {
    return track_calibration_of(view->learners[learner].model.track, origin,
                                view->config->decide.attribution_window_ms,
                                MODEL_VIEW_CALIBRATION_DAYS);
}

bool model_view_is_known(const struct model_view *view, size_t learner) {
    return view->learners[learner].published_ms != INT64_MIN &&
           view->learners[learner].model.waiting_offset < 0;
}

const char *model_view_verdict(const struct model_view *view, size_t learner, bool *out_is_ready) {
    struct track_calibration sums = calibration_of(view, learner, -1);
    struct progress_figures figures = {.n = (double)sums.n, .positives = sums.sum_y};
    track_ratio(&sums, &figures.ratio, &figures.ratio_low, &figures.ratio_high);
    *out_is_ready = false;
    if (!model_view_is_known(view, learner)) {
        return view->learners[learner].published_ms == INT64_MIN
                   ? "has learned nothing"
                   : "its rows do not fit: other options or another build";
    }
    if (view->learners[learner].model.is_alarmed) {
        return "alarm: far from calibrated";
    }
    enum learning_verdict verdict = learning_verdict_of(&figures);
    *out_is_ready = verdict == LEARNING_CALIBRATED;
    return learning_verdict_names[verdict];
}

/* ---- showing ---- */

static void append_ratio(struct buffer *out, const struct track_calibration *sums) {
    double ratio, low, high;
    track_ratio(sums, &ratio, &low, &high);
    if (isfinite(ratio)) {
        buffer_format(out, "%.3f [%.3f, %.3f]", ratio, fmax(low, 0), high);
    } else {
        buffer_format(out, "%-22s", "-");
    }
}

static void append_line(const struct model_view *view, size_t at, struct buffer *out) {
    const struct model_view_learner *learner = &view->learners[at];
    struct track_calibration sums = calibration_of(view, at, -1);
    bool is_ready;
    const char *verdict = model_view_verdict(view, at, &is_ready);
    buffer_format(out, "%c %-23s %-10s %12" PRId64 " %8" PRId64 " %10.1f  ",
                  at == model_view_champion(view) ? '*' : ' ', learner->model.config->name,
                  learner->model.kind->name, learner->model.version_offset, learner->record_count,
                  (double)learner->record_bytes / 1024);
    printable_append_instant(out, learner->published_ms);
    buffer_format(out, "%s %8" PRId64 "  ",
                  learner->published_ms == INT64_MIN ? "                   " : "", sums.n);
    append_ratio(out, &sums);
    buffer_format(out, "  %s\n", verdict);
}

static void append_heading(struct buffer *out) {
    buffer_format(out, "  %-23s %-10s %12s %8s %10s  %-20s %8s  %-22s\n", "learner", "kind",
                  "version", "records", "KiB", "published", "judged", "bought/promised [95 %]");
}

static void append_why(const struct model_view *view, struct buffer *out) {
    const char *name = named_last(view);
    if (view->champion_count == 0) {
        buffer_append(out, bytes_of_text("champion by configuration\n"));
        return;
    }
    const struct model_view_champion *last = &view->champions[view->champion_count - 1];
    buffer_format(out, "champion by control: %s, since ", *name ? name : "the configured one");
    printable_append_instant(out, last->changed_ms);
    buffer_append(out, bytes_of_text(", by "));
    printable_append(out, bytes_of_text(last->by), 0);
    if (*last->why) {
        buffer_append(out, bytes_of_text(": "));
        printable_append(out, bytes_of_text(last->why), 0);
    }
    buffer_append_byte(out, '\n');
    if (*name && model_view_find(view, name) == view->learner_count) {
        buffer_format(out, "  no such learner is configured here: the configured one decides\n");
    }
}

static void append_number(struct buffer *out, const char *name, double number) {
    buffer_format(out, ",\"%s\":", name);
    printable_append_json_number(out, number);
}

static void append_calibration_json(struct buffer *out, const struct track_calibration *sums) {
    double ratio, low, high;
    track_ratio(sums, &ratio, &low, &high);
    buffer_format(out, ",\"decisions\":%" PRId64, sums->n);
    append_number(out, "bought", sums->sum_y);
    append_number(out, "promised", sums->sum_p);
    append_number(out, "calibration_ratio", ratio);
    append_number(out, "calibration_ratio_low", low);
    append_number(out, "calibration_ratio_high", high);
}

static void append_json(const struct model_view *view, size_t at, struct buffer *out) {
    const struct model_view_learner *learner = &view->learners[at];
    struct track_calibration sums = calibration_of(view, at, -1);
    bool is_ready;
    const char *verdict = model_view_verdict(view, at, &is_ready);
    buffer_append(out, bytes_of_text("\"learner\":"));
    printable_append_json(out, bytes_of_text(learner->model.config->name));
    buffer_format(out,
                  ",\"kind\":\"%s\",\"champion\":%s,\"version_offset\":%" PRId64
                  ",\"records\":%" PRId64 ",\"bytes\":%" PRId64 ",\"published_ms\":",
                  learner->model.kind->name, at == model_view_champion(view) ? "true" : "false",
                  learner->model.version_offset, learner->record_count, learner->record_bytes);
    if (learner->published_ms == INT64_MIN) {
        buffer_append(out, bytes_of_text("null"));
    } else {
        buffer_format(out, "%" PRId64, learner->published_ms);
    }
    append_calibration_json(out, &sums);
    buffer_format(out, ",\"verdict\":\"%s\"", verdict);
}

void model_view_list(const struct model_view *view, bool is_json, struct buffer *out) {
    if (is_json) {
        buffer_append_byte(out, '[');
        for (size_t i = 0; i < view->learner_count; i++) {
            buffer_append(out, bytes_of_text(i > 0 ? ",{" : "{"));
            append_json(view, i, out);
            buffer_append_byte(out, '}');
        }
        buffer_append(out, bytes_of_text("]\n"));
        return;
    }
    append_heading(out);
    for (size_t i = 0; i < view->learner_count; i++) {
        append_line(view, i, out);
    }
    append_why(view, out);
}

/* ---- one learner ---- */

static void append_offers(const struct model_view *view, size_t at, bool is_json,
                          struct buffer *out) {
    const struct decide_config *decide = &view->config->decide;
    buffer_append(out, bytes_of_text(is_json ? ",\"offers\":[" : "offers\n"));
    for (size_t i = 0; i < decide->offers.count; i++) {
        const char *id = offers_get(decide, (int)i)->id;
        struct track_arm arm = {.first_ms = INT64_MIN};
        (void)track_arm_of(view->learners[at].model.track, learner_arm_key(bytes_of_text(id)),
                           &arm);
        if (is_json) {
            buffer_format(out, "%s{\"offer\":\"%s\",\"matured\":%" PRId64 "}", i > 0 ? "," : "", id,
                          arm.matured);
        } else {
            buffer_format(out, "  %-23s %8" PRId64 " matured, first ", id, arm.matured);
            printable_append_instant(out, arm.first_ms);
            buffer_append_byte(out, '\n');
        }
    }
    buffer_append(out, bytes_of_text(is_json ? "]" : ""));
}

static void append_origins(const struct model_view *view, size_t at, bool is_json,
                           struct buffer *out) {
    bool is_first = true;
    buffer_append(out, bytes_of_text(is_json ? ",\"origins\":[" : "bought/promised [95 %]\n"));
    for (int trigger = 0; trigger < TRIGGER_COUNT; trigger++) {
        int origin = trigger == TRIGGER_OBSERVE ? 0 : trigger + 1;
        struct track_calibration sums = calibration_of(view, at, origin);
        if (is_json) {
            buffer_format(out, "%s{\"origin\":\"%s\"", is_first ? "" : ",", trigger_names[trigger]);
            append_calibration_json(out, &sums);
            buffer_append_byte(out, '}');
        } else {
            buffer_format(out, "  %-23s %8" PRId64 "  ", trigger_names[trigger], sums.n);
            append_ratio(out, &sums);
            buffer_append_byte(out, '\n');
        }
        is_first = false;
    }
    buffer_append(out, bytes_of_text(is_json ? "]" : ""));
}

void model_view_show(const struct model_view *view, size_t learner, bool is_json,
                     struct buffer *out) {
    const struct model *model = &view->learners[learner].model;
    const struct track_drift drift = track_drift_of(model->track);
    char text[4096] = "";
    model->kind->describe(model->memory, text, sizeof text);
    if (is_json) {
        buffer_append_byte(out, '{');
        append_json(view, learner, out);
        buffer_format(
            out, ",\"drift\":{\"logloss_changes\":%" PRId64 ",\"calibration_changes\":%" PRId64,
            drift.loss_changes, drift.residual_changes);
        append_number(out, "logloss", drift.loss);
        append_number(out, "residual", drift.residual);
        buffer_append_byte(out, '}');
        append_offers(view, learner, true, out);
        append_origins(view, learner, true, out);
        buffer_append(out, bytes_of_text(",\"description\":"));
        printable_append_json(out, bytes_of_text(text));
        buffer_append(out, bytes_of_text("}\n"));
        return;
    }
    append_heading(out);
    append_line(view, learner, out);
    buffer_format(out,
                  "drift                     log-loss %" PRId64 ", calibration %" PRId64
                  " changes found; since the last one log-loss %.4f, bought - promised %.4f\n",
                  drift.loss_changes, drift.residual_changes, drift.loss, drift.residual);
    append_origins(view, learner, false, out);
    append_offers(view, learner, false, out);
    buffer_append(out, bytes_of_text(text));
    if (*text && text[strlen(text) - 1] != '\n') {
        buffer_append_byte(out, '\n');
    }
}
