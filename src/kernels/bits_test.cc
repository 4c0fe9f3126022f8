// The harness of the numerics contract: every kernel row, at every level of this machine, on any
// number of threads, in every layout of its operands, in place where it allows that and in lines
// where it offers them, gives the bits of its op's reference. A new row is tested by being in the
// table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/dtype.h"
#include "ir/expr.h"
#include "kernels/interpreter.h"
#include "kernels/line_kernel.h"
#include "kernels/panels.h"
#include "kernels/problems.h"

namespace hone::kernels {

// Found by GoogleTest through the argument's namespace, so not in the unnamed one.
void PrintTo(const KernelRow& row, std::ostream* out) { *out << row.name; }

namespace {

constexpr uint64_t kCases = 40;
constexpr int kThreadCounts[] = {1, 2, 3, 5};
constexpr uint8_t kGarbage = 0xA5;
constexpr uint8_t kPoison = 0xFF;  // NaN, and the greatest u8: a maximum shows it

ThreadPool& pool_of(int threads) {
  static std::array<std::unique_ptr<ThreadPool>, 6> pools;
  std::unique_ptr<ThreadPool>& pool = pools[static_cast<size_t>(threads)];
  if (!pool) pool = std::make_unique<ThreadPool>(threads);
  return *pool;
}

/// Half of the cases have NaN, infinities and the like.
Case case_of(const ir::OpSpec& op, uint64_t seed) {
  CaseOptions options;
  if (seed % 2 == 1) options.values = Values::specials;
  return random_case(op, seed, options);
}

/// Memory as in an arena: 64-byte aligned, full of garbage, with fences that show writes outside.
class Fenced {
 public:
  explicit Fenced(int64_t bytes) : bytes_(bytes), memory_(DType::u8, {bytes + 2 * kFence}) {
    std::memset(memory_.raw(), kGarbage, static_cast<size_t>(memory_.bytes()));
  }
  explicit Fenced(const Tensor& contents) : Fenced(contents.bytes()) {
    std::memcpy(data(), contents.raw(), static_cast<size_t>(contents.bytes()));
  }
  std::byte* data() { return memory_.raw() + kFence; }
  bool intact() {
    const uint8_t* m = memory_.data<uint8_t>();
    for (int64_t i = 0; i < kFence; ++i)
      if (m[i] != kGarbage || m[kFence + bytes_ + i] != kGarbage) return false;
    return true;
  }

 private:
  static constexpr int64_t kFence = 4096;
  int64_t bytes_;
  Tensor memory_;
};

/// Each worker's scratch memory, with a fence behind it.
class FencedScratch {
 public:
  FencedScratch(int64_t bytes, int workers)
      : bytes_(bytes), step_(round_up(bytes, 64) + 256), workers_(workers), all_(workers * step_) {}
  std::byte* data() { return all_.data(); }
  int64_t step() const { return step_; }
  bool intact() {
    for (int64_t worker = 0; worker < workers_; ++worker)
      for (int64_t i = bytes_; i < step_; ++i)
        if (all_.data()[worker * step_ + i] != std::byte{kGarbage}) return false;
    return all_.intact();
  }

