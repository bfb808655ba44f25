#include "producer/simulate_run.h"

#include <time.h>

#include "base/clock.h"
#include "schemas/rows.h"
#include "schemas/schemas.h"

#define WAIT_MS_MAX 50 /* so that a stop is noticed */

void simulate_run_init(struct simulate_run *run, const struct simulate_plan *plan) {
    int64_t now_ns = clock_monotonic_ns();
    *run = (struct simulate_run){
        .plan = plan,
        .counts = {.first_ms = INT64_MIN, .last_ms = INT64_MIN},
        .pace = pace_make(plan->per_second, plan->speed, now_ns),
        .progress = progress_make(plan->progress, plan->name, now_ns),
    };
    buffer_init(&run->body, 1024);
}

void simulate_run_clean_up(struct simulate_run *run) {
    progress_break(&run->progress);
    buffer_clean_up(&run->body);
}

static void show_progress(struct simulate_run *run, int64_t now_ns) {
    double span_ms = (double)run->plan->days * 86400000.0;
    double done_ms = (double)(shop_now_ms(run->plan->shop) - run->plan->start_ms);
    struct progress_state state = {.sent = run->counts.events,
                                   .rejected = -1,
                                   .event_ms = run->counts.last_ms,
                                   .share = done_ms < span_ms ? done_ms / span_ms : 1};
    progress_show(&run->progress, &state, now_ns);
}

/* A push reaches the shop at the simulated time of its arrival here. */
static void take_push(struct simulate_run *run, const struct record *record) {
    struct bytes body;
    struct push_row push;
    if (!wire_unframe_output(SCHEMA_PUSH, record->value, &body) || !push_decode(body, &push)) {
        run->counts.bad_pushes++;
        return;
    }
    int64_t by_clock_ms = pace_now_ms(&run->pace, clock_monotonic_ns());
    int64_t now_ms = shop_now_ms(run->plan->shop);
    shop_feedback(run->plan->shop, &push, by_clock_ms > now_ms ? by_clock_ms : now_ms,
                  record->partition);
    run->counts.pushes++;
}

/* Takes the pushes that are there, waiting up to timeout_ms for the first. True if there was one.
 */
static bool listen(struct simulate_run *run, int timeout_ms) {
    struct record record;
    bool has_heard = false;
    while (run->plan->pushes && reader_simple_next(run->plan->pushes, timeout_ms, &record)) {
        take_push(run, &record);
        has_heard = true;
        timeout_ms = 0;
    }
    return has_heard;
}

static void wait_a_while(struct simulate_run *run, int64_t wait_ns) {
    int64_t max_ns = (int64_t)WAIT_MS_MAX * 1000000;
    wait_ns = wait_ns < max_ns ? wait_ns : max_ns;
    if (run->plan->pushes && wait_ns >= 1000000) {
        (void)listen(run, (int)(wait_ns / 1000000));
        return;
    }
    struct timespec span = {.tv_nsec = wait_ns};
    nanosleep(&span, NULL);
}

static void wait_for_turn(struct simulate_run *run, int64_t at_ms) {
    (void)listen(run, 0);
    for (;;) {
        int64_t now_ns = clock_monotonic_ns();
        show_progress(run, now_ns);
        int64_t wait_ns = pace_wait_ns(&run->pace, at_ms, now_ns);
        if (wait_ns == 0 || *run->plan->stop) {
            return;
        }
        wait_a_while(run, wait_ns);
    }
}

/* Sends run->body. */
static struct failure send_body(struct simulate_run *run, struct sink *sink, struct bytes key,
                                int64_t timestamp_ms, int32_t partition) {
    struct sink_record record = {.key = key,
                                 .body = buffer_bytes(&run->body),
                                 .timestamp_ms = timestamp_ms,
                                 .partition = partition};
    return sink_send(sink, &record);
}

