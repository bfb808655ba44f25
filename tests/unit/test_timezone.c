/* timezone: offsets and ends of quiet hours against values of Python's zoneinfo (the ends by a scan
 * minute by minute), names that must not reach the file system, and files that are no zones.
 * The values of 2060 stand for today's laws: a country that drops summer time changes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/timezone.h"

static uint16_t find(struct timezone_set *set, const char *name) {
    return timezone_find(set, bytes_of_text(name));
}

static const struct {
    const char *zone;
    int64_t at_ms;
    int offset_s;
} offset_rows[] = {
    {"Europe/Berlin", 1774745999000, 3600},        /* 2026-03-29 00:59:59 */
    {"Europe/Berlin", 1774746000000, 7200},        /* 2026-03-29 01:00:00 */
    {"Europe/Berlin", 1792889999000, 7200},        /* 2026-10-25 00:59:59 */
    {"Europe/Berlin", 1792890000000, 3600},        /* 2026-10-25 01:00:00 */
    {"Europe/Berlin", -2524521600000, 3208},       /* 1890-01-01 00:00:00 */
    {"Europe/Berlin", -775872000000, 10800},       /* 1945-06-01 00:00:00 */
    {"Europe/Berlin", 2841350400000, 3600},        /* 2060-01-15 00:00:00 */
    {"Europe/Berlin", 2857075200000, 7200},        /* 2060-07-15 00:00:00 */
    {"Europe/Berlin", 2847661199000, 3600},        /* 2060-03-28 00:59:59 */
    {"Europe/Berlin", 2847661200000, 7200},        /* 2060-03-28 01:00:00 */
    {"Europe/Berlin", 2866409999000, 7200},        /* 2060-10-31 00:59:59 */
    {"Europe/Berlin", 2866410000000, 3600},        /* 2060-10-31 01:00:00 */
    {"Asia/Kolkata", 1782864000000, 19800},        /* 2026-07-01 00:00:00 */
    {"Asia/Kolkata", -860025600000, 23400},        /* 1942-10-01 00:00:00 */
    {"Asia/Kolkata", 2855865600000, 19800},        /* 2060-07-01 00:00:00 */
    {"Asia/Kolkata", -5364662400000, 21208},       /* 1800-01-01 00:00:00 */
    {"America/Sao_Paulo", 1541300399000, -10800},  /* 2018-11-04 02:59:59 */
    {"America/Sao_Paulo", 1541300400000, -7200},   /* 2018-11-04 03:00:00 */
    {"America/Sao_Paulo", 1550368799000, -7200},   /* 2019-02-17 01:59:59 */
    {"America/Sao_Paulo", 1550368800000, -10800},  /* 2019-02-17 02:00:00 */
    {"America/Sao_Paulo", 1767225600000, -10800},  /* 2026-01-01 00:00:00 */
    {"America/Sao_Paulo", 2840140800000, -10800},  /* 2060-01-01 00:00:00 */
    {"Pacific/Apia", 1325239199000, -36000},       /* 2011-12-30 09:59:59 */
    {"Pacific/Apia", 1325239200000, 50400},        /* 2011-12-30 10:00:00 */
    {"Pacific/Apia", 1610668800000, 50400},        /* 2021-01-15 00:00:00 */
    {"Pacific/Apia", 1768435200000, 46800},        /* 2026-01-15 00:00:00 */
    {"Pacific/Apia", 2841350400000, 46800},        /* 2060-01-15 00:00:00 */
    {"America/New_York", 1772953199000, -18000},   /* 2026-03-08 06:59:59 */
    {"America/New_York", 1772953200000, -14400},   /* 2026-03-08 07:00:00 */
    {"America/New_York", 1793512799000, -14400},   /* 2026-11-01 05:59:59 */
    {"America/New_York", 1793512800000, -18000},   /* 2026-11-01 06:00:00 */
    {"America/New_York", 2856124800000, -14400},   /* 2060-07-04 00:00:00 */
    {"America/New_York", 4102358400000, -18000},   /* 2099-12-31 00:00:00 */
    {"Australia/Lord_Howe", 1767225600000, 39600}, /* 2026-01-01 00:00:00 */
    {"Australia/Lord_Howe", 1782864000000, 37800}, /* 2026-07-01 00:00:00 */
    {"Australia/Lord_Howe", 2840140800000, 39600}, /* 2060-01-01 00:00:00 */
    {"Australia/Lord_Howe", 2855865600000, 37800}, /* 2060-07-01 00:00:00 */
    {"Europe/Dublin", 1767225600000, 0},           /* 2026-01-01 00:00:00 */
    {"Europe/Dublin", 1782864000000, 3600},        /* 2026-07-01 00:00:00 */
    {"Europe/Dublin", 2840140800000, 0},           /* 2060-01-01 00:00:00 */
    {"Europe/Dublin", 2855865600000, 3600},        /* 2060-07-01 00:00:00 */
    {"Asia/Kathmandu", 1767225600000, 20700},      /* 2026-01-01 00:00:00 */
    {"America/St_Johns", 1767225600000, -12600},   /* 2026-01-01 00:00:00 */
    {"America/St_Johns", 2855865600000, -9000},    /* 2060-07-01 00:00:00 */
    {"Africa/Casablanca", 1772323200000, 0},       /* 2026-03-01 00:00:00 */
    {"Africa/Casablanca", 1782864000000, 3600},    /* 2026-07-01 00:00:00 */
    {"Africa/Casablanca", 3944678400000, 3600},    /* 2095-01-01 00:00:00 */
    {"America/Nuuk", 2845324800000, -7200},        /* 2060-03-01 00:00:00 */
    {"America/Nuuk", 2855865600000, -3600},        /* 2060-07-01 00:00:00 */
    {"Pacific/Chatham", 2840140800000, 49500},     /* 2060-01-01 00:00:00 */
    {"Pacific/Chatham", 2855865600000, 45900},     /* 2060-07-01 00:00:00 */
    {"Etc/GMT+12", 1767225600000, -43200},         /* 2026-01-01 00:00:00 */
    {"UTC", 1767225600000, 0},                     /* 2026-01-01 00:00:00 */
    {"UTC", -2208988800000, 0},                    /* 1900-01-01 00:00:00 */
};

