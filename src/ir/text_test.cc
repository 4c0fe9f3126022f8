// Text and back: every attribute type, exact floats, regions; broken texts give a line, never a
// crash.
#include "ir/text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/test_support.h"
#include "ir/equal.h"
#include "ir/parse.h"

namespace hone::ir {
namespace {

constexpr std::string_view kMlp = R"(graph mlp {
  %input = input "input" : f32[N,784]
  %dense1.weight = state "dense1.weight" trainable : f32[784,128]
  %rate = state "rate" : f32[]
  %3 = matmul(%input, %dense1.weight) "dense1" : f32[N,128]
  %scale = constant "scale" 0.5 : f32[]
  %5 = fused(%3, %scale) {body=graph mul_relu {
    %a = input "a" : f32[N,128]
    %b = input "b" : f32[]
    %2 = mul(%a, %b) : f32[N,128]
    %3 = relu(%2) : f32[N,128]
    output "y" = %3
    output "z" = %2
  }} : f32[N,128], f32[N,128]
  %7 = reduce_sum(%5) {axes=[0, 1], batch=64, shards=4} : f32[]
  %8 = constant [1, -0, inf, -inf, nan, 1e-45] : f32[2,3]
  %9 = add(%rate, %7) : f32[]
  output "logits" = %6
  output "odd \"name\"" = %8
  update %rate = %9
}
)";

std::string fixed(std::string_view text) {  // both results of the fused node, as printed
  std::string out(text);
  const std::string one = "%5 = fused";
  out.replace(out.find(one), one.size(), "%5, %6 = fused");
  return out;
}

TEST(Text, RoundTrips) {
  const std::string text = fixed(kMlp);
  const Graph graph = parse(text);
  EXPECT_EQ(to_text(graph), text);
  EXPECT_TRUE(equal(parse(to_text(graph)), graph));
  EXPECT_EQ(graph.nodes().size(), 9u);
  EXPECT_EQ(graph.updates().size(), 1u);
}

// An op that takes any attribute, to print each kind.
std::vector<TensorType> same(std::span<const TensorType> in, const Attrs&) { return {in[0]}; }
const OpSpec kAnything{"test_anything", 1, 1, OpClass::structured, "i,f,s,ints,t,region", same};

const OpSpec& anything() {
  if (find_op(kAnything.name) == nullptr) register_op(&kAnything);
  return kAnything;
}

TEST(Text, EveryAttributeTypeRoundTrips) {
  Graph graph("odd name");
  ValueId x = graph.input("x y", {DType::u8, {3}});
  Graph region("r");
  region.output("o", region.input("i", {DType::boolean, {}}));
  const Region shared = std::make_shared<const Graph>(region);
  for (double f : {0.1, -0.0, 1.0, 1e300, 5e-324, std::numeric_limits<double>::infinity(),
                   std::numeric_limits<double>::quiet_NaN()}) {
    x = graph.add(anything(), {x},
                  {{"f", f},
                   {"i", std::numeric_limits<int64_t>::min()},
                   {"s", std::string("a \"b\"\\\n\x01 # é")},
                   {"ints", Ints{}},
                   {"t", Tensor::from<int64_t>({2, 1}, {-7, 9})},
                   {"region", shared}},
                  "n \"1\"");
  }
  graph.output("", x);
  const Graph back = parse(to_text(graph));
  EXPECT_TRUE(equal(back, graph)) << to_text(graph);
}

