// The facade: Model over a network, its states, the evaluator and fit.
#include <hone/model.h>

#include <cmath>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "data/statistics.h"
#include "exec/staged.h"
#include "io/onnx_export.h"
#include "io/onnx_import.h"
#include "io/weights.h"
#include "kernels/interpreter.h"
#include "nn/activations.h"
#include "nn/classifier.h"
#include "nn/init.h"
#include "nn/network.h"
#include "train/fit.h"

namespace hone {
namespace {

/// The shape of one of the samples along axis 0.
Shape sample_of(const Tensor& samples) {
  const std::vector<int64_t>& dims = samples.shape().dims();
  require(!dims.empty(), "expected samples along axis 0, found {}", samples.type());
  return Shape(std::vector<int64_t>(dims.begin() + 1, dims.end()));
}

/// Weights may accept samples of another shape, but they mean this one.
void require_samples(const std::string& model, const Shape& expected, const Tensor& samples,
                     const std::string& whose) {
  const Shape found = sample_of(samples);
  require(found == expected, "model '{}': expected samples of shape {}, {} has {}", model, expected,
          whose, found);
}
void require_samples(const std::string& model, const Shape& expected, const data::Dataset& data) {
  require_samples(model, expected, data.images, "'" + data.name + "'");
}

}  // namespace

struct Model::Impl {
  std::string name;
  std::optional<Var> output;  ///< of a model made of layers; a loaded one has only the network
  std::shared_ptr<const nn::Network> network;
  Shape sample;             ///< rank 0 where it is not known yet
  bool has_states = false;  ///< the model is built
  exec::StateStore states;
  std::vector<std::string> class_names;
  CompileOptions options;
  std::shared_ptr<ThreadPool> pool;
  std::shared_ptr<train::Evaluator> evaluator;

  TensorType input_type(DType dtype) const {
    std::vector<int64_t> dims = sample.dims();
    dims.insert(dims.begin(), network->batch());
    return {dtype, Shape(dims)};
  }

  nn::Built built(nn::Mode mode = nn::Mode::inference) const {
    require(sample.rank() > 0, "model '{}' is not built: call fit, or build with a sample's shape",
            name);
    return network->build(mode, input_type(DType::f32));
  }

  void set_network(std::shared_ptr<const nn::Network> to) {
    network = std::move(to);
    evaluator.reset();
  }

  void build(const Shape& shape) {
    sample = shape;
    for (const nn::StateInit& s : built().states)
      if (!states.contains(s.name)) states.emplace(s.name, nn::initialize(s, options.seed));
    has_states = true;
  }

  void require_built() const {
    require(has_states, "model '{}' is not built: call fit, or build with a sample's shape", name);
  }

  passes::PassOptions passes() const {
    passes::PassOptions out = passes::PassOptions::from_environment();
    out.dump_dir = options.dump_passes;
    return out;
  }

  train::Evaluator& ready() {
    require_built();
    if (pool == nullptr) pool = std::make_shared<ThreadPool>(options.threads);
    if (evaluator == nullptr) {
      evaluator = std::make_shared<train::Evaluator>(network, options.loss, default_isa(),
                                                     pool.get(), passes());
    }
    return *evaluator;
  }

