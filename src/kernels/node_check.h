// For the tests of a family: one node on given tensors, by its reference and by its kernels.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/rng.h"
#include "kernels/interpreter.h"
#include "kernels/kernel_memory.h"
#include "kernels/reference.h"

namespace hone::kernels {

/// A node without a graph, and the tensors it reads.
struct NodeCase {
  ir::Node node;
  std::vector<Tensor> operands;

  NodeCase(const ir::OpSpec& op, std::vector<Tensor> in, ir::Attrs attrs)
      : node{&op, {}, std::move(attrs), {}, ""}, operands(std::move(in)) {}

  std::vector<TensorType> operand_types() const {
    std::vector<TensorType> types;
    for (const Tensor& t : operands) types.push_back(t.type());
    return types;
  }
  std::vector<TensorType> result_types() const {
    return ir::infer(*node.op, operand_types(), node.attrs, "");
  }
};

/// Result tensors and the views of a call.
struct NodeMemory {
  std::vector<Tensor> results;
  std::vector<View> operand_views, result_views;

  explicit NodeMemory(const NodeCase& c, bool in_double = false) {
    for (const TensorType& type : c.result_types()) {
      const bool widen = in_double && type.dtype == DType::f32;
      results.emplace_back(widen ? DType::f64 : type.dtype, type.shape);
      std::memset(results.back().raw(), 0xA5, static_cast<size_t>(results.back().bytes()));
    }
    for (const Tensor& t : c.operands)
      operand_views.push_back({const_cast<std::byte*>(t.raw()), &t.type()});
    for (Tensor& t : results) result_views.push_back({t.raw(), &t.type()});
  }
};

inline std::vector<Tensor> by_reference(const NodeCase& c, bool in_double = false) {
  NodeMemory memory(c, in_double);
  run_reference_node({&c.node, memory.operand_views, memory.result_views}, in_double);
  return memory.results;
}

/// Bit equality, but for NaNs, which are all equal.
inline bool equal_bits(const Tensor& a, const Tensor& b) {
  if (a.dtype() != DType::f32) return a.same_bits(b);
  for (int64_t i = 0; i < a.elements(); ++i) {
    const float x = a.data<float>()[i], y = b.data<float>()[i];
    if (!(x != x && y != y) && std::bit_cast<uint32_t>(x) != std::bit_cast<uint32_t>(y))
      return false;
  }
  return a.type() == b.type();
}

/// Checks every row that claims the node, at every level of this machine, on several thread counts,
/// against the reference. Returns how many rows claimed it at the machine's best level.
inline int check_against_reference(const NodeCase& c) {
  const std::vector<Tensor> expected = by_reference(c);
  int claimed = 0;
  for (const KernelRow& row : kernel_rows()) {
    if (row.op != c.node.op) continue;
    for (Isa isa : available_isas()) {
      if (isa < row.lowest) continue;
      for (int threads : {1, 2, 3, 5}) {
        const Problem problem{&c.node, c.operand_types(), c.result_types(), isa, threads};
        if (!row.refuse(problem).empty()) continue;
        claimed += isa == available_isas().back() && threads == 1;
        const std::unique_ptr<Kernel> kernel = row.make(problem);
        KernelMemory own(*kernel, threads);
        NodeMemory memory(c);
        ThreadPool pool(threads);
        kernel->run(own.call(memory.operand_views, memory.result_views, &pool));
        for (size_t i = 0; i < expected.size(); ++i)
          EXPECT_TRUE(equal_bits(expected[i], memory.results[i]))
              << row.name << " at " << name_of(isa) << " on " << threads << " threads: result " << i
              << " of operand " << c.operands[0].type().to_string();
      }
    }
  }
  return claimed;
}

/// Values whose magnitudes differ, so that another order of adding would show; one in sixteen is
/// special (NaN, infinity, a zero, a denormal) if `special`.
inline Tensor random_tensor(Shape shape, uint64_t key, bool special = false) {
  constexpr float kSpecial[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-41f, -1e-41f, 3e38f};
  Tensor t(DType::f32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); ++i) {
    const Philox p = philox(key, 0, static_cast<uint64_t>(i));
    const float plain = std::ldexp(unit_float(p.v[0]) - 0.5f, static_cast<int>(p.v[1] % 16));
    t.data<float>()[i] = special && p.v[2] % 16 == 0 ? kSpecial[p.v[3] % 8] : plain;
  }
  return t;
}

}  // namespace hone::kernels
