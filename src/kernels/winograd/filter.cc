// "winograd.filter" of winograd_filter of floats. What is constant is transformed once, by the
// reference; this serves where weights may still change.
#include "ir/infer.h"
#include "kernels/blocks.h"
#include "kernels/winograd/micro.h"
#include "kernels/winograd/winograd.h"

namespace hone::kernels {
namespace {

class FilterTransform final : public Kernel {
 public:
  explicit FilterTransform(const Problem& problem)
      : transform_(winograd_filter_fn(problem.isa, problem.attrs().integer("tile"))),
        gradient_(problem.attrs().flag("gradient")) {}

  void run(const Call& call) const noexcept override {
    const int64_t outputs = call.operands[0].shape()[0], inputs = call.operands[0].shape()[1];
    const float* weight = call.operands[0].as<float>();
    float* values = call.results[0].as<float>();
    // The gradient reads the channels of the output.
    const int64_t read = gradient_ ? outputs : inputs, computed = gradient_ ? inputs : outputs;
    const int64_t read_step = gradient_ ? inputs * 9 : 9, step = gradient_ ? 9 : inputs * 9;
    call.pool->run(read, [&](int64_t i, int) {
      transform_({weight + i * read_step, step, computed, values + i * computed, read * computed,
                  gradient_});
    });
  }

 private:
  FilterFn transform_;
  bool gradient_;
};

}  // namespace

std::string refuse_winograd_filter(const Problem& problem) {
  return problem.operands[0].dtype == DType::f32 ? "" : "the filter is not f32";
}

std::unique_ptr<Kernel> make_winograd_filter(const Problem& problem) {
  return std::make_unique<FilterTransform>(problem);
}

}  // namespace hone::kernels