  /// The states that belong to the network, without the optimiser's.
  exec::StateStore network_states() const {
    require_built();
    exec::StateStore out;
    for (const nn::StateInit& s : built().states) out.emplace(s.name, states.at(s.name));
    return out;
  }
};

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

Model::Model(Var output, std::string name) : impl_(std::make_unique<Impl>()) {
  impl_->name = std::move(name);
  impl_->output = std::move(output);
  impl_->set_network(nn::make_network(impl_->name, *impl_->output, std::nullopt));
  // States wait for fit or build: their seed comes with compile.
  if (const std::optional<Shape> shape = impl_->network->sample_shape()) {
    impl_->sample = *shape;
    impl_->built();  // throws where the layers do not fit
  }
}

Model Model::load(const std::string& path, const ForeignOptions& options) {
  io::OnnxModel file = io::load_onnx(path, {.dims = options.dims});
  auto impl = std::make_unique<Impl>();
  impl->name = file.graph.name();
  impl->states = std::move(file.states);
  impl->class_names = std::move(file.labels);
  try {
    impl->set_network(nn::make_network(nn::as_classifier(file.graph, options)));
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", path, e.what());
  }
  impl->sample = *impl->network->sample_shape();
  impl->has_states = true;
  return Model(std::move(impl));
}

void Model::compile(CompileOptions options) {
  impl_->options = std::move(options);
  impl_->evaluator.reset();
  impl_->pool.reset();
  std::erase_if(impl_->states, [](const auto& entry) {
    return entry.first.starts_with("optimizer/") || entry.first.starts_with("train/");
  });
}

History Model::fit(const data::Dataset& train, FitOptions options) {
  train::require_trainable(train, options);
  require(impl_->network->batch() == kBatch,
          "model '{}' takes batches of exactly {}: training needs one that leaves it open",
          impl_->name, impl_->network->batch());
  const Shape sample = sample_of(train.images);
  if (impl_->sample.rank() > 0) require_samples(impl_->name, impl_->sample, train);
  if (options.validation.size() > 0) require_samples(impl_->name, sample, options.validation);
  // A fit that is refused changes nothing: it works on a copy, which shares the states' memory, and
  // the model becomes that copy when the first step is about to run.
  auto copy = std::make_unique<Impl>(*impl_);
  Impl& model = *copy;
  if (model.output && train.images.dtype() == DType::u8 && sample.rank() == 3) {
    const data::ChannelStatistics s = data::channel_statistics(train.images);
    nn::Normalization normalization;
    for (size_t c = 0; c < s.mean.size(); ++c) {
      normalization.mean.push_back(static_cast<float>(s.mean[c]));
      normalization.scale.push_back(static_cast<float>(1 / std::max(s.deviation[c], 1e-6)));
    }
    model.set_network(nn::make_network(model.name, *model.output, normalization));
  }
  model.build(sample);
  model.class_names = train.class_names;
  train::Evaluator& evaluator = model.ready();
  return train::fit({.network = model.network,
                     .options = model.options,
                     .passes = model.passes(),
                     .isa = default_isa(),
                     .pool = model.pool.get(),
                     .evaluator = &evaluator,
                     .states = &model.states,
                     .on_start = [&] { impl_ = std::move(copy); }},
                    train, options);
}

Evaluation Model::evaluate(const data::Dataset& data) {
  train::Evaluator& evaluator = impl_->ready();
  if (data.size() > 0) require_samples(impl_->name, impl_->sample, data);
  return evaluator.evaluate(data, impl_->states);
}
Tensor Model::predict(const Tensor& samples) {
  train::Evaluator& evaluator = impl_->ready();
  require_samples(impl_->name, impl_->sample, samples, "the batch");
  return evaluator.predict(samples, impl_->states);
}

bool Model::ends_in_softmax() const { return nn::ends_in_softmax(impl_->built().graph, "logits"); }

void Model::save(const std::string& path, int64_t opset) const {
  io::save_onnx(path, {impl_->built().graph, impl_->network_states(), impl_->class_names},
                {.opset = opset});
}

void Model::save_weights(const std::string& path) const {
  io::save_weights(path, impl_->network_states());
}

void Model::load_weights(const std::string& path) {
  const io::Weights weights = io::load_weights(path);
  io::require_same_weights(weights, path, impl_->network_states(), impl_->name);
  for (const auto& [name, tensor] : weights)
    std::memcpy(impl_->states.at(name).raw(), tensor.raw(), static_cast<size_t>(tensor.bytes()));
}

void Model::build(const Shape& sample_shape) {
  require(impl_->sample.rank() == 0 || impl_->sample == sample_shape,
          "model '{}' is built for samples of shape {}, found {}", impl_->name, impl_->sample,
          sample_shape);
  impl_->build(sample_shape);
}

const std::map<std::string, Tensor>& Model::states() const { return impl_->states; }

int64_t Model::parameters() const {
  const nn::Built built = impl_->built();
  int64_t count = 0;
  for (ir::ValueId v : built.graph.states())
    if (built.graph.producer(v).attrs.flag("trainable")) count += built.graph.shape(v).elements();
  return count;
}

std::vector<LayerSummary> Model::summary() const {
  const nn::Built built = impl_->built();
  const ir::Graph& g = built.graph;
  std::vector<LayerSummary> rows;
  for (const ir::Node& node : g.nodes()) {
    if (node.op->op_class == ir::OpClass::source || node.name.empty()) continue;
    int64_t parameters = 0;
    for (ir::ValueId v : g.states()) {
      const ir::Node& state = g.producer(v);
      if (state.attrs.flag("trainable") && state.name.starts_with(node.name + "."))
        parameters += g.shape(v).elements();
    }
    rows.push_back({node.name, std::string(node.op->name), g.shape(node.results[0]), parameters});
  }
  return rows;
}

const std::string& Model::name() const { return impl_->name; }
const std::vector<std::string>& Model::class_names() const { return impl_->class_names; }
Shape Model::sample_shape() const { return impl_->sample; }
Shape Model::output_shape() const {
  const nn::Built built = impl_->built();
  return built.graph.shape(built.graph.find_output("logits"));
}

Model sequential(const std::vector<Layer>& layers, std::string name) {
  return Model(nn::chain(layers), std::move(name));
}
Model sequential(std::initializer_list<Layer> layers) {
  return sequential(std::vector<Layer>(layers));
}

Tensor softmax_of(const Tensor& logits) {
  ir::Graph g("softmax");
  const ir::Expr x = ir::input(g, "logits", logits.type());
  g.output("probabilities", nn::activate(Activation::softmax, x).id);
  return kernels::interpret(g, {{"logits", logits}}).outputs.at("probabilities");
}

}  // namespace hone
