// Cutting a chain, and running it.
#include "kernels/chain.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "kernels/blocks.h"

namespace hone::kernels {
namespace {

constexpr int64_t kScratch = 768 << 10;     // what lies between the kernels, for one block
constexpr int64_t kLeastBytes = 256 << 10;  // what is smaller stays in the caches anyway
constexpr int64_t kKeptBytes = 512 << 10;   // operands that stay beside it from block to block
constexpr int64_t kJoinCost = 1 << 16;      // multiply-adds in the time of a fork and a join
constexpr int64_t kByteCost = 8;            // multiply-adds in the time of moving one byte
constexpr int64_t kMostTries = 16;          // of blocks

int64_t line_bytes(const TensorType& image) {
  return image.shape[2] * image.shape[3] * size_of(image.dtype);
}
int64_t lines_of(const TensorType& image) { return image.shape[0] * image.shape[1]; }

/// The lines of a link's result that a block of the last one's needs.
Lines need(const std::vector<ChainLink>& links, size_t link, Lines lines) {
  for (size_t i = links.size(); --i > link;) {
    lines = links[i].lines->reads(lines);
    if (lines.begin >= lines.end) return {0, 0};
    lines = links[i - 1].lines->whole(lines);
  }
  return lines;
}

/// Whether blocks of so many lines of the last link's result can be computed one by one.
bool are_whole(const std::vector<ChainLink>& links, int64_t block_lines) {
  const int64_t height = links.back().result.shape[1];
  const Lines whole = links.back().lines->whole({0, std::min(height, block_lines)});
  return whole.end <= block_lines;
}

/// Calls f(link, lines that it needs) for every block of one sample.
template <class F>
void each_need(const std::vector<ChainLink>& links, int64_t block_lines, F&& f) {
  const int64_t height = links.back().result.shape[1];
  for (int64_t begin = 0; begin < height; begin += block_lines)
    for (size_t i = 0; i + 1 < links.size(); ++i)
      f(i, need(links, i, {begin, std::min(height, begin + block_lines)}));
}

/// Bytes of the two buffers that the links between take turns in.
std::array<int64_t, 2> buffers_of(const std::vector<ChainLink>& links, int64_t block_lines) {
  std::array<int64_t, 2> bytes = {};
  each_need(links, block_lines, [&](size_t i, Lines lines) {
    bytes[i % 2] = std::max(bytes[i % 2],
                            round_up((lines.end - lines.begin) * line_bytes(links[i].result), 64));
  });
  return bytes;
}

/// Multiply-adds that are done twice in a sample.
int64_t repeated(const std::vector<ChainLink>& links, int64_t block_lines) {
  const auto of_line = [&](size_t i) {
    return links[i].flops / 2 / std::max<int64_t>(1, lines_of(links[i].result));
  };
  int64_t sum = 0;
  for (size_t i = 0; i + 1 < links.size(); ++i) sum -= links[i].result.shape[1] * of_line(i);
  each_need(links, block_lines,
            [&](size_t i, Lines lines) { sum += (lines.end - lines.begin) * of_line(i); });
  return sum;
}

/// Bytes that each further block has to fetch again, as the caches do not keep them.
int64_t fetched_again(const std::vector<ChainLink>& links) {
  int64_t sum = 0;
  for (const ChainLink& link : links)
    if (link.fixed_bytes > kKeptBytes) sum += link.fixed_bytes;
  return sum;
}

class Chain final : public Kernel {
 public:
  Chain(std::vector<std::unique_ptr<Kernel>> kernels, std::vector<ChainLink> links,
        std::vector<size_t> operands, int64_t block_lines, int threads)
      : kernels_(std::move(kernels)),
        links_(std::move(links)),
        operands_(std::move(operands)),
        threads_(threads),
        block_lines_(block_lines),
        buffers_(buffers_of(links_, block_lines_)) {
    for (const ChainLink& link : links_)
      scratch_bytes_ = std::max(scratch_bytes_, round_up(link.lines->line_scratch_bytes(), 64));
  }

