#include "consumer/commands/explain.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "consumer/ops/sheet.h"

#define TERMS_SHOWN 20
#define P_TOLERANCE 1e-9

/* ---- An attempt ---- */

static bool has_gate(const struct decision_row *row, const char *gate) {
    for (size_t i = 0; i < row->gate_count; i++) {
        if (bytes_equal(row->gates[i], bytes_of_text(gate))) {
            return true;
        }
    }
    return false;
}

static void show_gates(struct sheet *sheet, const struct decision_row *row) {
#define GATE_HELP(id, name, help) {name, help},
    static const struct { const char *name, *help; } gates[GATE_COUNT] = {GATES(GATE_HELP)};
#undef GATE_HELP
    sheet_begin_list(sheet, "gates");
    for (int i = 0; i < GATE_COUNT; i++) {
        bool is_closed = has_gate(row, gates[i].name);
        sheet_begin_row(sheet);
        sheet_text(sheet, "state", -6, bytes_of_text(is_closed ? "CLOSED" : "open"));
        sheet_text(sheet, "gate", -16, bytes_of_text(gates[i].name));
        sheet_text(sheet, "help", -1, bytes_of_text(gates[i].help));
        sheet_end_row(sheet);
    }
    sheet_end_list(sheet);
}

static void show_actions(struct sheet *sheet, const struct decision_row *row) {
    sheet_begin_list(sheet, "eligible");
    for (size_t i = 0; i < row->action_count; i++) {
        sheet_begin_row(sheet);
        sheet_text(sheet, "action", -18, row->actions[i].action);
        sheet_number(sheet, "p", 0, 4, row->actions[i].p);
        sheet_number(sheet, "value", 0, 2, row->actions[i].value);
        for (size_t k = 0; sheet->is_json ? false : k < row->score_count; k++) {
            char name[64];
            (void)snprintf(name, sizeof name, "buys by %.*s", BYTES_ARG(row->scores[k].learner));
            sheet_number(sheet, name, 0, 4,
                         i < row->scores[k].p_count ? row->scores[k].p[i] : (double)NAN);
        }
        sheet_end_row(sheet);
    }
    sheet_end_list(sheet);
}

/* Machines want the learners by themselves. */
static void show_scores_json(struct sheet *sheet, const struct decision_row *row) {
    sheet_begin_list(sheet, "scores");
    for (size_t k = 0; k < row->score_count; k++) {
        for (size_t i = 0; i < row->action_count && i < row->scores[k].p_count; i++) {
            sheet_begin_row(sheet);
            sheet_text(sheet, "learner", 0, row->scores[k].learner);
            sheet_integer(sheet, "version_offset", 0, row->scores[k].version_offset);
            sheet_text(sheet, "action", 0, row->actions[i].action);
            sheet_number(sheet, "buy_p", 0, 4, row->scores[k].p[i]);
            sheet_end_row(sheet);
        }
    }
    sheet_end_list(sheet);
}

static void show_attempt(struct sheet *sheet, const struct decision_row *row) {
    sheet_begin_row(sheet);
    sheet_integer(sheet, "attempt", 0, row->attempt);
    sheet_instant(sheet, "deadline", 0, row->deadline_ms);
    sheet_instant(sheet, "decided", 0, row->decided_ms);
    sheet_flag(sheet, "followup", row->is_followup);
    sheet_number(sheet, "cart_value", 0, 2, row->cart_value);
    sheet_text(sheet, "currency", 0, row->currency);
    sheet_break(sheet);
    sheet_text(sheet, "mode", 0, row->mode);
    sheet_text(sheet, "bucket", 0, row->bucket);
    sheet_text(sheet, "policy", 0, row->policy);
    sheet_text(sheet, "rule_would_have", 0, row->would_have);
    sheet_text(sheet, "action", 0, row->action);
    sheet_number(sheet, "action_p", 0, 4, row->action_p);
    sheet_flag(sheet, "sent", row->sent);
    sheet_text(sheet, "reason", 0, row->reason);
    show_gates(sheet, row);
    show_actions(sheet, row);
    if (sheet->is_json) {
        show_scores_json(sheet, row);
    }
    sheet_end_row(sheet);
}

/* ---- The model's summands ---- */

struct terms {
    struct learner_term shown[TERMS_SHOWN];
    size_t shown_count, other_count;
    double others, total;
};

static void take_term(void *context, const struct learner_term *term) {
    struct terms *terms = context;
    terms->total += term->value;
    if (term->value == 0) {
        return; /* nothing was learned of it yet */
    }
    if (terms->shown_count < TERMS_SHOWN) {
        terms->shown[terms->shown_count++] = *term;
    } else {
        terms->others += term->value;
        terms->other_count++;
    }
}

