/* control_row: writes a row of the topic control, which every worker reads before its next epoch.
 * For pause, resume, model promote and rollback. Main thread. */
#ifndef PROMOSTREAM_COMMANDS_CONTROL_ROW_H
#define PROMOSTREAM_COMMANDS_CONTROL_ROW_H

#include "consumer/pipeline_config.h"
#include "schemas/rows.h"

#define CONTROL_WHO_BYTES_MAX 256

/* user@host of this process, NUL-terminated. */
void control_name_of_process(char out[CONTROL_WHO_BYTES_MAX]);
/* Waits until the broker has the row. The topic has one partition; the first row ever creates it,
 * if topics may be created. */
MUST_CHECK struct failure control_row_send(const struct pipeline_config *config,
                                           const struct control_row *row);
/* The row as one JSON object on standard output; the values true and false without quotes. */
void control_row_print_json(const struct control_row *row, const char *topic);

#endif
