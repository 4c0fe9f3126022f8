// Archives through libzip. Each member is read from its beginning into the tensor that its header
// declares, once archive and header agree on its size and the archive can hold that much.
#include "io/npz.h"

#include <zip.h>

#include <deque>
#include <memory>
#include <new>

#include "base/error.h"
#include "io/file.h"
#include "io/npy.h"
#include "io/tensor_bytes.h"

namespace hone::io {
namespace {

constexpr std::string_view kSuffix = ".npy";
// Deflate makes at most 1032 bytes of one.
constexpr uint64_t kLargestRatio = 1032;

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Archive = std::unique_ptr<zip_t, Discard>;
using Member = std::unique_ptr<zip_file_t, Discard>;

// The text of libzip's error, which it may own.
struct ZipError {
  zip_error_t error;
  ZipError() { zip_error_init(&error); }
  ~ZipError() { zip_error_fini(&error); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  std::string text() { return zip_error_strerror(&error); }
};

Archive open_archive(zip_source_t* source, int64_t size) {
  ZipError error;
  if (source == nullptr) throw std::bad_alloc();
  Archive archive(zip_open_from_source(source, ZIP_RDONLY, &error.error));
  if (archive == nullptr) zip_source_free(source);
  // libzip takes an empty file for an archive without members.
  require(archive != nullptr && size > 0, "not a .npz file: {}",
          size > 0 ? error.text() : "it is empty");
  return archive;
}

Tensor read_member(zip_t* archive, const zip_stat_t& entry, int64_t archive_size) {
  if (entry.encryption_method != ZIP_EM_NONE) fail(ErrorKind::Unsupported, "it is encrypted");
  require(entry.comp_size <= static_cast<uint64_t>(archive_size),
          "expected at most {} packed bytes, the size of the archive, found {}", archive_size,
          entry.comp_size);
  require(entry.size <= INT64_MAX && entry.size / kLargestRatio <= entry.comp_size,
          "{} bytes cannot hold the {} that are declared", entry.comp_size, entry.size);
  const Member file(zip_fopen_index(archive, entry.index, 0));
  if (file == nullptr)
    fail(ErrorKind::Unsupported, "cannot be unpacked: {}", zip_strerror(archive));
  Tensor out = read_npy(static_cast<int64_t>(entry.size), [&](void* to, int64_t n) {
    const auto want = static_cast<uint64_t>(n);
    require(zip_fread(file.get(), to, want) == n, "truncated or corrupt: {}",
            zip_error_strerror(zip_file_get_error(file.get())));
  });
  // Only a read at the end compares the checksum.
  char beyond = 0;
  require(zip_fread(file.get(), &beyond, 1) == 0, "corrupt: {}",
          zip_error_strerror(zip_file_get_error(file.get())));
  return out;
}

std::map<std::string, Tensor> read_archive(zip_t* archive, int64_t size) {
  std::map<std::string, Tensor> out;
  const zip_int64_t entries = zip_get_num_entries(archive, 0);
  for (zip_int64_t i = 0; i < entries; ++i) {
    zip_stat_t entry;
    constexpr zip_uint64_t kNeeded =
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_ENCRYPTION_METHOD;
    require(zip_stat_index(archive, static_cast<zip_uint64_t>(i), 0, &entry) == 0 &&
                (entry.valid & kNeeded) == kNeeded,
            "entry {} of the archive is corrupt", i);
    const std::string_view name = entry.name;
    require(name.ends_with(kSuffix), "expected arrays, found '{}'", name);
    const std::string array(name.substr(0, name.size() - kSuffix.size()));
    try {
      require(out.try_emplace(array, read_member(archive, entry, size)).second,
              "it is there twice");
    } catch (const Error& e) {
      fail(e.kind(), "array '{}': {}", array, e.what());
    }
  }
  return out;
}

std::map<std::string, Tensor> read_source(zip_source_t* source, int64_t size,
                                          std::string_view name) {
  try {
    return read_archive(open_archive(source, size).get(), size);
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", name, e.what());
  }
}

zip_buffer_fragment_t fragment(std::string_view bytes) {
  // libzip's type is not const, but it only reads.
  auto* data = reinterpret_cast<zip_uint8_t*>(const_cast<char*>(bytes.data()));
  return {data, bytes.size()};
}

std::string header_of(const std::string& array, const TensorType& type, std::string_view name) {
  try {
    return npy_header(type);
  } catch (const Error& e) {
    fail(e.kind(), "'{}': array '{}': {}", name, array, e.what());
  }
}

// To the file `draft`; `name` stands in the errors.
void write_archive(const std::string& draft, std::string_view name,
                   const std::map<std::string, Tensor>& tensors) {
  ZipError error;
  int code = 0;
  Archive archive(zip_open(draft.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  const auto check = [&](bool ok) {
    if (!ok)
      fail(ErrorKind::Io, "cannot write '{}': {}", name,
           archive == nullptr ? "the folder cannot be written" : zip_strerror(archive.get()));
  };
  check(archive != nullptr);
  std::deque<std::string> headers;
  for (const auto& [array, tensor] : tensors) {
    const zip_buffer_fragment_t parts[] = {
        fragment(headers.emplace_back(header_of(array, tensor.type(), name))),
        fragment(bytes_of(tensor))};
    zip_source_t* source = zip_source_buffer_fragment_create(parts, 2, 0, &error.error);
    const zip_int64_t index = zip_file_add(archive.get(), (array + std::string(kSuffix)).c_str(),
                                           source, ZIP_FL_ENC_UTF_8);
    if (index < 0) zip_source_free(source);
    check(index >= 0);
    const auto at = static_cast<zip_uint64_t>(index);
    // The first day that a zip archive can name, so that equal contents give equal bytes.
    check(zip_set_file_compression(archive.get(), at, ZIP_CM_STORE, 0) == 0 &&
          zip_file_set_dostime(archive.get(), at, 0, 1 << 5 | 1, 0) == 0);
  }
  check(zip_close(archive.get()) == 0);
  (void)archive.release();  // closing freed it
}

}  // namespace

std::map<std::string, Tensor> parse_npz(std::string_view bytes, std::string_view name) {
  ZipError ignored;
  return read_source(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &ignored.error),
                     static_cast<int64_t>(bytes.size()), name);
}

std::map<std::string, Tensor> load_npz(const std::string& path) {
  const FileSource readable(path);  // throws Io, where it is not
  ZipError ignored;
  return read_source(zip_source_file_create(path.c_str(), 0, -1, &ignored.error), readable.size(),
                     path);
}

void save_npz(const std::string& path, const std::map<std::string, Tensor>& tensors) {
  require(!tensors.empty(), "'{}': there is no array to save", path);
  FileTransaction transaction;
  transaction.write(path, [&](const std::string& draft) { write_archive(draft, path, tensors); });
  transaction.commit();
}

}  // namespace hone::io
