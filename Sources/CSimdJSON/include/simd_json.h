#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Bytes of a string, valid until the next document is read; `bytes` is NULL where there is no string.
typedef struct {
  const uint8_t *_Nullable bytes;
  size_t count;
} hat_json_string;

typedef enum {
  hat_json_read,
  hat_json_invalid_utf8,
  hat_json_not_json,
  hat_json_too_deep,
  hat_json_not_an_object,
  hat_json_no_field,
  hat_json_not_a_string,
  hat_json_repeated_field,
  hat_json_no_memory,
} hat_json_outcome;

typedef struct hat_json_reader hat_json_reader;

/// Bytes that must be readable behind a document.
size_t hat_json_padding(void);

/// Makes a reader of the string at `path`, and of the strings among the outermost fields whose names are `kept`; where
/// `keeps_scalars` says so, numbers and truth values too, as they are written.
hat_json_reader *_Nonnull hat_json_reader_create(
    const char *_Nonnull const *_Nonnull path, size_t path_count,
    const char *_Nonnull const *_Nonnull kept, const bool *_Nonnull keeps_scalars, size_t kept_count);
void hat_json_reader_free(hat_json_reader *_Nonnull reader);

/// The bytes of memory, about, that the reader takes for a document of `count` bytes; 0 if it already has enough.
/// Check that there is room first: simdjson does not notice every failed allocation.
size_t hat_json_memory_wanted(const hat_json_reader *_Nonnull reader, size_t count);

/// Reads a document to its end, so that nothing in it goes unchecked.
/// `kept` has room for as many strings as names were given.
hat_json_outcome hat_json_read_document(
    hat_json_reader *_Nonnull reader, const uint8_t *_Nonnull bytes, size_t count,
    hat_json_string *_Nonnull text, hat_json_string *_Nonnull kept);

/// The offset, at or after `start`, of the first escape such as \ud800 that is half of a pair without the other
/// half; `count` when there is none.
size_t hat_json_lone_surrogate(const uint8_t *_Nonnull bytes, size_t count, size_t start);

#ifdef __cplusplus
}
#endif
