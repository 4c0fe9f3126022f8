// States come back as they were, from memory and from a file.
#include "train/snapshot.h"

#include <gtest/gtest.h>

namespace hone::train {
namespace {

exec::StateStore states_of(int64_t elements, float value) {
  exec::StateStore states;
  for (const char* name : {"a", "b"}) {
    Tensor tensor(DType::f32, {elements});
    std::fill_n(tensor.data<float>(), elements, value);
    states.emplace(name, tensor);
  }
  states.emplace("step", Tensor::scalar_i64(static_cast<int64_t>(value)));
  return states;
}

void expect_same(const exec::StateStore& a, const exec::StateStore& b) {
  for (const auto& [name, tensor] : a) EXPECT_TRUE(tensor.same_bits(b.at(name))) << name;
}

TEST(Snapshot, GivesBackTheLastThatItKept) {
  for (const int64_t elements : {int64_t{8}, kCopiedInMemory / 4}) {
    Snapshot snapshot;
    exec::StateStore states = states_of(elements, 0);
    EXPECT_FALSE(snapshot.restore(states)) << "nothing is kept yet";
    for (const float value : {1.0f, 2.0f}) ASSERT_TRUE(snapshot.keep(states_of(elements, value)));
    ASSERT_TRUE(snapshot.restore(states));
    expect_same(states, states_of(elements, 2));
    states = states_of(elements, 3);
    ASSERT_TRUE(snapshot.restore(states)) << "as often as it is asked";
    expect_same(states, states_of(elements, 2));
  }
}

}  // namespace
}  // namespace hone::train