static void show_term(struct sheet *sheet, const char *name, double value) {
    sheet_begin_row(sheet);
    sheet_number(sheet, "value", 9, 4, value);
    sheet_text(sheet, "name", -1, bytes_of_text(name));
    sheet_end_row(sheet);
}

/* What the model says of one action now; false if it cannot score. */
static bool score(const struct model *model, const struct learner_input *input, uint64_t arm,
                  struct learner_arm_score *out) {
    const uint64_t arms[] = {LEARNER_ARM_NONE, arm};
    struct learner_scores scores;
    if (model->kind->score(model->memory, input, arms, 2, &scores) != LEARNER_OK) {
        return false;
    }
    *out = scores.arms[1];
    return true;
}

static void show_arm(struct sheet *sheet, const struct model *model, const struct decision_row *row,
                     size_t action) {
    const struct learner_input input = {.numbers = row->numbers,
                                        .names = row->names,
                                        .steps = row->steps,
                                        .step_count = row->step_count};
    const struct learner_score_row *frozen = &row->scores[0];
    double frozen_p = action < frozen->p_count ? frozen->p[action] : (double)NAN;
    uint64_t arm = learner_arm_key(row->actions[action].action);
    struct learner_arm_score now;
    struct terms terms = {0};
    sheet_begin_row(sheet);
    sheet_text(sheet, "action", -18, row->actions[action].action);
    if (!score(model, &input, arm, &now)) {
        sheet_text(sheet, "verdict", -1, bytes_of_text("this model cannot score it"));
        sheet_end_row(sheet);
        return;
    }
    model->kind->explain(model->memory, &input, arm, take_term, &terms);
    sheet_number(sheet, "logit", 0, 4, now.raw);
    sheet_number(sheet, "terms_total", 0, 4, terms.total);
    sheet_number(sheet, "calibrated_logit", 0, 4, now.mean);
    sheet_number(sheet, "p", 0, 6, now.p);
    sheet_number(sheet, "frozen_p", 0, 6, frozen_p);
    sheet_begin_list(sheet, "terms");
    for (size_t i = 0; i < terms.shown_count; i++) {
        show_term(sheet, terms.shown[i].name, terms.shown[i].value);
    }
    if (terms.other_count > 0) {
        char name[64];
        (void)snprintf(name, sizeof name, "(%zu others)", terms.other_count);
        show_term(sheet, name, terms.others);
    }
    sheet_end_list(sheet);
    sheet_end_row(sheet);
}

/* ---- Is it the model that scored? ---- */

static bool repeats(const struct model *model, const struct decision_row *row) {
    const struct learner_input input = {.numbers = row->numbers,
                                        .names = row->names,
                                        .steps = row->steps,
                                        .step_count = row->step_count};
    const struct learner_score_row *frozen = &row->scores[0];
    for (size_t i = 0; i < row->action_count && i < frozen->p_count; i++) {
        struct learner_arm_score now;
        uint64_t arm = learner_arm_key(row->actions[i].action);
        if (!score(model, &input, arm, &now) || !(fabs(now.p - frozen->p[i]) <= P_TOLERANCE)) {
            return false;
        }
    }
    return true;
}

enum fit { FIT_EXACT, FIT_OTHER_VERSION, FIT_NOT_REPEATED, FIT_NO_MODEL, FIT_NO_SCORE };

static enum fit fit_of(const struct explain_view *view, const struct decision_row *row) {
    if (row->score_count == 0) {
        return FIT_NO_SCORE;
    }
    if (!view->model || row->feature_version != model_space.feature_version ||
        row->number_count != model_space.number_count ||
        row->name_count != model_space.name_count) {
        return FIT_NO_MODEL;
    }
    if (view->model->version_offset != row->scores[0].version_offset) {
        return FIT_OTHER_VERSION;
    }
    return repeats(view->model, row) ? FIT_EXACT : FIT_NOT_REPEATED;
}

