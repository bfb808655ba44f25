/* The coordinator of groups: static members, generations, range assignment. A rebalance ends when
 * everybody who is left has joined; who does not is dropped when its session ends, or after the
 * rebalance's own time. */
#include "tests/simulation/cluster.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct cluster_group *cluster_group_of(struct cluster *cluster, const char *name,
                                       const enum topic *inputs, int input_count) {
    for (size_t i = 0; i < cluster->group_count; i++) {
        if (strcmp(cluster->groups[i].name, name) == 0) {
            return &cluster->groups[i];
        }
    }
    assert(cluster->group_count < CLUSTER_GROUPS_MAX);
    struct cluster_group *group = &cluster->groups[cluster->group_count++];
    (void)snprintf(group->name, sizeof group->name, "%s", name);
    group->input_count = input_count;
    group->next_member = 1;
    for (int input = 0; input < input_count; input++) {
        group->inputs[input] = inputs[input];
        for (int32_t p = 0; p < CLUSTER_PARTITIONS_MAX; p++) {
            group->committed[input][p] =
                (struct committed){.offset = -1, .epoch = -1, .transaction = LOG_NO_TRANSACTION};
        }
    }
    return group;
}

struct cluster_member *cluster_member_of(struct cluster_group *group, int64_t member) {
    for (size_t i = 0; i < group->member_count; i++) {
        if (group->members[i].id == member) {
            return &group->members[i];
        }
    }
    return NULL;
}

static struct cluster_member *find_instance(struct cluster_group *group, const char *instance) {
    for (size_t i = 0; i < group->member_count; i++) {
        if (strcmp(group->members[i].instance, instance) == 0) {
            return &group->members[i];
        }
    }
    return NULL;
}

static int by_instance(const void *left, const void *right) {
    return strcmp(((const struct cluster_member *)left)->instance,
                  ((const struct cluster_member *)right)->instance);
}

/* Range: contiguous partitions, the first members take one more. */
static void assign(const struct cluster *cluster, struct cluster_group *group) {
    int32_t partitions = cluster->partitions[group->inputs[0]];
    int32_t members = (int32_t)group->member_count, first = 0;
    qsort(group->members, group->member_count, sizeof *group->members, by_instance);
    for (int32_t i = 0; i < members; i++) {
        int32_t count = partitions / members + (i < partitions % members);
        group->members[i].first = first;
        group->members[i].count = count;
        group->members[i].has_joined = false;
        first += count;
    }
    group->generation++;
    group->is_rebalancing = false;
    group->rebalances++;
}

static void complete(const struct cluster *cluster, struct cluster_group *group) {
    bool is_complete = group->is_rebalancing && group->member_count > 0;
    for (size_t i = 0; i < group->member_count; i++) {
        is_complete = is_complete && group->members[i].has_joined;
    }
    if (is_complete) {
        assign(cluster, group);
    }
}

static void begin_rebalance(struct cluster_group *group) {
    group->is_rebalancing = true;
}

int64_t cluster_join(struct cluster *cluster, struct cluster_group *group, const char *instance,
                     int64_t session_us) {
    struct cluster_member *member = find_instance(group, instance);
    if (!member) {
        assert(group->member_count < CLUSTER_MEMBERS_MAX);
        member = &group->members[group->member_count++];
        *member = (struct cluster_member){0};
        (void)snprintf(member->instance, sizeof member->instance, "%s", instance);
        begin_rebalance(group);
    }
    int64_t id = member->id = group->next_member++;
    member->session_us = session_us;
    member->beat_us = cluster->schedule->now_us;
    member->is_beating = true;
    member->has_joined = group->is_rebalancing;
    complete(cluster, group);
    return id;
}

static enum answer check_instance(struct cluster_group *group, const char *instance,
                                  int64_t member) {
    const struct cluster_member *found = find_instance(group, instance);
    return !found                ? ANSWER_UNKNOWN_MEMBER
           : found->id != member ? ANSWER_FENCED_INSTANCE
                                 : ANSWER_OK;
}

enum answer cluster_rejoin(struct cluster *cluster, struct cluster_group *group,
                           const char *instance, int64_t member) {
    enum answer answer = check_instance(group, instance, member);
    if (answer == ANSWER_OK) {
        struct cluster_member *found = find_instance(group, instance);
        found->beat_us = cluster->schedule->now_us;
        found->has_joined = group->is_rebalancing;
        complete(cluster, group);
    }
    return answer;
}

enum answer cluster_beat(struct cluster *cluster, struct cluster_group *group, const char *instance,
                         int64_t member) {
    enum answer answer = check_instance(group, instance, member);
    if (answer == ANSWER_OK) {
        struct cluster_member *found = find_instance(group, instance);
        found->beat_us = cluster->schedule->now_us;
        answer = group->is_rebalancing && !found->has_joined ? ANSWER_REBALANCING : ANSWER_OK;
    }
    return answer;
}

static void drop(const struct cluster *cluster, struct cluster_group *group, size_t index) {
    group->members[index] = group->members[--group->member_count];
    begin_rebalance(group);
    complete(cluster, group);
}

void cluster_leave(struct cluster *cluster, struct cluster_group *group, const char *instance,
                   int64_t member) {
    if (check_instance(group, instance, member) == ANSWER_OK) {
        drop(cluster, group, (size_t)(find_instance(group, instance) - group->members));
    }
}

enum answer cluster_check_member(const struct cluster *cluster, struct cluster_group *group,
                                 const char *instance, int64_t member, int64_t generation) {
    enum answer answer = check_instance(group, instance, member);
    if (cluster->is_lax) {
        return ANSWER_OK;
    }
    if (answer == ANSWER_OK && generation != group->generation) {
        answer = ANSWER_ILLEGAL_GENERATION;
    }
    return answer;
}

bool cluster_committed(const struct cluster_group *group, int32_t partition,
                       struct assignment *out) {
    *out = (struct assignment){.partition = partition, .next_offset = {-1, -1}, .epoch = -1};
    for (int input = 0; input < group->input_count; input++) {
        const struct committed *committed = &group->committed[input][partition];
        if (committed->transaction != LOG_NO_TRANSACTION) {
            return false;
        }
        out->next_offset[input] = committed->offset;
        out->epoch = committed->epoch > out->epoch ? committed->epoch : out->epoch;
    }
    return true;
}

void cluster_advance_groups(struct cluster *cluster) {
    int64_t now_us = cluster->schedule->now_us;
    for (size_t g = 0; g < cluster->group_count; g++) {
        struct cluster_group *group = &cluster->groups[g];
        for (size_t i = group->member_count; i-- > 0;) {
            struct cluster_member *member = &group->members[i];
            if (member->is_beating) {
                member->beat_us = now_us;
                continue;
            }
            int64_t end_us = member->beat_us + member->session_us;
            if (member->resumes_us > 0 && member->resumes_us <= end_us) {
                member->is_beating = now_us >= member->resumes_us;
            } else if (now_us > end_us) {
                drop(cluster, group, i);
            }
        }
    }
}
