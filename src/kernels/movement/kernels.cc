// The rows of the movement family.
#include "kernels/eltwise/broadcast.h"
#include "kernels/families.h"

#include <algorithm>
#include <cstring>

#include "base/rng.h"
#include "kernels/movement/indexed_axis.h"
#include "kernels/movement/strided_copy.h"

namespace hone::kernels {
namespace {

std::string refuse_nothing(const Problem&) { return ""; }

template <class T>
std::unique_ptr<Kernel> make(const Problem& problem) {
  return std::make_unique<T>(problem);
}

/// One copy out of an operand into the result; offsets in bytes.
struct Part {
  int64_t from = 0, to = 0;
  StridedCopy copy;
};

Part part(const Problem& problem, const Shape& loops, const std::vector<int64_t>& from,
          const std::vector<int64_t>& to) {
  return {.copy =
              StridedCopy(loops.dims(), from, to, size_of(problem.results[0].dtype), problem.isa)};
}

/// The parts of each op: part i reads operand i.
using MakeParts = std::vector<Part> (*)(const Problem&);

std::vector<Part> reshape_parts(const Problem& problem) {
  const Shape flat{problem.results[0].shape.elements()};
  return {part(problem, flat, {1}, {1})};
}

std::vector<Part> transpose_parts(const Problem& problem) {
  const std::vector<int64_t> in = problem.operands[0].shape.strides();
  std::vector<int64_t> from;
  for (int64_t axis : problem.attrs().ints("perm")) from.push_back(in[static_cast<size_t>(axis)]);
  const Shape& out = problem.results[0].shape;
  return {part(problem, out, from, out.strides())};
}

std::vector<Part> broadcast_parts(const Problem& problem) {
  const Shape& in = problem.operands[0].shape;
  const Shape& out = problem.results[0].shape;
  return {part(problem, out, broadcast_strides(in, out), out.strides())};
}

// Bytes from one index of the `axis` attribute to the next.
int64_t axis_bytes(const Problem& problem, const TensorType& type) {
  return type.shape.strides()[static_cast<size_t>(problem.attrs().integer("axis"))] *
         size_of(type.dtype);
}

std::vector<Part> concat_parts(const Problem& problem) {
  const TensorType& out = problem.results[0];
  std::vector<Part> parts;
  int64_t to = 0;
  for (const TensorType& in : problem.operands) {
    parts.push_back(part(problem, in.shape, in.shape.strides(), out.shape.strides()));
    parts.back().to = to;
    to += in.shape[static_cast<int>(problem.attrs().integer("axis"))] * axis_bytes(problem, out);
  }
  return parts;
}

std::vector<Part> slice_parts(const Problem& problem) {
  const TensorType& in = problem.operands[0];
  const Shape& out = problem.results[0].shape;
  std::vector<Part> parts = {part(problem, out, in.shape.strides(), out.strides())};
  parts[0].from = problem.attrs().integer("begin") * axis_bytes(problem, in);
  return parts;
}

std::vector<Part> pad_parts(const Problem& problem) {
  const Shape& in = problem.operands[0].shape;
  const TensorType& out = problem.results[0];
  std::vector<Part> parts = {part(problem, in, in.strides(), out.shape.strides())};
  parts[0].to = problem.attrs().integer("before") * axis_bytes(problem, out);
  return parts;
}

template <MakeParts kParts>
class CopyKernel final : public Kernel {
 public:
  explicit CopyKernel(const Problem& problem)
      : parts_(kParts(problem)),
        clears_(problem.node->is(ir::op::pad) &&
                problem.operands[0].bytes() != problem.results[0].bytes()) {}
  void run(const Call& call) const noexcept override {
    const View& out = call.results[0];
    if (clears_ && out.type->bytes() > 0)
      std::memset(out.data, 0, static_cast<size_t>(out.type->bytes()));
    for (size_t i = 0; i < parts_.size(); ++i)
      parts_[i].copy.run(call.operands[i].data + parts_[i].from, out.data + parts_[i].to,
                         *call.pool);
  }
  // Where nothing moves and nothing is added, the copy may be left out.
  static bool in_place(const Problem& problem, int, int) {
    return problem.operands.size() == 1 &&
           problem.operands[0].bytes() == problem.results[0].bytes() &&
           kParts(problem)[0].copy.is_plain();
  }

