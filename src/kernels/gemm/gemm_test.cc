// gemm.packed against the reference, bit for bit, at every level that the machine has; and the
// reference against sums that can be done by hand.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "base/rng.h"
#include "base/shards.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/peak.h"
#include "kernels/kernel_memory.h"
#include "kernels/node_check.h"
#include "kernels/reference.h"

namespace hone::kernels {
namespace {

struct Case {
  int64_t m, k, n;
  bool trans_a = false, trans_b = false;
  int64_t batch = 0, shards = 0;  // 0: no such attributes
  bool bytes = false;             // a
};

std::string text(const Case& c) {
  return std::to_string(c.m) + "x" + std::to_string(c.k) + "x" + std::to_string(c.n) +
         (c.trans_a ? " a'" : "") + (c.trans_b ? " b'" : "") + " batch " + std::to_string(c.batch) +
         " shards " + std::to_string(c.shards) + (c.bytes ? " bytes" : "");
}

std::vector<Isa> simd_isas() {
  std::vector<Isa> isas = available_isas();
  std::erase(isas, Isa::scalar);
  return isas;
}

enum class Data { plain, special };

float special_value(uint32_t bits) {
  constexpr float kValues[] = {std::numeric_limits<float>::quiet_NaN(),
                               std::numeric_limits<float>::infinity(),
                               -std::numeric_limits<float>::infinity(),
                               -0.0f,
                               0.0f,
                               std::numeric_limits<float>::denorm_min(),
                               -1e-39f,
                               std::numeric_limits<float>::max(),
                               std::numeric_limits<float>::min()};
  return kValues[bits % std::size(kValues)];
}

Tensor matrix(int64_t rows, int64_t cols, uint64_t key, Data data) {
  Tensor t(DType::f32, {rows, cols});
  for (int64_t i = 0; i < t.elements(); ++i) {
    const Philox p = philox(key, 0, static_cast<uint64_t>(i));
    // Exponents differ, so that another order of adding would show.
    const float plain = std::ldexp(unit_float(p.v[0]) - 0.5f, static_cast<int>(p.v[1] % 16));
    t.data<float>()[i] = data == Data::special && p.v[2] % 16 == 0 ? special_value(p.v[3]) : plain;
  }
  return t;
}

Tensor byte_matrix(int64_t rows, int64_t cols, uint64_t key) {
  Tensor t(DType::u8, {rows, cols});
  for (int64_t i = 0; i < t.elements(); ++i)
    t.data<uint8_t>()[i] = static_cast<uint8_t>(philox(key, 0, static_cast<uint64_t>(i)).v[0]);
  return t;
}

class Product {
 public:
  explicit Product(const Case& c, Data data = Data::plain)
      : a_(c.bytes     ? byte_matrix(c.trans_a ? c.k : c.m, c.trans_a ? c.m : c.k, 1)
           : c.trans_a ? matrix(c.k, c.m, 1, data)
                       : matrix(c.m, c.k, 1, data)),
        b_(c.trans_b ? matrix(c.n, c.k, 2, data) : matrix(c.k, c.n, 2, data)),
        type_{DType::f32, {c.m, c.n}},
        name_(text(c)) {
    ir::Attrs attrs{{"trans_a", int64_t{c.trans_a}}, {"trans_b", int64_t{c.trans_b}}};
    if (c.shards > 0) {
      attrs.set("batch", c.batch);
      attrs.set("shards", c.shards);
    }
    if (c.bytes) {
      attrs.set("zero", static_cast<double>(127.3f));
      attrs.set("scale", static_cast<double>(0.017f));
    }
    node_ = {&ir::op::matmul, {}, attrs, {}, ""};
    reference_.resize(static_cast<size_t>(type_.shape.elements()));
    with_views(reference_.data(), [&](auto in, auto out) {
      run_reference({&node_, in, out}, false);
    });
  }

  const std::vector<float>& reference() const { return reference_; }

  void expect_same_bits(Isa isa, int threads) {
    constexpr size_t kGuard = 64;
    const float guard = std::bit_cast<float>(0xFFFFFFFFu);  // a NaN
    const Problem problem{&node_, {a_.type(), b_.type()}, {type_}, isa, threads};
    ASSERT_EQ(refuse_packed_gemm(problem), "");
    const std::unique_ptr<Kernel> kernel = make_packed_gemm(problem);
    KernelMemory memory(*kernel, threads);
    memory.fill(0xFF);
    std::vector<float> result(reference_.size() + kGuard, guard);
    ThreadPool pool(threads);
    with_views(result.data(), [&](auto in, auto out) { kernel->run(memory.call(in, out, &pool)); });
    for (size_t i = 0; i < result.size(); ++i) {
      const float expected = i < reference_.size() ? reference_[i] : guard;
      const bool same = std::bit_cast<uint32_t>(result[i]) == std::bit_cast<uint32_t>(expected) ||
                        (i < reference_.size() && std::isnan(result[i]) && std::isnan(expected));
      ASSERT_TRUE(same) << name_ << " at " << name_of(isa) << " with " << threads
                        << " threads: element " << i << " is " << result[i] << ", expected "
                        << expected;
    }
  }