static void offsets_of_real_zones(void **state) {
    (void)state;
    struct timezone_set *set = timezone_set_new(NULL);
    for (size_t i = 0; i < sizeof offset_rows / sizeof offset_rows[0]; i++) {
        uint16_t zone = find(set, offset_rows[i].zone);
        if (zone == TIMEZONE_NONE) {
            fail_msg("zone %s is not on this machine", offset_rows[i].zone);
        }
        int got_s = timezone_offset_s(set, zone, offset_rows[i].at_ms);
        if (got_s != offset_rows[i].offset_s) {
            fail_msg("row %zu %s: %d, expected %d", i, offset_rows[i].zone, got_s,
                     offset_rows[i].offset_s);
        }
    }
    timezone_set_destroy(set);
}

static void a_millisecond_before_a_change_is_before(void **state) {
    (void)state;
    struct timezone_set *set = timezone_set_new(NULL);
    uint16_t berlin = find(set, "Europe/Berlin");
    assert_int_equal(timezone_offset_s(set, berlin, INT64_C(1774745999999)), 3600);
    assert_int_equal(timezone_offset_s(set, berlin, INT64_C(1774746000000)), 7200);
    /* Before 1970 as well: -776563200 is 1945-05-24 00:00, an hour more (double summer time). */
    assert_int_equal(timezone_offset_s(set, berlin, INT64_C(-776563200001)), 7200);
    assert_int_equal(timezone_offset_s(set, berlin, INT64_C(-776563200000)), 10800);
    timezone_set_destroy(set);
}

