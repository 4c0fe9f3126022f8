// Tile programs against the references, bit for bit: every op over all exponents and specials, and
// random bodies with broadcasting, partial blocks, accumulators and shared memory.
#include "kernels/eltwise/tile_program.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <limits>
#include <random>

#include "base/error.h"
#include "kernels/eltwise/test_support.h"
#include "kernels/families.h"
#include "kernels/kernel_memory.h"

namespace hone::kernels {
namespace {

namespace op = ir::op;

std::vector<Isa> vector_isas() {
  std::vector<Isa> isas;
  for (Isa isa : available_isas())
    if (isa >= Isa::avx2) isas.push_back(isa);
  return isas;
}

/// Equal bits, all NaNs counting as one; else the first difference.
testing::AssertionResult same(const Tensor& got, const Tensor& want) {
  if (got.type() != want.type())
    return testing::AssertionFailure()
           << got.type().to_string() << " is not " << want.type().to_string();
  for (int64_t i = 0; i < got.elements(); ++i) {
    if (got.dtype() == DType::f32) {
      const float g = got.data<float>()[i];
      const float w = want.data<float>()[i];
      const bool equal = std::bit_cast<uint32_t>(g) == std::bit_cast<uint32_t>(w);
      if (!equal && (g == g || w == w))
        return testing::AssertionFailure() << "element " << i << ": " << g << ", expected " << w;
    } else if (got.data<bool>()[i] != want.data<bool>()[i]) {
      return testing::AssertionFailure() << "element " << i << ": bool " << got.data<bool>()[i];
    }
  }
  return testing::AssertionSuccess();
}

View view(const Tensor& t) { return {const_cast<std::byte*>(t.raw()), &t.type()}; }

std::vector<View> views(const std::vector<Tensor>& tensors) {
  std::vector<View> out;
  out.reserve(tensors.size());
  for (const Tensor& t : tensors) out.push_back(view(t));
  return out;
}

struct Loop {
  int64_t rows, cols;
};
Loop loop_of(const ir::Graph& body) {
  const Shape& s = body.shape(body.outputs()[0].value);
  const int64_t cols = s.rank() == 0 ? 1 : s[s.rank() - 1];
  return {cols == 0 ? 0 : s.elements() / cols, cols};
}

std::vector<Tensor> empty_results(const ir::Graph& body) {
  std::vector<Tensor> results;
  for (const ir::Output& o : body.outputs())
    results.emplace_back(body.type(o.value).dtype, body.shape(o.value));
  return results;
}

Tensor scratch_for(const TileProgram& program) {
  return Tensor(DType::u8, {program.scratch_bytes()});
}

/// Random bodies over random broadcasts of a random loop shape.
class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}

  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }

  Shape loop_shape() {
    static const std::vector<Shape> shapes = {
        {},           {1},       {7},       {3000},      {64, 10},   {5, 1},
        {1, 37},      {33, 130}, {3, 2500}, {2, 3, 4},   {4, 5, 49}, {2, 3, 1, 5},
        {3, 4, 7, 7}, {300, 3},  {6, 16},   {2, 1, 600}, {17, 8, 2}};
    return shapes[static_cast<size_t>(below(static_cast<int64_t>(shapes.size())))];
  }

  Shape broadcast_of(const Shape& loop) {
    if (below(3) == 0) return loop;
    std::vector<int64_t> dims = loop.dims();
    for (int64_t& d : dims)
      if (below(2) == 0) d = 1;
    while (!dims.empty() && dims[0] == 1 && below(2) == 0) dims.erase(dims.begin());
    return Shape(dims);
  }

  Tensor tensor(DType dtype, const Shape& shape) {
    static constexpr float kSpecials[] = {0.0f,
                                          -0.0f,
                                          1.0f,
                                          -1.0f,
                                          1e-40f,
                                          std::numeric_limits<float>::infinity(),
                                          std::numeric_limits<float>::quiet_NaN()};
    Tensor t(DType::f32, shape);
    for (int64_t i = 0; i < t.elements(); ++i)
      t.data<float>()[i] =
          below(20) == 0 ? kSpecials[below(7)] : static_cast<float>(below(20001) - 10000) / 1000.0f;
    if (dtype == DType::boolean)
      for (int64_t i = 0; i < t.elements(); ++i) t.data<float>()[i] = below(2) == 0;
    return t.cast(dtype);
  }

  struct Case {
    ir::Graph body;
    std::vector<Tensor> inputs;
  };

  /// The first input is f32 of the loop's shape, as an epilogue's is.
  Case make() {
    Case c;
    const Shape loop = loop_shape();
    std::vector<ir::ValueId> reals;
    std::vector<ir::ValueId> bools;
    const auto input = [&](DType dtype, const Shape& shape) {
      c.inputs.push_back(tensor(dtype, shape));
      return c.body.input(fmt::format("x{}", c.inputs.size()), c.inputs.back().type());
    };
    reals.push_back(input(DType::f32, loop));
    for (int64_t i = below(5); i > 0; --i) reals.push_back(input(DType::f32, broadcast_of(loop)));
    static constexpr DType kOthers[] = {DType::u8, DType::i32, DType::i64, DType::boolean};
    for (int64_t i = below(3); i > 0; --i) {
      const ir::ValueId v = input(kOthers[below(4)], broadcast_of(loop));
      if (c.body.type(v).dtype == DType::boolean) bools.push_back(v);
      reals.push_back(c.body.add(op::cast, {v}, {{"dtype", "f32"}}));
    }
    if (below(2) == 0) reals.push_back(c.body.constant(Tensor::scalar(0.9f)));
    if (below(4) == 0) reals.push_back(c.body.constant(tensor(DType::f32, broadcast_of(loop))));
    const auto pick = [&](const std::vector<ir::ValueId>& from) {
      return from[static_cast<size_t>(below(static_cast<int64_t>(from.size())))];
    };
    for (int64_t n = 1 + below(14); n > 0; --n) {
      static const std::vector<const ir::OpSpec*> unary = {
          &op::neg,  &op::abs,     &op::exp, &op::log, &op::sqrt,
          &op::tanh, &op::sigmoid, &op::erf, &op::cos, &op::relu};
      static const std::vector<const ir::OpSpec*> binary = {&op::add, &op::sub, &op::mul,
                                                            &op::div, &op::max, &op::min};
      const int64_t kind = below(10);
      if (kind < 3) {
        reals.push_back(c.body.add(*unary[static_cast<size_t>(below(10))], {pick(reals)}));
      } else if (kind < 7) {
        reals.push_back(
            c.body.add(*binary[static_cast<size_t>(below(6))], {pick(reals), pick(reals)}));
      } else if (kind == 7) {
        bools.push_back(
            c.body.add(below(2) == 0 ? op::equal : op::greater, {pick(reals), pick(reals)}));
      } else if (kind == 8) {
        bools.push_back(c.body.add(op::cast, {pick(reals)}, {{"dtype", "bool"}}));
      } else if (!bools.empty()) {
        reals.push_back(c.body.add(op::select, {pick(bools), pick(reals), pick(reals)}));
      }
    }
    // Outputs: whatever has the loop's shape, some of it twice or straight from an input.
    std::vector<ir::ValueId> full;
    for (const auto* list : {&reals, &bools})
      for (ir::ValueId v : *list)
        if (c.body.shape(v) == loop) full.push_back(v);
    c.body.output("last", full.back());
    for (int64_t i = below(3); i > 0; --i) c.body.output(fmt::format("y{}", i), pick(full));
    return c;
  }

 private:
  std::mt19937_64 random_;
};

