// "winograd.filter" of winograd_filter. What is constant is transformed once, by the reference;
// this serves where weights may still change.
#include "ir/infer.h"
#include "kernels/blocks.h"
#include "kernels/winograd/micro.h"
#include "kernels/winograd/winograd.h"

namespace hone::kernels {
namespace {

class FilterTransform final : public Kernel {
 public:
  explicit FilterTransform(const Problem& problem)
      : fns_(winograd_fns(problem.isa, problem.attrs().integer("tile"))),
        gradient_(problem.attrs().flag("gradient")) {}

  void run(const Call& call) const noexcept override {
    const int64_t outputs = call.operands[0].shape()[0], inputs = call.operands[0].shape()[1];
    const float* weight = call.operands[0].as<float>();
    float* values = call.results[0].as<float>();
    const int64_t points = inputs * outputs;
    if (gradient_)
      return call.pool->run(outputs, [&](int64_t o, int) {
        fns_.filter({weight + o * inputs * 9, 9, inputs, values + o * inputs, points, true});
      });
    call.pool->run(inputs, [&](int64_t c, int) {
      fns_.filter({weight + c * 9, inputs * 9, outputs, values + c * outputs, points, false});
    });
  }

 private:
  const WinogradFns& fns_;
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