static void quiet_hours_end_by_the_users_clock(void **state) {
    (void)state;
    static const struct {
        const char *zone;
        int64_t at_ms;
        int start_minute, end_minute;
        int64_t end_ms;
    } rows[] = {
        {"Europe/Berlin", 1774735200000, 1320, 480, 1774764000000}, /* spring night: +8.00 h */
        {"Europe/Berlin", 1792875600000, 1320, 480, 1792911600000}, /* autumn night: +10.00 h */
        {"Europe/Berlin", 1780315200000, 1320, 480, 1780315200000}, /* noon: +0.00 h */
        {"Europe/Berlin", 1780344000000, 1320, 480, 1780380000000}, /* 22:00 sharp: +10.00 h */
        {"Europe/Berlin", 1780293600000, 1320, 480, 1780293600000}, /* 08:00 sharp: +0.00 h */
        {"Europe/Berlin", 1780293540000, 1320, 480, 1780293600000}, /* 07:59: +0.02 h */
        {"Europe/Berlin", 1774745100000, 60, 150,
         1774746000000}, /* end in the skipped hour: +0.25 h */
        {"Europe/Berlin", 1792888200000, 120, 180,
         1792893600000}, /* end hour comes twice: +1.50 h */
        {"Europe/Berlin", 1792887300000, 120, 150, 1792888200000}, /* first 02:15 of two: +0.25 h */
        {"Europe/Berlin", 1792890900000, 120, 150,
         1792891800000}, /* second 02:15 of two: +0.25 h */
        {"Asia/Kolkata", 1780333200000, 1320, 480, 1780367400000}, /* 22:30: +9.50 h */
        {"Asia/Kolkata", 1780331340000, 1320, 480, 1780331340000}, /* 21:59: +0.00 h */
        {"America/Sao_Paulo", 1541293200000, 1320, 480,
         1541325600000}, /* midnight skipped: +9.00 h */
        {"America/Sao_Paulo", 1550367000000, 1320, 480,
         1550401200000}, /* 23:30 first of two: +9.50 h */
        {"America/Sao_Paulo", 1550367000000, 1380, 0,
         1550372400000}, /* the hour before midnight twice: +1.50 h */
        {"Pacific/Apia", 1325237400000, 1320, 480, 1325268000000},  /* a day skipped: +8.50 h */
        {"Pacific/Apia", 1325237400000, 1320, 1440, 1325239200000}, /* skip to outside: +0.50 h */
        {"Europe/Berlin", 2847650400000, 1320, 480, 2847679200000}, /* 2060 spring: +8.00 h */
        {"Europe/Berlin", 2866395600000, 1320, 480, 2866431600000}, /* 2060 autumn: +10.00 h */
        {"Pacific/Apia", 2841386400000, 1320, 480, 2841418800000},  /* 2060: +9.00 h */
        {"Australia/Lord_Howe", 1791036000000, 1320, 480,
         1791061200000}, /* half hour shift: +7.00 h */
        {"America/New_York", 1793511000000, 60, 120,
         1793516400000}, /* 01:30 first of two: +1.50 h */
    };
    struct timezone_set *set = timezone_set_new(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t got_ms = timezone_quiet_end_ms(set, find(set, rows[i].zone), rows[i].at_ms,
                                               rows[i].start_minute, rows[i].end_minute);
        if (got_ms != rows[i].end_ms) {
            fail_msg("row %zu %s: %lld, expected %lld", i, rows[i].zone, (long long)got_ms,
                     (long long)rows[i].end_ms);
        }
    }
    timezone_set_destroy(set);
}

static void quiet_hours_without_zone_are_in_utc(void **state) {
    (void)state;
    struct timezone_set *set = timezone_set_new(NULL);
    const int64_t hour_ms = 3600000, day_ms = 24 * hour_ms;
    uint16_t none = TIMEZONE_NONE;
    assert_int_equal(timezone_quiet_end_ms(set, none, 23 * hour_ms, 1320, 480), 32 * hour_ms);
    assert_int_equal(timezone_quiet_end_ms(set, none, -hour_ms, 1320, 480), 8 * hour_ms);
    assert_int_equal(timezone_quiet_end_ms(set, none, -1, 1320, 0), 0);
    /* Equal is never; to the millisecond; the whole day ends at midnight. */
    assert_int_equal(timezone_quiet_end_ms(set, none, 5, 0, 0), 5);
    assert_int_equal(timezone_quiet_end_ms(set, none, 5, 600, 600), 5);
    assert_int_equal(timezone_quiet_end_ms(set, none, 60001, 1, 2), 120000);
    assert_int_equal(timezone_quiet_end_ms(set, none, 59999, 1, 2), 59999);
    assert_int_equal(timezone_quiet_end_ms(set, none, 120000, 1, 2), 120000);
    assert_int_equal(timezone_quiet_end_ms(set, none, 5, 0, 1440), day_ms);
    assert_int_equal(timezone_quiet_end_ms(set, none, 0, 0, 1440), day_ms);
    timezone_set_destroy(set);
}

