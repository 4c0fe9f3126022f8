// The whole pipeline: random networks compute the same bits before and after, with every subset of
// passes; options, records and dumps of the runner.
#include "passes/pipeline.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "ir/bind.h"
#include "ir/expr.h"
#include "passes/autodiff.h"
#include "passes/liveness.h"
#include "passes/pass_test_support.h"
#include "passes/recompute.h"

namespace hone::passes {
namespace {

using ir::Expr;
using kernels::Draw;

/// A random network over [N,C,H,W] with a loss, differentiated, with an optimiser's step for each
/// parameter: all that lowering meets in training.
class RandomNetwork {
 public:
  explicit RandomNetwork(uint64_t seed) : draw_(seed) {}

  ir::Graph make() {
    Expr x = input(graph_, "x", {DType::f32, {kBatch, draw_.between(1, 3), 6, 6}});
    values_.push_back(x);
    for (int64_t layers = draw_.between(2, 7); layers > 0; --layers) {
      values_.push_back(layer(values_.back()));
    }
    const Shape& last = values_.back().shape();
    const int64_t features = last[1] * last[2] * last[3];
    x = reshape(values_.back(), {kBatch, features});
    x = matmul(x, parameter({features, 3})) + parameter({3});
    const Expr e = exp(x - detached_max(x, {1}));
    const Expr p = e / reduce_sum(e, {1}, true);
    graph_.output("p", p.id);
    graph_.output("loss", (reduce_sum(p * p, {0, 1}) / dim(x, 0)).id);
    graph_ = differentiate(graph_, "loss");
    step();
    return graph_;
  }

 private:
  Expr parameter(Shape shape) {
    return state(graph_, fmt::format("w{}", parameters_++), {DType::f32, std::move(shape)}, true);
  }

  Expr layer(Expr x) {
    const int64_t c = x.shape()[1];
    switch (draw_.below(8)) {
      case 0: {
        const int64_t o = draw_.between(1, 4);
        const Expr y = conv2d(x, parameter({o, c, 3, 3}), {.pad = {1, 1, 1, 1}}, "conv");
        return draw_.one_in(2) ? y + reshape(parameter({o}), {1, o, 1, 1}) : y;
      }
      case 1:
        if (x.shape()[2] >= 4) return max_pool2d(x);
        return relu(x);
      case 2:
        if (x.shape()[2] >= 4) return avg_pool2d(x);
        return tanh(x);
      case 3: {
        const ir::Moments m = moments(x, {0, 2, 3});
        const Expr scale = reshape(parameter({c}), {1, c, 1, 1});
        return (x - m.mean) * (scale / sqrt(m.m2 / count(x, {0, 2, 3}) + 1e-3));
      }
      case 4: {
        const Expr other = draw_.pick(values_);
        return other.shape() == x.shape() ? x + other : sigmoid(x) * x;
      }
      case 5:
        return x * broadcast(reshape(reduce_mean(x, {2, 3}), {kBatch, c, 1, 1}), x.shape());
      case 6:
        return ir::concat({x, relu(x)}, 1);
      default:
        return relu(x);
    }
  }

  void step() {
    const std::vector<ir::Output> outputs = graph_.outputs();
    const Expr t = state(graph_, "step", {DType::i64, {}}, false);
    const Expr rate = 0.1 / (cast(t, DType::f32) + 1);
    graph_.update(t.id, (t + 1).id);
    for (const ir::Output& o : outputs) {
      if (!o.name.starts_with("grad/")) continue;
      const Expr p{&graph_, graph_.find_state(o.name.substr(5))};
      const Expr g{&graph_, o.value};
      if (draw_.one_in(2)) {
        graph_.update(p.id, (p - rate * g).id);
        continue;
      }
      const Expr m = state(graph_, "m/" + o.name, p.type(), false);
      const Expr next = m * 0.9 + g * 0.1;
      graph_.update(m.id, next.id);
      graph_.update(p.id, (p - rate * (next / (abs(next) + 1))).id);
    }
  }

  Draw draw_;
  ir::Graph graph_{"random"};
  std::vector<Expr> values_;
  int parameters_ = 0;
};

TEST(Pipeline, RandomTrainingStepsKeepTheirBits) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    PassOptions options;
    options.verify = true;
    const ir::Graph prepared = prepare(RandomNetwork(seed).make(), {6, 2}, options);
    const ir::Graph bound = ir::bind_batch(prepared, seed % 2 == 0 ? 6 : 4);
    for (std::string_view disabled : {"", "simplify", "fuse_epilogue", "fuse_elementwise", "all"}) {
      options.disabled.clear();
      options.disable(disabled);
      const ir::Graph lowered = lower(bound, options);
      expect_same_bits(bound, lowered);
      if (disabled.empty())
        expect_same_bits(bound, recompute(lowered, Liveness(lowered).peak() / 2));
      if (testing::Test::HasFailure()) return;
    }
  }
}

