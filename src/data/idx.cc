// IDX, the format of MNIST and its kin: two zero bytes, a type code, the rank, the dimensions (32
// bits, big-endian) and the elements (big-endian). zlib reads both gzip and plain files.
#include <hone/data.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/error.h"

namespace hone::data {
namespace {

/// A file as a stream of bytes. Errors name it.
class Source {
 public:
  explicit Source(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    std::error_code error;
    if (file_ == nullptr || std::filesystem::is_directory(path, error))
      fail(ErrorKind::Io, "cannot open '{}': {}", path,
           file_ == nullptr ? std::strerror(errno) : "it is a folder");
    bytes_on_disk_ = static_cast<int64_t>(std::filesystem::file_size(path, error));
    if (error) bytes_on_disk_ = 0;
    gzbuffer(file_.get(), 1 << 18);
  }

  /// Reads up to `bytes`; returns how many there were.
  int64_t read(void* to, int64_t bytes) {
    int64_t done = 0;
    while (done < bytes) {
      constexpr int64_t kMost = 1 << 30;  // gzread's count is an int
      const int found = gzread(file_.get(), static_cast<std::byte*>(to) + done,
                               static_cast<unsigned>(std::min(kMost, bytes - done)));
      check();
      if (found <= 0) break;
      done += found;
    }
    return done;
  }
  /// The most bytes that the file can hold: deflate shrinks by less than 1040.
  int64_t most_bytes() { return bytes_on_disk_ * (gzdirect(file_.get()) != 0 ? 1 : 1040); }

 private:
  struct Close {
    void operator()(gzFile_s* file) const { gzclose(file); }
  };

  void check() {
    int code = Z_OK;
    const char* text = gzerror(file_.get(), &code);
    if (code == Z_BUF_ERROR)
      fail(ErrorKind::InvalidInput, "'{}': the gzip stream is truncated", path_);
    if (code == Z_DATA_ERROR)
      fail(ErrorKind::InvalidInput, "'{}': the gzip stream is corrupt ({})", path_,
           std::string_view(text).substr(std::min(std::strlen(text), path_.size() + 2)));
    if (code == Z_ERRNO) fail(ErrorKind::Io, "cannot read '{}': {}", path_, std::strerror(errno));
    if (code < 0) fail(ErrorKind::Io, "cannot read '{}': {}", path_, text);
  }

  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
  int64_t bytes_on_disk_ = 0;
};

DType dtype_of_code(uint8_t code, const std::string& path) {
  switch (code) {
    case 0x08:
      return DType::u8;
    case 0x0C:
      return DType::i32;
    case 0x0D:
      return DType::f32;
    case 0x0E:
      return DType::f64;
    case 0x09:
    case 0x0B:
      fail(ErrorKind::Unsupported, "'{}': expected elements of u8, i32, f32 or f64, found {}", path,
           code == 0x09 ? "i8" : "i16");
    default:
      fail(ErrorKind::InvalidInput,
           "'{}': expected an IDX element type (08, 09, 0B, 0C, 0D or 0E), found {:02X}", path,
           code);
  }
}

void swap_to_native(Tensor& tensor) {
  const auto size = static_cast<size_t>(size_of(tensor.dtype()));
  if (size == 1 || std::endian::native == std::endian::big) return;
  std::byte* data = tensor.raw();
  for (int64_t i = 0; i < tensor.elements(); ++i, data += size) std::reverse(data, data + size);
}

}  // namespace

Tensor read_idx(const std::string& path) {
  Source source(path);
  std::array<uint8_t, 4> magic{};
  const int64_t found = source.read(magic.data(), 4);
  require(found == 4 && magic[0] == 0 && magic[1] == 0,
          "'{}': expected an IDX file, which begins with 00 00, found {:02X} {:02X} ({} bytes)",
          path, magic[0], magic[1], found);
  const DType dtype = dtype_of_code(magic[2], path);

  std::vector<int64_t> dims;
  int64_t bytes = size_of(dtype);
  for (int axis = 0; axis < magic[3]; ++axis) {
    std::array<uint8_t, 4> word{};
    require(source.read(word.data(), 4) == 4,
            "'{}': expected {} dimensions, the file ends after {}", path, magic[3], axis);
    dims.push_back(int64_t{word[0]} << 24 | word[1] << 16 | word[2] << 8 | word[3]);
    require(!__builtin_mul_overflow(bytes, dims.back(), &bytes),
            "'{}': its dimensions multiply to more than 2^63 bytes", path);
  }
  const Shape shape(dims);
  require(bytes <= source.most_bytes(), "'{}': {} needs {} bytes, the file has at most {}", path,
          shape, bytes, source.most_bytes());

  Tensor tensor(dtype, shape);
  const int64_t present = source.read(tensor.raw(), bytes);
  require(present == bytes, "'{}': {} needs {} bytes, found {}", path, shape, bytes, present);
  std::byte extra;  // reading past the end also checks gzip's checksum
  require(source.read(&extra, 1) == 0, "'{}': {} needs {} bytes, found more", path, shape, bytes);
  swap_to_native(tensor);
  return tensor;
}

}  // namespace hone::data
