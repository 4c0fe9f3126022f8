// One row a reader. Where there is a writer, what was read comes back from what it writes.
#include "targets.h"

#include <hone/error.h>

#include "base/error.h"
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

void text(std::string_view bytes) {
  const std::string written = ir::to_text(ir::parse(bytes));
  const std::string again = ir::to_text(own([&] { return ir::parse(written); }));
  invariant(again == written, "another graph came back");
}

constexpr Target kTargets[] = {
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
