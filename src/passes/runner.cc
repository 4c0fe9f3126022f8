// Running passes.
#include "passes/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "base/error.h"
#include "ir/text.h"

namespace hone::passes {
namespace {

// Weights are not what a dump is read for.
constexpr int64_t kDumpedElements = 64;

bool runs(const Pass& pass, const PassOptions& options) {
  return pass.required ||
         !(options.disabled.contains("all") || options.disabled.contains(pass.name));
}

class Dump {
 public:
  Dump(const PassOptions& options, const ir::Graph& graph, std::string_view stage) {
    if (options.dump_dir.empty()) return;
    std::string folder = graph.name();
    std::replace(folder.begin(), folder.end(), '/', '_');
    folder_ = std::filesystem::path(options.dump_dir) / fmt::format("{}.{}", folder, stage);
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) fail(ErrorKind::Io, "cannot create '{}': {}", folder_.string(), error.message());
  }

  void write(std::string_view pass, const ir::Graph& graph) {
    if (folder_.empty()) return;
    // Graphs of one name may be prepared at once, for several shapes: each file is one graph's.
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    const std::filesystem::path file = folder_ / fmt::format("{:02}-{}.txt", number_++, pass);
    std::ofstream out(file);
    out << ir::to_text(graph, {.max_constant_elements = kDumpedElements});
    out.close();
    if (!out) fail(ErrorKind::Io, "cannot write '{}'", file.string());
  }

 private:
  std::filesystem::path folder_;
  int number_ = 0;
};

}  // namespace

void PassOptions::disable(std::string_view names) {
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    if (!name.empty()) disabled.emplace(name);
  }
}

PassOptions PassOptions::from_environment() {
  PassOptions options;
  if (const char* names = std::getenv("HONE_DISABLE_PASSES")) options.disable(names);
  return options;
}

ir::Graph run_stage(ir::Graph graph, const Stage& stage, const PassContext& context,
                    const PassOptions& options, std::vector<PassRecord>* records) {
  Dump dump(options, graph, stage.name);
  dump.write("input", graph);
  if (options.verify) ir::verify(graph, stage.level);
  for (const Pass& pass : stage.passes) {
    if (!runs(pass, options)) continue;
    const size_t nodes_before = graph.nodes().size();
    const auto start = std::chrono::steady_clock::now();
    try {
      graph = pass.consume != nullptr ? pass.consume(std::move(graph), context)
                                      : pass.run(graph, context);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      if (records != nullptr)
        records->push_back({pass.name, took.count(), nodes_before, graph.nodes().size()});
      dump.write(pass.name, graph);
      if (options.verify) ir::verify(graph, stage.level);
    } catch (const Error& e) {
      throw Error(e.kind(), fmt::format("pass '{}': {}", pass.name, e.what()));
    }
  }
  return graph;
}

}  // namespace hone::passes
