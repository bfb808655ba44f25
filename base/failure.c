#include "base/failure.h"

#include <stdarg.h>
#include <stdio.h>

struct failure failure_make(enum failure_action action, int code, const char *format, ...) {
    struct failure failure = {.action = action, .code = code};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure.text, sizeof failure.text, format, arguments);
    va_end(arguments);
    return failure;
}
