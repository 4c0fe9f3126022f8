// The layers with windows over images: convolution and pooling.
#include "nn/activations.h"
#include "nn/layer.h"

namespace hone {

using ir::Expr;
using ir::Ints;
using nn::Scope;

namespace {

using Operands = std::vector<Expr>;

void require_images(const Scope& s, Expr x, const char* what) {
  require(x.rank() == 4, "{} '{}': expected images [N,C,H,W], found {}", what, s.path(), x.shape());
}

// Padding [top, left, bottom, right] of a window over [N,C,H,W].
Ints resolve(const Padding& p, const Shape& x, int64_t kernel, int64_t stride, int64_t dilation) {
  if (p.kind != Padding::Kind::same) return {p.top, p.left, p.bottom, p.right};
  Ints out(4);
  for (size_t axis = 0; axis < 2; ++axis) {
    const int64_t size = x.dims()[2 + axis];
    const int64_t places = (size + stride - 1) / stride;
    const int64_t total =
        std::max<int64_t>(0, (places - 1) * stride + dilation * (kernel - 1) + 1 - size);
    out[axis] = total / 2;
    out[axis + 2] = total - total / 2;
  }
  return out;
}

template <class Pool>
Layer make_pool(std::string kind, int64_t window, const Pool2dOptions& o, Pool pool) {
  require(window > 0 && o.stride >= 0, "{}: expected a positive window and stride, found {} and {}",
          kind, window, o.stride);
  const int64_t stride = o.stride == 0 ? window : o.stride;
  return Layer(std::make_shared<const Layer::Impl>(
      Layer::Impl{kind, o.name, [=](Scope& s, const Operands& in) {
                    require_images(s, in[0], kind.c_str());
                    ir::PoolOptions options;
                    options.window = {window, window};
                    options.stride = {stride, stride};
                    options.pad = resolve(o.padding, in[0].shape(), window, stride, 1);
                    return pool(in[0], options, s.path());
                  }}));
}

}  // namespace

Layer conv2d(int64_t filters, int64_t kernel, Activation activation, Conv2dOptions o) {
  require(filters > 0 && kernel > 0 && o.stride > 0 && o.dilation > 0 && o.groups > 0,
          "conv2d: expected positive filters, kernel, stride, dilation and groups");
  return Layer(std::make_shared<const Layer::Impl>(Layer::Impl{
      "conv", o.name, [=](Scope& s, const Operands& in) {
        const Expr x = in[0];
        require_images(s, x, "conv2d");
        const int64_t c = x.shape()[1];
        require(c % o.groups == 0 && filters % o.groups == 0,
                "conv2d '{}': {} groups do not divide {} input channels and {} filters", s.path(),
                o.groups, c, filters);
        const int64_t area = kernel * kernel;
        const Expr w = s.parameter("weight", {filters, c / o.groups, kernel, kernel}, o.weight,
                                   c / o.groups * area, filters / o.groups * area);
        ir::ConvOptions options;
        options.stride = {o.stride, o.stride};
        options.pad = resolve(o.padding, x.shape(), kernel, o.stride, o.dilation);
        options.dilation = {o.dilation, o.dilation};
        options.groups = o.groups;
        Expr y = ir::conv2d(x, w, options, s.path());
        if (o.bias) {
          const Expr b = s.parameter("bias", {filters}, Initializer::zeros());
          y = y + ir::reshape(b, {1, filters, 1, 1});
        }
        return nn::activate(activation, y);
      }}));
}

Layer max_pool2d(int64_t window, Pool2dOptions o) {
  return make_pool("max_pool", window, o,
                   [](Expr x, const ir::PoolOptions& options, const std::string& name) {
                     return ir::max_pool2d(x, options, name);
                   });
}

Layer avg_pool2d(int64_t window, Pool2dOptions o) {
  return make_pool("avg_pool", window, o,
                   [](Expr x, const ir::PoolOptions& options, const std::string& name) {
                     return ir::avg_pool2d(x, options, name);
                   });
}

Layer global_avg_pool2d() {
  return Layer(std::make_shared<const Layer::Impl>(
      Layer::Impl{"global_avg_pool", "", [](Scope& s, const Operands& in) {
                    require_images(s, in[0], "global_avg_pool2d");
                    return ir::reduce_mean(in[0], {2, 3});
                  }}));
}

}  // namespace hone