 private:
  int64_t bytes_, step_;
  int workers_;
  Fenced all_;
};

/// The index of the first element that differs, or -1. All NaNs are equal.
int64_t first_difference(const Tensor& expected, const std::byte* found) {
  return visit(expected.dtype(), [&](auto tag) -> int64_t {
    using T = decltype(tag);
    const std::byte* want = expected.raw();
    for (int64_t i = 0; i < expected.elements(); ++i) {
      const size_t at = static_cast<size_t>(i) * sizeof(T);
      if (std::memcmp(want + at, found + at, sizeof(T)) == 0) continue;
      T a, b;
      std::memcpy(&a, want + at, sizeof(T));
      std::memcpy(&b, found + at, sizeof(T));
      if constexpr (std::is_floating_point_v<T>)
        if (a != a && b != b) continue;
      return i;
    }
    return -1;
  });
}

std::string element(const Tensor& type, const std::byte* data, int64_t i) {
  return visit(type.dtype(), [&](auto tag) {
    using T = decltype(tag);
    T value;
    std::memcpy(&value, data + static_cast<size_t>(i) * sizeof(T), sizeof(T));
    if constexpr (std::is_same_v<T, float>) return fmt::format("{:a}", value);
    else if constexpr (is_half<T>) return fmt::format("{:#06x}", value.bits);
    else return fmt::format("{}", value);
  });
}

std::vector<Tensor> reference_results(const Case& c) {
  std::vector<Tensor> results;
  for (auto& [name, tensor] : interpret(c.graph, c.operands).outputs) results.push_back(tensor);
  return results;
}

/// Result `result` lives in the memory of operand `operand`.
struct Alias {
  int result = -1;
  int operand = -1;
};

/// Runs the kernel, or its `lines`; says what it did wrong, or nothing.
std::string fault_of(const Kernel& kernel, const std::vector<Tensor>& originals,
                     const std::vector<Tensor>& expected, const Problem& problem, Alias alias = {},
                     std::optional<Lines> lines = {}) {
  std::vector<Fenced> operands, results;
  std::vector<View> operand_views, result_views;
  for (size_t i = 0; i < originals.size(); ++i) {
    operands.emplace_back(originals[i]);
    operand_views.push_back({operands[i].data(), &problem.operands[i]});
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    const bool aliased = static_cast<int>(i) == alias.result;
    results.emplace_back(aliased ? 0 : expected[i].bytes());
    std::byte* data =
        aliased ? operands[static_cast<size_t>(alias.operand)].data() : results[i].data();
    result_views.push_back({data, &problem.results[i]});
  }
  Fenced workspace(lines ? 0 : kernel.workspace_bytes());
  FencedScratch scratch(lines ? kernel.lines()->line_scratch_bytes() : kernel.scratch_bytes(),
                        problem.threads);
  // There may be fewer threads than a kernel is made for.
  ThreadPool& pool = pool_of(problem.threads == 5 ? 4 : problem.threads);
  const Call call{operand_views, result_views,   workspace.data(),
                  &pool,         scratch.data(), scratch.step()};
  if (lines) kernel.lines()->run_lines(call, *lines);
  else kernel.run(call);

  for (size_t i = 0; i < expected.size(); ++i) {
    const std::byte* found = result_views[i].data;
    const int64_t at = first_difference(expected[i], found);
    if (at >= 0)
      return fmt::format("result {}, element {}: expected {}, found {}", i, at,
                         element(expected[i], expected[i].raw(), at),
                         element(expected[i], found, at));
    if (!results[i].intact()) return fmt::format("wrote outside result {}", i);
  }
  for (size_t i = 0; i < originals.size(); ++i) {
    if (!operands[i].intact()) return fmt::format("wrote outside operand {}", i);
    if (static_cast<int>(i) != alias.operand &&
        first_difference(originals[i], operands[i].data()) >= 0)
      return fmt::format("changed operand {}", i);
  }
  if (!workspace.intact()) return "wrote outside the workspace";
  return scratch.intact() ? "" : "wrote outside the scratch memory";
}

/// The problem in every layout of its operands that the row has.
std::vector<Problem> layouts_of(const KernelRow& row, const Problem& problem) {
  std::vector<Problem> layouts = {problem};
  if (row.panels != nullptr) {
    Problem packed = problem;
    packed.panels = row.panels(*problem.node, problem.operands[1], problem.isa);
    if (packed.panels) layouts.push_back(packed);
  }
  if (row.planes != nullptr && row.planes(problem))
    for (size_t i = layouts.size(); i-- > 0;) {
      layouts.push_back(layouts[i]);
      layouts.back().planes = true;
    }
  return layouts;
}

/// The operands as the problem says that they lie.
std::vector<Tensor> lay_out(std::vector<Tensor> operands, const Problem& problem) {
  if (problem.panels) operands[1] = pack_panels(*problem.panels, operands[1], problem.isa);
  if (problem.planes) {
    ir::Graph g;
    const ir::Expr image = ir::input(g, "x", operands[0].type());
    g.output("y", ir::transpose(image, {0, 3, 1, 2}).id);
    operands[0] = interpret(g, {{"x", operands[0]}}).outputs.at("y");
  }
  return operands;
}

/// An image in NHWC of which only these lines are there.
Tensor only(Lines lines, const Tensor& image, uint8_t filler) {
  Tensor out(image.dtype(), image.shape());
  std::memset(out.raw(), filler, static_cast<size_t>(out.bytes()));
  const Shape lines_of = image_of_lines(image.shape());
  const int64_t line = lines_of[2] * lines_of[3] * size_of(image.dtype());
  if (lines.begin < lines.end)
    std::memcpy(out.raw() + lines.begin * line, image.raw() + lines.begin * line,
                static_cast<size_t>((lines.end - lines.begin) * line));
  return out;
}

/// Some lines of one sample.
Lines random_lines(Draw& draw, const Shape& result) {
  const Shape image = image_of_lines(result);
  const int64_t top = draw.below(image[0]) * image[1], begin = draw.below(image[1]);
  return {top + begin, top + draw.between(begin + 1, image[1])};
}

/// What the kernel does wrong that makes some lines of the result alone, as in a chain: of operand
/// 0 it has those that they read, and no more scratch than it asks for.
std::string fault_of_lines(const Kernel& kernel, const std::vector<Tensor>& operands,
                           const std::vector<Tensor>& expected, const Problem& problem,
                           uint64_t seed) {
  if (kernel.lines() == nullptr || expected[0].elements() == 0) return {};
  Draw draw(seed);
  for (int i = 0; i < 2; ++i) {
    const Lines lines = kernel.lines()->whole(random_lines(draw, expected[0].shape()));
    std::vector<Tensor> read = operands;
    read[0] = only(kernel.lines()->reads(lines), operands[0], kPoison);
    const std::string fault = fault_of(kernel, lay_out(read, problem),
                                       {only(lines, expected[0], kGarbage)}, problem, {}, lines);
    if (!fault.empty()) return fmt::format("lines {} to {}: {}", lines.begin, lines.end, fault);
  }
  return {};
}

/// Every way in which the row may run a case; false if it refuses it.
bool check_case(const KernelRow& row, const Case& c, Isa isa, const std::vector<Tensor>& expected) {
  bool claimed = false;
  for (int threads : kThreadCounts) {
    if (!row.refuse(c.problem(isa, threads)).empty()) continue;
    claimed = true;
    for (const Problem& problem : layouts_of(row, c.problem(isa, threads))) {
      const std::string where = fmt::format(
          "{}{}{} at {} with {} threads: {}", row.name, problem.panels ? " on panels" : "",
          problem.planes ? " on planes" : "", name_of(isa), threads, c.describe());
      const std::unique_ptr<Kernel> kernel = row.make(problem);
      const std::vector<Tensor> operands = lay_out(c.operand_list(), problem);
      std::vector<Alias> aliases = {{}};
      if (row.in_place != nullptr)
        for (int r = 0; r < static_cast<int>(problem.results.size()); ++r)
          for (int o = 0; o < static_cast<int>(problem.operands.size()); ++o)
            if (row.in_place(problem, r, o)) aliases.push_back({r, o});
      for (Alias alias : aliases)
        EXPECT_EQ(fault_of(*kernel, operands, expected, problem, alias), "")
            << "result " << alias.result << " in operand " << alias.operand << " by " << where;
      EXPECT_EQ(fault_of_lines(*kernel, c.operand_list(), expected, problem, c.seed), "") << where;
    }
    if (testing::Test::HasFailure()) break;
  }
  return claimed;
}

class Bits : public testing::TestWithParam<size_t> {};

TEST_P(Bits, EqualTheReference) {
  const KernelRow& row = kernel_rows()[GetParam()];
  bool claimed = false, runs_here = false;
  for (Isa isa : available_isas()) runs_here |= isa >= row.lowest;
  if (!runs_here) GTEST_SKIP() << "this machine lacks " << name_of(row.lowest);
  for (uint64_t seed = 0; seed < kCases; ++seed) {
    const Case c = case_of(*row.op, seed);
    const std::vector<Tensor> expected = reference_results(c);
    for (Isa isa : available_isas()) {
      if (isa < row.lowest) continue;
      claimed |= check_case(row, c, isa, expected);
      if (HasFailure()) return;
    }
  }
  EXPECT_TRUE(claimed) << "row '" << row.name << "' refused every case: the last because "
                       << row.refuse(case_of(*row.op, kCases - 1).problem(row.lowest, 1));
}

// "3_gemm_packed_matmul": a row may serve several ops under one name.
std::string test_name(const testing::TestParamInfo<size_t>& info) {
  const KernelRow& row = kernel_rows()[info.param];
  std::string name = fmt::format("{}_{}_{}", info.param, row.name, row.op->name);
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Rows, Bits, testing::Range(size_t{0}, kernel_rows().size()), test_name);

// The harness itself: it finds what a kernel may do wrong.

/// relu, and then a fault.
template <auto kFault>
class Faulty final : public Kernel {
 public:
  void run(const Call& call) const noexcept override {
    const float* x = call.operands[0].as<float>();
    float* y = call.results[0].as<float>();
    for (int64_t i = 0; i < call.results[0].shape().elements(); ++i) y[i] = x[i] > 0 ? x[i] : 0;
    kFault(call);
  }
};

template <auto kFault>
std::string found_fault() {
  const Case c = random_case(ir::op::relu, 1);
  return fault_of(Faulty<kFault>(), c.operand_list(), reference_results(c),
                  c.problem(Isa::scalar, 1));
}

TEST(BitsHarness, FindsEveryFault) {
  EXPECT_EQ(found_fault<[](const Call&) {}>(), "");
  constexpr auto flip_last_bit = [](const Call& call) {
    *(call.results[0].data + call.results[0].type->bytes() - 4) ^= std::byte{1};
  };
  EXPECT_THAT(found_fault<flip_last_bit>(), testing::HasSubstr("expected 0x"));
  constexpr auto write_past_end = [](const Call& call) {
    *(call.results[0].data + call.results[0].type->bytes()) = std::byte{1};
  };
  EXPECT_EQ(found_fault<write_past_end>(), "wrote outside result 0");
  constexpr auto clobber = [](const Call& call) { *call.operands[0].data ^= std::byte{1}; };
  EXPECT_EQ(found_fault<clobber>(), "changed operand 0");
  constexpr auto use_absent_workspace = [](const Call& call) { *call.workspace = std::byte{1}; };
  EXPECT_EQ(found_fault<use_absent_workspace>(), "wrote outside the workspace");
  constexpr auto use_absent_scratch = [](const Call& call) { *call.scratch = std::byte{1}; };
  EXPECT_EQ(found_fault<use_absent_scratch>(), "wrote outside the scratch memory");
  constexpr auto use_another_workers = [](const Call& call) {
    *(call.scratch_of(1) - 1) = std::byte{1};
  };
  EXPECT_EQ(found_fault<use_another_workers>(), "wrote outside the scratch memory");
}

TEST(References, ExistForEveryOp) {
  for (const ir::OpSpec* op : ir::builtin_ops()) {
    if (op->op_class == ir::OpClass::source || op == &ir::op::fused) continue;  // fused: its body
    EXPECT_NE(find_reference(*op), nullptr) << "op '" << op->name << "' has no reference";
  }
}

// A row that names an op twice, or an op without one, would hide another.
TEST(References, AreUnique) {
  for (const ReferenceRow& row : reference_rows())
    EXPECT_EQ(find_reference(*row.op), &row) << "two references of '" << row.op->name << "'";
}

TEST(Problems, ExistForEveryOpAndAreReproducible) {
  for (const ir::OpSpec* op : ir::builtin_ops()) {
    if (op->op_class == ir::OpClass::source) continue;
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const Case a = case_of(*op, seed), b = case_of(*op, seed);
      EXPECT_EQ(a.node().op, op);
      EXPECT_EQ(a.describe(), b.describe());
      for (const auto& [name, tensor] : a.operands)
        EXPECT_TRUE(tensor.same_bits(b.operands.at(name))) << a.describe();
    }
  }
}

}  // namespace
}  // namespace hone::kernels
