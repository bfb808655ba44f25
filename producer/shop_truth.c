#include "producer/shop_truth.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "producer/shop_world.h"

struct failure shop_truth_open(const char *path, struct shop_truth_file *out) {
    *out = (struct shop_truth_file){.path = path};
    if (!path) {
        return failure_none();
    }
    out->file = fopen(path, "w");
    if (!out->file) {
        return failure_make(FAILURE_STOP, errno, "truth file %s: %s", path, strerror(errno));
    }
    return failure_none();
}

static void write_arms(FILE *file, const char *name, const double *values) {
    fprintf(file, ",\"%s\":{", name);
    for (int arm = 0; arm < SHOP_ARM_COUNT; arm++) {
        fprintf(file, "%s\"%s\":%.12g", arm ? "," : "", shop_arm_names[arm], values[arm]);
    }
    fputc('}', file);
}

static void write_belief(FILE *file, const struct shop_truth *row) {
    for (int z = 0; z < SHOP_CLASSES; z++) {
        fprintf(file, "%s%.9g", z ? "," : ",\"posterior\":[", row->posterior[z]);
    }
    fputc(']', file);
    write_arms(file, "bayes_p", row->bayes_p);
    write_arms(file, "bayes_value", row->bayes_value);
    fprintf(file, ",\"a_bayes\":\"%s\",\"a_oracle\":\"%s\"", shop_arm_names[row->a_bayes],
            shop_arm_names[row->a_oracle]);
}

void shop_truth_write(const struct shop_truth_file *truth, const struct shop_truth *row) {
    FILE *file = truth->file;
    if (!file) {
        return;
    }
    char id[33];
    hash128_format(row->decision_id, id);
    fprintf(file,
            "{\"decision_id\":\"%s\",\"user_id\":\"%.*s\",\"session_id\":\"%.*s\","
            "\"anchor_event_id\":\"%.*s\",\"deadline_ms\":%" PRId64,
            id, BYTES_ARG(row->user_id), BYTES_ARG(row->session_id),
            BYTES_ARG(row->anchor_event_id), row->deadline_ms);
    fprintf(file, ",\"z\":%d,\"type\":\"%s\",\"sensitivity\":\"%s\"", row->z,
            shop_type_names[row->z / SHOP_SENSITIVITIES],
            shop_sensitivity_names[row->z % SHOP_SENSITIVITIES]);
    fprintf(file, ",\"cart_value\":%.2f,\"fatigue\":%.12g,\"coupons_30d\":%d", row->cart_value,
            row->fatigue, row->coupons_30d);
    write_arms(file, "p", row->p);
    write_arms(file, "value", row->value);
    write_belief(file, row);
    fprintf(file,
            ",\"u\":%.17g,\"delay_ms\":%.0f,\"has_stock\":%s,\"arm\":\"%s\",\"is_bought\":%s}\n",
            row->u, row->delay_ms, row->has_stock ? "true" : "false", shop_arm_names[row->arm],
            row->is_bought ? "true" : "false");
}

void shop_truth_write_delivery(const struct shop_truth_file *truth, struct hash128 shop_decision,
                               struct hash128 push_decision, int64_t at_ms, enum shop_arm arm,
                               bool brought_order) {
    if (!truth->file) {
        return;
    }
    char ours[33], theirs[33];
    hash128_format(shop_decision, ours);
    hash128_format(push_decision, theirs);
    fprintf(truth->file,
            "{\"delivery\":\"%s\",\"decision_id\":\"%s\",\"at_ms\":%" PRId64
            ",\"arm\":\"%s\",\"brought_order\":%s}\n",
            theirs, ours, at_ms, shop_arm_names[arm], brought_order ? "true" : "false");
}

struct failure shop_truth_close(struct shop_truth_file *truth) {
    if (!truth->file) {
        return failure_none();
    }
    bool is_bad = ferror(truth->file) != 0;
    is_bad |= fclose(truth->file) != 0;
    truth->file = NULL;
    if (is_bad) {
        return failure_make(FAILURE_STOP, errno, "truth file %s: %s", truth->path, strerror(errno));
    }
    return failure_none();
}