  // relu(c + bias), which tiles apply in registers, and that + residual, with the bias along the
  // columns.
  void expect_epilogues(Isa isa, int threads) {
    for (bool has_residual : {false, true}) expect_epilogue(isa, threads, has_residual);
  }

  void expect_epilogue(Isa isa, int threads, bool has_residual) {
    const int64_t n = type_.shape[1];
    Tensor bias = matrix(1, n, 3, Data::plain).reshaped({n});
    Tensor residual = matrix(type_.shape[0], n, 4, Data::plain);
    auto body = std::make_shared<ir::Graph>("epilogue");
    const ir::ValueId c = body->input("c", type_);
    const ir::ValueId b = body->input("bias", bias.type());
    const ir::ValueId relu = body->add(ir::op::relu, {body->add(ir::op::add, {c, b})});
    std::vector<TensorType> operands = {a_.type(), b_.type(), bias.type()};
    std::vector<View> in = {
        {a_.raw(), &a_.type()}, {b_.raw(), &b_.type()}, {bias.raw(), &bias.type()}};
    if (has_residual) {
      const ir::ValueId r = body->input("residual", residual.type());
      body->output("y", body->add(ir::op::add, {relu, r}));
      operands.push_back(residual.type());
      in.push_back({residual.raw(), &residual.type()});
    } else {
      body->output("y", relu);
    }
    ir::Node node = node_;
    node.attrs.set("epilogue", ir::Region(body));

    const Problem problem{&node, operands, {type_}, isa, threads};
    ASSERT_EQ(refuse_packed_gemm(problem), "");
    const std::unique_ptr<Kernel> kernel = make_packed_gemm(problem);
    KernelMemory memory(*kernel, threads);
    Tensor y(DType::f32, type_.shape);
    const View out[] = {{y.raw(), &y.type()}};
    ThreadPool pool(threads);
    kernel->run(memory.call(in, out, &pool));
    for (int64_t i = 0; i < y.elements(); ++i) {
      const float sum = reference_[static_cast<size_t>(i)] + bias.data<float>()[i % n];
      const float relu_of = sum > 0 ? sum : 0.0f;
      const float expected = has_residual ? relu_of + residual.data<float>()[i] : relu_of;
      ASSERT_EQ(y.data<float>()[i], expected)
          << name_ << " at " << name_of(isa) << ", element " << i;
    }
  }

  void expect_same_bits_everywhere() {
    for (Isa isa : simd_isas()) expect_same_bits(isa, 1);
  }

 private:
  template <class F>
  void with_views(float* result, F&& f) {
    const View in[] = {{a_.raw(), &a_.type()}, {b_.raw(), &b_.type()}};
    const View out[] = {{reinterpret_cast<std::byte*>(result), &type_}};
    f(std::span<const View>(in), std::span<const View>(out));
  }

