#include "consumer/commands/learn_files.h"

#include <errno.h>

#include "consumer/commands/support.h"
#include "consumer/learn/export.h"

static struct failure no_file(const char *path) {
    return failure_make(FAILURE_STOP, errno, "%s: %s", path, strerror(errno));
}

struct failure learn_files_check(const struct learn_files *files, const char *input) {
    const struct {
        const char *option, *path;
        bool is_replaced;
    } outputs[] = {{"save", files->save, true},
                   {"export-json", files->export_json, true},
                   {"save-types", files->save_types, false},
                   {"predictions", files->predictions, false}};
    struct failure failure = failure_none();
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0] && !failed(failure); i++) {
        failure =
            command_check_output(outputs[i].option, outputs[i].path, outputs[i].is_replaced, input);
    }
    return failure;
}

struct failure learn_files_open_predictions(const struct learn_files *files, FILE **out) {
    *out = files->predictions ? fopen(files->predictions, "w") : NULL;
    if (files->predictions && !*out) {
        return no_file(files->predictions);
    }
    if (*out) {
        fputs("p,label\n", *out);
    }
    return failure_none();
}

struct failure learn_files_close_predictions(const struct learn_files *files, FILE *file) {
    if (!file) {
        return failure_none();
    }
    bool has_error = ferror(file) != 0;
    return fclose(file) != 0 || has_error ? no_file(files->predictions) : failure_none();
}

struct failure learn_files_export(const struct learn_files *files,
                                  const struct source_config *source_config,
                                  struct fitted *fitted) {
    struct source *source;
    FILE *file = NULL;
    struct failure failure = source_open(source_config, &source);
    if (!failed(failure)) {
        failure = source_bind(source, &fitted->columns, NULL, false);
    }
    if (!failed(failure)) {
        file = fopen(files->export_json, "w");
        failure = file ? export_json(fitted, source, file) : no_file(files->export_json);
    }
    if (file && failed(failure)) {
        (void)remove(files->export_json);
    }
    source_close(source);
    bool has_error = file && ferror(file) != 0;
    bool is_closed = !file || (fclose(file) == 0 && !has_error);
    return failed(failure) || is_closed ? failure : no_file(files->export_json);
}