static void absurd_instants_come_back(void **state) {
    (void)state;
    struct timezone_set *set = timezone_set_new(NULL);
    uint16_t berlin = find(set, "Europe/Berlin");
    assert_true(timezone_quiet_end_ms(set, berlin, INT64_MAX, 0, 1440) == INT64_MAX);
    int64_t end_ms = timezone_quiet_end_ms(set, berlin, INT64_MIN, 0, 1440);
    assert_true(end_ms > INT64_MIN && end_ms <= INT64_MIN + 86400000);
    (void)timezone_offset_s(set, berlin, INT64_MAX);
    (void)timezone_offset_s(set, berlin, INT64_MIN);
    timezone_set_destroy(set);
}

static void names_are_interned_once(void **state) {
    (void)state;
    struct timezone_set *set = timezone_set_new(NULL);
    uint16_t berlin = find(set, "Europe/Berlin"), kolkata = find(set, "Asia/Kolkata");
    assert_int_not_equal(berlin, TIMEZONE_NONE);
    assert_int_not_equal(berlin, kolkata);
    assert_int_equal(find(set, "Europe/Berlin"), berlin);
    assert_true(bytes_equal(timezone_name(set, berlin), bytes_of_text("Europe/Berlin")));
    assert_true(bytes_equal(timezone_name(set, kolkata), bytes_of_text("Asia/Kolkata")));
    assert_int_equal(timezone_name(set, TIMEZONE_NONE).size, 0);
    assert_int_equal(timezone_offset_s(set, TIMEZONE_NONE, 1), 0);
    timezone_set_destroy(set);
    timezone_set_destroy(NULL);
}

/* A folder of its own, with one good zone "Good" that stands an hour east. */
struct folder {
    char path[64];
    uint8_t zone[128];
    size_t zone_size;
};

static void write_file(const struct folder *folder, const char *name, struct bytes content) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.size, file), content.size);
    fclose(file);
}

