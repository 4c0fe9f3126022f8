// Layers, initialisers, losses, metrics, optimisers and schedules: descriptions, as plain values. A
// `Model` (hone/model.h) turns them into a graph.
//
// Shapes leave the batch out: an image is [C, H, W], a vector is [D]. Every layer takes an optional
// name, which becomes the path of its parameters ("conv1.weight"); unnamed layers are numbered by
// kind.
#pragma once

#include <hone/tensor.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hone {

/// Elementwise activations (softmax: over the last axis).
enum class Activation {
  linear,
  relu,
  relu6,
  leaky_relu,
  elu,
  sigmoid,
  tanh,
  gelu,
  silu,
  softplus,
  softmax
};
inline constexpr Activation linear = Activation::linear;
inline constexpr Activation relu = Activation::relu;              ///< max(x, 0)
inline constexpr Activation relu6 = Activation::relu6;            ///< min(max(x, 0), 6)
inline constexpr Activation leaky_relu = Activation::leaky_relu;  ///< x > 0 ? x : 0.01 x
inline constexpr Activation elu = Activation::elu;                ///< x > 0 ? x : exp(x) - 1
inline constexpr Activation sigmoid = Activation::sigmoid;
inline constexpr Activation tanh_ = Activation::tanh;  ///< named so because of libc's tanh
inline constexpr Activation gelu =
    Activation::gelu;  ///< x * Phi(x), exact (Hendrycks, Gimpel 2016)
inline constexpr Activation silu = Activation::silu;          ///< x * sigmoid(x)
inline constexpr Activation softplus = Activation::softplus;  ///< log(1 + exp(x))
inline constexpr Activation softmax = Activation::softmax;

/// How a parameter starts. Every draw is a pure function of the seed and the parameter's path.
struct Initializer {
  enum class Kind { constant, uniform, normal, glorot, he };
  Kind kind = Kind::constant;
  double a = 0;         ///< constant: the value; uniform: low; normal: mean
  double b = 0;         ///< uniform: high; normal: standard deviation
  bool normal = false;  ///< glorot, he: from a normal distribution instead of a uniform one

  static Initializer zeros() { return {Kind::constant, 0, 0, false}; }
  static Initializer constant(double value) { return {Kind::constant, value, 0, false}; }
  static Initializer uniform(double low, double high) { return {Kind::uniform, low, high, false}; }
  static Initializer gaussian(double mean, double deviation) {
    return {Kind::normal, mean, deviation, false};
  }
  /// Variance 2 / (fan_in + fan_out) (Glorot, Bengio 2010).
  static Initializer glorot_uniform() { return {Kind::glorot, 0, 0, false}; }
  static Initializer glorot_normal() { return {Kind::glorot, 0, 0, true}; }
  /// Variance 2 / fan_in (He, Zhang, Ren, Sun 2015).
  static Initializer he_uniform() { return {Kind::he, 0, 0, false}; }
  static Initializer he_normal() { return {Kind::he, 0, 0, true}; }
};

class Layer;