int count(const ir::Graph& graph, const ir::OpSpec& op) {
  int n = 0;
  for (const ir::Node& node : graph.nodes()) n += node.is(op);
  return n;
}

constexpr std::string_view kDense = R"(graph dense {
  %x = input "x" : f32[8,3]
  %w = state "w" trainable : f32[3,5]
  %b = state "b" trainable : f32[5]
  %m = matmul(%x, %w)
  %a = add(%m, %b)
  %y = relu(%a)
  %e = exp(%y)
  %f = mul(%e, %y)
  output "y" = %y
  output "f" = %f
})";

TEST(Pipeline, LoweringFuses) {
  std::vector<PassRecord> records;
  const ir::Graph lowered = lower(ir::parse(kDense), PassOptions{}, &records);
  EXPECT_EQ(count(lowered, ir::op::add) + count(lowered, ir::op::relu), 0);
  EXPECT_EQ(count(lowered, ir::op::fused), 1);
  ASSERT_EQ(records.size(), 8u);
  EXPECT_EQ(records[0].name, "simplify");
  EXPECT_EQ(records[7].name, "fuse_elementwise");
  EXPECT_EQ(records[7].nodes_after, lowered.nodes().size());
}

TEST(Pipeline, OptionalPassesSwitchOff) {
  PassOptions options;
  options.disable("all");
  std::vector<PassRecord> records;
  const ir::Graph lowered = lower(ir::parse(kDense), options, &records);
  EXPECT_TRUE(ir::equal(lowered, ir::parse(kDense)));
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].name, "layout");
}

std::string error_with(std::string_view disabled) {
  PassOptions options;
  options.disable(disabled);
  try {
    lower(ir::parse(kDense), options);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Pipeline, UnknownAndRequiredNamesAreErrors) {
  EXPECT_EQ(error_with("simplify,,hoist_scalars"), "no error");
  EXPECT_EQ(error_with("layout"), "pass 'layout' is required: it cannot be disabled");
  EXPECT_EQ(
      error_with("fuse"),
      "no pass 'fuse': expected simplify, winograd, integer_arithmetic, fold_affine, pack_weights, "
      "hoist_scalars, read_bytes, recompute_cheap, fuse_epilogue, fuse_elementwise, or all");
}

TEST(Pipeline, TheEnvironmentDisables) {
  setenv("HONE_DISABLE_PASSES", "simplify,fuse_epilogue", 1);
  const PassOptions options = PassOptions::from_environment();
  unsetenv("HONE_DISABLE_PASSES");
  EXPECT_EQ(options.disabled.size(), 2u);
  EXPECT_TRUE(options.disabled.contains("fuse_epilogue"));
}

TEST(Pipeline, DumpsParseBack) {
  const std::filesystem::path dir = std::filesystem::path(testing::TempDir()) / "hone_passes";
  std::filesystem::remove_all(dir);
  PassOptions options;
  options.dump_dir = dir.string();
  const ir::Graph lowered = lower(ir::parse(kDense), options);
  std::ifstream in(dir / "dense.lower" / "08-fuse_elementwise.txt");
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(text, ir::to_text(lowered));
  EXPECT_TRUE(std::filesystem::exists(dir / "dense.lower" / "00-input.txt"));
  std::filesystem::remove_all(dir);
}

// A pass that breaks the graph is named.
TEST(Runner, VerifiesAfterEachPass) {
  const Pass broken{"broken", Exactness::exact, true, +[](const ir::Graph& g, const PassContext&) {
                      ir::Graph out = g;
                      out.add(ir::op::relu, {0}, {{"surprise", int64_t{1}}});
                      return out;
                    }};
  PassOptions options;
  options.verify = true;
  try {
    run_stage(ir::parse(kDense), {"test", ir::Level::planned, {&broken, 1}}, {}, options);
    FAIL() << "expected an error";
  } catch (const Error& e) {
    EXPECT_TRUE(
        std::string_view(e.what()).starts_with("pass 'broken': graph 'dense', node 8: relu"))
        << e.what();
  }
}

}  // namespace
}  // namespace hone::passes
