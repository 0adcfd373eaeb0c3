#include "simd_json.h"

#include <simdjson.h>

#include <algorithm>
#include <string>
#include <vector>

namespace ondemand = simdjson::ondemand;

namespace {

// Deeper nesting would be a danger to the stack.
constexpr size_t deepest = 512;
constexpr size_t smallest_capacity = 1 << 16;

struct failure {
  hat_json_outcome outcome;
};

template <typename Value>
Value checked(simdjson::simdjson_result<Value> result) {
  if (result.error()) throw failure{hat_json_not_json};
  return std::move(result).value_unsafe();
}

std::string_view trimmed(std::string_view token) {
  while (!token.empty() && (token.back() == ' ' || token.back() == '\t' || token.back() == '\r' || token.back() == '\n'))
    token.remove_suffix(1);
  return token;
}

bool take_digits(std::string_view &token) {
  size_t count = 0;
  while (count < token.size() && token[count] >= '0' && token[count] <= '9') count++;
  token.remove_prefix(count);
  return count > 0;
}

bool take(std::string_view &token, char one, char other) {
  if (token.empty() || (token[0] != one && token[0] != other)) return false;
  token.remove_prefix(1);
  return true;
}

// The grammar alone: a number nobody asked for may be as large as it likes.
bool is_number(std::string_view token) {
  take(token, '-', '-');
  if (!take(token, '0', '0') && !take_digits(token)) return false;
  if (take(token, '.', '.') && !take_digits(token)) return false;
  if (take(token, 'e', 'E')) {
    take(token, '+', '-');
    if (!take_digits(token)) return false;
  }
  return token.empty();
}

void check_scalar(std::string_view token) {
  token = trimmed(token);
  if (token == "true" || token == "false" || token == "null" || is_number(token)) return;
  throw failure{hat_json_not_json};
}

}  // namespace

struct hat_json_reader {
  ondemand::parser parser;
  std::vector<std::string> path;
  std::vector<std::string> kept_names;
  std::vector<bool> keeps_scalars;
  hat_json_string *text = nullptr;
  hat_json_string *kept = nullptr;
  bool has_other_type = false;

  size_t capacity_for(size_t count) const;
  void read_root(const uint8_t *bytes, size_t count);

 private:
  void read_object(ondemand::object object, size_t depth, bool is_on_path);
  void read_field(std::string_view key, ondemand::value value, size_t depth, bool is_on_path);
  void read_value(ondemand::value value, size_t depth);
  void keep(hat_json_string &place, std::string_view string);
  void keep_scalar(hat_json_string &place, ondemand::value value);
  hat_json_string *kept_place(std::string_view key, size_t depth);
};

void hat_json_reader::keep(hat_json_string &place, std::string_view string) {
  if (place.bytes) throw failure{hat_json_repeated_field};
  place = {reinterpret_cast<const uint8_t *>(string.data()), string.size()};
}

// Numbers and truth values as they are written; of null there is nothing to keep.
void hat_json_reader::keep_scalar(hat_json_string &place, ondemand::value value) {
  std::string_view token = trimmed(value.raw_json_token());
  check_scalar(token);
  if (token != "null") keep(place, token);
}

hat_json_string *hat_json_reader::kept_place(std::string_view key, size_t depth) {
  if (depth > 0) return nullptr;
  for (size_t index = 0; index < kept_names.size(); index++)
    if (kept_names[index] == key) return &kept[index];
  return nullptr;
}

// Powers of two, so that growing lines do not make it allocate each time.
size_t hat_json_reader::capacity_for(size_t count) const {
  size_t capacity = smallest_capacity;
  while (capacity < count) capacity *= 2;
  return std::max(capacity, parser.capacity());
}

void hat_json_reader::read_root(const uint8_t *bytes, size_t count) {
  size_t capacity = capacity_for(count);
  if (parser.capacity() < capacity && parser.allocate(capacity)) throw failure{hat_json_no_memory};
  ondemand::document document;
  auto error = parser.iterate(reinterpret_cast<const char *>(bytes), count, count + simdjson::SIMDJSON_PADDING)
                   .get(document);
  if (error == simdjson::UTF8_ERROR) throw failure{hat_json_invalid_utf8};
  if (error) throw failure{hat_json_not_json};
  if (checked(document.type()) != ondemand::json_type::object) throw failure{hat_json_not_an_object};
  read_object(checked(document.get_object()), 0, true);
  bool is_at_end = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  if (!is_at_end) throw failure{hat_json_not_json};
}

void hat_json_reader::read_object(ondemand::object object, size_t depth, bool is_on_path) {
  if (depth > deepest) throw failure{hat_json_too_deep};
  bool has_path_field = false;
  for (auto result : object) {
    ondemand::field field = checked(std::move(result));
    std::string_view key = checked(field.unescaped_key());
    bool continues = is_on_path && depth < path.size() && key == path[depth];
    if (continues && has_path_field) throw failure{hat_json_repeated_field};
    has_path_field |= continues;
    read_field(key, std::move(field).value(), depth, continues);
  }
}

