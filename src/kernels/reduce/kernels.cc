// The rows of the reduce family.
//
// One scheme serves every reduction: results are cut into units (up to kColumns adjacent ones where
// they lie side by side in memory, else one), a unit is computed for each segment of the batch, and
// where there are several segments a second pass merges the partials over the shard tree.
#include "kernels/families.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "kernels/line_kernel.h"
#include "kernels/pieces.h"
#include "kernels/reduce/simd.h"

namespace hone::kernels {
namespace {

/// The results of a reduction as units of adjacent ones.
class Units {
 public:
  explicit Units(const Reduction& reduction)
      : kept_(reduction.kept()),
        side_by_side_(kept_.strides.back() == 1),
        extent_(side_by_side_ ? kept_.dims.back() : 1),
        blocks_((extent_ + kColumns - 1) / kColumns) {}

  bool side_by_side() const { return side_by_side_; }
  int64_t columns() const { return std::min(extent_, kColumns); }
  int64_t count() const { return extent_ == 0 ? 0 : kept_.count() / extent_ * blocks_; }
  /// Calls f(first result, how many, where its elements start) for unit u.
  template <class F>
  void at(int64_t u, F f) const {
    const int64_t column = u % blocks_ * kColumns;
    const int64_t first = u / blocks_ * extent_ + column;
    f(first, std::min(kColumns, extent_ - column), kept_.offset(first));
  }

 private:
  const Strided& kept_;
  bool side_by_side_;
  int64_t extent_, blocks_;
};

class Reduce : public Kernel {
 public:
  explicit Reduce(const Problem& problem)
      : reduction_(problem.operands[0].shape, problem.attrs()),
        units_(reduction_),
        fns_(reduce_fns(problem.isa)) {}

 protected:
  void reduce(Term term, const float* x, int64_t segment, int64_t cols, const float* center,
              float* out) const {
    const auto& by_term = units_.side_by_side() ? fns_.columns : fns_.row;
    by_term[static_cast<int>(term)](reduction_.reduced(), x, reduction_.begin(segment),
                                    reduction_.end(segment), cols, center, out);
  }

  /// Calls f(segment, first result, how many, where their elements start) for every unit of every
  /// segment.
  template <class F>
  void for_each_part(ThreadPool& pool, F f) const {
    const int64_t count = units_.count(), segments = reduction_.segments();
    if (segments == 0) return;
    for_each_piece(pool, count * segments, units_.columns() * reduction_.elements() / segments,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i)
                       units_.at(i % count, [&](int64_t first, int64_t cols, int64_t offset) {
                         f(i / count, first, cols, offset);
                       });
                   });
  }

  /// Calls f(first result, how many) over all results.
  template <class F>
  void for_each_result(ThreadPool& pool, F f) const {
    const int64_t results = reduction_.results();
    for_each_piece(pool, (results + kColumns - 1) / kColumns, kColumns * reduction_.segments(),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin * kColumns; i < end * kColumns; i += kColumns)
                       if (i < results) f(i, std::min(kColumns, results - i));
                   });
  }

  bool in_segments() const { return reduction_.segments() > 1; }
  /// True where results are made of adjacent elements each, and lie evenly apart.
  bool in_rows() const {
    return reduction_.kept().dims.size() == 1 && reduction_.reduced().dims.size() == 1 &&
           reduction_.reduced().strides[0] == 1 && reduction_.segments() == 1;
  }
  int64_t partial_floats() const {
    return in_segments() ? reduction_.segments() * reduction_.results() : 0;
  }

  const Reduction reduction_;
  const Units units_;
  const ReduceFns& fns_;
};

constexpr float kNoCenter[kColumns] = {};

template <Term kTerm>
class ReduceOne final : public Reduce, public LineKernel {
 public:
  explicit ReduceOne(const Problem& problem)
      : Reduce(problem),
        image_(problem.operands[0].shape),
        over_images_(image_.rank() == 4 && reduces_height_and_width(problem.attrs()) &&
                     reduction_.segments() == 1) {}
  int64_t workspace_bytes() const override {
    return partial_floats() * static_cast<int64_t>(sizeof(float));
  }
  void run(const Call& call) const noexcept override {
    const float* x = call.operands[0].as<float>();
    float* out = call.results[0].as<float>();
    if (in_rows()) {
      const int64_t pitch = reduction_.kept().strides[0], n = reduction_.elements();
      for_each_piece(*call.pool, reduction_.results(), n, [&](int64_t begin, int64_t end) {
        fns_.rows[static_cast<int>(kTerm)](x + begin * pitch, pitch, end - begin, n, out + begin);
      });
      return;
    }
    float* parts = in_segments() ? reinterpret_cast<float*>(call.workspace) : out;
    for_each_part(*call.pool, [&](int64_t segment, int64_t first, int64_t cols, int64_t offset) {
      reduce(kTerm, x + offset, segment, cols, kNoCenter,
             parts + segment * reduction_.results() + first);
    });
    if (reduction_.segments() == 0) std::fill_n(out, reduction_.results(), 0.0f);
    if (in_segments())
      for_each_result(*call.pool, [&](int64_t first, int64_t cols) {
        fns_.tree_sum(reduction_, parts + first, cols, out + first);
      });
  }

