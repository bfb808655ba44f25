#include "producer/pace.h"

struct pace pace_make(double per_second, double speed, int64_t now_ns) {
    return (struct pace){
        .per_second = per_second, .speed = speed, .begin_ns = now_ns, .begin_ms = INT64_MIN};
}

/* How long until due; a debt beyond PACE_CATCH_UP_NS moves the begin instead of growing into a
 * burst. */
static int64_t wait_until(int64_t due_ns, int64_t now_ns, int64_t *begin_ns) {
    int64_t wait_ns = due_ns - now_ns;
    if (wait_ns < -PACE_CATCH_UP_NS) {
        *begin_ns += -PACE_CATCH_UP_NS - wait_ns;
    }
    return wait_ns > 0 ? wait_ns : 0;
}

int64_t pace_wait_ns(struct pace *pace, int64_t at_ms, int64_t now_ns) {
    int64_t wait_ns = 0;
    if (pace->per_second > 0) {
        int64_t due_ns = pace->begin_ns + (int64_t)((double)pace->count * 1e9 / pace->per_second);
        wait_ns = wait_until(due_ns, now_ns, &pace->begin_ns);
    }
    if (pace->speed > 0) {
        if (pace->begin_ms == INT64_MIN) {
            pace->begin_ms = at_ms;
            pace->speed_begin_ns = now_ns;
        }
        int64_t due_ns =
            pace->speed_begin_ns + (int64_t)((double)(at_ms - pace->begin_ms) * 1e6 / pace->speed);
        int64_t speed_wait_ns = wait_until(due_ns, now_ns, &pace->speed_begin_ns);
        wait_ns = speed_wait_ns > wait_ns ? speed_wait_ns : wait_ns;
    }
    return wait_ns;
}

void pace_sent(struct pace *pace) {
    pace->count++;
}

int64_t pace_now_ms(const struct pace *pace, int64_t now_ns) {
    if (pace->speed <= 0 || pace->begin_ms == INT64_MIN) {
        return INT64_MIN;
    }
    return pace->begin_ms + (int64_t)((double)(now_ns - pace->speed_begin_ns) * pace->speed / 1e6);
}
