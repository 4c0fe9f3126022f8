// hone inspect MODEL.onnx: layers, parameters, work and memory, and the program that would run.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "api/session.h"
#include "cli/command.h"
#include "cli/dims.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "io/onnx_import.h"
#include "ir/bind.h"
#include "ir/dot.h"
#include "ir/layers.h"
#include "ir/text.h"

namespace hone::cli {
namespace {

struct InspectArgs {
  std::string model;
  int64_t batch = 1;
  bool graph = false;
  bool plan = false;
  bool dot = false;
  Dims dims;
};

// What there is to say of a file that hone cannot run.
void inspect_unsupported(const io::OnnxOutline& outline, const Common& common) {
  say(common, fmt::format("{} parameters, {} operators", grouped(outline.parameters),
                          grouped(outline.operators)));
  say(common, "hone cannot run it: " + io::to_string(outline.unsupported));
  nlohmann::json unsupported = nlohmann::json::array();
  for (const io::OnnxUnsupported& u : outline.unsupported)
    unsupported.push_back({{"name", u.name}, {"op", u.op}, {"opset", u.opset}, {"why", u.why}});
  say_json(common, {{"parameters", outline.parameters},
                    {"flops", nullptr},
                    {"nodes", outline.operators},
                    {"peak_bytes", nullptr},
                    {"unsupported", unsupported}});
}

std::string table_of(const std::vector<ir::LayerRow>& rows) {
  Table table({{"layer"}, {"op"}, {"output"}, {"parameters", true}, {"FLOPs", true}});
  for (const ir::LayerRow& row : rows)
    table.add({row.name, row.op, row.output.to_string(),
               row.parameters == 0 ? "" : grouped(row.parameters), grouped(row.flops)});
  return table.to_text(terminal_columns(STDOUT_FILENO));
}

nlohmann::json json_of(const std::vector<ir::LayerRow>& rows) {
  nlohmann::json out = nlohmann::json::array();
  for (const ir::LayerRow& row : rows)
    out.push_back({{"name", row.name},
                   {"op", row.op},
                   {"dtype", name_of(row.output.dtype)},
                   {"output", row.output.shape.dims()},
                   {"parameters", row.parameters},
                   {"flops", row.flops},
                   {"bytes", row.output.bytes()}});
  return out;
}

void inspect(const InspectArgs& args, const Common& common) {
  if (const io::OnnxOutline outline = io::outline_onnx(args.model, {.dims = args.dims});
      !outline.unsupported.empty()) {
    inspect_unsupported(outline, common);
    return;
  }
  io::OnnxModel file = io::load_onnx(args.model, {.dims = args.dims});
  const ir::Graph& graph = file.graph;
  if (args.dot && !common.json) {
    say(common, ir::to_dot(graph));
    return;
  }
  const std::vector<ir::LayerRow> rows = ir::layers(ir::bind_batch(graph, 1));
  // Inputs, weights and constants are nodes of the graph, too, but do nothing.
  const auto operators =
      std::count_if(graph.nodes().begin(), graph.nodes().end(),
                    [](const ir::Node& node) { return node.op->op_class != ir::OpClass::source; });
  int64_t parameters = 0;
  int64_t flops = 0;
  for (const ir::LayerRow& row : rows) {
    parameters += row.parameters;
    flops += row.flops;
  }

  say(common, table_of(rows));
  say(common, fmt::format("\n{} parameters, {} operators, {} FLOPs a sample", grouped(parameters),
                          grouped(operators), grouped(flops)));
  nlohmann::json object = {{"parameters", parameters},
                           {"flops", flops},
                           {"nodes", operators},
                           {"layers", json_of(rows)},
                           {"unsupported", nlohmann::json::array()}};
  if (args.dot) object["dot"] = ir::to_dot(graph);
  const std::string text =
      args.graph ? "\n" + ir::to_text(graph, {.max_constant_elements = 16}) : "";

  // The session takes the weights over: nobody else holds them from here on.
  const std::unique_ptr<SessionImpl> session =
      SessionImpl::make(std::move(file), {.threads = common.threads});
  const auto program = session->executor->program(session->input_types(args.batch));
  say(common, fmt::format("at batch {}: {} kernel calls, {} bytes of memory beside the weights",
                          args.batch, program->steps.size(), grouped(program->arena_bytes)));
  if (args.graph) say(common, text);
  if (args.plan) say(common, "\n" + program->to_text());
  object["peak_bytes"] = program->arena_bytes;
  say_json(common, object);
}

}  // namespace

void add_inspect(CLI::App& app, Common& common) {
  auto args = std::make_shared<InspectArgs>();
  CLI::App* c = add_command(app, "inspect", "Show what a model is and what hone would do with it",
                            common, [args, &common] { inspect(*args, common); });
  c->add_option("MODEL", args->model, "ONNX file")->required();
  c->add_option("--batch", args->batch, "Samples at once (default: 1)")
      ->type_name("N")
      ->check(whole_number(1, INT32_MAX));
  add_dim_option(*c, args->dims);
  c->add_flag("--graph", args->graph, "Print the graph");
  c->add_flag("--plan", args->plan, "Print the program: kernels and memory");
  c->add_flag("--dot", args->dot, "Print the graph for Graphviz, as 'dot -Tsvg' takes it, alone");
}

}  // namespace hone::cli
