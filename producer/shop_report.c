#include "producer/shop_report.h"

#include <inttypes.h>
#include <math.h>

void shop_report_session(struct shop_report *report, const struct shop_session *session, int type) {
    report->sessions++;
    report->views += session->views;
    report->carts += session->has_cart;
    report->checkouts += session->has_checkout;
    report->paid += session->is_paid;
    if (session->has_cart && !session->is_paid) {
        report->abandoned++;
        report->abandoned_by_type[type]++;
    }
    if (session->is_paid) {
        shop_report_order(report, (double)shop_cart_cents(&session->cart) / 100);
    }
}

void shop_report_order(struct shop_report *report, double cart_value) {
    report->orders++;
    report->order_sum += cart_value;
    report->order_squares += cart_value * cart_value;
}

void shop_report_decision(struct shop_report *report, const struct shop_truth *truth) {
    shop_gains_add(&report->gains, truth);
    report->decided++;
    report->bought += truth->is_bought;
    report->no_stock += !truth->has_stock;
    for (int arm = 0; arm < SHOP_ARM_COUNT; arm++) {
        report->p_sum[arm] += truth->p[arm];
        report->p_squares[arm] += truth->p[arm] * truth->p[arm];
        report->gain_sum[arm] += truth->value[arm] - truth->value[SHOP_NONE];
    }
}

static double ratio(double part, double whole) {
    return whole > 0 ? part / whole : 0;
}

struct rates {
    double cart_session, abandonment, conversion, conversion_all, order_value, bought;
};

static struct rates rates_of(const struct shop_report *report) {
    double sessions = (double)report->sessions, carts = (double)report->carts;
    return (struct rates){
        .cart_session = ratio(carts, sessions),
        .abandonment = ratio((double)report->abandoned, carts),
        .conversion = ratio((double)report->paid, sessions),
        .conversion_all = ratio((double)report->orders, sessions),
        .order_value = ratio(report->order_sum, (double)report->orders),
        .bought = ratio((double)report->bought, (double)report->decided),
    };
}

#define PRINT_NUISANCE(name, text)                                                                 \
    if (counts->name > 0) {                                                                        \
        fprintf(out, "    %-26s %12" PRIu64 "\n", text, counts->name);                             \
    }
#define PRINT_FATE(name, text)                                                                     \
    if (pushes->name > 0) {                                                                        \
        fprintf(out, "    %-26s %12" PRIu64 "\n", text, pushes->name);                             \
    }

static void write_events(const struct shop_report *report, FILE *out) {
    fprintf(out, "  messages\n");
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        if (report->emitted[type] > 0) {
            fprintf(out, "    %-26s %12" PRIu64 "\n", event_type_name((enum event_type)type),
                    report->emitted[type]);
        }
    }
    if (report->catalogue_changes > 0) {
        fprintf(out, "    %-26s %12" PRIu64 "\n", "catalogue changes", report->catalogue_changes);
    }
}

static void write_arms(const struct shop_report *report, FILE *out) {
    double decided = (double)report->decided;
    fprintf(out, "  abandoned carts            %14" PRIu64 "   if sent to all: buy, gain EUR\n",
            report->decided);
    for (int arm = 0; arm < SHOP_ARM_COUNT; arm++) {
        fprintf(out, "    %-26s %12.4f   %+.3f\n", shop_arm_names[arm],
                ratio(report->p_sum[arm], decided), ratio(report->gain_sum[arm], decided));
    }
    fprintf(out, "    by type:");
    for (int type = 0; type < SHOP_TYPES; type++) {
        fprintf(out, " %s %.3f", shop_type_names[type],
                ratio((double)report->abandoned_by_type[type], (double)report->abandoned));
    }
    fputc('\n', out);
}

