// One row a reader. Where there is a writer, what was read comes back from what it writes.
#include "targets.h"

#include <hone/data.h>
#include <hone/error.h>
#include <sys/mman.h>

#include "base/error.h"
#include "data/image.h"
#include "io/checkpoint.h"
#include "io/descriptor.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/onnx_import.h"
#include "io/safetensors.h"
#include "io/tensor_bytes.h"
#include "ir/parse.h"
#include "ir/text.h"

namespace hone::fuzz {
namespace {

// Reads what hone itself has written, which must not be refused.
template <class Read>
auto own(Read&& read) {
  try {
    return read();
  } catch (const Error& e) {
    fail(ErrorKind::Internal, "hone refuses what it wrote: {}", e.what());
  }
}

void npy(std::string_view bytes) {
  const Tensor tensor = io::parse_npy(bytes, "npy");
  const std::string written = io::npy_header(tensor.type()) + std::string(io::bytes_of(tensor));
  const Tensor again = own([&] { return io::parse_npy(written, "npy"); });
  invariant(again.same_bits(tensor), "another array came back");
}

// What reads nothing but files gets one, in memory. Calls `read` with its path.
template <class Read>
void as_file(std::string_view bytes, Read&& read) {
  const io::Descriptor file(::memfd_create("fuzz", MFD_CLOEXEC));
  invariant(file.get() >= 0 && ::write(file.get(), bytes.data(), bytes.size()) ==
                                   static_cast<ssize_t>(bytes.size()),
            "no file in memory");
  read("/proc/self/fd/" + std::to_string(file.get()));
}

void idx(std::string_view bytes) {
  as_file(bytes, [](const std::string& path) { data::read_idx(path); });
}

void checkpoint(std::string_view bytes) {
  namespace key = io::checkpoint_key;
  as_file(bytes, [](const std::string& path) {
    const io::Checkpoint read = io::load_checkpoint(path);
    for (std::string_view name : {key::seed, key::shards, key::batch, key::epoch, key::step})
      read.integer(name);
  });
}

void text(std::string_view bytes) {
  const std::string written = ir::to_text(ir::parse(bytes));
  const std::string again = ir::to_text(own([&] { return ir::parse(written); }));
  invariant(again == written, "another graph came back");
}

constexpr Target kTargets[] = {
    {"checkpoint", checkpoint},
    {"idx", idx},
    {"image", [](std::string_view bytes) { data::decode_image(bytes, "image"); }},
    {"npy", npy},
    {"npz", [](std::string_view bytes) { io::parse_npz(bytes, "npz"); }},
    {"onnx", [](std::string_view bytes) { io::import_onnx(bytes, "onnx"); }},
    {"safetensors", [](std::string_view bytes) { io::parse_safetensors(bytes, "safetensors"); }},
    {"text", text}};

}  // namespace

std::span<const Target> targets() { return kTargets; }

void run(const Target& target, std::string_view bytes) {
  try {
    target.run(bytes);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::Internal) throw;
  }
}

}  // namespace hone::fuzz