 private:
  std::vector<Part> parts_;
  bool clears_;
};

class OneHotKernel final : public Kernel {
 public:
  explicit OneHotKernel(const Problem& problem) : depth_(problem.attrs().integer("depth")) {}
  void run(const Call& call) const noexcept override {
    const auto* index = call.operands[0].as<int64_t>();
    for_each_piece(*call.pool, call.operands[0].shape().elements(), depth_,
                   [&](int64_t begin, int64_t end) {
                     float* out = call.results[0].as<float>();
                     std::fill(out + begin * depth_, out + end * depth_, 0.0f);
                     for (int64_t i = begin; i < end; ++i)
                       if (index[i] >= 0 && index[i] < depth_) out[i * depth_ + index[i]] = 1.0f;
                   });
  }

 private:
  int64_t depth_;
};

class GatherKernel final : public Kernel {
 public:
  explicit GatherKernel(const Problem& problem)
      : at_(problem.operands[0].shape, problem.operands[1].shape, problem.attrs()),
        row_bytes_(at_.inner * size_of(problem.results[0].dtype)) {}
  void run(const Call& call) const noexcept override {
    const auto* index = call.operands[1].as<int64_t>();
    const std::byte* source = call.operands[0].data;
    for_each_piece(*call.pool, at_.outer * at_.indices, at_.inner, [&](int64_t begin, int64_t end) {
      std::byte* to = call.results[0].data + begin * row_bytes_;
      for (int64_t i = begin; i < end; ++i, to += row_bytes_) {
        const int64_t from = at_.row(i, index);
        const auto bytes = static_cast<size_t>(row_bytes_);
        if (from < 0) std::memset(to, 0, bytes);
        else std::memcpy(to, source + from * row_bytes_, bytes);
      }
    });
  }

 private:
  IndexedAxis at_;
  int64_t row_bytes_;
};

class DimKernel final : public Kernel {
 public:
  explicit DimKernel(const Problem& problem)
      : extent_(problem.operands[0].shape[static_cast<int>(problem.attrs().integer("axis"))]) {}
  void run(const Call& call) const noexcept override {
    *call.results[0].as<float>() = static_cast<float>(extent_);
  }

 private:
  int64_t extent_;
};

class RandomKernel final : public Kernel {
 public:
  explicit RandomKernel(const Problem& problem)
      : op_key_(static_cast<uint64_t>(problem.attrs().integer("key"))),
        fns_(movement_fns(problem.isa)) {
    const Shape& shape = problem.results[0].shape;
    rows_ = shape.rank() == 0 ? 1 : shape[0];
    row_elements_ = rows_ == 0 ? 0 : shape.elements() / rows_;
  }
  void run(const Call& call) const noexcept override {
    const auto seed = static_cast<uint64_t>(*call.operands[0].as<int64_t>());
    const auto step = static_cast<uint64_t>(*call.operands[1].as<int64_t>());
    const UniformDraws draws{mix(mix(seed, step), op_key_), row_elements_};
    for_each_piece(*call.pool, rows_ * draws.row_groups(), 4, [&](int64_t begin, int64_t end) {
      fns_.uniform(draws, begin, end, call.results[0].as<float>());
    });
  }

 private:
  uint64_t op_key_;
  int64_t rows_, row_elements_;
  const MovementFns& fns_;
};

template <MakeParts kParts>
KernelRow copy_row(const ir::OpSpec& op, std::string_view name) {
  return {&op,
          name,
          "direct",
          Isa::avx2,
          0,
          refuse_nothing,
          make<CopyKernel<kParts>>,
          CopyKernel<kParts>::in_place};
}

}  // namespace

std::span<const KernelRow> movement_kernels() {
  static const KernelRow rows[] = {
      copy_row<reshape_parts>(ir::op::reshape, "movement.copy"),
      copy_row<transpose_parts>(ir::op::transpose, "movement.transpose"),
      copy_row<broadcast_parts>(ir::op::broadcast, "movement.broadcast"),
      copy_row<concat_parts>(ir::op::concat, "movement.concat"),
      copy_row<slice_parts>(ir::op::slice, "movement.slice"),
      copy_row<pad_parts>(ir::op::pad, "movement.pad"),
      {&ir::op::one_hot, "movement.one_hot", "direct", Isa::avx2, 0, refuse_nothing,
       make<OneHotKernel>},
      {&ir::op::gather, "movement.gather", "direct", Isa::avx2, 0, refuse_nothing,
       make<GatherKernel>},
      {&ir::op::dim, "movement.dim", "direct", Isa::avx2, 0, refuse_nothing, make<DimKernel>},
      {&ir::op::random_uniform, "movement.philox", "direct", Isa::avx2, 0, refuse_nothing,
       make<RandomKernel>},
  };
  return rows;
}

}  // namespace hone::kernels
