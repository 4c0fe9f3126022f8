// Loading for inference: weights become constants, the graph is prepared once, and programs are
// made for the shapes that come.
#include "api/session.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "io/onnx_import.h"
#include "passes/freeze.h"
#include "passes/pipeline.h"
#include "passes/retype_inputs.h"

namespace hone {
namespace {

std::vector<Port> ports(const ir::Graph& graph, const std::vector<ir::Output>& values) {
  std::vector<Port> out;
  out.reserve(values.size());
  for (const ir::Output& v : values) out.push_back({v.name, graph.type(v.value)});
  return out;
}

std::vector<Port> inputs_of(const ir::Graph& graph) {
  std::vector<ir::Output> values;
  for (ir::ValueId v : graph.inputs()) values.push_back({graph.producer(v).name, v});
  return ports(graph, values);
}

// A name that the model does not have is likely a misspelt one.
void require_known(const SessionImpl& session, const Tensors& given) {
  for (const Port& p : session.inputs) {
    const auto found = given.find(p.name);
    if (found == given.end() || !found->second.defined())
      fail(ErrorKind::InvalidInput, "{}: input '{}' is missing", session.name, p.name);
  }
  for (const auto& [name, tensor] : given) {
    if (std::any_of(session.inputs.begin(), session.inputs.end(),
                    [&, &wanted = name](const Port& p) { return p.name == wanted; }))
      continue;
    std::string names;
    for (const Port& p : session.inputs) names += (names.empty() ? "'" : ", '") + p.name + "'";
    fail(ErrorKind::InvalidInput, "{}: no input '{}': expected {}", session.name, name,
         names.empty() ? "none" : names);
  }
}

passes::PassOptions pass_options(const SessionOptions& options) {
  passes::PassOptions out = passes::PassOptions::from_environment();
  out.dump_dir = options.dump_passes;
  return out;
}

// True if the file leaves extents open, and only they keep hone from running it: with ones in their
// place it is supported, be they sensible or not.
bool waits_for_shapes(const io::OnnxSource& source, const SessionOptions& options) {
  io::ImportOptions ones{.dims = options.dims};
  bool open = false;
  for (auto [name, type] : source.inputs(options.dims)) {
    for (int axis = 0; axis < type.shape.rank(); ++axis) {
      if (type.shape[axis] != kBatch) continue;
      open = true;
      type.shape[axis] = 1;
    }
    ones.inputs.emplace(name, type.shape);
  }
  if (!open) return false;
  try {
    source.import(ones);
    return true;
  } catch (const Error& e) {
    return e.kind() == ErrorKind::InvalidInput;
  }
}

// A source for several threads, one after another.
class SharedSource {
 public:
  explicit SharedSource(io::OnnxSource source) : source_(std::move(source)) {}
  io::OnnxModel import(const io::ImportOptions& options) {
    const std::lock_guard lock(mutex_);
    return source_.import(options);
  }

 private:
  std::mutex mutex_;
  io::OnnxSource source_;
};

}  // namespace

std::unique_ptr<SessionImpl> SessionImpl::make(io::OnnxModel file, const SessionOptions& options) {
  auto impl = std::make_unique<SessionImpl>();
  impl->name = file.graph.name();
  impl->class_names = file.labels;
  ir::Graph graph = passes::freeze(file.graph, file.states);
  file.graph = ir::Graph();
  file.states.clear();
  impl->inputs = inputs_of(graph);
  impl->outputs = ports(graph, graph.outputs());
  ir::Graph prepared = passes::prepare_inference(std::move(graph), pass_options(options));
  impl->start(
      [graph = std::move(prepared)](const exec::InputTypes& types) {
        return exec::bind_inputs(passes::retype_inputs(graph, types), types);
      },
      options);
  return impl;
}

std::unique_ptr<SessionImpl> SessionImpl::make(io::OnnxSource source,
                                               const SessionOptions& options) {
  auto impl = std::make_unique<SessionImpl>();
  impl->name = source.name();
  for (const auto& [name, type] : source.inputs(options.dims)) impl->inputs.push_back({name, type});
  for (const auto& [name, type] : source.outputs(options.dims))
    impl->outputs.push_back({name, type});
  const auto shared = std::make_shared<SharedSource>(std::move(source));
  impl->start(
      [shared, dims = options.dims, passes = pass_options(options)](const exec::InputTypes& types) {
        io::ImportOptions shapes{.dims = dims};
        for (const auto& [name, type] : types) shapes.inputs.emplace(name, type.shape);
        const io::OnnxModel model = shared->import(shapes);
        const ir::Graph graph = passes::retype_inputs(
            passes::prepare_inference(passes::freeze(model.graph, model.states), passes), types);
        return exec::bind_inputs(graph, types);
      },
      options);
  return impl;
}

void SessionImpl::start(exec::GraphSource source, const SessionOptions& options) {
  pool = std::make_unique<ThreadPool>(options.threads);
  executor = std::make_unique<exec::StagedExecutor>(std::move(source), default_isa(), pool.get(),
                                                    pass_options(options));
}

exec::InputTypes SessionImpl::input_types(int64_t n) const {
  exec::InputTypes declared;
  for (const Port& p : inputs) declared.emplace(p.name, p.type);
  return exec::at_batch(name, std::move(declared), n);
}

// What cannot be imported with open extents may be with extents of 1: then it waits for shapes.
Session Session::load(const std::string& path, const SessionOptions& options) {
  auto source = std::make_unique<io::OnnxSource>(io::OnnxSource::open(path));
  std::optional<io::OnnxModel> model;
  try {
    model = source->import({.dims = options.dims});
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::Unsupported || !waits_for_shapes(*source, options)) throw;
    return Session(SessionImpl::make(std::move(*source), options));
  }
  source.reset();  // the model alone holds its weights from here on
  return Session(SessionImpl::make(*std::move(model), options));
}

Session::Session(std::unique_ptr<SessionImpl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

const std::string& Session::name() const { return impl_->name; }
const std::vector<Port>& Session::inputs() const { return impl_->inputs; }
const std::vector<Port>& Session::outputs() const { return impl_->outputs; }
const std::vector<std::string>& Session::class_names() const { return impl_->class_names; }

void SessionImpl::run(const Tensors& given, Tensors& results,
                      const exec::StepObserver& observer) const {
  require_known(*this, given);
  exec::StateStore none;
  executor->borrow(given)->run_into(results, given, none, observer);
}

Tensors Session::run(const Tensors& inputs) const {
  Tensors outputs;
  impl_->run(inputs, outputs, {});
  return outputs;
}

void Session::run(const Tensors& inputs, Tensors& outputs) const {
  impl_->run(inputs, outputs, {});
}

}  // namespace hone