  /// What is made of a sample is one line, which reads all of the sample's.
  const LineKernel* lines() const override { return over_images_ ? this : nullptr; }
  Lines reads(Lines lines) const override {
    return {lines.begin * image_[1], lines.end * image_[1]};
  }
  int64_t line_scratch_bytes() const override { return 0; }
  void run_lines(const Call& call, Lines lines) const noexcept override {
    const int64_t channels = image_[3], sample = image_[1] * image_[2] * channels;
    for (int64_t n = lines.begin; n < lines.end; ++n)
      for (int64_t c = 0; c < channels; c += kColumns)
        reduce(kTerm, call.operands[0].as<float>() + n * sample + c, 0,
               std::min(kColumns, channels - c), kNoCenter,
               call.results[0].as<float>() + n * channels + c);
  }

 private:
  static bool reduces_height_and_width(const ir::Attrs& attrs) {
    ir::Ints axes = attrs.ints("axes");
    std::sort(axes.begin(), axes.end());
    return axes == ir::Ints{1, 2};
  }

  const Shape image_;
  const bool over_images_;
};

class MomentsKernel final : public Reduce {
 public:
  using Reduce::Reduce;
  int64_t workspace_bytes() const override {
    return 2 * partial_floats() * static_cast<int64_t>(sizeof(float));
  }
  void run(const Call& call) const noexcept override {
    const float* x = call.operands[0].as<float>();
    float* mean = call.results[0].as<float>();
    float* m2 = call.results[1].as<float>();
    float* means = in_segments() ? reinterpret_cast<float*>(call.workspace) : mean;
    float* m2s = in_segments() ? means + partial_floats() : m2;
    for_each_part(*call.pool, [&](int64_t segment, int64_t first, int64_t cols, int64_t offset) {
      float center[kColumns] = {};
      reduce(Term::sum, x + offset, segment, cols, kNoCenter, center);
      const auto n = static_cast<float>(reduction_.end(segment) - reduction_.begin(segment));
      for (float& c : center) c /= n;
      const int64_t at = segment * reduction_.results() + first;
      std::copy_n(center, cols, means + at);
      reduce(Term::square, x + offset, segment, cols, center, m2s + at);
    });
    if (reduction_.segments() == 0) {
      std::fill_n(mean, reduction_.results(), std::numeric_limits<float>::quiet_NaN());
      std::fill_n(m2, reduction_.results(), 0.0f);
    }
    if (in_segments())
      for_each_result(*call.pool, [&](int64_t first, int64_t cols) {
        fns_.tree_moments(reduction_, means + first, m2s + first, cols, mean + first, m2 + first);
      });
  }
};

class ArgmaxKernel final : public Kernel {
 public:
  explicit ArgmaxKernel(const Problem& problem)
      : extent_(problem.operands[0].shape[static_cast<int>(problem.attrs().integer("axis"))]),
        results_(problem.results[0].shape.elements()),
        fns_(reduce_fns(problem.isa)) {}
  void run(const Call& call) const noexcept override {
    for_each_piece(*call.pool, results_, extent_, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k)
        call.results[0].as<int64_t>()[k] =
            fns_.argmax(call.operands[0].as<float>() + k * extent_, extent_);
    });
  }

 private:
  int64_t extent_, results_;
  const ReduceFns& fns_;
};

std::string refuse_other_dtypes(const Problem& problem) {
  const DType dtype = problem.operands[0].dtype;
  return dtype == DType::f32 ? "" : fmt::format("computes in f32, operand is {}", name_of(dtype));
}

// The references say what is wrong with a reduction that has no value.
std::string refuse_empty(const Problem& problem) {
  if (problem.operands[0].shape.elements() == 0) return "nothing to take the maximum of";
  return refuse_other_dtypes(problem);
}

std::string refuse_inner_axis(const Problem& problem) {
  if (problem.attrs().integer("axis") != problem.operands[0].shape.rank() - 1)
    return "reduces the last axis only";
  return refuse_empty(problem);
}

template <class T>
std::unique_ptr<Kernel> make(const Problem& problem) {
  return std::make_unique<T>(problem);
}

}  // namespace

std::span<const KernelRow> reduce_kernels() {
  static const KernelRow rows[] = {
      {&ir::op::reduce_sum, "reduce.lanes", "direct", Isa::avx2, 0, refuse_other_dtypes,
       make<ReduceOne<Term::sum>>},
      {&ir::op::reduce_max, "reduce.lanes", "direct", Isa::avx2, 0, refuse_empty,
       make<ReduceOne<Term::max>>},
      {&ir::op::moments, "reduce.lanes", "direct", Isa::avx2, 0, refuse_other_dtypes,
       make<MomentsKernel>},
      {&ir::op::argmax, "reduce.row", "direct", Isa::avx2, 0, refuse_inner_axis,
       make<ArgmaxKernel>},
  };
  return rows;
}

}  // namespace hone::kernels