TEST(TileProgram, EveryOpHasTheReferencesBitsOverAllExponents) {
  std::vector<float> xs;
  for (uint64_t pattern = 0; pattern < (uint64_t{1} << 32); pattern += 65521)
    xs.push_back(std::bit_cast<float>(static_cast<uint32_t>(pattern)));
  for (float special : {0.0f, -0.0f, std::numeric_limits<float>::infinity(),
                        -std::numeric_limits<float>::infinity(), 88.72284f, -103.97208f, 10.0f})
    xs.push_back(special);
  const int64_t n = static_cast<int64_t>(xs.size());
  std::vector<float> shuffled = xs;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937_64(5));
  const std::vector<Tensor> inputs = {Tensor::from<float>({n}, xs),
                                      Tensor::from<float>({n}, shuffled)};
  for (const KernelRow& row : eltwise_kernels()) {
    const ir::OpSpec& spec = *row.op;
    if (&spec == &op::fused) continue;
    ir::Graph body;
    const ir::ValueId a = body.input("a", inputs[0].type());
    const ir::ValueId b = body.input("b", inputs[1].type());
    std::vector<ir::ValueId> operands = {a, b, a};
    operands.resize(static_cast<size_t>(spec.min_operands));
    if (&spec == &op::select) operands[0] = body.add(op::greater, {a, b});
    ir::Attrs attrs;
    if (&spec == &op::cast) attrs = {{"dtype", "bool"}};
    body.output("y", body.add(spec, operands, attrs));
    const std::vector<Tensor> want = interpret_body(body, inputs);
    for (Isa isa : vector_isas()) {
      const TileProgram program(body, isa);
      std::vector<Tensor> results = empty_results(body);
      Tensor scratch = scratch_for(program);
      program.run({0, 1, 0, n}, views(inputs), views(results), scratch.raw());
      EXPECT_TRUE(same(results[0], want[0])) << spec.name << " at " << name_of(isa);
    }
  }
}

