// The .npy format: a magic string, a version, and a Python dictionary literal that holds dtype,
// order and shape, padded so that the elements are aligned to 64 bytes.
#include "io/npy.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/dtype.h"
#include "base/error.h"
#include "io/file.h"
#include "io/tensor_bytes.h"

namespace hone::io {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMagic = "\x93NUMPY"sv;

struct Descr {
  DType dtype;
  std::string_view text;
};
constexpr Descr kDescrs[] = {{DType::f32, "<f4"}, {DType::f64, "<f8"}, {DType::i32, "<i4"},
                             {DType::i64, "<i8"}, {DType::u8, "|u1"},  {DType::boolean, "|b1"},
                             {DType::i8, "|i1"},  {DType::i16, "<i2"}, {DType::u16, "<u2"},
                             {DType::u32, "<u4"}, {DType::u64, "<u8"}, {DType::f16, "<f2"}};
// NumPy has no bf16, which therefore comes last in the enumeration.
static_assert(std::size(kDescrs) == kDTypes - 1 && DType::bf16 == DType{kDTypes - 1});

// Reads the header's dictionary: exactly the three keys that NumPy writes, in any order.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  TensorType parse() {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr") descr();
      else if (key == "fortran_order") order();
      else if (key == "shape") shape();
      else fail(ErrorKind::InvalidInput, "header has an unknown key '{}'", key);
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    require(seen_ == 7, "header lacks descr, fortran_order or shape");
    return {dtype_, Shape(dims_)};
  }

 private:
  void skip_spaces() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
  }
  bool accept(char c) {
    skip_spaces();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) { require(accept(c), "header is no dictionary: expected '{}'", c); }
  bool accept_word(std::string_view word) {
    skip_spaces();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  std::string_view quoted() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect('\'');
    const size_t end = rest_.find(quote);
    require(end != rest_.npos, "header has a string without an end");
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }

  void descr() {
    skip_spaces();
    if (rest_.starts_with('[')) fail(ErrorKind::Unsupported, "arrays of records are not supported");
    const std::string_view text = quoted();
    for (const Descr& d : kDescrs)
      if (d.text == text) {
        dtype_ = d.dtype;
        seen_ |= 1;
        return;
      }
    std::string known;
    for (const Descr& d : kDescrs) known += fmt::format("{}{}", known.empty() ? "" : ", ", d.text);
    fail(ErrorKind::Unsupported, "dtype '{}' is not supported: expected one of {}", text, known);
  }
  void order() {
    if (accept_word("True"))
      fail(ErrorKind::Unsupported,
           "Fortran order is not supported: save it with "
           "numpy.ascontiguousarray");
    require(accept_word("False"), "fortran_order is neither True nor False");
    seen_ |= 2;
  }
  void shape() {
    expect('(');
    while (!accept(')')) {
      skip_spaces();
      int64_t dim = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), dim);
      require(error == std::errc{}, "shape has something that is no integer");
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      dims_.push_back(dim);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    seen_ |= 4;
  }

  std::string_view rest_;
  DType dtype_ = DType::f32;
  std::vector<int64_t> dims_;
  int seen_ = 0;
};

// Of what stands before the header, in the longer form.
constexpr int64_t kPrefix = 12;
// NumPy writes 118 bytes, and refuses to read headers of more than 10,000.
constexpr int64_t kLargestHeader = 65536;

Tensor read_whole(const ByteSource& source, std::string_view name) {
  try {
    int64_t at = 0;
    return read_npy(source.size(), [&](void* to, int64_t n) {
      source.read(at, n, to);
      at += n;
    });
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", name, e.what());
  }
}

}  // namespace

Tensor read_npy(int64_t size, const ReadNext& next) {
  std::string text(static_cast<size_t>(std::min(size, kPrefix)), '\0');
  next(text.data(), static_cast<int64_t>(text.size()));
  require(text.starts_with(kMagic), "not a .npy file");
  require(size >= kPrefix, "truncated in the header");
  const int version = static_cast<unsigned char>(text[6]);
  if (version < 1 || version > 3)
    fail(ErrorKind::Unsupported, "format version {} is not supported: expected 1, 2 or 3", version);
  // The length of the header: two bytes in version 1, four after it.
  const int64_t start = version == 1 ? 10 : 12;
  int64_t length = 0;
  for (size_t i = static_cast<size_t>(start); i-- > 8;)
    length = length << 8 | static_cast<unsigned char>(text[i]);
  require(length <= size - start, "truncated in the header");
  require(start + length >= kPrefix && length <= kLargestHeader,
          "a header of {} bytes is no header", length);
  text.resize(static_cast<size_t>(start + length));
  next(text.data() + kPrefix, start + length - kPrefix);
  const TensorType type =
      HeaderParser(std::string_view(text).substr(static_cast<size_t>(start))).parse();
  return tensor_from_next(type.dtype, type.shape.dims(), size - start - length, next);
}

Tensor load_npy(const std::string& path) { return read_whole(*open_source(path), path); }

Tensor parse_npy(std::string_view bytes, std::string_view name) {
  return read_whole(MemorySource(bytes), name);
}

std::string npy_header(const TensorType& type) {
  if (type.dtype == DType::bf16)
    fail(ErrorKind::Unsupported, "{}: NumPy has no bf16: cast it to f32", type.to_string());
  std::string shape;
  for (int64_t d : type.shape.dims()) shape += fmt::format("{}, ", d);
  if (type.shape.rank() > 1) shape.resize(shape.size() - 2);
  else if (type.shape.rank() == 1) shape.pop_back();
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                   kDescrs[static_cast<size_t>(type.dtype)].text, shape);
  const size_t prefix = kMagic.size() + 4;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  std::string out(kMagic);
  out +=
      {'\1', '\0', static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  return out + header;
}

void save_npy(const std::string& path, const Tensor& tensor) {
  const std::string header = npy_header(tensor.type());
  const std::array<std::string_view, 2> pieces = {header, bytes_of(tensor)};
  write_file(path, pieces);
}

}  // namespace hone::io
