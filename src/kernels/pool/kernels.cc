// The rows of the pool family: "pool.channels", pooling in nhwc.
#include <algorithm>

#include "base/dtype.h"
#include "kernels/blocks.h"
#include "kernels/families.h"
#include "kernels/line_kernel.h"
#include "kernels/pool/micro.h"
#include "kernels/pool/window.h"

namespace hone::kernels {
namespace {

constexpr int64_t kEnoughItems = 16;
constexpr int64_t kItemBytes = 32 << 10;  // of the output, for an item of whole lines

class Pool final : public Kernel, public LineKernel {
 public:
  explicit Pool(const Problem& problem)
      : fns_(pool_fns(problem.isa)), count_pad_(problem.attrs().flag("count_pad")) {
    const ir::OpSpec& op = *problem.node->op;
    has_x_ = &op != &ir::op::avg_pool2d_grad;
    is_grad_ = &op == &ir::op::avg_pool2d_grad || &op == &ir::op::max_pool2d_grad;
    const DType dtype = problem.operands[0].dtype;
    fn_ = dtype == DType::u8                ? fns_.max_u8
          : dtype == DType::i8              ? fns_.max_i8
          : &op == &ir::op::max_pool2d      ? fns_.max
          : &op == &ir::op::max_pool2d_grad ? fns_.max_grad
          : &op == &ir::op::avg_pool2d      ? fns_.average
                                            : fns_.average_grad;
    dims_ = ir::pool_dims(is_grad_ ? problem.results[0].shape : problem.operands[0].shape,
                          problem.attrs());
    disjoint_ = dims_.stride_h > dims_.dilation_h * (dims_.kh - 1) &&
                dims_.stride_w > dims_.dilation_w * (dims_.kw - 1);
    cut();
  }

  void run(const Call& call) const noexcept override {
    const std::byte* x = has_x_ ? call.operands[0].data : nullptr;
    const float* dy = is_grad_ ? call.operands[has_x_ ? 1 : 0].as<float>() : nullptr;
    std::byte* result = call.results[0].data;
    const int64_t across = ceil_div(dims_.c, item_channels_);
    call.pool->run(ceil_div(units_, item_units_) * across, [&](int64_t item, int) {
      const int64_t unit = item / across * item_units_;
      const int64_t channel = item % across * item_channels_;
      fn_({dims_, count_pad_, disjoint_, x, dy, result, unit, std::min(units_, unit + item_units_),
           channel, std::min(dims_.c, channel + item_channels_)});
    });
  }

  const LineKernel* lines() const override { return is_grad_ ? nullptr : this; }
  Lines reads(Lines lines) const override {
    const int64_t sample = lines.begin / dims_.oh;
    const int64_t first = lines.begin - sample * dims_.oh;
    const PoolWindow last(dims_, lines.end - 1 - sample * dims_.oh, 0);
    const int64_t end = std::max<int64_t>(0, last.h1);
    // The first window may begin behind the next one, if its places are apart.
    const int64_t begin = std::max<int64_t>(0, first * dims_.stride_h - dims_.pad_top);
    return {sample * dims_.h + std::min(begin, end), sample * dims_.h + end};
  }
  int64_t line_scratch_bytes() const override { return 0; }
  void run_lines(const Call& call, Lines lines) const noexcept override {
    fn_({dims_, count_pad_, disjoint_, call.operands[0].data, nullptr, call.results[0].data,
         lines.begin, lines.end, 0, dims_.c});
  }

 private:
  // A unit is a line of the output or, for a gradient, a sample. Channels are split where there are
  // too few units.
  void cut() {
    units_ = is_grad_ ? dims_.n : dims_.n * dims_.oh;
    const int64_t line_bytes = dims_.ow * dims_.c * int64_t{sizeof(float)};
    if (!is_grad_)
      item_units_ = std::clamp<int64_t>(kItemBytes / std::max<int64_t>(1, line_bytes), 1,
                                        std::max<int64_t>(1, units_ / kEnoughItems));
    const int64_t items = std::max<int64_t>(1, ceil_div(units_, item_units_));
    const int64_t vectors = std::max<int64_t>(1, ceil_div(dims_.c, fns_.lanes));
    item_channels_ =
        ceil_div(vectors, std::min(vectors, ceil_div(kEnoughItems, items))) * fns_.lanes;
  }

  const PoolFns& fns_;
  bool count_pad_, has_x_, is_grad_, disjoint_;
  void (*fn_)(const PoolPart&);
  ir::PoolDims dims_;
  int64_t units_, item_units_ = 1, item_channels_;
};

std::string refuse_pool(const Problem& problem) {
  if (problem.operands[0].dtype != DType::f32 && !is_byte(problem.operands[0].dtype))
    return "operands are not f32";
  if (problem.attrs().get<std::string>("layout") != "nhwc") return "layout is not nhwc";
  return {};
}

std::unique_ptr<Kernel> make_pool(const Problem& problem) {
  return std::make_unique<Pool>(problem);
}

constexpr KernelRow row_of(const ir::OpSpec& op) {
  return {&op, "pool.channels", "direct", Isa::avx2, 0, &refuse_pool, &make_pool};
}

}  // namespace

std::span<const KernelRow> pool_kernels() {
  static const KernelRow rows[] = {
      row_of(ir::op::max_pool2d),
      row_of(ir::op::max_pool2d_grad),
      row_of(ir::op::avg_pool2d),
      row_of(ir::op::avg_pool2d_grad),
  };
  return rows;
}

}  // namespace hone::kernels