TEST(TileProgram, RandomBodiesHaveTheReferencesBits) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Maker maker(seed);
    const Maker::Case c = maker.make();
    ASSERT_EQ(TileProgram::refuse(c.body), "");
    const std::vector<Tensor> want = interpret_body(c.body, c.inputs);
    const Loop loop = loop_of(c.body);
    for (Isa isa : vector_isas()) {
      const TileProgram program(c.body, isa);
      Tensor scratch = scratch_for(program);
      std::vector<Tensor> whole = empty_results(c.body);
      program.run({0, loop.rows, 0, loop.cols}, views(c.inputs), views(whole), scratch.raw());
      // The same in bands of whole rows, and in rectangles.
      std::vector<Tensor> bands = empty_results(c.body);
      std::vector<Tensor> parts = empty_results(c.body);
      const int64_t height = 1 + maker.below(loop.rows);
      const int64_t width = 1 + maker.below(loop.cols);
      for (int64_t row = 0; row < loop.rows; row += height) {
        const int64_t rows = std::min(height, loop.rows - row);
        program.run({row, rows, 0, loop.cols}, views(c.inputs), views(bands), scratch.raw());
        for (int64_t col = 0; col < loop.cols; col += width)
          program.run({row, rows, col, std::min(width, loop.cols - col)}, views(c.inputs),
                      views(parts), scratch.raw());
      }
      for (size_t i = 0; i < want.size(); ++i) {
        ASSERT_TRUE(same(whole[i], want[i])) << "seed " << seed << ", output " << i;
        ASSERT_TRUE(same(bands[i], want[i])) << "seed " << seed << ", output " << i;
        ASSERT_TRUE(same(parts[i], want[i])) << "seed " << seed << ", output " << i;
      }
    }
  }
}

TEST(TileProgram, ResultsMayShareMemoryWithOperands) {
  for (uint64_t seed = 1000; seed < 1400; ++seed) {
    Maker maker(seed);
    const Maker::Case c = maker.make();
    const std::vector<Tensor> want = interpret_body(c.body, c.inputs);
    const Loop loop = loop_of(c.body);
    for (Isa isa : vector_isas()) {
      const TileProgram program(c.body, isa);
      Tensor scratch = scratch_for(program);
      std::vector<Tensor> inputs;
      for (const Tensor& t : c.inputs) inputs.push_back(t.clone());
      std::vector<Tensor> results = empty_results(c.body);
      std::vector<bool> taken(inputs.size(), false);
      for (Tensor& result : results) {
        const size_t i = static_cast<size_t>(maker.below(static_cast<int64_t>(inputs.size())));
        if (taken[i] || inputs[i].type() != result.type()) continue;
        taken[i] = true;
        result = inputs[i];
      }
      const int64_t width = 1 + maker.below(loop.cols);
      for (int64_t col = 0; col < loop.cols; col += width)
        program.run({0, loop.rows, col, std::min(width, loop.cols - col)}, views(inputs),
                    views(results), scratch.raw());
      for (size_t i = 0; i < want.size(); ++i)
        ASSERT_TRUE(same(results[i], want[i])) << "seed " << seed << ", output " << i;
    }
  }
}