TEST(Text, ConstantsKeepTheirBits) {
  const float nan = std::bit_cast<float>(0xFFC12345u);
  Graph graph;
  graph.constant(Tensor::from<float>({5}, {0.1f, -0.0f, 1e-45f, 3.4028235e38f, nan}));
  graph.constant(Tensor::from<double>({2}, {0.1, -std::numeric_limits<double>::infinity()}), "d");
  graph.constant(Tensor::from<bool>({2}, {true, false}), "d");
  graph.constant(Tensor::from<uint8_t>({2}, {0, 255}));
  graph.constant(Tensor::from<int32_t>({}, {-5}));
  graph.constant(Tensor::from<uint64_t>({1}, {UINT64_MAX}));
  graph.constant(Tensor::from<int8_t>({2}, {-128, 127}));
  graph.constant(Tensor::from<Float16>({4}, {{0x3555}, {0x8001}, {0xFC00}, {0x7E01}}));
  graph.constant(Tensor::from<BFloat16>({3}, {{0x3EAB}, {0x8001}, {0xFFC1}}));
  graph.constant(Tensor::from<float>({0, 3}, {}));
  const Graph back = parse(to_text(graph));
  EXPECT_TRUE(equal(back, graph)) << to_text(graph);
}

TEST(Text, EqualTellsMinusZeroFromZero) {
  Graph a, b;
  a.constant(Tensor::scalar(0.0f));
  b.constant(Tensor::scalar(-0.0f));
  EXPECT_FALSE(equal(a, b));
}

TEST(Text, LongConstantsShortenForReadingOnly) {
  Graph graph;
  graph.constant(Tensor(DType::f32, {100}), "big");
  const std::string text = to_text(graph, {.max_constant_elements = 8});
  EXPECT_NE(text.find("%big = constant \"big\" ... : f32[100]"), std::string::npos) << text;
  EXPECT_THROW(parse(text), Error);
}

TEST(Parse, TypesMayBeLeftOut) {
  const Graph g = parse("graph g { %x = input \"x\" : f32[N,2]  # comment\n %y = relu(%x) }");
  EXPECT_EQ(g.type(1).to_string(), "f32[N,2]");
}

std::string error_of(std::string_view text) {
  return test::error_of([&] { parse(text); });
}

TEST(Parse, ErrorsNameLineExpectedAndFound) {
  EXPECT_EQ(error_of("graph g {\n  %x = input \"x\" f32[2]\n}"),
            "line 2: expected ':' and a type, found 'f32'");
  EXPECT_EQ(error_of("graph g {\n\n  %y = relu(%x)\n}"),
            "line 3: expected a value that stands above, found '%x'");
  EXPECT_EQ(error_of("graph g {\n %y = frob()\n}"), "line 2: expected an op, found 'frob'");
  EXPECT_EQ(error_of("graph g {\n %x = input \"x\" : f32[2]\n %y = relu(%x) : f32[3]\n}"),
            "line 3: relu gives f32[2], found f32[3]");
  EXPECT_EQ(error_of("graph g {\n %x = constant [1, 2, x] : f32[3]\n}"),
            "line 2: expected a number of type f32, found 'x'");
  EXPECT_EQ(error_of("graph g {\n %x = input \"x\" : f32[2]\n %x = relu(%x)\n}"),
            "line 3: expected a new value, found '%x' again");
  EXPECT_EQ(error_of("graph g {"), "line 1: expected '%', found 'the end'");
  EXPECT_EQ(error_of("graph g {\n %x = constant [1] : f32[99999999999,99999999999]\n}"),
            "line 2: expected f32[99999999999,99999999999], found 1 elements");
}

TEST(Parse, BrokenTextsNeverCrash) {
  const std::string text = fixed(kMlp);
  for (size_t n = 0; n + 2 < text.size(); ++n) EXPECT_THROW(parse(text.substr(0, n)), Error) << n;
  // One character changed: an error or another graph, nothing else.
  for (size_t n = 0; n < text.size(); ++n)
    for (char c : {'%', '"', '{', ']', '9', '-', '\0', 'N'}) {
      std::string changed = text;
      changed[n] = c;
      try {
        parse(changed);
      } catch (const Error& e) {
        EXPECT_TRUE(std::string_view(e.what()).starts_with("line ")) << e.what();
      }
    }
  std::string deep = "graph g { %x = input \"x\" : f32[]\n";
  for (int i = 0; i < 10000; ++i)
    deep += "%y = fused(%x) {body=graph g { %x = input \"x\" : f32[]\n";
  EXPECT_THROW(parse(deep), Error);
}

}  // namespace
}  // namespace hone::ir
