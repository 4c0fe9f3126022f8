// The rows of the eltwise family: fused loops and single ops, all through tile programs.
#include <algorithm>

#include "base/error.h"
#include "kernels/eltwise/tile_program.h"
#include "kernels/families.h"

namespace hone::kernels {
namespace {

// A piece of work for one thread: long enough that handing it out costs little. A loop that is not
// much longer stays on one thread, near whose core its result is used.
constexpr int64_t kBlock = 16 * 1024, kShared = 64 * 1024;

/// The body of a fused node, or a body of the one node.
ir::Graph body_of(const Problem& problem) {
  if (problem.node->is(ir::op::fused)) return *problem.attrs().get<ir::Region>("body");
  ir::Graph body(std::string(problem.node->op->name));
  std::vector<ir::ValueId> inputs;
  for (const TensorType& type : problem.operands)
    inputs.push_back(body.input(fmt::format("x{}", inputs.size()), type));
  body.output("y", body.add(*problem.node->op, inputs, problem.attrs()));
  return body;
}

std::string refuse(const Problem& problem) { return TileProgram::refuse(body_of(problem)); }

bool in_place(const Problem& problem, int result, int operand) {
  return problem.results[static_cast<size_t>(result)] ==
         problem.operands[static_cast<size_t>(operand)];
}

/// Cuts the loop by its shape alone: whole rows where several fit into a block, else pieces of
/// rows.
class TileKernel final : public Kernel {
 public:
  explicit TileKernel(const Problem& problem) : program_(body_of(problem), problem.isa) {
    const Shape& shape = problem.results[0].shape;
    cols_ = shape.rank() == 0 ? 1 : shape[shape.rank() - 1];
    rows_ = cols_ == 0 ? 0 : shape.elements() / cols_;
    // Pieces of rows are of equal size up to one element, never much shorter than a block.
    const int64_t block = rows_ * cols_ < kShared ? kShared : kBlock;
    const int64_t pieces = std::max<int64_t>(1, cols_ / block);
    block_cols_ = (cols_ + pieces - 1) / pieces;
    // Blocks of rows are as even as they can be.
    const int64_t most = std::max<int64_t>(1, block / std::max<int64_t>(1, cols_));
    const int64_t down = std::max<int64_t>(1, (rows_ + most - 1) / most);
    block_rows_ = std::max<int64_t>(1, (rows_ + down - 1) / down);
  }

  int64_t scratch_bytes() const override { return program_.scratch_bytes(); }

  void run(const Call& call) const noexcept override {
    if (rows_ == 0) return;
    const int64_t down = (rows_ + block_rows_ - 1) / block_rows_;
    const int64_t across = (cols_ + block_cols_ - 1) / block_cols_;
    call.pool->run(down * across, [&](int64_t item, int worker) {
      const int64_t row = item / across * block_rows_;
      const int64_t col = item % across * block_cols_;
      const Block block{row, std::min(block_rows_, rows_ - row), col,
                        std::min(block_cols_, cols_ - col)};
      program_.run(block, call.operands, call.results, call.scratch_of(worker));
    });
  }

 private:
  TileProgram program_;
  int64_t rows_, cols_, block_rows_, block_cols_;
};

std::unique_ptr<Kernel> make(const Problem& problem) {
  return std::make_unique<TileKernel>(problem);
}

#define HONE_TILE_ROW(NAME) \
  { &ir::op::NAME, "eltwise.tile", "direct", Isa::avx2, 10, refuse, make, in_place }
constexpr KernelRow kRows[] = {
    HONE_TILE_ROW(fused), HONE_TILE_ROW(neg),   HONE_TILE_ROW(abs),     HONE_TILE_ROW(exp),
    HONE_TILE_ROW(log),   HONE_TILE_ROW(sqrt),  HONE_TILE_ROW(tanh),    HONE_TILE_ROW(sigmoid),
    HONE_TILE_ROW(erf),   HONE_TILE_ROW(cos),   HONE_TILE_ROW(relu),    HONE_TILE_ROW(add),
    HONE_TILE_ROW(sub),   HONE_TILE_ROW(mul),   HONE_TILE_ROW(div),     HONE_TILE_ROW(max),
    HONE_TILE_ROW(min),   HONE_TILE_ROW(equal), HONE_TILE_ROW(greater), HONE_TILE_ROW(select),
    HONE_TILE_ROW(cast),  HONE_TILE_ROW(sin),   HONE_TILE_ROW(atan),    HONE_TILE_ROW(floor),
    HONE_TILE_ROW(round),
};
#undef HONE_TILE_ROW

}  // namespace

std::span<const KernelRow> eltwise_kernels() { return kRows; }

}  // namespace hone::kernels