TEST(TileProgram, TakesItsFirstOperandFromAnAccumulator) {
  for (uint64_t seed = 2000; seed < 2300; ++seed) {
    Maker maker(seed);
    const Maker::Case c = maker.make();
    const std::vector<Tensor> want = interpret_body(c.body, c.inputs);
    const Loop loop = loop_of(c.body);
    const int64_t height = 1 + maker.below(loop.rows);
    const int64_t width = maker.below(2) == 0 ? loop.cols : 1 + maker.below(loop.cols);
    const std::vector<View> all = views(c.inputs);
    const std::span<const View> others = std::span(all).subspan(1);
    for (Isa isa : vector_isas()) {
      const TileProgram program(c.body, isa);
      Tensor scratch = scratch_for(program);
      std::vector<Tensor> apart = empty_results(c.body);
      std::vector<Tensor> shared = empty_results(c.body);
      // As gemm does it: the accumulator is the result's own memory.
      const bool can_share = shared[0].dtype() == DType::f32;
      for (int64_t row = 0; row < loop.rows; row += height) {
        for (int64_t col = 0; col < loop.cols; col += width) {
          const Block block{row, std::min(height, loop.rows - row), col,
                            std::min(width, loop.cols - col)};
          const int64_t pitch = block.cols + maker.below(2) * 3;
          std::vector<float> tile(static_cast<size_t>(block.rows * pitch));
          for (int64_t r = 0; r < block.rows; ++r)
            for (int64_t k = 0; k < block.cols; ++k) {
              const int64_t at = (row + r) * loop.cols + col + k;
              const float value = c.inputs[0].data<float>()[at];
              tile[static_cast<size_t>(r * pitch + k)] = value;
              if (can_share) shared[0].data<float>()[at] = value;
            }
          const Accumulator from_tile{tile.data(), pitch};
          program.run(block, others, views(apart), scratch.raw(), &from_tile);
          if (!can_share) continue;
          const Accumulator in_place{shared[0].data<float>() + row * loop.cols + col, loop.cols};
          program.run(block, others, views(shared), scratch.raw(), &in_place);
        }
      }
      for (size_t i = 0; i < want.size(); ++i) {
        ASSERT_TRUE(same(apart[i], want[i])) << "seed " << seed << ", output " << i;
        if (!can_share) continue;
        ASSERT_TRUE(same(shared[i], want[i])) << "seed " << seed << ", output " << i;
      }
    }
  }
}

TEST(TileProgram, SaysWhyItRefuses) {
  ir::Graph ints;
  const ir::ValueId i = ints.input("i", {DType::i64, {4}});
  ints.output("y", ints.add(op::add, {i, i}));
  EXPECT_EQ(TileProgram::refuse(ints), "add from i64 to i64: expected f32");

  const auto epilogue = [](const Shape& operand) {
    ir::Graph body;
    const ir::ValueId x = body.input("x", {DType::f32, {2, 3, 4}});
    body.output("y", body.add(op::add, {x, body.input("b", {DType::f32, operand})}));
    return TileProgram::refuse_epilogue(body);
  };
  for (const Shape& fine : {Shape{2, 3, 4}, Shape{4}, Shape{2, 3, 1}, Shape{1, 1, 1}, Shape{}})
    EXPECT_EQ(epilogue(fine), "") << fine.to_string();
  EXPECT_NE(epilogue({3, 1}), "");
  EXPECT_NE(epilogue({2, 1, 4}), "");
}

/// The kernel rows: one fused node over many blocks, on pools of several sizes.
TEST(EltwiseKernels, ThreadsDoNotChangeBits) {
  for (const Shape& shape :
       {Shape{70000}, Shape{3, 40000}, Shape{5000, 10}, Shape{8, 16, 20, 20}}) {
    Maker maker(7);
    auto body = std::make_shared<ir::Graph>();
    const Tensor x = maker.tensor(DType::f32, shape);
    const Tensor bias = maker.tensor(DType::f32, {shape[shape.rank() - 1]});
    const ir::ValueId xv = body->input("x", x.type());
    const ir::ValueId sum = body->add(op::add, {xv, body->input("b", bias.type())});
    body->output("y", body->add(op::tanh, {sum}));
    body->output("positive", body->add(op::greater, {sum, xv}));
    const std::vector<Tensor> want = interpret_body(*body, {x, bias});
    const ir::Node node{&op::fused, {}, {{"body", ir::Region(body)}}, {}, "loop"};
    const KernelRow& row = eltwise_kernels()[0];
    for (Isa isa : vector_isas()) {
      for (int threads : {1, 2, 3}) {
        const Problem problem{
            &node, {x.type(), bias.type()}, {want[0].type(), want[1].type()}, isa, threads};
        ASSERT_EQ(row.refuse(problem), "");
        EXPECT_TRUE(row.in_place(problem, 0, 0));
        EXPECT_FALSE(row.in_place(problem, 1, 0));
        const auto kernel = row.make(problem);
        ThreadPool pool(threads);
        KernelMemory memory(*kernel, threads);
        std::vector<Tensor> results = {x.clone(), Tensor(DType::boolean, shape)};
        const std::vector<View> operands = {view(results[0]), view(bias)};
        const std::vector<View> result_views = views(results);
        kernel->run(memory.call(operands, result_views, &pool));
        EXPECT_TRUE(same(results[0], want[0])) << shape.to_string() << " on " << threads;
        EXPECT_TRUE(same(results[1], want[1])) << shape.to_string() << " on " << threads;
      }
    }
  }
}

}  // namespace
}  // namespace hone::kernels