/// A symbolic tensor of the functional API: what a layer gives when it is applied.
class Var {
 public:
  struct Node;
  explicit Var(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  const std::shared_ptr<const Node>& node() const { return node_; }

 private:
  std::shared_ptr<const Node> node_;
};

/// A layer's description. Applied to a `Var`, it gives a `Var`; the same layer applied twice makes
/// two layers, each with parameters of its own.
class Layer {
 public:
  struct Impl;
  explicit Layer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  Var operator()(const Var& x) const { return apply({x}); }
  /// For layers of several operands (`add`, `concat`).
  Var apply(std::vector<Var> operands) const;
  const std::shared_ptr<const Impl>& impl() const { return impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

/// The model's input: samples of `sample_shape`, without the batch ([C, H, W] for images).
Var input(Shape sample_shape);

/// How a window treats the border: `valid` none, `same` so that the output has ceil(size / stride)
/// places (more padding at the bottom and right, as in Keras and ONNX SAME_UPPER), or explicit.
struct Padding {
  enum class Kind { valid, same, fixed };
  Kind kind = Kind::valid;
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  static Padding valid() { return {}; }
  static Padding same() { return {Kind::same, 0, 0, 0, 0}; }
  static Padding pixels(int64_t all) { return {Kind::fixed, all, all, all, all}; }
};

struct DenseOptions {
  bool bias = true;
  Initializer weight = Initializer::glorot_uniform();
  std::string name = {};
};
/// y = activation(x W + b): [D] -> [units]. Parameters: weight [D, units], bias [units].
Layer dense(int64_t units, Activation activation = linear, DenseOptions options = {});

struct Conv2dOptions {
  int64_t stride = 1;
  Padding padding = Padding::valid();
  int64_t dilation = 1;
  int64_t groups = 1;  ///< must divide the input's channels and `filters`
  bool bias = true;
  Initializer weight = Initializer::glorot_uniform();
  std::string name = {};
};
/// [C, H, W] -> [filters, H', W'], square windows of `kernel` pixels. Parameters: weight
/// [filters, C / groups, kernel, kernel], bias [filters].
Layer conv2d(int64_t filters, int64_t kernel, Activation activation = linear,
             Conv2dOptions options = {});

struct Pool2dOptions {
  int64_t stride = 0;  ///< 0: the window
  Padding padding = Padding::valid();
  std::string name = {};
};
/// [C, H, W] -> [C, H', W'], square windows of `window` pixels.
Layer max_pool2d(int64_t window, Pool2dOptions options = {});
/// The average over the places inside the image.
Layer avg_pool2d(int64_t window, Pool2dOptions options = {});
/// [C, H, W] -> [C]: the average over all places.
Layer global_avg_pool2d();

struct BatchNormOptions {
  double momentum = 0.1;  ///< running = (1 - momentum) * running + momentum * batch
  double epsilon = 1e-5;
  std::string name = {};
};
/// Batch normalisation over all axes but the channel (axis 0 of a sample; Ioffe, Szegedy 2015). In
/// training by the whole batch's statistics, whatever the number of workers; otherwise by the
/// running ones (variance unbiased). Parameters: scale, offset; statistics: mean, variance; all
/// [C].
Layer batch_norm(BatchNormOptions options = {});

/// Zeroes each element with probability `rate` in training and scales the others by 1 / (1 - rate).
Layer dropout(double rate, std::string name = {});
/// An activation on its own.
Layer activation(Activation kind);
/// [a, b, ...] -> [a * b * ...].
Layer flatten();
/// To another sample shape with as many elements.
Layer reshape(Shape sample_shape);
/// [C, ...] -> [before + C + after, ...]: channels of zeros around the others.
Layer pad_channels(int64_t before, int64_t after);
/// The sum of two or more operands of one shape.
Var add(const std::vector<Var>& operands);
/// Joins along `axis` of the sample shape (0: channels).
Var concat(const std::vector<Var>& operands, int64_t axis = 0);

/// What training minimises: the mean over the batch.
struct Loss {
  enum class Kind { softmax_cross_entropy, mean_squared_error };
  Kind kind = Kind::softmax_cross_entropy;
};
/// -log softmax(logits)[label]. Labels: i64 class indices [N], or f32 distributions [N, classes].
inline Loss softmax_cross_entropy() { return {Loss::Kind::softmax_cross_entropy}; }
/// The mean over a sample's elements of (prediction - target)^2. Labels: f32 of the output's shape.
inline Loss mean_squared_error() { return {Loss::Kind::mean_squared_error}; }

/// What is reported beside the loss.
enum class Metric { accuracy };
/// The fraction of samples whose largest output is at the label.
inline Metric accuracy() { return Metric::accuracy; }

/// A factor on the learning rate, as a function of the step (0 for the first update).
struct Schedule {
  enum class Kind { constant, step, cosine };
  Kind kind = Kind::constant;
  int64_t steps = 0;   ///< step: updates between two drops; cosine: updates until the end
  double factor = 1;   ///< step: the factor of each drop; cosine: the final fraction
  int64_t warmup = 0;  ///< updates of linear warm-up from 1 / warmup to 1

  static Schedule constant() { return {}; }
  static Schedule step(int64_t every, double factor) { return {Kind::step, every, factor, 0}; }
  /// From 1 to `final` in half a cosine over `steps` updates (Loshchilov, Hutter 2017).
  static Schedule cosine(int64_t steps, double final = 0) {
    return {Kind::cosine, steps, final, 0};
  }
  Schedule with_warmup(int64_t steps_of_warmup) const {
    Schedule out = *this;
    out.warmup = steps_of_warmup;
    return out;
  }
};

/// How parameters follow their gradients. Made by `sgd`, `adam`, `adamw`.
struct Optimizer {
  enum class Kind { sgd, adam, adamw };
  Kind kind = Kind::sgd;
  double lr = 0.01;
  double momentum = 0;
  bool nesterov = false;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0;
  Schedule schedule = {};
};

struct SgdOptions {
  double lr = 0.01;
  double momentum = 0;      ///< v = momentum * v + g; p -= lr * v
  bool nesterov = false;    ///< p -= lr * (g + momentum * v)
  double weight_decay = 0;  ///< added to the gradient, times the parameter
  Schedule schedule = {};
};
/// Stochastic gradient descent.
Optimizer sgd(SgdOptions options = {});

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  /// adam: added to the gradient, times the parameter, by default 0; adamw: decoupled, by default
  /// 0.01.
  std::optional<double> weight_decay = {};
  Schedule schedule = {};
};
/// Adam (Kingma, Ba 2015).
Optimizer adam(AdamOptions options = {});
/// Adam with decoupled weight decay (Loshchilov, Hutter 2019).
Optimizer adamw(AdamOptions options = {});

/// How a classifier of another maker is fed and read. Of pixels from 0 to 255 it gets
/// (pixel * scale - mean) / deviation, channel by channel, as part of the graph.
struct ForeignOptions {
  double scale = 1;
  std::vector<double> mean = {};       ///< none, one for all channels, or one for each
  std::vector<double> deviation = {};  ///< the same, each above 0
  std::string output = {};             ///< which output are the classes, where several could be
};

}  // namespace hone
