// For the tests of passes: graphs as text before and after, and the bits that they compute.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "ir/equal.h"
#include "ir/parse.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "kernels/interpreter.h"
#include "kernels/node_check.h"
#include "kernels/problem_values.h"
#include "passes/pass.h"

namespace hone::passes {

using PassFn = ir::Graph (*)(const ir::Graph&, const PassContext&);

/// The pass's result on a text must print as `after`.
inline void expect_pass(PassFn pass, std::string_view before, std::string_view after,
                        const PassContext& context = {}) {
  const ir::Graph result = pass(ir::parse(before), context);
  EXPECT_EQ(ir::to_text(result), ir::to_text(ir::parse(after))) << "from\n" << before;
}

inline std::map<std::string, Tensor> random_sources(const ir::Graph& graph,
                                                    const std::vector<ir::ValueId>& sources,
                                                    kernels::Values kind, uint64_t seed) {
  std::vector<TensorType> types;
  types.reserve(sources.size());
  for (ir::ValueId v : sources) types.push_back(graph.type(v));
  kernels::Draw draw(seed);
  const std::vector<Tensor> tensors = kernels::random_tensors(draw, types, kind, {});
  std::map<std::string, Tensor> out;
  for (size_t i = 0; i < sources.size(); ++i) out[graph.producer(sources[i]).name] = tensors[i];
  return out;
}

/// Both graphs, of static shapes and with the same inputs and states, compute the same bits.
inline void expect_same_bits(const ir::Graph& a, const ir::Graph& b) {
  for (const kernels::Values kind : {kernels::Values::plain, kernels::Values::specials})
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const auto inputs = random_sources(a, a.inputs(), kind, 2 * seed);
      const auto states = random_sources(a, a.states(), kind, 2 * seed + 1);
      const kernels::Evaluation x = kernels::interpret(a, inputs, states);
      const kernels::Evaluation y = kernels::interpret(b, inputs, states);
      const auto expect_equal = [&](const auto& left, const auto& right) {
        ASSERT_EQ(left.size(), right.size());
        for (const auto& [name, tensor] : left)
          EXPECT_TRUE(kernels::equal_bits(tensor, right.at(name)))
              << name << " differs, seed " << seed << "\n"
              << ir::to_text(b, {.max_constant_elements = 16});
      };
      expect_equal(x.outputs, y.outputs);
      expect_equal(x.updates, y.updates);
    }
}

}  // namespace hone::passes
