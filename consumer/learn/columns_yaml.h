/* columns_yaml: types of columns in a file of their own, so that they can be looked at, changed and
 * used again.
 *
 *     columns:
 *       list:
 *         - {name: "Month", type: categorical}
 */
#ifndef PROMOSTREAM_LEARN_COLUMNS_YAML_H
#define PROMOSTREAM_LEARN_COLUMNS_YAML_H

#include "consumer/learn/columns.h"

/* Sets the types of the columns that the file names. STOP: errors are on standard error, one a
 * line; or a column that is not there. */
MUST_CHECK struct failure columns_yaml_load(const char *path, struct columns *columns);
MUST_CHECK struct failure columns_yaml_save(const char *path, const struct columns *columns);

#endif
