// Loading for inference: weights become constants, the graph is prepared once, and programs are
// made for the shapes that come.
#include "api/session.h"

#include <algorithm>

#include "base/error.h"
#include "io/onnx_import.h"
#include "passes/freeze.h"
#include "passes/pipeline.h"
#include "passes/retype_inputs.h"

namespace hone {
namespace {

std::vector<Port> ports(const ir::Graph& graph, const std::vector<ir::Output>& values) {
  std::vector<Port> out;
  for (const ir::Output& v : values) out.push_back({v.name, graph.type(v.value)});
  return out;
}

std::vector<Port> inputs_of(const ir::Graph& graph) {
  std::vector<ir::Output> values;
  for (ir::ValueId v : graph.inputs()) values.push_back({graph.producer(v).name, v});
  return ports(graph, values);
}

// A name that the model does not have is likely a misspelt one.
void require_known(const Session::Impl& session, const Tensors& given) {
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

}  // namespace

std::unique_ptr<Session::Impl> Session::Impl::make(const io::OnnxModel& file,
                                                   const SessionOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->name = file.graph.name();
  impl->class_names = file.labels;
  impl->graph = passes::freeze(file.graph, file.states);
  impl->inputs = inputs_of(impl->graph);
  impl->outputs = ports(impl->graph, impl->graph.outputs());
  impl->pool = std::make_unique<ThreadPool>(options.threads);
  passes::PassOptions passes = passes::PassOptions::from_environment();
  passes.dump_dir = options.dump_passes;
  ir::Graph prepared = passes::prepare_inference(impl->graph, passes);
  impl->executor = std::make_unique<exec::StagedExecutor>(
      [graph = std::move(prepared)](const exec::InputTypes& types) {
        return exec::bind_inputs(passes::retype_inputs(graph, types), types);
      },
      default_isa(), impl->pool.get(), passes);
  return impl;
}

Session Session::load(const std::string& path, const SessionOptions& options) {
  return Session(Impl::make(io::load_onnx(path, {.dims = options.dims}), options));
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

const std::string& Session::name() const { return impl_->name; }
const std::vector<Port>& Session::inputs() const { return impl_->inputs; }
const std::vector<Port>& Session::outputs() const { return impl_->outputs; }
const std::vector<std::string>& Session::class_names() const { return impl_->class_names; }

void Session::Impl::run(const Tensors& given, Tensors& results,
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
