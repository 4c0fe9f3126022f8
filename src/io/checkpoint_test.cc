// Checkpoints: there and back, and refused for another network or other numerics.
#include "io/checkpoint.h"

#include <gtest/gtest.h>

#include "base/numerics.h"
#include "base/test_support.h"
#include "io/file.h"
#include "io/safetensors.h"
#include "ir/equal.h"
#include "passes/autodiff.h"

namespace hone::io {
namespace {

using test::error_of;
using test::TempFolder;

ir::Graph network(int64_t width, float scale = 2) {
  ir::Graph g("net");
  const auto x = g.input("x", {DType::f32, {kBatch, 3}});
  const auto w = g.state("fc.weight", {DType::f32, {3, width}}, true);
  const auto y = g.add(ir::op::matmul, {x, w}, {}, "fc");
  g.output("y", g.add(ir::op::mul, {y, g.constant(Tensor::scalar(scale))}));
  return g;
}

Checkpoint checkpoint_of(const ir::Graph& g) {
  Checkpoint c;
  for (ir::ValueId v : g.states()) c.states[g.producer(v).name] = Tensor(DType::f32, g.shape(v));
  for (std::string_view name :
       {checkpoint_key::seed, checkpoint_key::shards, checkpoint_key::batch, checkpoint_key::epoch})
    c.set(name, 4);
  c.set(checkpoint_key::step, int64_t{1} << 40);
  c.metadata[std::string(checkpoint_key::network)] = network_signature(g);
  return c;
}

std::string mismatch(const Checkpoint& c, const ir::Graph& g) {
  return error_of(ErrorKind::InvalidInput,
                  [&] { require_matches(c, "run.ckpt", g, network_signature(g)); });
}

TEST(Checkpoint, ReturnsAndMatchesItsNetwork) {
  const TempFolder folder;
  const ir::Graph g = network(2);
  save_checkpoint(folder.file("c"), checkpoint_of(g));
  const Checkpoint c = load_checkpoint(folder.file("c"));
  EXPECT_EQ(c.integer(checkpoint_key::step), int64_t{1} << 40);
  EXPECT_EQ(c.integer(checkpoint_key::numerics), kNumericsVersion);
  EXPECT_TRUE(c.states.at("fc.weight").same_bits(Tensor(DType::f32, {3, 2})));
  EXPECT_NO_THROW(require_matches(c, "c", g, network_signature(g)));
  EXPECT_EQ(error_of(ErrorKind::InvalidInput, [&] { c.integer("lr"); }),
            "checkpoint: 'lr': expected an integer, found ''");
}

TEST(Checkpoint, NamesTheFirstStateThatDiffers) {
  const TempFolder folder;
  const ir::Graph g = network(2);
  save_checkpoint(folder.file("c"), checkpoint_of(g));
  Checkpoint c = load_checkpoint(folder.file("c"));
  EXPECT_EQ(mismatch(c, network(5)),
            "checkpoint 'run.ckpt' is of another network: state 'fc.weight': expected f32[3,5], "
            "found f32[3,2]");
  c.states["fc.bias"] = Tensor(DType::f32, {2});
  EXPECT_EQ(mismatch(c, g),
            "checkpoint 'run.ckpt' is of another network: state 'fc.bias': expected none, found "
            "f32[2]");
  c.states.clear();
  EXPECT_EQ(mismatch(c, g),
            "checkpoint 'run.ckpt' is of another network: state 'fc.weight': expected f32[3,2], "
            "found none");
}

TEST(Checkpoint, TellsNetworksOfEqualStatesApart) {
  const TempFolder folder;
  EXPECT_EQ(network_signature(network(2)), network_signature(network(2)));
  EXPECT_NE(network_signature(network(2)), network_signature(network(2, 3)));
  save_checkpoint(folder.file("c"), checkpoint_of(network(2)));
  EXPECT_EQ(mismatch(load_checkpoint(folder.file("c")), network(2, 3)),
            "checkpoint 'run.ckpt' is of another network, optimiser or data: expected signature " +
                network_signature(network(2, 3)) + ", found " + network_signature(network(2)));
}

// Runs that were saved before gradients had names go on.
TEST(Checkpoint, IdentifiesANetworkWithoutTheNamesOfItsGradients) {
  ir::Graph g("net");
  const auto w = g.state("w", {DType::f32, {}}, true);
  g.output("loss", g.add(ir::op::mul, {w, w}, {}, "square"));
  g = passes::differentiate(g, "loss");
  ir::Graph unnamed = g;
  for (size_t i = 0; i < g.nodes().size(); ++i)
    if (passes::is_gradient_name(g.nodes()[i].name))
      unnamed.name_node(static_cast<ir::NodeId>(i), "");
  EXPECT_FALSE(ir::equal(unnamed, g));
  EXPECT_EQ(network_signature(unnamed), network_signature(g));
}

TEST(Checkpoint, RefusesOtherNumericsAndOtherFiles) {
  const TempFolder folder;
  const ir::Graph g = network(2);
  save_checkpoint(folder.file("c"), checkpoint_of(g));
  Checkpoint c = load_checkpoint(folder.file("c"));
  c.set(checkpoint_key::numerics, 99);
  EXPECT_EQ(mismatch(c, g),
            "checkpoint 'run.ckpt' has numerics version 99, this hone has 4: resuming would not "
            "give the same bits");
  save_safetensors(folder.file("plain"), {});
  EXPECT_EQ(error_of(ErrorKind::InvalidInput, [&] { load_checkpoint(folder.file("plain")); }),
            "'" + (folder.file("plain")) +
                "' is no checkpoint of hone: expected format 'hone-checkpoint-1', found ''");
}

}  // namespace
}  // namespace hone::io