  int64_t workspace_bytes() const override { return threads_ * worker_bytes(); }

  void run(const Call& call) const noexcept override {
    const int64_t height = links_.back().result.shape[1];
    const int64_t blocks = ceil_div(height, block_lines_);
    call.pool->run(links_.back().result.shape[0] * blocks, [&](int64_t item, int worker) {
      const int64_t top = item / blocks * height, begin = item % blocks * block_lines_;
      block(call, {top + begin, top + std::min(height, begin + block_lines_)},
            call.workspace + worker * worker_bytes());
    });
  }

 private:
  int64_t worker_bytes() const { return scratch_bytes_ + buffers_[0] + buffers_[1]; }

  void block(const Call& call, Lines lines, std::byte* workspace) const {
    View previous = call.operands[0];
    size_t next = 1;  // operand
    for (size_t i = 0; i < links_.size(); ++i) {
      const Lines mine = need(links_, i, lines);
      std::array<View, kMaxLinkOperands> operands;
      operands[0] = previous;
      for (size_t j = 1; j < operands_[i]; ++j) operands[j] = call.operands[next++];
      View result = call.results[0];
      if (i + 1 < links_.size()) {
        const TensorType& type = links_[i].result;
        std::byte* buffer = workspace + scratch_bytes_ + (i % 2 == 0 ? 0 : buffers_[0]);
        result = {buffer - mine.begin * line_bytes(type), &type};
      }
      links_[i].lines->run_lines(
          {{operands.data(), operands_[i]}, {&result, 1}, workspace, call.pool}, mine);
      previous = result;
    }
  }

  std::vector<std::unique_ptr<Kernel>> kernels_;
  std::vector<ChainLink> links_;
  std::vector<size_t> operands_;  // of each link
  int threads_;
  int64_t block_lines_;
  std::array<int64_t, 2> buffers_;
  int64_t scratch_bytes_ = 0;
};

}  // namespace

// Of the blocks that fit, those of the greatest gain: fewer repeat less, but must go round the
// threads.
ChainCut cut_chain(const std::vector<ChainLink>& links, int threads) {
  const TensorType& last = links.back().result;
  const int64_t samples = last.shape[0], height = last.shape[1];
  int64_t saved = threads > 1 ? (std::ssize(links) - 1) * kJoinCost : 0;
  int64_t work = 0;
  for (const ChainLink& link : links) work += link.flops / 2;
  for (size_t i = 0; i + 1 < links.size(); ++i) {
    const int64_t bytes = lines_of(links[i].result) * line_bytes(links[i].result);
    if (bytes >= kLeastBytes) saved += 2 * bytes * kByteCost;
  }
  ChainCut best{1, -1};
  int64_t tried = 0;
  for (int64_t blocks = 1; blocks <= height && tried < kMostTries; ++blocks) {
    const int64_t block_lines = ceil_div(height, blocks);
    const auto [even, odd] = buffers_of(links, block_lines);
    if (!are_whole(links, block_lines) || even + odd > kScratch) continue;
    ++tried;
    const int64_t items = samples * ceil_div(height, block_lines);
    const int64_t all = work + samples * repeated(links, block_lines) +
                        (items - 1) * fetched_again(links) * kByteCost;
    const int64_t longest = all / items * ceil_div(items, threads) * threads;
    if (saved + work - longest > best.gain) best = {block_lines, saved + work - longest};
  }
  return best;
}

std::unique_ptr<Kernel> make_chain(std::vector<std::unique_ptr<Kernel>> kernels,
                                   const std::vector<ChainLink>& links,
                                   const std::vector<size_t>& operands, int64_t block_lines,
                                   int threads) {
  for (size_t count : operands)
    invariant(count <= kMaxLinkOperands, "a chain's kernel has {} operands", count);
  return std::make_unique<Chain>(std::move(kernels), links, operands, block_lines, threads);
}

}  // namespace hone::kernels
