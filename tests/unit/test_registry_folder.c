/* registry_folder: files by id and by content; each is given out once, and whole. */
#include "schemas/registry_folder.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "schemas/writer_schema.h"
#include "tests/support/registry_fixture.h"

struct taken {
    char names[200]; /* "a.avsc b.avsc " */
    size_t last_size;
};

static void take(void *context, const char *name, struct bytes text) {
    struct taken *taken = context;
    size_t used = strlen(taken->names);
    snprintf(taken->names + used, sizeof taken->names - used, "%s ", name);
    taken->last_size = text.size;
}

static void assert_scan(const char *folder, struct folder_seen *seen, const char *names) {
    struct taken taken = {.names = ""};
    struct failure failure = folder_scan(folder, seen, take, &taken);
    assert_false(failed(failure));
    assert_string_equal(taken.names, names);
}

static void test_id_of(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool is_id;
        uint32_t id;
    } cases[] = {
        {"0.avsc", true, 0},
        {"12.avsc", true, 12},
        {"4294967295.avsc", true, UINT32_MAX},
        {"4294967296.avsc", false, 0},
        {"18446744073709551628.avsc", false, 0}, /* 2^64 + 12 */
        {"007.avsc", false, 0},
        {"12.avsc.bak", false, 0},
        {"12", false, 0},
        {".avsc", false, 0},
        {"-1.avsc", false, 0},
        {"1a.avsc", false, 0},
        {"click.avsc", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t id = 0;
        if (folder_id_of(cases[i].name, &id) != cases[i].is_id) {
            fail_msg("%s: found %s", cases[i].name, cases[i].is_id ? "no id" : "an id");
        }
        assert_int_equal(cases[i].is_id ? id : 0, cases[i].id);
    }
}

static void test_scan_gives_what_is_new(void **state) {
    struct registry_fixture *fixture = *state;
    const char *folder = fixture_folder(fixture);
    struct folder_seen seen = {0};
    assert_scan(folder, &seen, "");
    fixture_write(fixture, "b.avsc", "\"int\"");
    fixture_write(fixture, "7.avsc", "\"int\"");
    fixture_write(fixture, "notes.txt", "");
    fixture_write(fixture, ".hidden.avsc", "");
    assert_scan(folder, &seen, "7.avsc b.avsc ");
    assert_scan(folder, &seen, "");
    fixture_write(fixture, "b.avsc", "\"long\"");
    fixture_write(fixture, "a.avsc", "\"long\"");
    assert_scan(folder, &seen, "a.avsc b.avsc ");
    folder_seen_clean_up(&seen);
    assert_scan(folder, &seen, "7.avsc a.avsc b.avsc ");
    folder_seen_clean_up(&seen);
}

/* What is no file, and a name that leads nowhere, hold nobody up. */
static void test_scan_leaves_out_what_is_no_file(void **state) {
    struct registry_fixture *fixture = *state;
    char path[3][128];
    const char *const names[] = {"pipe.avsc", "link.avsc", "9.avsc"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path[i], sizeof path[i], "%s/%s", fixture_folder(fixture), names[i]);
    }
    assert_int_equal(mkfifo(path[0], 0600), 0);
    assert_int_equal(symlink("/nonexistent", path[1]), 0);
    assert_int_equal(mkfifo(path[2], 0600), 0);
    fixture_write(fixture, "z.avsc", "\"int\"");
    struct folder_seen seen = {0};
    assert_scan(fixture->folder, &seen, "z.avsc ");
    struct buffer text = {0};
    folder_read(fixture->folder, 9, &text); /* returns; a pipe nobody writes to is empty */
    assert_int_equal(text.size, 0);
    buffer_clean_up(&text);
    folder_seen_clean_up(&seen);
}

static void test_scan_of_no_folder(void **state) {
    (void)state;
    struct folder_seen seen = {0};
    struct taken taken = {.names = ""};
    struct failure failure = folder_scan("/nonexistent/schemas", &seen, take, &taken);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_has(failure.text, "registry.folder: found /nonexistent/schemas, expected a folder");
}

/* A file beyond any schema's size is read to a byte more than the limit, and no further. */
static void test_huge_file(void **state) {
    struct registry_fixture *fixture = *state;
    fixture_write(fixture, "1.avsc", "");
    char path[128];
    snprintf(path, sizeof path, "%s/1.avsc", fixture_folder(fixture));
    assert_int_equal(truncate(path, (off_t)1 << 32), 0);
    struct folder_seen seen = {0};
    struct taken taken = {.names = ""};
    struct failure failure = folder_scan(fixture->folder, &seen, take, &taken);
    assert_false(failed(failure));
    assert_int_equal(taken.last_size, WRITER_SCHEMA_BYTES_MAX + 1);
    folder_seen_clean_up(&seen);
}

static void test_write_and_read(void **state) {
    struct registry_fixture *fixture = *state;
    const char *folder = fixture_folder(fixture);
    struct buffer text = {0};
    assert_false(folder_read(folder, 3, &text));
    assert_false(failed(folder_write(folder, 3, bytes_of_text("\"bytes\""))));
    assert_false(failed(folder_write(folder, 3, bytes_of_text("\"float\"")))); /* replaces */
    assert_true(folder_read(folder, 3, &text));
    assert_int_equal(text.size, 7);
    assert_memory_equal(text.data, "\"float\"", 7);
    buffer_clean_up(&text);
    char path[128];
    snprintf(path, sizeof path, "%s/3.avsc", folder);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644); /* others may use it */
}

static void test_write_fails(void **state) {
    (void)state;
    struct failure failure = folder_write("/nonexistent/schemas", 3, bytes_of_text("\"int\""));
    assert_int_equal(failure.action, FAILURE_RETRY);
    assert_has(failure.text, "/nonexistent/schemas/3.avsc: No such file");
}

static int count_files(const char *folder) {
    char command[160];
    int count = -1;
    snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    return count;
}

/* No byte fits (played by a limit): what was there stays whole, nothing half is left. */
static void test_write_on_a_full_disk(void **state) {
    struct registry_fixture *fixture = *state;
    const char *folder = fixture_folder(fixture);
    assert_false(failed(folder_write(folder, 3, bytes_of_text("\"bytes\""))));
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, before.rlim_max}), 0);
    struct failure failure = folder_write(folder, 3, bytes_of_text("\"float\""));
    struct failure other = folder_write(folder, 4, bytes_of_text("\"int\""));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(failure.action, FAILURE_RETRY);
    assert_int_equal(other.action, FAILURE_RETRY);
    struct buffer text = {0};
    assert_true(folder_read(folder, 3, &text));
    assert_int_equal(text.size, 7);
    assert_memory_equal(text.data, "\"bytes\"", 7);
    assert_int_equal(count_files(folder), 1);
    buffer_clean_up(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id_of),
        REGISTRY_TEST(test_scan_gives_what_is_new),
        REGISTRY_TEST(test_scan_leaves_out_what_is_no_file),
        cmocka_unit_test(test_scan_of_no_folder),
        REGISTRY_TEST(test_huge_file),
        REGISTRY_TEST(test_write_and_read),
        cmocka_unit_test(test_write_fails),
        REGISTRY_TEST(test_write_on_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
