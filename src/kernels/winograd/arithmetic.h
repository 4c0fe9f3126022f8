// What "winograd" computes in: f32, or integers that bytes become. conv.cc has what both share: how
// an image is cut into tiles and blocks, and where everything lies.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernels/eltwise/tile_program.h"
#include "kernels/finish.h"
#include "kernels/gemm/micro.h"
#include "kernels/int8/micro.h"
#include "kernels/int8/sum_epilogue.h"
#include "kernels/winograd/micro.h"

namespace hone::kernels {

/// The most tiles of one product.
inline constexpr int64_t kProductTiles = 96;

/// What some tiles have at one point, multiplied by one panel: rows of whole vectors.
template <class Value, class Sum>
struct PointProducts {
  int64_t tiles;
  const Value* values;
  int64_t pitch;  ///< from tile to tile
  const Value* panel;
  int64_t cols;
  Sum* products;
};

/// Where the sums of a block lie.
template <class Sum>
struct BlockSums {
  Sum* first;
  int64_t row;  ///< from pixel to pixel
};

/// Chains of FMAs. The sums are made where the result is; an epilogue is applied to them in
/// registers (kernels/finish.h), or runs in place on a block that is done.
class WinogradFloats {
 public:
  using Pixel = float;
  using Value = float;
  using Sum = float;

  WinogradFloats(const Problem& problem, int64_t pitch);
  static std::string refuse(const Problem& problem);
  static ir::PanelFormat panels(const Shape& filter, Isa isa);

  void pack(const ir::PanelFormat& format, const Call& call, float* packed) const;
  void multiply(const PointProducts<float, float>& p) const;

  int64_t sums_bytes(int64_t, int64_t) const { return 0; }
  int64_t scratch_bytes() const { return epilogue_ ? epilogue_->scratch_bytes() : 0; }
  BlockSums<float> sums_of(const Block& block, const Call& call, float*) const;
  std::optional<FinishTile> finish(const Call& call, int64_t column, int64_t at) const;
  void end(const Block& block, const Call& call, const BlockSums<float>& sums,
           std::byte* scratch) const;

 private:
  const GemmFns& fns_;
  Isa isa_;
  int64_t depth_;
  int64_t cols_;  // of the result
  std::optional<Finish> finish_;
  std::optional<TileProgram> epilogue_;
};

/// Products of 16 bits, exactly summed in 32. Sums that an epilogue makes something of have memory
/// of their own.
template <class Byte>
class WinogradIntegers {
 public:
  using Pixel = Byte;
  using Value = int16_t;
  using Sum = int32_t;

  WinogradIntegers(const Problem& problem, int64_t pitch);
  static std::string refuse(const Problem& problem);
  static ir::PanelFormat panels(const Shape& filter, Isa isa);

  void pack(const ir::PanelFormat& format, const Call& call, int16_t* packed) const;
  void multiply(const PointProducts<int16_t, int32_t>& p) const;

  int64_t sums_bytes(int64_t pixels, int64_t cols) const {
    return epilogue_ ? pixels * cols * int64_t{sizeof(int32_t)} : 0;
  }
  int64_t scratch_bytes() const { return epilogue_.scratch_bytes(); }
  BlockSums<int32_t> sums_of(const Block& block, const Call& call, int32_t* own) const;
  std::optional<FinishTile> finish(const Call&, int64_t, int64_t) const { return {}; }
  void end(const Block& block, const Call& call, const BlockSums<int32_t>& sums,
           std::byte* scratch) const;

 private:
  const DotFns& fns_;
  int64_t steps_;
  int64_t cols_;                  // of the result
  std::vector<int64_t> tile_at_;  // in the values
  SumEpilogue epilogue_;
};

}  // namespace hone::kernels