void shop_report_write(const struct shop *shop, FILE *out) {
    const struct shop_report *report = shop_report_of(shop);
    const struct shop_nuisance_counts *counts = shop_nuisance_counts_of(shop);
    const struct shop_push_counts *pushes = &report->pushes;
    struct rates rates = rates_of(report);
    fprintf(out, "shop\n");
    write_events(report, out);
    fprintf(out,
            "  sessions                   %14" PRIu64 "\n"
            "    cart per session           %12.4f\n"
            "    left in the session        %12.4f\n"
            "    orders per session         %12.4f   with later ones %.4f\n"
            "    order value EUR            %12.2f\n"
            "    left, bought within 7 d    %12.4f\n",
            report->sessions, rates.cart_session, rates.abandonment, rates.conversion,
            rates.conversion_all, rates.order_value, rates.bought);
    write_arms(report, out);
    shop_gains_write(&report->gains, shop_policy_in_force(shop), out);
    if (pushes->read > 0) {
        fprintf(out, "  pushes\n");
        SHOP_PUSH_FATES(PRINT_FATE)
    }
    if (counts->guest_sessions + counts->lost + counts->bot_events > 0) {
        fprintf(out, "  nuisance\n");
        SHOP_NUISANCES(PRINT_NUISANCE)
    }
}

#define JSON_COUNT(name, text) fprintf(out, ",\"%s\":%" PRIu64, #name, counts->name);
#define JSON_FATE(name, text)  fprintf(out, ",\"%s\":%" PRIu64, #name, pushes->name);

static void write_json_arms(const struct shop_report *report, FILE *out) {
    double decided = (double)report->decided;
    fprintf(out, ",\"arms\":{");
    for (int arm = 0; arm < SHOP_ARM_COUNT; arm++) {
        fprintf(out, "%s\"%s\":{\"buy\":%.6f,\"gain\":%.6f}", arm ? "," : "", shop_arm_names[arm],
                ratio(report->p_sum[arm], decided), ratio(report->gain_sum[arm], decided));
    }
    fprintf(out, "},\"abandoned_by_type\":{");
    for (int type = 0; type < SHOP_TYPES; type++) {
        fprintf(out, "%s\"%s\":%" PRIu64, type ? "," : "", shop_type_names[type],
                report->abandoned_by_type[type]);
    }
    fputc('}', out);
}

void shop_report_write_json(const struct shop *shop, FILE *out) {
    const struct shop_report *report = shop_report_of(shop);
    const struct shop_nuisance_counts *counts = shop_nuisance_counts_of(shop);
    const struct shop_push_counts *pushes = &report->pushes;
    struct rates rates = rates_of(report);
    fprintf(out, "{\"messages\":{");
    for (int type = 0, count = 0; type < EVENT_TYPE_COUNT; type++) {
        if (report->emitted[type] > 0) {
            fprintf(out, "%s\"%s\":%" PRIu64, count++ ? "," : "",
                    event_type_name((enum event_type)type), report->emitted[type]);
        }
    }
    fprintf(out,
            "},\"catalogue_changes\":%" PRIu64 ",\"sessions\":%" PRIu64 ",\"carts\":%" PRIu64
            ",\"abandoned\":%" PRIu64 ",\"orders\":%" PRIu64
            ",\"cart_per_session\":%.6f,\"abandonment\":%.6f,\"conversion\":%.6f,"
            "\"conversion_with_later\":%.6f,\"order_value\":%.4f,\"abandoned_bought\":%.6f",
            report->catalogue_changes, report->sessions, report->carts, report->abandoned,
            report->orders, rates.cart_session, rates.abandonment, rates.conversion,
            rates.conversion_all, rates.order_value, rates.bought);
    write_json_arms(report, out);
    shop_gains_write_json(&report->gains, shop_policy_in_force(shop), out);
    fprintf(out, ",\"pushes\":{\"known\":%" PRIu64, pushes->read - pushes->unknown);
    SHOP_PUSH_FATES(JSON_FATE)
    fprintf(out, "},\"nuisance\":{\"seen\":%" PRIu64, counts->seen);
    SHOP_NUISANCES(JSON_COUNT)
    fprintf(out, "}}\n");
}
