// By the inner loops of the matrix products of floats and of integers.
#include "kernels/winograd/arithmetic.h"

#include <algorithm>

#include "base/dtype.h"
#include "kernels/blocks.h"
#include "kernels/panels.h"

namespace hone::kernels {
namespace {

constexpr int64_t kChunk = 384;  // steps of the chain

// The values [points, c, o] of the filters: a tap is a point.
ir::PanelFormat point_panels(const Shape& filter, int64_t lanes, int64_t vectors, int64_t step) {
  const int64_t in = filter[1], out = filter[2];
  return {filter, {1, 0}, {filter[0], in * out}, {in, out}, {out, 1}, lanes, vectors, step};
}

int64_t columns_of(const Problem& problem) { return problem.operands[1].shape[2]; }

template <class Sum>
BlockSums<Sum> in_result(const Block& block, const Call& call, int64_t cols) {
  return {call.results[0].as<Sum>() + block.row * cols + block.col, cols};
}

}  // namespace

WinogradFloats::WinogradFloats(const Problem& problem, int64_t)
    : fns_(gemm_fns(problem.isa)),
      isa_(problem.isa),
      depth_(problem.operands[1].shape[1]),
      cols_(columns_of(problem)),
      finish_(Finish::of(problem)) {
  if (!finish_) epilogue_ = TileProgram::epilogue_of(problem);
}

std::string WinogradFloats::refuse(const Problem& problem) {
  return TileProgram::refuse_epilogue(problem);
}

ir::PanelFormat WinogradFloats::panels(const Shape& filter, Isa isa) {
  const GemmFns& fns = gemm_fns(isa);
  return point_panels(filter, fns.lanes, fns.max_cols / fns.lanes, 1);
}

void WinogradFloats::pack(const ir::PanelFormat& format, const Call& call, float* packed) const {
  pack_panels(format, call.operands[1].as<float>(), {0, format.tap.extent}, isa_, call.pool,
              packed);
}

void WinogradFloats::multiply(const PointProducts<float, float>& p) const {
  const int64_t strips = ceil_div(p.tiles, fns_.max_rows);
  int64_t step = 0;
  do {
    const int64_t depth = std::min(kChunk, depth_ - step);
    for (int64_t s = 0; s < strips; ++s) {
      const Range rows = even_part(s, strips, p.tiles);
      fns_.tile(rows.size(),
                {p.values + rows.begin * p.pitch + step, p.pitch, 1, p.panel + step * p.cols,
                 p.cols, depth, p.products + rows.begin * p.cols, p.cols, p.cols,
                 step > 0 ? Chain::resume : Chain::fresh});
    }
    step += kChunk;
  } while (step < depth_);
}

BlockSums<float> WinogradFloats::sums_of(const Block& block, const Call& call, float*) const {
  return in_result<float>(block, call, cols_);
}

std::optional<FinishTile> WinogradFloats::finish(const Call& call, int64_t column,
                                                 int64_t at) const {
  return finish_ ? std::optional(finish_->tile(call, column, at)) : std::nullopt;
}

void WinogradFloats::end(const Block& block, const Call& call, const BlockSums<float>& sums,
                         std::byte* scratch) const {
  if (!epilogue_) return;
  const Accumulator accumulator{sums.first, sums.row};
  epilogue_->run(block, call.operands.subspan(2), call.results, scratch, &accumulator);
}

template <class Byte>
WinogradIntegers<Byte>::WinogradIntegers(const Problem& problem, int64_t pitch)
    : fns_(word_dot_fns(problem.isa)),
      steps_(ceil_div(problem.operands[1].shape[1], fns_.step)),
      cols_(columns_of(problem)),
      epilogue_(problem) {
  for (int64_t i = 0; i < kProductTiles; ++i) tile_at_.push_back(i * pitch);
}

template <class Byte>
std::string WinogradIntegers<Byte>::refuse(const Problem& problem) {
  return SumEpilogue::refuse(problem);
}

template <class Byte>
ir::PanelFormat WinogradIntegers<Byte>::panels(const Shape& filter, Isa isa) {
  const DotFns& fns = word_dot_fns(isa);
  return point_panels(filter, fns.lanes, fns.vectors, fns.step);
}

template <class Byte>
void WinogradIntegers<Byte>::pack(const ir::PanelFormat& format, const Call& call,
                                  int16_t* packed) const {
  pack_integers(format, call.operands[1].as<int16_t>(), call.pool, packed);
}

template <class Byte>
void WinogradIntegers<Byte>::multiply(const PointProducts<int16_t, int32_t>& p) const {
  const int64_t run = 0;
  fns_.tiles_of_words({reinterpret_cast<const std::byte*>(p.values), tile_at_.data(), 0, &run, 1,
                       steps_, p.panel, nullptr, p.products, p.cols, p.tiles, p.cols});
}

template <class Byte>
BlockSums<int32_t> WinogradIntegers<Byte>::sums_of(const Block& block, const Call& call,
                                                   int32_t* own) const {
  if (epilogue_) return {own, block.cols};
  return in_result<int32_t>(block, call, cols_);
}

template <class Byte>
void WinogradIntegers<Byte>::end(const Block& block, const Call& call,
                                 const BlockSums<int32_t>& sums, std::byte* scratch) const {
  if (epilogue_) epilogue_.run(block, call, sums.first, sums.row, scratch);
}

template class WinogradIntegers<uint8_t>;
template class WinogradIntegers<int8_t>;

}  // namespace hone::kernels