void hat_json_reader::read_field(std::string_view key, ondemand::value value, size_t depth, bool is_on_path) {
  bool is_text = is_on_path && depth + 1 == path.size();
  hat_json_string *place = kept_place(key, depth);
  switch (checked(value.type())) {
    case ondemand::json_type::string: {
      std::string_view string = checked(value.get_string());
      if (is_text) keep(*text, string);
      if (place) keep(*place, string);
      break;
    }
    case ondemand::json_type::object:
      has_other_type |= is_text;
      read_object(checked(value.get_object()), depth + 1, is_on_path);
      break;
    case ondemand::json_type::array:
      has_other_type |= is_text;
      read_value(value, depth + 1);
      break;
    default:
      has_other_type |= is_text;
      if (place && keeps_scalars[place - kept])
        keep_scalar(*place, value);
      else
        read_value(value, depth + 1);
  }
}

void hat_json_reader::read_value(ondemand::value value, size_t depth) {
  if (depth > deepest) throw failure{hat_json_too_deep};
  switch (checked(value.type())) {
    case ondemand::json_type::array: {
      ondemand::array array = checked(value.get_array());
      for (auto element : array) read_value(checked(std::move(element)), depth + 1);
      break;
    }
    case ondemand::json_type::object:
      read_object(checked(value.get_object()), depth + 1, false);
      break;
    case ondemand::json_type::string:
      checked(value.get_string());
      break;
    default:
      check_scalar(value.raw_json_token());
  }
}

size_t hat_json_padding(void) { return simdjson::SIMDJSON_PADDING; }

hat_json_reader *hat_json_reader_create(
    const char *const *path, size_t path_count, const char *const *kept, const bool *keeps_scalars,
    size_t kept_count) {
  auto reader = new hat_json_reader();
  reader->path.assign(path, path + path_count);
  reader->kept_names.assign(kept, kept + kept_count);
  reader->keeps_scalars.assign(keeps_scalars, keeps_scalars + kept_count);
  return reader;
}

void hat_json_reader_free(hat_json_reader *reader) { delete reader; }

// simdjson takes 5/3 bytes for each byte of a document, for strings, and 4 for an index.
size_t hat_json_memory_wanted(const hat_json_reader *reader, size_t count) {
  size_t capacity = reader->capacity_for(count);
  return reader->parser.capacity() < capacity ? 6 * capacity : 0;
}

hat_json_outcome hat_json_read_document(
    hat_json_reader *reader, const uint8_t *bytes, size_t count, hat_json_string *text, hat_json_string *kept) {
  reader->text = text;
  reader->kept = kept;
  reader->has_other_type = false;
  *text = {nullptr, 0};
  for (size_t index = 0; index < reader->kept_names.size(); index++) kept[index] = {nullptr, 0};
  try {
    reader->read_root(bytes, count);
  } catch (const failure &failure) {
    return failure.outcome;
  }
  if (text->bytes) return hat_json_read;
  return reader->has_other_type ? hat_json_not_a_string : hat_json_no_field;
}

namespace {

int hexadecimal(uint8_t digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  digit |= 0x20;
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

// The code unit of an escape \uXXXX at `bytes`; -1 where there is none.
int escaped_unit(const uint8_t *bytes, size_t count) {
  if (count < 6 || bytes[0] != '\\' || bytes[1] != 'u') return -1;
  int unit = 0;
  for (size_t index = 2; index < 6; index++) {
    int digit = hexadecimal(bytes[index]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

bool is_between(int unit, int first, int last) { return unit >= first && unit <= last; }

// Quick, for most text has none.
bool may_have_surrogates(const uint8_t *bytes, size_t count) {
  uint8_t found = 0;
  for (size_t index = 0; index + 2 < count; index++)
    found |= (bytes[index] == '\\') & (bytes[index + 1] == 'u') & ((bytes[index + 2] | 0x20) == 'd');
  return found;
}

}  // namespace

size_t hat_json_lone_surrogate(const uint8_t *bytes, size_t count, size_t start) {
  if (!may_have_surrogates(bytes + start, count - start)) return count;
  size_t position = start;
  while (position < count) {
    const void *escape = memchr(bytes + position, '\\', count - position);
    if (!escape) return count;
    position = static_cast<const uint8_t *>(escape) - bytes;
    int unit = escaped_unit(bytes + position, count - position);
    if (unit < 0) {
      position += 2;
    } else if (is_between(unit, 0xD800, 0xDBFF)) {
      size_t next = position + 6;
      if (!is_between(escaped_unit(bytes + next, count - next), 0xDC00, 0xDFFF)) return position;
      position = next + 6;
    } else if (is_between(unit, 0xDC00, 0xDFFF)) {
      return position;
    } else {
      position += 6;
    }
  }
  return count;
}
