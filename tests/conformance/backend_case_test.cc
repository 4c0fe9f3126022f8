// Running a case of the ONNX backend tests, and comparing by ONNX's own tolerances.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "backend_case.h"
#include "base/cpu.h"
#include "base/error.h"
#include "exec/staged.h"
#include "io/file.h"
#include "io/onnx_import.h"
#include "io/onnx_proto.h"
#include "io/tensor_bytes.h"
#include "passes/freeze.h"
#include "passes/pipeline.h"

namespace hone::conformance {
namespace {

namespace fs = std::filesystem;

constexpr double kRelative = 1e-3;
constexpr double kAbsolute = 1e-7;

template <class Proto>
Proto read_proto(const fs::path& path) {
  Proto proto;
  require(proto.ParseFromString(io::read_file(path.string())), "cannot parse '{}'", path.string());
  return proto;
}

std::vector<Tensor> read_tensors(const fs::path& set, const std::string& kind) {
  std::vector<Tensor> out;
  while (true) {
    const fs::path path = set / fmt::format("{}_{}.pb", kind, out.size());
    if (!fs::exists(path)) return out;
    out.push_back(io::from_proto(read_proto<onnx::TensorProto>(path)));
  }
}

void compare(const std::string& name, const Tensor& expected, const Tensor& found) {
  require(expected.type() == found.type(), "output '{}': expected {}, found {}", name,
          expected.type().to_string(), found.type().to_string());
  const DType dtype = expected.dtype();
  const bool is_real =
      dtype == DType::f32 || dtype == DType::f64 || dtype == DType::f16 || dtype == DType::bf16;
  if (!is_real) {
    require(expected.same_bits(found), "output '{}' differs", name);
    return;
  }
  // The package's bf16 are cut off where the conversion rounds: they differ by one step.
  const double relative = dtype == DType::bf16 ? std::ldexp(1.0, -7) : kRelative;
  const Tensor a = expected.cast(DType::f64);
  const Tensor b = found.cast(DType::f64);
  for (int64_t i = 0; i < a.elements(); ++i) {
    const double x = a.data<double>()[i];
    const double y = b.data<double>()[i];
    const bool close = x == y || (std::isnan(x) && std::isnan(y)) ||
                       std::fabs(x - y) <= kAbsolute + relative * std::fabs(x);
    require(close, "output '{}' at {}: expected {}, found {}", name, i, x, y);
  }
}

// As a session does.
std::map<std::string, Tensor> run(const io::OnnxModel& model, ThreadPool& pool,
                                  const std::map<std::string, Tensor>& inputs,
                                  const passes::PassOptions& passes) {
  const ir::Graph frozen = passes::freeze(model.graph, model.states);
  exec::StagedExecutor staged(passes::prepare_inference(frozen, passes), default_isa(), &pool,
                              passes);
  exec::StateStore states;
  const auto executor = staged.run(inputs, states);
  std::map<std::string, Tensor> outputs;
  for (const auto& o : model.graph.outputs()) outputs[o.name] = executor->output(o.name);
  return outputs;
}

std::vector<std::string> inputs_of(const onnx::GraphProto& graph) {
  std::vector<std::string> names;
  for (const auto& info : graph.input()) names.push_back(info.name());
  for (const auto& t : graph.initializer()) std::erase(names, t.name());
  return names;
}

using Infos = google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>;

const onnx::ValueInfoProto& declared(const Infos& infos, const std::string& name) {
  return *std::find_if(infos.begin(), infos.end(),
                       [&](const auto& info) { return info.name() == name; });
}

// The package keeps bf16 as u16, and some of its data have another shape than their model declares.
Tensor as_declared(const Tensor& data, const onnx::ValueInfoProto& info) {
  const auto& type = info.type().tensor_type();
  bool fits = !type.has_shape() || type.shape().dim_size() == data.shape().rank();
  for (int i = 0; fits && i < type.shape().dim_size(); ++i)
    fits =
        !type.shape().dim(i).has_dim_value() || type.shape().dim(i).dim_value() == data.shape()[i];
  if (!fits)
    fail(ErrorKind::Unsupported, "the case's data '{}' have another shape than its model declares",
         info.name());
  if (type.elem_type() != onnx::TensorProto::BFLOAT16 || data.dtype() != DType::u16) return data;
  return io::tensor_from_bytes(DType::bf16, data.shape().dims(), io::bytes_of(data));
}

void run_data_set(const std::string& bytes, const onnx::GraphProto& graph, const fs::path& set,
                  ThreadPool& pool) {
  const std::vector<std::string> names = inputs_of(graph);
  std::vector<Tensor> tensors = read_tensors(set, "input");
  for (size_t i = 0; i < std::min(names.size(), tensors.size()); ++i)
    tensors[i] = as_declared(tensors[i], declared(graph.input(), names[i]));
  io::ImportOptions options;
  for (size_t i = 0; i < std::min(names.size(), tensors.size()); ++i) {
    options.inputs[names[i]] = tensors[i].shape();
    options.values[names[i]] = tensors[i];
  }
  const io::OnnxModel model = io::import_onnx(bytes, "model.onnx", options);
  std::map<std::string, Tensor> inputs;
  for (const auto& [name, tensor] : options.values)
    if (model.graph.find_input(name) != ir::kNoValue) inputs[name] = tensor;

  const auto outputs = run(model, pool, inputs, passes::PassOptions::from_environment());
  passes::PassOptions none;
  none.disable("all");
  const auto plain = run(model, pool, inputs, none);
  std::vector<Tensor> expected = read_tensors(set, "output");
  require(static_cast<int>(expected.size()) == graph.output_size(),
          "expected {} outputs, the model has {}", expected.size(), graph.output_size());
  for (int i = 0; i < graph.output_size(); ++i) {
    const std::string& name = graph.output(i).name();
    compare(name, as_declared(expected[static_cast<size_t>(i)], graph.output(i)), outputs.at(name));
    compare(name, outputs.at(name), plain.at(name));
  }
}

// Sequences and the like are in files of another kind: the import says why it does not take them.
bool takes_tensors(const onnx::GraphProto& graph) {
  const auto is_tensor = [](const auto& info) { return info.type().has_tensor_type(); };
  return std::all_of(graph.input().begin(), graph.input().end(), is_tensor);
}

}  // namespace

CaseResult run_case(const fs::path& folder, ThreadPool& pool) {
  CaseResult result{folder.parent_path().filename(), folder.filename(), "several"};
  try {
    const std::string bytes = io::read_file((folder / "model.onnx").string());
    const auto model = read_proto<onnx::ModelProto>(folder / "model.onnx");
    if (model.graph().node_size() == 1) result.op = model.graph().node(0).op_type();
    if (!takes_tensors(model.graph())) io::import_onnx(bytes, "model.onnx");
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.is_directory()) run_data_set(bytes, model.graph(), entry.path(), pool);
  } catch (const Error& e) {
    result.outcome = e.kind() == ErrorKind::Unsupported ? Outcome::refused : Outcome::failed;
    result.reason = e.what();
  } catch (const std::exception& e) {
    result.outcome = Outcome::failed;
    result.reason = e.what();
  }
  return result;
}

std::vector<CaseResult> run_suite(const fs::path& suite, ThreadPool& pool) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(suite))
    if (fs::exists(entry.path() / "model.onnx")) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  std::vector<CaseResult> results;
  results.reserve(folders.size());
  for (const fs::path& folder : folders) results.push_back(run_case(folder, pool));
  return results;
}

}  // namespace hone::conformance
