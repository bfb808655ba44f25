#include <string.h>

#include "base/options.h"

#define COLUMNS_MAX   80
#define INDENT        7
#define OPTION_INDENT 14

/* Where the next word goes. */
struct typesetter {
    FILE *out;
    int indent, column; /* column 0: nothing stands on the line */
};

static void break_line(struct typesetter *set) {
    if (set->column > 0) {
        fputc('\n', set->out);
        set->column = 0;
    }
}

static void set_word(struct typesetter *set, const char *word, int size) {
    if (set->column > 0 && set->column + 1 + size > COLUMNS_MAX) {
        break_line(set);
    }
    if (set->column == 0) {
        fprintf(set->out, "%*s", set->indent, "");
        set->column = set->indent;
    } else {
        fputc(' ', set->out);
        set->column++;
    }
    fprintf(set->out, "%.*s", size, word);
    set->column += size;
}

static void set_words(struct typesetter *set, const char *text, size_t size) {
    const char *end = text + size;
    while (text < end) {
        size_t space = strspn(text, " ");
        text += space < (size_t)(end - text) ? space : (size_t)(end - text);
        size_t word = 0;
        while (text + word < end && text[word] != ' ') {
            word++;
        }
        if (word > 0) {
            set_word(set, text, (int)word);
        }
        text += word;
    }
}

/* Lines that begin with a space stand as they are, an empty line parts paragraphs, all else flows.
 */
static void set_text(struct typesetter *set, const char *text) {
    while (*text) {
        size_t size = strcspn(text, "\n");
        if (size == 0 || text[0] == ' ') {
            break_line(set);
        }
        if (size == 0) {
            fputc('\n', set->out);
        } else if (text[0] == ' ') {
            fprintf(set->out, "%*s%.*s\n", set->indent, "", (int)size, text);
        } else {
            set_words(set, text, size);
        }
        text += size + (text[size] == '\n');
    }
    break_line(set);
}

static void set_section(FILE *out, const char *title, const char *text) {
    if (text) {
        fprintf(out, "\n%s\n", title);
        set_text(&(struct typesetter){.out = out, .indent = INDENT}, text);
    }
}

static void set_default(struct typesetter *set, const struct option_row *row) {
    if (row->is_required) {
        set_words(set, "Required.", strlen("Required."));
    } else if (row->default_text && row->default_text[0] && row->type != OPTION_FLAG) {
        char text[128];
        int size = snprintf(text, sizeof text, "Default: %s.", row->default_text);
        set_words(set, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
    }
}

static void set_choices(struct typesetter *set, const struct option_row *row) {
    set_word(set, "One", 3);
    set_word(set, "of", 2);
    for (size_t i = 0; row->choices[i]; i++) {
        char text[128];
        int size =
            snprintf(text, sizeof text, "%s%c", row->choices[i], row->choices[i + 1] ? ',' : '.');
        set_word(set, text, size < (int)sizeof text ? size : (int)sizeof text - 1);
    }
}

static void set_row(FILE *out, const struct option_row *row) {
    fprintf(out, "%*s", INDENT, "");
    if (row->letter) {
        fprintf(out, "-%c, ", row->letter);
    }
    fprintf(out, row->argument ? "--%s=%s\n" : "--%s\n", row->name, row->argument);
    struct typesetter set = {.out = out, .indent = OPTION_INDENT};
    if (row->help) {
        set_words(&set, row->help, strlen(row->help));
    }
    if (row->type == OPTION_CHOICE) {
        set_choices(&set, row);
    } else if (row->type == OPTION_TEXT_LIST) {
        set_words(&set, "May be given again.", strlen("May be given again."));
    }
    set_default(&set, row);
    break_line(&set);
}

/* Each line of it is another way to call. */
static void set_synopsis(struct typesetter *set, const struct option_page *page) {
    const char *form = page->synopsis;
    do {
        size_t size = strcspn(form, "\n");
        set_words(set, page->name, strlen(page->name));
        set_words(set, form, size);
        break_line(set);
        form += size + (form[size] == '\n');
    } while (*form);
}

void options_help(const struct option_page *page, FILE *out) {
    struct typesetter set = {.out = out, .indent = INDENT};
    fprintf(out, "NAME\n");
    set_words(&set, page->name, strlen(page->name));
    set_word(&set, "-", 1);
    set_words(&set, page->summary, strlen(page->summary));
    break_line(&set);
    fprintf(out, "\nSYNOPSIS\n");
    set_synopsis(&set, page);
    set_section(out, "DESCRIPTION", page->description);
    fprintf(out, "\nOPTIONS\n");
    for (size_t i = 0; i < page->row_count; i++) {
        set_row(out, &page->rows[i]);
        fputc('\n', out);
    }
    set_row(out,
            &(struct option_row){.name = "help", .letter = 'h', .help = "Print this and exit."});
    set_section(out, "EXIT STATUS", page->exit_status);
    set_section(out, "EXAMPLES", page->examples);
}

bool options_flush_output(const char *name, FILE *errors) {
    bool is_lost = fflush(stdout) != 0 || ferror(stdout);
    if (is_lost) {
        fprintf(errors, "%s: standard output could not be written whole\n", name);
    }
    return !is_lost;
}