static void say_fit(enum fit fit, const struct explain_view *view, const struct decision_row *row,
                    char *out, size_t size) {
    const struct learner_score_row *frozen = &row->scores[0];
    switch (fit) {
    case FIT_EXACT:
        (void)snprintf(out, size, "by %.*s, version %" PRId64 ": the one that scored",
                       BYTES_ARG(frozen->learner), frozen->version_offset);
        break;
    case FIT_OTHER_VERSION:
        (void)snprintf(
            out, size,
            "by %.*s, version %" PRId64 ", NOT the one that scored (%" PRId64
            "): the topic keeps no older rows, so the numbers below are of another model",
            BYTES_ARG(frozen->learner), view->model->version_offset, frozen->version_offset);
        break;
    case FIT_NOT_REPEATED:
        (void)snprintf(out, size,
                       "by %.*s, version %" PRId64 ", which does NOT repeat the frozen numbers: "
                       "rows of it were compacted away, or offers or `learn` were changed since",
                       BYTES_ARG(frozen->learner), frozen->version_offset);
        break;
    case FIT_NO_MODEL:
        (void)snprintf(out, size,
                       "not to be had: the configuration has no learner %.*s with these features",
                       BYTES_ARG(frozen->learner));
        break;
    case FIT_NO_SCORE:
        (void)snprintf(out, size, "no learner scored it");
        break;
    }
}

static void show_why(struct sheet *sheet, const struct explain_view *view,
                     const struct decision_row *row) {
    static const char *const names[] = {"exact", "other_version", "not_repeated", "no_model",
                                        "no_score"};
    char text[240];
    enum fit fit = fit_of(view, row);
    bool has_model = fit != FIT_NO_MODEL && fit != FIT_NO_SCORE;
    say_fit(fit, view, row, text, sizeof text);
    sheet_begin_list(sheet, "why");
    if (sheet->is_json) {
        sheet_begin_row(sheet);
        sheet_text(sheet, "fit", 0, bytes_of_text(names[fit]));
        sheet_integer(sheet, "version_offset", 0, has_model ? view->model->version_offset : -1);
        sheet_integer(sheet, "frozen_version_offset", 0,
                      row->score_count > 0 ? row->scores[0].version_offset : -1);
        sheet_end_row(sheet);
    } else {
        sheet_begin_row(sheet);
        sheet_text(sheet, "fit", -1, bytes_of_text(text));
        sheet_end_row(sheet);
    }
    for (size_t i = 0; has_model && i < row->action_count; i++) {
        bool is_none = bytes_equal(row->actions[i].action, bytes_of_text("none"));
        if (is_none || bytes_equal(row->actions[i].action, row->action)) {
            show_arm(sheet, view->model, row, i);
        }
    }
    sheet_end_list(sheet);
}

/* ---- What became of it ---- */

static void show_outcome(struct sheet *sheet, const struct explain_view *view) {
    sheet_begin_list(sheet, "outcome");
    for (size_t i = 0; i < view->example_count; i++) {
        const struct example_row *row = &view->examples[i];
        sheet_begin_row(sheet);
        sheet_integer(sheet, "revision", 0, row->revision);
        sheet_instant(sheet, "labelled", 0, row->labelled_ms);
        sheet_text(sheet, "label", 0, bytes_of_text(label_names[row->label]));
        sheet_flag(sheet, "takes_back", row->is_retraction);
        sheet_number(sheet, "net_margin", 0, 2, row->net_margin);
        sheet_number(sheet, "weight", 0, -1, row->weight);
        sheet_flag(sheet, "censored", row->is_censored_by_push);
        sheet_end_row(sheet);
    }
    if (view->example_count == 0 && !sheet->is_json) {
        sheet_begin_row(sheet);
        sheet_text(sheet, "none", -1, bytes_of_text("no label yet"));
        sheet_end_row(sheet);
    }
    sheet_end_list(sheet);
}

void explain_render(const struct explain_view *view, bool is_json, struct buffer *out) {
    const struct decision_row *row = &view->attempts[view->attempt_count - 1];
    char id[33], episode[33];
    hash128_format(row->decision_id, id);
    hash128_format(row->episode_id, episode);
    struct sheet sheet = sheet_begin(out, is_json);
    sheet_begin_group(&sheet, "decision");
    sheet_text(&sheet, "id", 0, bytes_of_text(id));
    sheet_text(&sheet, "user", 0, row->user_id);
    sheet_text(&sheet, "trigger", 0, bytes_of_text(trigger_names[row->trigger]));
    sheet_text(&sheet, "episode", 0, bytes_of_text(episode));
    sheet_end_group(&sheet);
    sheet_note(&sheet, "note", view->note);
    sheet_begin_list(&sheet, "attempts");
    for (size_t i = 0; i < view->attempt_count; i++) {
        show_attempt(&sheet, &view->attempts[i]);
    }
    sheet_end_list(&sheet);
    show_why(&sheet, view, row);
    show_outcome(&sheet, view);
    sheet_end(&sheet);
}