  Tensor a_, b_;
  TensorType type_;
  std::string name_;
  ir::Node node_;
  std::vector<float> reference_;
};

std::vector<Case> random_cases(int count, int64_t largest) {
  std::vector<Case> cases;
  for (int i = 0; i < count; ++i) {
    const auto draw = [&](uint64_t what, int64_t bound) {
      const uint64_t index = static_cast<uint64_t>(i) * 8 + what;
      return static_cast<int64_t>(uniform_below(7, index, static_cast<uint64_t>(bound)));
    };
    Case c{1 + draw(0, largest), 1 + draw(1, largest), 1 + draw(2, largest), draw(3, 2) != 0,
           draw(4, 2) != 0};
    if (draw(5, 2) != 0) {
      c.batch = c.k + draw(6, 20);  // the last batch of an epoch may be short
      c.shards = 1 + draw(7, std::min<int64_t>(8, c.batch));
    }
    cases.push_back(c);
  }
  return cases;
}

TEST(Gemm, ReferenceAddsUpByHand) {
  // Small integers: every order gives the same sum, so that only places and signs can be wrong.
  for (const Case& c : random_cases(40, 9)) {
    Tensor a(DType::f64, {c.trans_a ? c.k : c.m, c.trans_a ? c.m : c.k});
    Tensor b(DType::f64, {c.trans_b ? c.n : c.k, c.trans_b ? c.k : c.n});
    for (int64_t i = 0; i < a.elements(); ++i) a.data<double>()[i] = static_cast<double>(i % 7 - 3);
    for (int64_t i = 0; i < b.elements(); ++i) b.data<double>()[i] = static_cast<double>(i % 5 - 2);
    Tensor out(DType::f64, {c.m, c.n});
    ir::Attrs attrs{{"trans_a", int64_t{c.trans_a}}, {"trans_b", int64_t{c.trans_b}}};
    if (c.shards > 0)
      attrs = {{"trans_a", int64_t{c.trans_a}},
               {"trans_b", int64_t{c.trans_b}},
               {"batch", c.batch},
               {"shards", c.shards}};
    const ir::Node node{&ir::op::matmul, {}, attrs, {}, ""};
    const View in[] = {{a.raw(), &a.type()}, {b.raw(), &b.type()}};
    const View results[] = {{out.raw(), &out.type()}};
    run_reference({&node, in, results}, true);
    for (int64_t i = 0; i < c.m; ++i) {
      for (int64_t j = 0; j < c.n; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < c.k; ++k)
          sum += a.data<double>()[c.trans_a ? k * c.m + i : i * c.k + k] *
                 b.data<double>()[c.trans_b ? j * c.k + k : k * c.n + j];
        ASSERT_EQ(out.data<double>()[i * c.n + j], sum) << text(c);
      }
    }
  }
}

TEST(Gemm, ReferenceTakesTheShardTree) {
  // The chain loses the 1; where 1e8 and -1e8 meet first, it stays.
  Tensor a = Tensor::from<float>({1, 4}, {1, 0, 1e8f, -1e8f});
  Tensor b = Tensor::from<float>({4, 1}, {1, 1, 1, 1});
  const auto sum = [&](int64_t batch, int64_t shards) {
    const ir::Node node{&ir::op::matmul, {}, {{"batch", batch}, {"shards", shards}}, {}, ""};
    Tensor out(DType::f32, {1, 1});
    const View in[] = {{a.raw(), &a.type()}, {b.raw(), &b.type()}};
    const View results[] = {{out.raw(), &out.type()}};
    run_reference({&node, in, results}, false);
    return out.data<float>()[0];
  };
  EXPECT_EQ(sum(4, 1), 0.0f);
  EXPECT_EQ(sum(4, 2), 1.0f);
  EXPECT_EQ(sum(4, 4), 1.0f);
  EXPECT_EQ(sum(8, 2), 0.0f);  // all four samples are in the first shard
  EXPECT_EQ(sum(8, 4), 1.0f);
}

TEST(Gemm, EqualsTheReferenceOnRandomShapes) {
  for (const Case& c : random_cases(150, 90)) Product(c).expect_same_bits_everywhere();
}

TEST(Gemm, EqualsTheReferenceOnSpecialValues) {
  for (const Case& c : random_cases(60, 40))
    Product(c, Data::special).expect_same_bits_everywhere();
}

TEST(Gemm, ContinuesTheChainFromChunkToChunkAndBlockToBlock) {
  for (bool trans_a : {false, true})
    for (bool trans_b : {false, true})
      for (const Case& c :
           {Case{130, 515, 170, trans_a, trans_b}, Case{15, 270, 530, trans_a, trans_b},
            Case{3, 1000, 33, trans_a, trans_b}, Case{290, 300, 7, trans_a, trans_b}})
        Product(c).expect_same_bits_everywhere();
}

TEST(Gemm, TakesTheShardTreeWithShortBatches) {
  for (int64_t shards : {1, 2, 3, 4, 5, 6, 7, 8, 13, 33, 64})
    for (int64_t samples : {1, 5, 16, 31, 32, 33, 63, 64})
      for (const Case& c : {Case{37, samples, 45, true, false, 64, shards},
                            Case{9, samples, 70, false, true, 64, shards}})
        Product(c).expect_same_bits_everywhere();
}

TEST(Gemm, HasTheSameBitsOnAnyNumberOfThreads) {
  for (const Case& c : {Case{64, 784, 10}, Case{150, 64, 128, true, false, 64, 4},
                        Case{50, 61, 530, true, false, 64, 4}, Case{64, 128, 300, false, true},
                        Case{200, 300, 170}}) {
    Product product(c);
    for (Isa isa : simd_isas())
      for (int threads : {1, 2, 3, 5}) product.expect_same_bits(isa, threads);
  }
}

TEST(Gemm, ReadsBytesAsTheNumbersTheyStandFor) {
  std::vector<Case> cases = random_cases(100, 90);
  for (bool trans_a : {false, true})
    for (bool trans_b : {false, true})
      for (const Case& c :
           {Case{130, 515, 170, trans_a, trans_b}, Case{15, 270, 530, trans_a, trans_b},
            Case{1, 270, 70, trans_a, trans_b}, Case{290, 300, 7, trans_a, trans_b},
            Case{784, 64, 10, trans_a, trans_b, 64, 4}})
        cases.push_back(c);
  for (Case& c : cases) {
    c.bytes = true;
    Product product(c);
    for (Isa isa : simd_isas()) {
      for (int threads : {1, 3}) product.expect_same_bits(isa, threads);
      product.expect_epilogues(isa, 1);
    }
  }
}

TEST(Gemm, SumOfNothingIsPlusZero) {
  for (const Case& c : {Case{5, 0, 20}, Case{5, 0, 20, true, true, 64, 4}}) {
    Product product(c);
    for (float x : product.reference()) EXPECT_EQ(std::bit_cast<uint32_t>(x), 0u);
    product.expect_same_bits_everywhere();
  }
  for (const Case& c : {Case{0, 4, 5}, Case{4, 5, 0}}) Product(c).expect_same_bits_everywhere();
}

TEST(Gemm, RunsTheEpilogueOnTheFinishedChains) {
  for (const Case& c : {Case{45, 300, 70}, Case{5, 20, 3, false, true}, Case{1, 7, 33},
                        Case{130, 64, 150, true, false, 64, 4}, Case{6, 0, 20}}) {
    Product product(c);
    for (Isa isa : simd_isas())
      for (int threads : {1, 3}) product.expect_epilogues(isa, threads);
  }
}

TEST(Gemm, RefusesWhatItDoesNotCompute) {
  const ir::Node node{&ir::op::matmul, {}, {}, {}, ""};
  const TensorType wide{DType::f64, {2, 2}};
  EXPECT_EQ(refuse_packed_gemm({&node, {wide, wide}, {wide}, Isa::avx2, 1}),
            "operands are f64: only f32 is computed");

  auto body = std::make_shared<ir::Graph>("epilogue");
  const TensorType type{DType::f32, {2, 2}};
  const ir::ValueId c = body->input("c", type);
  body->output("y", body->add(ir::op::greater, {c, c}));
  const ir::Node with_epilogue{&ir::op::matmul, {}, {{"epilogue", ir::Region(body)}}, {}, ""};
  const TensorType boolean{DType::boolean, {2, 2}};
  EXPECT_EQ(refuse_packed_gemm({&with_epilogue, {type, type}, {boolean}, Isa::avx2, 1}),
            "the epilogue gives bool: only f32 is written in place");
}

TEST(Gemm, PeakIsMeasured) {
  for (Isa isa : simd_isas()) EXPECT_GT(measure_fma_peak_gflops(isa), 0.0);
}

TEST(BatchedGemm, KernelEqualsTheReference) {
  struct {
    Shape a, b;
    bool trans_a, trans_b;
  } const cases[] = {
      {{2, 3, 5, 7}, {2, 3, 7, 4}, false, false}, {{2, 3, 5, 7}, {3, 7, 4}, false, false},
      {{2, 1, 5, 7}, {1, 3, 4, 7}, false, true},  {{4, 5, 7}, {7, 33}, false, false},
      {{4, 70, 9}, {1, 20, 9}, false, true},      {{5, 7}, {3, 7, 200}, false, false},
      {{3, 7, 130}, {7, 200}, true, false},       {{6, 100, 64}, {6, 100, 64}, false, true},
      {{0, 5, 7}, {7, 4}, false, false},          {{2, 5, 0}, {2, 0, 4}, false, false},
  };
  for (const auto& c : cases) {
    const ir::Attrs attrs{{"trans_a", int64_t{c.trans_a}}, {"trans_b", int64_t{c.trans_b}}};
    const NodeCase node(ir::op::matmul, {random_tensor(c.a, 1, true), random_tensor(c.b, 2)},
                        attrs);
    EXPECT_EQ(check_against_reference(node), 1) << c.a.to_string() << c.b.to_string();
  }
}

TEST(BatchedGemm, ByHand) {
  const Tensor a = Tensor::from<float>({2, 1, 2}, {1, 2, 3, 4});
  const Tensor b = Tensor::from<float>({2, 2, 1}, {1, 10, 100, 1000});
  EXPECT_TRUE(by_reference({ir::op::matmul, {a, b}, {}})[0].same_bits(
      Tensor::from<float>({2, 1, 1}, {21, 4300})));
}

TEST(IntegerGemm, WrapsAround) {
  const Tensor a = Tensor::from<int32_t>({1, 2}, {INT32_MAX, 3});
  const Tensor b = Tensor::from<int32_t>({2, 1}, {2, 5});
  EXPECT_TRUE(
      by_reference({ir::op::matmul, {a, b}, {}})[0].same_bits(Tensor::from<int32_t>({1, 1}, {13})));
}

}  // namespace
}  // namespace hone::kernels