static struct failure send_catalogue(struct simulate_run *run) {
    struct failure failure = failure_none();
    int64_t count = shop_catalogue_count(run->plan->shop);
    for (int64_t i = 0; i < count && !*run->plan->stop && !failed(failure); i++) {
        struct catalogue_item_row item;
        shop_catalogue_item(run->plan->shop, i, &item);
        buffer_clear(&run->body);
        catalogue_item_encode(&item, &run->body);
        failure = send_body(run, run->plan->catalogue, item.item_id, run->plan->start_ms, -1);
        run->counts.catalogue += !failed(failure);
    }
    return failure;
}

static struct failure send_profiles(struct simulate_run *run) {
    struct failure failure = failure_none();
    int64_t count = shop_profile_count(run->plan->shop);
    for (int64_t i = 0; i < count && !*run->plan->stop && !failed(failure); i++) {
        struct profile_row profile;
        shop_profile(run->plan->shop, i, &profile);
        buffer_clear(&run->body);
        profile_encode(&profile, &run->body);
        failure = send_body(run, run->plan->profiles, profile.user_id, run->plan->start_ms, -1);
        run->counts.profiles += !failed(failure);
    }
    return failure;
}

/* Side topics stand before the first event does, so that no event meets an item or user that is
 * still on its way. */
static struct failure send_sides(struct simulate_run *run) {
    struct failure failure = failure_none();
    if (run->plan->catalogue) {
        failure = send_catalogue(run);
        failure = failed(failure) ? failure : sink_flush(run->plan->catalogue);
    }
    if (!failed(failure) && run->plan->profiles) {
        failure = send_profiles(run);
        failure = failed(failure) ? failure : sink_flush(run->plan->profiles);
    }
    return failure;
}

static struct failure send_event(struct simulate_run *run, const struct shop_emission *emission) {
    bool is_feedback = emission->stream == SHOP_FEEDBACK;
    struct sink *sink = is_feedback ? run->plan->feedback : run->plan->events;
    if (!sink) {
        return failure_none();
    }
    buffer_clear(&run->body);
    event_encode(&emission->event, &run->body);
    struct failure failure =
        send_body(run, sink, emission->key, emission->arrival_ms, emission->partition);
    if (is_feedback) {
        run->counts.feedback++;
        return failure;
    }
    run->counts.events++;
    run->counts.last_ms = emission->arrival_ms;
    if (run->counts.first_ms == INT64_MIN) {
        run->counts.first_ms = emission->arrival_ms;
    }
    return failure;
}

static struct failure send_emission(struct simulate_run *run,
                                    const struct shop_emission *emission) {
    if (emission->stream != SHOP_CATALOGUE) {
        return send_event(run, emission);
    }
    if (!run->plan->catalogue) {
        return failure_none();
    }
    buffer_clear(&run->body);
    catalogue_item_encode(&emission->item, &run->body);
    run->counts.catalogue++;
    return send_body(run, run->plan->catalogue, emission->key, emission->arrival_ms, -1);
}

static bool is_over(const struct simulate_run *run) {
    int64_t count_max = run->plan->count_max;
    return *run->plan->stop || (count_max > 0 && run->counts.events >= count_max);
}

/* The shop has said all that it has to say; pushes may make it speak again. True if one came within
 * the grace. */
static bool listen_on(struct simulate_run *run) {
    if (!run->plan->pushes) {
        return false;
    }
    int64_t until_ns = clock_monotonic_ns() + run->plan->listen_grace_ms * 1000000;
    while (!*run->plan->stop && clock_monotonic_ns() < until_ns) {
        show_progress(run, clock_monotonic_ns());
        if (listen(run, WAIT_MS_MAX)) {
            return true;
        }
    }
    return false;
}

struct failure simulate_run_all(struct simulate_run *run) {
    struct failure failure = send_sides(run);
    while (!failed(failure) && !is_over(run)) {
        struct shop_emission emission;
        if (!shop_next(run->plan->shop, &emission)) {
            if (!listen_on(run)) {
                break;
            }
            continue;
        }
        wait_for_turn(run, emission.arrival_ms);
        if (*run->plan->stop) {
            break;
        }
        failure = send_emission(run, &emission);
        pace_sent(&run->pace);
    }
    return failure;
}
