/* registry_folder: a folder of writers' schemas, ID.avsc by schema id and *.avsc by fingerprint.
 * Private to the registry's files; one thread. */
#ifndef PROMOSTREAM_SCHEMAS_REGISTRY_FOLDER_H
#define PROMOSTREAM_SCHEMAS_REGISTRY_FOLDER_H

#include "base/buffer.h"
#include "base/failure.h"

#define FOLDER_FILES_MAX 10000

/* Files that have been given out, by name, size and time of change. */
struct folder_seen {
    uint64_t *marks;
    size_t count;
};

/* name is the file's without folder; text is at most a byte longer than WRITER_SCHEMA_BYTES_MAX. */
typedef void folder_take(void *context, const char *name, struct bytes text);

/* Gives every *.avsc that is new or changed since the last scan to take, in the order of names. At
 * most FOLDER_FILES_MAX files are looked at. STOP if the folder cannot be read; a file that cannot
 * be read is left out. */
MUST_CHECK struct failure folder_scan(const char *folder, struct folder_seen *seen,
                                      folder_take *take, void *context);
void folder_seen_clean_up(struct folder_seen *seen);
/* True if name is ID.avsc. */
bool folder_id_of(const char *name, uint32_t *out_id);
/* Appends the text of ID.avsc; false if there is none that can be read. */
bool folder_read(const char *folder, uint32_t id, struct buffer *out);
/* Writes ID.avsc; whoever reads at the same time sees it whole or not at all. */
MUST_CHECK struct failure folder_write(const char *folder, uint32_t id, struct bytes text);

#endif
