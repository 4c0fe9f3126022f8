// The safetensors format: eight bytes with the length of a JSON header, the header, which gives
// each tensor's dtype, shape and place, and the tensors' bytes without a gap. Everything in the
// header is checked before a byte of data is touched.
#include "io/safetensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/dtype.h"
#include "base/error.h"
#include "io/file.h"
#include "io/tensor_bytes.h"

namespace hone::io {
namespace {

using nlohmann::json;

constexpr std::string_view kMetadata = "__metadata__";
constexpr size_t kLengthBytes = 8;
// The format's own limit.
constexpr uint64_t kLargestHeader = 100'000'000;

struct Name {
  DType dtype;
  std::string_view text;
};
constexpr Name kNames[] = {{DType::f32, "F32"},  {DType::f64, "F64"}, {DType::i32, "I32"},
                           {DType::i64, "I64"},  {DType::u8, "U8"},   {DType::boolean, "BOOL"},
                           {DType::i8, "I8"},    {DType::i16, "I16"}, {DType::u16, "U16"},
                           {DType::u32, "U32"},  {DType::u64, "U64"}, {DType::f16, "F16"},
                           {DType::bf16, "BF16"}};
static_assert(std::size(kNames) == kDTypes);

DType dtype_from(const std::string& text) {
  for (const Name& n : kNames)
    if (n.text == text) return n.dtype;
  fail(ErrorKind::Unsupported, "dtype '{}' is not supported", text);
}

// Names that occur twice would hide each other, and deep nesting is nothing but an attack.
json parse_header(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    using Event = json::parse_event_t;
    require(depth <= 3, "header is nested too deeply");
    if (event == Event::object_start) keys.emplace_back();
    else if (event == Event::object_end) keys.pop_back();
    else if (event == Event::key)
      require(keys.back().insert(parsed.get<std::string>()).second, "header names '{}' twice",
              parsed.get<std::string>());
    return true;
  };
  try {
    json header = json::parse(text, check);
    require(header.is_object(), "header is no JSON object");
    return header;
  } catch (const json::exception&) {
    fail(ErrorKind::InvalidInput, "header is no valid JSON");
  }
}

std::vector<int64_t> integers(const json& list, std::string_view what) {
  require(list.is_array(), "{} is no list of integers", what);
  std::vector<int64_t> out;
  for (const json& i : list) {
    require(i.is_number_unsigned() && i.get<uint64_t>() <= INT64_MAX, "{} is no list of integers",
            what);
    out.push_back(i.get<int64_t>());
  }
  return out;
}

struct Entry {
  std::string name;
  DType dtype;
  std::vector<int64_t> dims;
  int64_t begin, end;
};

Entry parse_entry(const std::string& name, const json& value, int64_t data_bytes) {
  try {
    require(value.is_object() && value.size() == 3 && value.contains("dtype") &&
                value.contains("shape") && value.contains("data_offsets") &&
                value["dtype"].is_string(),
            "expected dtype, shape and data_offsets");
    Entry e{name, dtype_from(value["dtype"]), integers(value["shape"], "shape"), 0, 0};
    const std::vector<int64_t> offsets = integers(value["data_offsets"], "data_offsets");
    require(offsets.size() == 2 && offsets[0] <= offsets[1], "data_offsets is no range");
    e.begin = offsets[0];
    e.end = offsets[1];
    require(e.end <= data_bytes, "data ends at byte {}, the file has {}", e.end, data_bytes);
    const int64_t expected = checked_bytes(e.dtype, e.dims);
    require(e.end - e.begin == expected, "{} takes {} bytes, data_offsets says {}",
            TensorType{e.dtype, Shape(e.dims)}, expected, e.end - e.begin);
    return e;
  } catch (const Error& error) {
    fail(error.kind(), "tensor '{}': {}", name, error.what());
  }
}

Safetensors parse(const ByteSource& source) {
  const auto file = static_cast<uint64_t>(source.size());
  require(file >= kLengthBytes, "truncated in the header");
  uint64_t length = 0;
  source.read(0, kLengthBytes, &length);
  require(length <= kLargestHeader, "not a safetensors file: its header would have {} bytes",
          length);
  require(length <= file - kLengthBytes, "truncated in the header");
  const json header = parse_header(source.text(kLengthBytes, static_cast<int64_t>(length)));
  const auto data = static_cast<int64_t>(kLengthBytes + length);
  const int64_t data_bytes = source.size() - data;

  Safetensors out;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != kMetadata) {
      entries.push_back(parse_entry(name, value, data_bytes));
      continue;
    }
    require(value.is_object(), "metadata is no JSON object");
    for (const auto& [key, text] : value.items()) {
      require(text.is_string(), "metadata '{}' is no string", key);
      out.metadata[key] = text.get<std::string>();
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  int64_t at = 0;
  for (const Entry& e : entries) {
    require(e.begin == at, "tensor '{}' begins at byte {}, expected {}", e.name, e.begin, at);
    at = e.end;
  }
  require(at == data_bytes, "expected {} bytes of data, found {}", at, data_bytes);
  for (const Entry& e : entries)
    out.tensors[e.name] =
        tensor_from_source(e.dtype, e.dims, source, data + e.begin, e.end - e.begin);
  return out;
}

Safetensors parse(const ByteSource& source, std::string_view name) {
  try {
    return parse(source);
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", name, e.what());
  }
}

}  // namespace

Safetensors parse_safetensors(std::string_view bytes, std::string_view name) {
  return parse(MemorySource(bytes), name);
}

Safetensors load_safetensors(const std::string& path) { return parse(*open_source(path), path); }

void save_safetensors(const std::string& path, const Safetensors& contents) {
  using Named = std::pair<const std::string, Tensor>;
  std::vector<const Named*> order;
  for (const Named& named : contents.tensors) order.push_back(&named);
  // Wide elements first, so that every tensor is aligned to its elements.
  std::stable_sort(order.begin(), order.end(), [](const Named* a, const Named* b) {
    return size_of(a->second.dtype()) > size_of(b->second.dtype());
  });
  json header = json::object();
  if (!contents.metadata.empty()) header[kMetadata] = contents.metadata;
  std::vector<std::string_view> pieces(2);
  int64_t at = 0;
  for (const Named* named : order) {
    const auto& [name, tensor] = *named;
    require(name != kMetadata, "a tensor must not be named '{}'", kMetadata);
    header[name] = {{"dtype", kNames[static_cast<size_t>(tensor.dtype())].text},
                    {"shape", tensor.shape().dims()},
                    {"data_offsets", {at, at + tensor.bytes()}}};
    at += tensor.bytes();
    pieces.push_back(bytes_of(tensor));
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception&) {
    fail(ErrorKind::InvalidInput, "'{}': a name or metadata is no valid UTF-8", path);
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  require(text.size() <= kLargestHeader, "'{}': the header of {} bytes is too large", path,
          text.size());
  const uint64_t length = text.size();
  pieces[0] = {reinterpret_cast<const char*>(&length), kLengthBytes};
  pieces[1] = text;
  write_file(path, pieces);
}

}  // namespace hone::io
