#include "tests/support/registry_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "schemas/canonical.h"

#define DEADLINE_NS (INT64_C(10) * 1000000000)
#define PAUSE_US    500
#define TROUBLE_ID  5

extern char **environ;

int fixture_set_up(void **state) {
    struct registry_fixture *fixture = memory_new(1, sizeof *fixture);
    fixture->server = registry_server_start(0, NULL, NULL, NULL, NULL);
    fixture->config = (struct registry_config){
        .folder = "",
        .user = "",
        .password = "",
        .ca_file = "",
        .cert_file = "",
        .key_file = "",
        .timeout_ms = 5000,
        .retry_min_ms = 10,
        .retry_max_ms = 40,
    };
    fixture_point_at_server(fixture, "http");
    *state = fixture;
    return 0;
}

static void remove_folder(const char *path) {
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
    rmdir(path);
}

int fixture_tear_down(void **state) {
    struct registry_fixture *fixture = *state;
    fixture_end(fixture);
    registry_server_stop(fixture->server);
    free(fixture->log_text);
    if (fixture->folder[0] != '\0') {
        remove_folder(fixture->folder);
    }
    free(fixture);
    return 0;
}

void fixture_point_at_server(struct registry_fixture *fixture, const char *scheme) {
    snprintf(fixture->url, sizeof fixture->url, "%s://localhost:%u", scheme,
             (unsigned)registry_server_port(fixture->server));
    fixture->config.url = fixture->url;
}

struct registry *fixture_start(struct registry_fixture *fixture) {
    free(fixture->log_text);
    fixture->log_file = open_memstream(&fixture->log_text, &fixture->log_size);
    fixture->log = log_to(fixture->log_file, LOG_DEBUG, LOG_TEXT, clock_system());
    struct failure failure = registry_new(&fixture->config, &fixture->log, &fixture->registry);
    if (failed(failure)) {
        fail_msg("%s", failure.text);
    }
    return fixture->registry;
}

const char *fixture_end(struct registry_fixture *fixture) {
    registry_destroy(fixture->registry);
    fixture->registry = NULL;
    if (fixture->log_file) {
        fclose(fixture->log_file);
        fixture->log_file = NULL;
    }
    return fixture->log_text;
}

/* ---- waiting ---- */

static bool is_late(int64_t start_ns) {
    usleep(PAUSE_US);
    return clock_monotonic_ns() - start_ns > DEADLINE_NS;
}

const struct writer_schema *fixture_find(struct registry *registry, uint32_t id,
                                         enum registry_answer wanted) {
    int64_t start_ns = clock_monotonic_ns();
    const struct writer_schema *schema = NULL;
    for (;;) {
        enum registry_answer answer = registry_find(registry, id, &schema);
        if (answer == wanted) {
            assert_int_equal(schema != NULL, answer == REGISTRY_FOUND);
            return schema;
        }
        if (is_late(start_ns)) {
            fail_msg("id %u: found answer %d, expected %d", (unsigned)id, answer, wanted);
        }
    }
}

static uint64_t fingerprint_of(const char *text) {
    struct buffer canonical = {0};
    assert_true(canonical_schema(bytes_of_text(text), &canonical));
    uint64_t fingerprint = canonical_fingerprint(buffer_bytes(&canonical));
    buffer_clean_up(&canonical);
    return fingerprint;
}

enum registry_answer fixture_find_text(struct registry *registry, const char *text) {
    const struct writer_schema *schema = NULL;
    enum registry_answer answer =
        registry_find_fingerprint(registry, fingerprint_of(text), &schema);
    assert_int_equal(schema != NULL, answer == REGISTRY_FOUND);
    return answer;
}

void fixture_await_text(struct registry *registry, const char *text, enum registry_answer wanted) {
    int64_t start_ns = clock_monotonic_ns();
    while (fixture_find_text(registry, text) != wanted) {
        assert_false(is_late(start_ns));
    }
}

void fixture_await_trouble_of(struct registry *registry, uint32_t id, const char *part) {
    int64_t start_ns = clock_monotonic_ns();
    char trouble[300] = "";
    const struct writer_schema *schema;
    while (!strstr(trouble, part)) {
        registry_find(registry, id, &schema);
        registry_trouble(registry, trouble, sizeof trouble);
        if (is_late(start_ns)) {
            fail_msg("'%s' is not in '%s'", part, trouble);
        }
    }
}

void fixture_await_trouble(struct registry *registry, const char *part) {
    fixture_await_trouble_of(registry, TROUBLE_ID, part);
}

/* ---- files ---- */

const char *fixture_folder(struct registry_fixture *fixture) {
    if (fixture->folder[0] == '\0') {
        snprintf(fixture->folder, sizeof fixture->folder, "/tmp/promostream_schemas_XXXXXX");
        assert_non_null(mkdtemp(fixture->folder));
    }
    return fixture->folder;
}

/* Whole or not at all, as a careful person would. */
void fixture_write(struct registry_fixture *fixture, const char *name, const char *text) {
    char temporary[128], path[128];
    snprintf(temporary, sizeof temporary, "%s/.new", fixture_folder(fixture));
    snprintf(path, sizeof path, "%s/%s", fixture_folder(fixture), name);
    FILE *file = fopen(temporary, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(temporary, path), 0);
}

static char *read_text(const char *path) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char text[16384];
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    return memory_copy_text(bytes_of(text, size));
}

bool fixture_make_certificate(struct registry_fixture *fixture, char **out_key,
                              char **out_certificate) {
    char key_path[80];
    snprintf(key_path, sizeof key_path, "%s/key.pem", fixture_folder(fixture));
    snprintf(fixture->certificate_path, sizeof fixture->certificate_path, "%s/certificate.pem",
             fixture_folder(fixture));
    char *arguments[] = {"openssl",
                         "req",
                         "-x509",
                         "-newkey",
                         "ec",
                         "-pkeyopt",
                         "ec_paramgen_curve:P-256",
                         "-nodes",
                         "-days",
                         "30",
                         "-subj",
                         "/CN=localhost",
                         "-addext",
                         "subjectAltName=DNS:localhost",
                         "-keyout",
                         key_path,
                         "-out",
                         fixture->certificate_path,
                         NULL};
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    int error = posix_spawnp(&child, arguments[0], &quiet, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&quiet);
    int status = 0;
    if (error != 0 || waitpid(child, &status, 0) != child || status != 0) {
        return false;
    }
    *out_key = read_text(key_path);
    *out_certificate = read_text(fixture->certificate_path);
    return true;
}

/* ---- texts ---- */

void assert_has(const char *text, const char *part) {
    if (!strstr(text, part)) {
        fail_msg("'%s' is not in '%s'", part, text);
    }
}

int count_of(const char *text, const char *part) {
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part)) {
        count++;
    }
    return count;
}
