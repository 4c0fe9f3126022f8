// The loss of every training step against a float64 recording from an independent framework
// (tools/record_losses.py): fp32 to 1e-4 relative, the double-precision interpreter to 1e-9.
#include <gtest/gtest.h>
#include <hone/data.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/shards.h"
#include "exec/staged.h"
#include "ir/bind.h"
#include "kernels/interpreter.h"
#include "nn/network.h"
#include "nn/zoo/zoo.h"
#include "train/graphs.h"

namespace hone {
namespace {

constexpr int64_t kBatchSize = 64;

// The script's hash, element for element.
Tensor hashed_weight(const Shape& shape, uint64_t salt, double scale) {
  Tensor out(DType::f32, shape);
  for (int64_t e = 0; e < out.elements(); ++e) {
    const uint64_t i = static_cast<uint64_t>(e) + salt * 1000003;
    uint64_t h = (i * 2654435761u) & 0xFFFFFFFFu;
    h = (((h ^ (h >> 15)) * 2246822519u) & 0xFFFFFFFFu) >> 8;
    const float unit = static_cast<float>(h) * 0x1p-23f - 1.0f;
    out.data<float>()[e] = unit * static_cast<float>(scale);
  }
  return out;
}

std::map<std::string, Tensor> initial_states(const train::GraphAndStates& step) {
  std::map<std::string, Tensor> states;
  uint64_t salt = 0;
  for (const nn::StateInit& s : step.states) {
    const bool weight = s.name.ends_with(".weight") && !s.name.starts_with("optimizer/");
    states.emplace(s.name, weight ? hashed_weight(s.type.shape, salt++,
                                                  1 / std::sqrt(static_cast<double>(s.fan_in)))
                                  : Tensor(s.type.dtype, s.type.shape));
  }
  states.emplace("train/step", Tensor::scalar_i64(0));
  return states;
}

struct RecordedRun {
  train::GraphAndStates step;
  data::Dataset data;
  std::vector<double> recorded;

  explicit RecordedRun(const std::string& name) {
    std::ifstream file(HONE_SOURCE_DIR "/tests/recorded_losses.json");
    recorded = nlohmann::json::parse(file).at(name).get<std::vector<double>>();
    data = data::fashion_mnist({.validation = 0, .seed = 0, .path = {}}).train;
    const size_t slash = name.find('/');
    const auto network =
        nn::make_network(name, nn::zoo_entry(name.substr(0, slash)).of(10),
                         nn::Normalization{{72.94f}, {static_cast<float>(1 / 90.02)}});
    const Optimizer optimizer =
        name.substr(slash + 1) == "sgd" ? sgd({.lr = 0.01}) : adam({.lr = 0.001});
    step =
        train::training_graph(*network, {{DType::u8, {kBatch, 1, 28, 28}}, {DType::i64, {kBatch}}},
                              {.optimizer = optimizer,
                               .loss = softmax_cross_entropy(),
                               .batch = kBatchSize,
                               .shards = Sharding::default_shards(kBatchSize)});
  }

  std::map<std::string, Tensor> batch(size_t i) const {
    const int64_t first = static_cast<int64_t>(i) * kBatchSize;
    return {{"input", data.images.rows(first, first + kBatchSize)},
            {"labels", data.labels.rows(first, first + kBatchSize)}};
  }
};

class RecordedLosses : public testing::TestWithParam<const char*> {};

TEST_P(RecordedLosses, TrainingFollowsThem) {
  RecordedRun run(GetParam());
  ThreadPool pool;
  exec::StateStore states = initial_states(run.step);
  exec::StagedExecutor executor(run.step.graph, default_isa(), &pool);
  // The scalar level defines the bits, not the speed: a few of its steps say as much as all.
  const size_t steps = default_isa() == Isa::scalar ? 3 : run.recorded.size();
  for (size_t i = 0; i < steps; ++i) {
    const double loss = executor.run(run.batch(i), states)->output("loss").data<float>()[0];
    EXPECT_NEAR(loss, run.recorded[i], 1e-4 * run.recorded[i]) << "step " << i;
  }
}

TEST_P(RecordedLosses, TheDoubleInterpreterFollowsThemToNineDigits) {
  RecordedRun run(GetParam());
  const ir::Graph graph = ir::bind_batch(run.step.graph, kBatchSize);
  std::map<std::string, Tensor> states = initial_states(run.step);
  for (size_t i = 0; i < 10; ++i) {
    kernels::Evaluation e = kernels::interpret(graph, run.batch(i), states, true);
    EXPECT_NEAR(e.outputs.at("loss").data<double>()[0], run.recorded[i], 1e-9 * run.recorded[i])
        << "step " << i;
    for (auto& [name, next] : e.updates) states[name] = next;
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, RecordedLosses,
                         testing::Values("linear/sgd", "mlp/sgd", "cnn/sgd", "linear/adam",
                                         "mlp/adam", "cnn/adam"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '/', '_');
                           return name;
                         });

}  // namespace
}  // namespace hone
