// The table of contents of what hone does to a graph.
#include "passes/pipeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "passes/fold_affine.h"
#include "passes/fuse_elementwise.h"
#include "passes/fuse_epilogue.h"
#include "passes/hoist_scalars.h"
#include "passes/integer_arithmetic.h"
#include "passes/layout.h"
#include "passes/pack_weights.h"
#include "passes/read_bytes.h"
#include "passes/recompute_cheap.h"
#include "passes/shard_sums.h"
#include "passes/simplify.h"
#include "passes/winograd.h"

namespace hone::passes {
namespace {

constexpr Pass kSimplify{"simplify", Exactness::exact, false, simplify};
constexpr Pass kShardSums{"shard_sums", Exactness::exact, true, shard_sums};
constexpr Pass kLayout{"layout", Exactness::exact, true, layout};
constexpr Pass kFoldAffine{"fold_affine", Exactness::approximate, false, fold_affine};
constexpr Pass kWinograd{"winograd", Exactness::approximate, false, winograd};
constexpr Pass kIntegerArithmetic{"integer_arithmetic", Exactness::approximate, false,
                                  integer_arithmetic};
constexpr Pass kPackWeights{"pack_weights", Exactness::exact, false, nullptr, pack_weights};
constexpr Pass kHoistScalars{"hoist_scalars", Exactness::exact, false, hoist_scalars};
constexpr Pass kReadBytes{"read_bytes", Exactness::exact, false, read_bytes};
constexpr Pass kRecomputeCheap{"recompute_cheap", Exactness::exact, false, recompute_cheap};
constexpr Pass kFuseEpilogue{"fuse_epilogue", Exactness::exact, false, fuse_epilogue};
constexpr Pass kFuseElementwise{"fuse_elementwise", Exactness::exact, false, fuse_elementwise};

constexpr Pass kPrepare[] = {
    kSimplify,   // differentiation leaves dead and equal nodes: clear them once for all batches
    kShardSums,  // sums over the batch take the shard tree, so that workers can share them
    kWinograd,   // 3x3 convolutions that cost less so, and the gradients of their inputs
};

constexpr Pass kInference[] = {
    kIntegerArithmetic,  // what was quantised is computed in integers
    kSimplify,           // what is computed from weights alone is computed once
    kFoldAffine,         // a batch norm goes into the weights of the convolution before it
    kWinograd,           // 3x3 convolutions that cost less so
    kLayout,             // so do weights as NHWC wants them, for all batches at once
    kSimplify,
    kPackWeights,  // and as the kernels read them, in memory that all programs share
};

constexpr Pass kLower[] = {
    kSimplify,         // the batch is a number now: counts fold, broadcasts go
    kLayout,           // images lie as NHWC, which the kernels compute in
    kSimplify,         // transposes that meet cancel, and those of one channel are reshapes
    kHoistScalars,     // the learning rate comes first, so that no gradient waits for it
    kReadBytes,        // pictures stay bytes until a product packs them
    kRecomputeCheap,   // what is made of kept values in a loop is not kept, too
    kFuseEpilogue,     // bias, activation and masks ride in the contraction's registers
    kFuseElementwise,  // what is left becomes one loop over tiles that stay in L1
};

void check_names(const PassOptions& options) {
  for (const std::string& name : options.disabled) {
    if (name == "all") continue;
    std::string optional;
    bool known = false;
    for (const Pass& pass : all_passes()) {
      require(pass.name != name || !pass.required, "pass '{}' is required: it cannot be disabled",
              name);
      known = known || pass.name == name;
      if (!pass.required && optional.find(pass.name) == std::string::npos)
        optional += fmt::format("{}, ", pass.name);
    }
    require(known, "no pass '{}': expected {}or all", name, optional);
  }
}

}  // namespace

std::vector<Pass> all_passes() {
  std::vector<Pass> out;
  for (const std::span<const Pass> stage :
       {std::span<const Pass>(kPrepare), {kInference}, {kLower}})
    for (const Pass& pass : stage) out.push_back(pass);
  return out;
}

ir::Graph prepare(const ir::Graph& graph, Sharding sharding, const PassOptions& options,
                  std::vector<PassRecord>* records) {
  check_names(options);
  return run_stage(graph, {"prepare", ir::Level::differentiated, kPrepare}, {sharding}, options,
                   records);
}

ir::Graph prepare_inference(ir::Graph graph, const PassOptions& options,
                            std::vector<PassRecord>* records) {
  check_names(options);
  return run_stage(std::move(graph), {"prepare_inference", ir::Level::imported, kInference}, {},
                   options, records);
}

ir::Graph lower(const ir::Graph& graph, const PassOptions& options,
                std::vector<PassRecord>* records) {
  check_names(options);
  return run_stage(graph, {"lower", ir::Level::planned, kLower}, {}, options, records);
}

}  // namespace hone::passes
