// Which sums take the shard tree.
#include "passes/shard_sums.h"

#include "passes/pass_test_support.h"

namespace hone::passes {
namespace {

TEST(ShardSums, MarksSumsOverTheBatchOnly) {
  expect_pass(shard_sums, R"(graph g {
    %x = input "x" : f32[N,4]
    %i = input "i" : f32[N,3,5,5]
    %w = state "w" : f32[4,2]
    %y = matmul(%x, %w)
    %dw = matmul(%x, %y) {trans_a=1}
    %s = reduce_sum(%i) {axes=[2, 0, 3]}
    %p = reduce_sum(%i) {axes=[2, 3]}
    %m, %v = moments(%i) {axes=[0, 2, 3]}
    %ww = reduce_sum(%w) {axes=[0]}
    %dk = conv2d_grad_weight(%i, %i) {dilation=[1, 1], groups=1, layout="nchw", pad=[1, 1, 1, 1], shape=[3, 3, 3, 3], stride=[1, 1]}
    output "dw" = %dw
  })",
              R"(graph g {
    %x = input "x" : f32[N,4]
    %i = input "i" : f32[N,3,5,5]
    %w = state "w" : f32[4,2]
    %y = matmul(%x, %w)
    %dw = matmul(%x, %y) {trans_a=1, batch=64, shards=4}
    %s = reduce_sum(%i) {axes=[0, 2, 3], batch=64, shards=4}
    %p = reduce_sum(%i) {axes=[2, 3]}
    %m, %v = moments(%i) {axes=[0, 2, 3], batch=64, shards=4}
    %ww = reduce_sum(%w) {axes=[0]}
    %dk = conv2d_grad_weight(%i, %i) {dilation=[1, 1], groups=1, layout="nchw", pad=[1, 1, 1, 1], shape=[3, 3, 3, 3], stride=[1, 1], batch=64, shards=4}
    output "dw" = %dw
  })",
              {{64, 4}});
}

}  // namespace
}  // namespace hone::passes
