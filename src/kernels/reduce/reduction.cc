// From a shape and its attributes to loops and segments.
#include "kernels/reduce/reduction.h"

#include "base/error.h"

namespace hone::kernels {

Reduction::Reduction(const Shape& x, const ir::Attrs& attrs) {
  const ir::Ints& axes = attrs.ints("axes");
  const std::vector<int64_t> strides = x.strides();
  std::vector<bool> gone(strides.size(), false);
  for (int64_t axis : axes) {
    const auto a = static_cast<size_t>(axis);
    require(!gone[a], "axes {}: expected each axis once", Shape(axes));
    gone[a] = true;
    reduced_.push(x.dims()[a], strides[a]);
  }
  for (size_t a = 0; a < strides.size(); ++a)
    if (!gone[a]) kept_.push(x.dims()[a], strides[a]);

  if (attrs.has("shards") && !gone.empty() && gone[0]) {
    sharding_ = {attrs.integer("batch"), attrs.integer("shards")};
    require(sharding_.shards == 1 || axes[0] == 0,
            "axes {}: expected a sharded batch, axis 0, to come first", Shape(axes));
    require(x[0] <= sharding_.batch, "expected a batch of at most {} samples, found {}",
            sharding_.batch, x[0]);
    samples_ = x[0];
  }
  const int64_t elements = reduced_.count();
  unit_ = samples_ == 0 ? 0 : elements / samples_;
  segments_ = elements == 0 ? 0 : sharding_.present(samples_);
  kept_ = kept_.merged();
  reduced_ = reduced_.merged();
}

}  // namespace hone::kernels
