// hone inspect MODEL.onnx: layers, parameters, work and memory, and the program that would run.
#include <fmt/format.h>
#include <hone/hone.h>

#include "cli/command.h"
#include "cli/usage.h"
#include "exec/staged.h"
#include "io/onnx_import.h"
#include "ir/bind.h"
#include "ir/cost.h"
#include "ir/text.h"

namespace hone::cli {
namespace {

struct InspectArgs {
  std::string model;
  int64_t batch = 1;
  bool graph = false;
  bool plan = false;
};

// What there is to say of a file that hone cannot run.
void inspect_unsupported(const io::OnnxOutline& outline, const Common& common) {
  say(common, fmt::format("{} parameters, {} nodes", grouped(outline.parameters), outline.nodes));
  say(common,
      fmt::format("hone cannot run it: unsupported ops: {}", fmt::join(outline.unsupported, ", ")));
  say_json(common, {{"parameters", outline.parameters},
                    {"flops", nullptr},
                    {"nodes", outline.nodes},
                    {"peak_bytes", nullptr},
                    {"unsupported", outline.unsupported}});
}

void inspect(const InspectArgs& args, const Common& common) {
  if (const io::OnnxOutline outline = io::outline_onnx(args.model); !outline.unsupported.empty()) {
    inspect_unsupported(outline, common);
    return;
  }
  const Model model = Model::load(args.model);
  const ir::Graph graph = io::load_onnx(args.model).graph;
  ThreadPool pool(common.threads);
  exec::StagedExecutor staged(graph, default_isa(), &pool);
  const auto planned = staged.program(exec::input_types(graph, args.batch));
  const plan::Program& program = *planned;
  const int64_t flops = ir::flops(ir::bind_batch(graph, 1));

  say(common, fmt::format("{:<16} {:<14} {:<20} {:>12}", "layer", "op", "output", "parameters"));
  for (const LayerSummary& row : model.summary()) {
    say(common, fmt::format("{:<16} {:<14} {:<20} {:>12}", row.name, row.op, row.output.to_string(),
                            row.parameters == 0 ? "" : grouped(row.parameters)));
  }
  say(common, fmt::format("\n{} parameters, {} nodes, {} floating-point operations a sample",
                          grouped(model.parameters()), graph.nodes().size(), grouped(flops)));
  say(common, fmt::format("at batch {}: {} kernel calls, {} bytes of memory beside the weights",
                          args.batch, program.steps.size(), grouped(program.arena_bytes)));
  if (args.graph) say(common, "\n" + ir::to_text(graph, {.max_constant_elements = 16}));
  if (args.plan) say(common, "\n" + program.to_text());
  say_json(common, {{"parameters", model.parameters()},
                    {"flops", flops},
                    {"nodes", graph.nodes().size()},
                    {"peak_bytes", program.arena_bytes},
                    {"unsupported", nlohmann::json::array()}});
}

}  // namespace

void add_inspect(CLI::App& app, Common& common) {
  auto args = std::make_shared<InspectArgs>();
  CLI::App* c = add_command(app, "inspect", "Show what a model is and what hone would do with it",
                            common, [args, &common] { inspect(*args, common); });
  c->add_option("MODEL", args->model, "ONNX file")->required();
  c->add_option("--batch", args->batch, "Samples at once (default: 1)")
      ->check(whole_number(1, INT32_MAX));
  c->add_flag("--graph", args->graph, "Print the graph");
  c->add_flag("--plan", args->plan, "Print the program: kernels and memory");
}

}  // namespace hone::cli
