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
#include <map>
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
inline constexpr Activation linear = Activation::linear;          ///< x
inline constexpr Activation relu = Activation::relu;              ///< max(x, 0)
inline constexpr Activation relu6 = Activation::relu6;            ///< min(max(x, 0), 6)
inline constexpr Activation leaky_relu = Activation::leaky_relu;  ///< x > 0 ? x : 0.01 x
inline constexpr Activation elu = Activation::elu;                ///< x > 0 ? x : exp(x) - 1
inline constexpr Activation sigmoid = Activation::sigmoid;        ///< 1 / (1 + exp(-x))
inline constexpr Activation tanh_ = Activation::tanh;  ///< named so because of libc's tanh
inline constexpr Activation gelu =
    Activation::gelu;  ///< x * Phi(x), exact (Hendrycks, Gimpel 2016)
inline constexpr Activation silu = Activation::silu;          ///< x * sigmoid(x)
inline constexpr Activation softplus = Activation::softplus;  ///< log(1 + exp(x))
inline constexpr Activation softmax = Activation::softmax;    ///< exp(x) / sum(exp(x)), last axis

/// How a parameter starts. Every draw is a pure function of the seed and the parameter's path.
struct Initializer {
  enum class Kind { constant, uniform, normal, glorot, he };  ///< one for each function below
  Kind kind = Kind::constant;                                 ///< which numbers are drawn
  double a = 0;         ///< constant: the value; uniform: low; normal: mean
  double b = 0;         ///< uniform: high; normal: standard deviation
  bool normal = false;  ///< glorot, he: from a normal distribution instead of a uniform one

  /// All 0.
  static Initializer zeros() { return {Kind::constant, 0, 0, false}; }
  /// All the same.
  static Initializer constant(double value) { return {Kind::constant, value, 0, false}; }
  /// In [low, high), evenly.
  static Initializer uniform(double low, double high) { return {Kind::uniform, low, high, false}; }
  /// From a normal distribution.
  static Initializer gaussian(double mean, double deviation) {
    return {Kind::normal, mean, deviation, false};
  }
  /// Variance 2 / (fan_in + fan_out) (Glorot, Bengio 2010).
  static Initializer glorot_uniform() { return {Kind::glorot, 0, 0, false}; }
  /// The same from a normal distribution.
  static Initializer glorot_normal() { return {Kind::glorot, 0, 0, true}; }
  /// Variance 2 / fan_in (He, Zhang, Ren, Sun 2015).
  static Initializer he_uniform() { return {Kind::he, 0, 0, false}; }
  /// The same from a normal distribution.
  static Initializer he_normal() { return {Kind::he, 0, 0, true}; }
};

class Layer;