static int make_folder(void **state) {
    struct folder *folder = memory_new(1, sizeof *folder);
    snprintf(folder->path, sizeof folder->path, "/tmp/promostream-zones-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    uint8_t part[44 + 6 + 4] = "TZif2";
    part[39] = 1; /* types */
    part[43] = 4; /* name bytes */
    memcpy(folder->zone, part, sizeof part);
    memcpy(folder->zone + sizeof part, part, sizeof part);
    memcpy(folder->zone + 2 * sizeof part, "\n<+01>-1\n", 9);
    folder->zone_size = 2 * sizeof part + 9;
    write_file(folder, "Good", bytes_of(folder->zone, folder->zone_size));
    *state = folder;
    return 0;
}

static int remove_folder(void **state) {
    struct folder *folder = *state;
    const char *const names[] = {"Good", "Bad", "Large", "Late", "a.b", "localtime", "Folder/X"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder->path, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/Pipe", folder->path);
    unlink(path);
    snprintf(path, sizeof path, "%s/Folder", folder->path);
    rmdir(path);
    int status = rmdir(folder->path);
    free(folder);
    return status;
}

static void hostile_names_find_nothing_that_is_there(void **state) {
    const struct folder *folder = *state;
    struct bytes zone = bytes_of(folder->zone, folder->zone_size);
    char path[128];
    snprintf(path, sizeof path, "%s/Folder", folder->path);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file(folder, "Folder/X", zone);
    write_file(folder, "a.b", zone);
    write_file(folder, "localtime", zone);
    struct timezone_set *set = timezone_set_new(folder->path);
    assert_int_not_equal(find(set, "Good"), TIMEZONE_NONE);
    assert_int_not_equal(find(set, "Folder/X"), TIMEZONE_NONE);
    /* The file system would find a zone under each of these. */
    const char *const bad[] = {"Folder/../Good",
                               "../Good",
                               "./Good",
                               "/Good",
                               "Folder//X",
                               "Good/",
                               "a.b",
                               "localtime",
                               "",
                               " Good",
                               "Folder/./X",
                               "Good\n",
                               "Folder\\X",
                               "Folder/../../x/Good"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(find(set, bad[i]), TIMEZONE_NONE);
    }
    assert_int_equal(timezone_find(set, bytes_of("Good\0x", 6)), TIMEZONE_NONE);
    assert_int_equal(timezone_find(set, bytes_of("Good\0", 5)), TIMEZONE_NONE);
    assert_int_equal(timezone_find(set, bytes_of(NULL, 0)), TIMEZONE_NONE);
    timezone_set_destroy(set);
}

static void names_of_41_bytes_are_too_long(void **state) {
    const struct folder *folder = *state;
    char longer[42], name[160], path[256];
    memset(longer, 'L', 41);
    longer[41] = '\0';
    for (size_t size = 40; size <= 41; size++) {
        snprintf(name, sizeof name, "%.*s", (int)size, longer);
        snprintf(path, sizeof path, "%s/%s", folder->path, name);
        write_file(folder, name, bytes_of(folder->zone, folder->zone_size));
        struct timezone_set *set = timezone_set_new(folder->path);
        assert_int_equal(find(set, name) != TIMEZONE_NONE, size == 40);
        timezone_set_destroy(set);
        unlink(path);
    }
}

static void files_that_are_no_zones(void **state) {
    const struct folder *folder = *state;
    struct timezone_set *set = timezone_set_new(folder->path);
    write_file(folder, "Bad", bytes_of(folder->zone, folder->zone_size - 1));
    assert_int_equal(find(set, "Bad"), TIMEZONE_NONE);
    /* A good file, but larger than any zone. */
    struct buffer large = {0};
    for (int i = 0; i < 300 * 1024; i++) {
        buffer_append_byte(&large, 0);
    }
    write_file(folder, "Large", buffer_bytes(&large));
    buffer_clean_up(&large);
    assert_int_equal(find(set, "Large"), TIMEZONE_NONE);
    char path[128];
    snprintf(path, sizeof path, "%s/Folder", folder->path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(find(set, "Folder"), TIMEZONE_NONE);
    snprintf(path, sizeof path, "%s/Pipe", folder->path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(find(set, "Pipe"), TIMEZONE_NONE); /* and does not wait for a writer */
    timezone_set_destroy(set);
    set = timezone_set_new("/nonexistent");
    assert_int_equal(find(set, "UTC"), TIMEZONE_NONE);
    timezone_set_destroy(set);
}

static void an_unknown_name_is_looked_up_once(void **state) {
    const struct folder *folder = *state;
    struct timezone_set *set = timezone_set_new(folder->path);
    assert_int_equal(find(set, "Late"), TIMEZONE_NONE);
    write_file(folder, "Late", bytes_of(folder->zone, folder->zone_size));
    assert_int_equal(find(set, "Late"), TIMEZONE_NONE);
    assert_int_not_equal(find(set, "Good"), TIMEZONE_NONE);
    timezone_set_destroy(set);
}

static void the_thousand_and_first_zone_is_none(void **state) {
    const struct folder *folder = *state;
    struct timezone_set *set = timezone_set_new(folder->path);
    char name[24], old[128], new[128];
    snprintf(old, sizeof old, "%s/Good", folder->path);
    for (int i = 0; i <= 1000; i++) {
        snprintf(name, sizeof name, "Z%d", i);
        snprintf(new, sizeof new, "%s/%s", folder->path, name);
        assert_int_equal(link(old, new), 0);
        assert_int_equal(find(set, name), i < 1000 ? i + 1 : TIMEZONE_NONE);
        unlink(new);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "Z%d", i);
        assert_int_equal(find(set, name), i + 1);
        assert_true(bytes_equal(timezone_name(set, (uint16_t)(i + 1)), bytes_of_text(name)));
    }
    assert_int_equal(timezone_offset_s(set, 1000, 0), 3600);
    timezone_set_destroy(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_of_real_zones),
        cmocka_unit_test(a_millisecond_before_a_change_is_before),
        cmocka_unit_test(quiet_hours_end_by_the_users_clock),
        cmocka_unit_test(quiet_hours_without_zone_are_in_utc),
        cmocka_unit_test(absurd_instants_come_back),
        cmocka_unit_test(names_are_interned_once),
        cmocka_unit_test_setup_teardown(hostile_names_find_nothing_that_is_there, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(names_of_41_bytes_are_too_long, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(files_that_are_no_zones, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(an_unknown_name_is_looked_up_once, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(the_thousand_and_first_zone_is_none, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
