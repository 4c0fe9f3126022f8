// What the generators of random cases share: a case in the making, and the pieces that several
// kinds of op are made of.
#pragma once

#include <fmt/format.h>

#include <algorithm>

#include "base/rng.h"
#include "kernels/draw.h"
#include "kernels/problems.h"

namespace hone::kernels {

/// A case in the making.
struct CaseMaker {
  CaseMaker(const ir::OpSpec& spec, uint64_t seed, const CaseOptions& case_options)
      : op(spec), options(case_options), draw(mix(seed, key_of(spec.name))) {}

  const ir::OpSpec& op;
  const CaseOptions& options;
  Draw draw;
  ir::Graph graph{"case"};
  std::vector<ir::ValueId> operands;
  IntegerRange integers;

  ir::ValueId operand(Shape shape, DType dtype = DType::f32) {
    operands.push_back(graph.input(fmt::format("x{}", operands.size()), {dtype, std::move(shape)}));
    return operands.back();
  }
  void finish(ir::Attrs attrs = {}) {
    const ir::NodeId node = graph.append(op, operands, std::move(attrs), "node");
    for (size_t i = 0; i < graph.node(node).results.size(); ++i)
      graph.output(fmt::format("y{}", i), graph.node(node).results[i]);
  }

  bool smooth() const {
    return options.values == Values::smooth || options.values == Values::positive;
  }

  /// Mostly short, sometimes longer than a vector, rarely longer than a tile.
  int64_t extent() {
    if (options.small) return draw.between(1, 4);
    const int64_t kind = draw.below(8);
    return kind < 4 ? draw.between(1, 8) : kind < 7 ? draw.between(9, 40) : draw.between(41, 300);
  }
  /// Now and then 0.
  int64_t extent_or_none() { return !options.small && draw.one_in(16) ? 0 : extent(); }
  Shape shape(int rank) {
    int64_t budget = options.small ? 64 : 20000;
    std::vector<int64_t> dims(static_cast<size_t>(rank));
    for (int64_t& d : dims) {
      d = std::min(extent(), budget);
      budget /= d;
    }
    draw.shuffle(dims);
    return Shape(dims);
  }
  Shape shape() { return shape(static_cast<int>(draw.between(1, 4))); }
  DType any_dtype() {
    constexpr DType kDtypes[] = {DType::f32, DType::f32,     DType::f32, DType::i32, DType::i64,
                                 DType::u8,  DType::boolean, DType::i8,  DType::i16, DType::u16,
                                 DType::u32, DType::u64,     DType::f16, DType::bf16};
    return smooth() ? DType::f32 : draw.pick(kDtypes);
  }
};

/// A shape that broadcasts to `to`.
Shape broadcastable(Draw& draw, const Shape& to);

/// A random chain of elementwise ops over inputs of these types; the first has the loop's shape.
/// The outputs are f32, or bool, or, with `bytes`, 8 bits.
ir::Region random_body(Draw& draw, const std::vector<TensorType>& inputs, int outputs,
                       bool bytes = false);

/// Says that the sum over `samples` takes the shard tree, the last shards short or absent.
void maybe_shard(CaseMaker& m, ir::Attrs& attrs, int64_t samples);

// Contractions and windows (problems_contraction.cc); the other generators are beside their table.
void make_matmul(CaseMaker& m);
void make_conv(CaseMaker& m);
void make_winograd_filter(CaseMaker& m);
void make_winograd(CaseMaker& m);
void make_pool(CaseMaker& m);

}  // namespace hone::kernels
