#include "consumer/commands/power.h"

#include <math.h>

#include "consumer/ops/printable.h"

#define Z_ALPHA 1.959963984540054  /* normal quantile of 0.975 */
#define Z_POWER 0.8416212335729143 /* of 0.80 */

#define GROUP_MIN 10 /* users: below it the normal approximation says nothing */

/* The rise that the groups' sizes need when it is that large: falls below the rise itself once it
 * is detectable. */
static double needed(const struct power_plan *plan, double rise) {
    double control = plan->users * plan->control_share;
    double treated = plan->users - control;
    double p0 = plan->base_rate;
    double p1 = p0 + rise;
    double pooled = plan->control_share * p0 + (1 - plan->control_share) * p1;
    double under_null = pooled * (1 - pooled) * (1 / control + 1 / treated);
    double under_rise = p0 * (1 - p0) / control + p1 * (1 - p1) / treated;
    return Z_ALPHA * sqrt(under_null) + Z_POWER * sqrt(under_rise);
}

double power_detectable(const struct power_plan *plan) {
    double smaller = plan->users * fmin(plan->control_share, 1 - plan->control_share);
    bool is_sound = smaller >= GROUP_MIN && plan->base_rate > 0 && plan->base_rate < 1;
    double high = 1 - plan->base_rate;
    if (!is_sound || needed(plan, high) > high) {
        return NAN;
    }
    double low = 0;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        *(needed(plan, middle) > middle ? &low : &high) = middle;
    }
    return high;
}

void power_write(const struct power_plan *plan, struct buffer *out) {
    double rise = power_detectable(plan);
    double control = floor(plan->users * plan->control_share + 0.5);
    buffer_append(out, bytes_of_text("traffic: "));
    printable_append_count(out, (int64_t)plan->users);
    buffer_append(out, bytes_of_text(" users, of these "));
    printable_append_count(out, (int64_t)control);
    buffer_format(out,
                  " in the control group (%g %%), base rate %g %%: ", plan->control_share * 100,
                  plan->base_rate * 100);
    if (isnan(rise)) {
        buffer_append(out, bytes_of_text("no difference can be shown; more users or a larger "
                                         "decide.control_share are needed\n"));
        return;
    }
    buffer_format(out,
                  "a rise of %.2f percentage points (%.1f %% of the base rate) is detected with "
                  "power 80 %% at alpha 5 %%, two-sided; smaller ones are not told from chance\n",
                  rise * 100, rise / plan->base_rate * 100);
}

void power_write_json(const struct power_plan *plan, struct buffer *out) {
    double rise = power_detectable(plan);
    buffer_format(out,
                  "{\"users\":%.0f,\"control_share\":%g,\"base_rate\":%g,\"power\":0.8,"
                  "\"alpha\":0.05,\"detectable_rise\":",
                  plan->users, plan->control_share, plan->base_rate);
    printable_append_json_number(out, rise);
    buffer_append(out, bytes_of_text(",\"detectable_relative\":"));
    printable_append_json_number(out, rise / plan->base_rate);
    buffer_append_byte(out, '}');
}