/// A symbolic tensor of the functional API: what a layer gives when it is applied.
class Var {
 public:
  /// How it came about; hone's own, as are the constructor and `node`.
  struct Node;
  explicit Var(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  /// What a `Model` is made from.
  const std::shared_ptr<const Node>& node() const { return node_; }

 private:
  std::shared_ptr<const Node> node_;
};

/// A layer's description. Applied to a `Var`, it gives a `Var`; the same layer applied twice makes
/// two layers, each with parameters of its own.
class Layer {
 public:
  /// What it does; hone's own, as are the constructor and `impl`.
  struct Impl;
  explicit Layer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  /// What the layer makes of `x`.
  Var operator()(const Var& x) const { return apply({x}); }
  /// For layers of several operands (`add`, `concat`).
  Var apply(std::vector<Var> operands) const;
  /// What a `Model` is made from.
  const std::shared_ptr<const Impl>& impl() const { return impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

/// The model's input: samples of `sample_shape`, without the batch ([C, H, W] for images).
Var input(Shape sample_shape);

/// How a window treats the border: `valid` none, `same` so that the output has ceil(size / stride)
/// places (more padding at the bottom and right, as in Keras and ONNX SAME_UPPER), or explicit.
struct Padding {
  enum class Kind { valid, same, fixed };            ///< one for each function below
  Kind kind = Kind::valid;                           ///< which it is
  int64_t top = 0, left = 0, bottom = 0, right = 0;  ///< fixed: so many pixels
  /// None.
  static Padding valid() { return {}; }
  /// As much as keeps the size, divided by the stride and rounded up.
  static Padding same() { return {Kind::same, 0, 0, 0, 0}; }
  /// So many on each side.
  static Padding pixels(int64_t all) { return {Kind::fixed, all, all, all, all}; }
};

/// Of `dense`.
struct DenseOptions {
  bool bias = true;                                    ///< add one, which starts at 0
  Initializer weight = Initializer::glorot_uniform();  ///< how the weight starts
  std::string name = {};                               ///< of the layer
};
/// y = activation(x W + b): [D] -> [units]. Parameters: weight [D, units], bias [units].
Layer dense(int64_t units, Activation activation = linear, DenseOptions options = {});

/// Of `conv2d`.
struct Conv2dOptions {
  int64_t stride = 1;                  ///< pixels from window to window
  Padding padding = Padding::valid();  ///< around the image, with 0
  int64_t dilation = 1;                ///< pixels from tap to tap
  int64_t groups = 1;                  ///< must divide the input's channels and `filters`
  bool bias = true;                    ///< add one, which starts at 0
  Initializer weight = Initializer::glorot_uniform();  ///< how the weight starts
  std::string name = {};                               ///< of the layer
};
/// [C, H, W] -> [filters, H', W'], square windows of `kernel` pixels. Parameters: weight
/// [filters, C / groups, kernel, kernel], bias [filters].
Layer conv2d(int64_t filters, int64_t kernel, Activation activation = linear,
             Conv2dOptions options = {});

/// Of `max_pool2d` and `avg_pool2d`.
struct Pool2dOptions {
  int64_t stride = 0;                  ///< pixels from window to window; 0: the window
  Padding padding = Padding::valid();  ///< around the image, with places that do not count
  std::string name = {};               ///< of the layer
};
/// [C, H, W] -> [C, H', W'], square windows of `window` pixels.
Layer max_pool2d(int64_t window, Pool2dOptions options = {});
/// The average over the places inside the image.
Layer avg_pool2d(int64_t window, Pool2dOptions options = {});
/// [C, H, W] -> [C]: the average over all places.
Layer global_avg_pool2d();

/// Of `batch_norm`.
struct BatchNormOptions {
  double momentum = 0.1;  ///< running = (1 - momentum) * running + momentum * batch
  double epsilon = 1e-5;  ///< added to the variance
  std::string name = {};  ///< of the layer
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
  enum class Kind { softmax_cross_entropy, mean_squared_error };  ///< one for each function below
  /// Which it is.
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
  enum class Kind { constant, step, cosine };  ///< one for each function below
  Kind kind = Kind::constant;                  ///< which it is
  int64_t steps = 0;   ///< step: updates between two drops; cosine: updates until the end
  double factor = 1;   ///< step: the factor of each drop; cosine: the final fraction
  int64_t warmup = 0;  ///< updates of linear warm-up from 1 / warmup to 1

  /// Always 1.
  static Schedule constant() { return {}; }
  /// Times `factor` after `every` so many updates.
  static Schedule step(int64_t every, double factor) { return {Kind::step, every, factor, 0}; }
  /// From 1 to `final` in half a cosine over `steps` updates (Loshchilov, Hutter 2017).
  static Schedule cosine(int64_t steps, double final = 0) {
    return {Kind::cosine, steps, final, 0};
  }
  /// The same with a linear warm-up before it.
  Schedule with_warmup(int64_t steps_of_warmup) const {
    Schedule out = *this;
    out.warmup = steps_of_warmup;
    return out;
  }
};

/// How parameters follow their gradients. Made by `sgd`, `adam`, `adamw`.
struct Optimizer {
  enum class Kind { sgd, adam, adamw };               ///< one for each function below
  Kind kind = Kind::sgd;                              ///< which it is
  double lr = 0.01;                                   ///< the learning rate, before `schedule`
  double momentum = 0;                                ///< of sgd
  bool nesterov = false;                              ///< of sgd
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  ///< of adam and adamw
  double weight_decay = 0;                            ///< in the sense of each
  Schedule schedule = {};                             ///< of the learning rate
};

/// Of `sgd`.
struct SgdOptions {
  double lr = 0.01;         ///< the learning rate, before `schedule`
  double momentum = 0;      ///< v = momentum * v + g; p -= lr * v
  bool nesterov = false;    ///< p -= lr * (g + momentum * v)
  double weight_decay = 0;  ///< added to the gradient, times the parameter
  Schedule schedule = {};   ///< of the learning rate
};
/// Stochastic gradient descent.
Optimizer sgd(SgdOptions options = {});

/// Of `adam` and `adamw`.
struct AdamOptions {
  double lr = 1e-3;                   ///< the learning rate, before `schedule`
  double beta1 = 0.9, beta2 = 0.999;  ///< how slowly the moments follow: mean, and mean square
  double epsilon = 1e-8;              ///< added to the root of the mean square
  /// adam: added to the gradient, times the parameter, by default 0; adamw: decoupled, by default
  /// 0.01.
  std::optional<double> weight_decay = {};
  Schedule schedule = {};  ///< of the learning rate
};
/// Adam (Kingma, Ba 2015).
Optimizer adam(AdamOptions options = {});
/// Adam with decoupled weight decay (Loshchilov, Hutter 2019).
Optimizer adamw(AdamOptions options = {});

/// How a classifier of another maker is fed and read. Of pixels from 0 to 255 it gets
/// (pixel * scale - mean) / deviation, channel by channel, as part of the graph.
struct ForeignOptions {
  double scale = 1;                    ///< not 0
  std::vector<double> mean = {};       ///< none, one for all channels, or one for each
  std::vector<double> deviation = {};  ///< the same, each above 0
  std::string output = {};             ///< which output are the classes, where several could be
  /// Extents of dimensions that the file names and leaves open, by their names.
  std::map<std::string, int64_t> dims = {};
};

}  // namespace hone
