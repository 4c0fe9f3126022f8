// Cutting a chain, and running it.
#include "kernels/chain.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "kernels/blocks.h"

namespace hone::kernels {
namespace {

constexpr int64_t kScratch = 768 << 10;     // what lies between the kernels, for one block
constexpr int64_t kLeastBytes = 256 << 10;  // what is smaller stays in the caches anyway
constexpr int64_t kKeptBytes = 512 << 10;   // operands that stay beside it from block to block
constexpr int64_t kJoinCost = 1 << 16;      // multiply-adds in the time of a fork and a join
constexpr int64_t kCallCost = 1 << 13;      // and of a kernel's beginning with a block
constexpr int64_t kByteCost = 8;            // multiply-adds in the time of moving one byte...
constexpr int64_t kKeptByteCost = 2;        // ... from L2
constexpr int64_t kMostTries = 16;          // of blocks

int64_t line_bytes(const TensorType& image) {
  return image.shape[2] * image.shape[3] * size_of(image.dtype);
}
int64_t lines_of(const TensorType& image) { return image.shape[0] * image.shape[1]; }

/// The blocks of a sample of the last link's result, as even as they can be.
struct Blocks {
  int64_t count, unit, height;

  Blocks(const std::vector<ChainLink>& links, int64_t count_)
      : count(count_), unit(1), height(links.back().result.shape[1]) {
    while (unit < height && links.back().lines->whole({0, unit}).end > unit) ++unit;
  }
  int64_t units() const { return ceil_div(height, unit); }
  Lines block(int64_t i) const {
    const Range part = even_part(i, count, units());
    return {part.begin * unit, std::min(height, part.end * unit)};
  }
};

/// What a worker computes of a link's lines for a block, and what it has when that is done: from
/// block to block it keeps what both read.
struct LinkLines {
  Lines todo = {0, 0};
  Lines held = {0, 0};
  int64_t kept = 0;  ///< so many of them, the first, are from the block before
  int64_t base = 0;  ///< the line where the buffer begins
};

bool is_empty(Lines lines) { return lines.size() <= 0; }

/// Goes on to the block for which the next link reads these lines.
void take(const LineKernel& link, Lines needed, LinkLines& lines) {
  const Lines held = lines.held;
  lines.todo = {0, 0};
  lines.kept = held.size();
  if (is_empty(needed)) return;
  bool goes_on = held.begin <= needed.begin && needed.begin <= held.end;
  if (goes_on && needed.end <= held.end) {
    lines.held.begin = needed.begin;
  } else {
    lines.todo = link.whole({goes_on ? held.end : needed.begin, needed.end});
    if (lines.todo.begin < held.begin) {
      goes_on = false;
      lines.todo = link.whole(needed);
    }
    lines.held = {std::min(needed.begin, lines.todo.begin), lines.todo.end};
  }
  lines.kept = goes_on ? std::max<int64_t>(0, held.end - lines.held.begin) : 0;
}

/// Goes on to some lines of the last link.
void take_block(const std::vector<ChainLink>& links, Lines block, LinkLines* of_links) {
  of_links[links.size() - 1].todo = block;
  for (size_t i = links.size() - 1; i > 0; --i) {
    const Lines todo = of_links[i].todo;
    take(*links[i - 1].lines, is_empty(todo) ? todo : links[i].lines->reads(todo), of_links[i - 1]);
  }
}

/// How a cut goes, block by block of a sample.
struct Walk {
  std::vector<int64_t> first, next;   ///< multiply-adds of a block: of a worker's first, or after
                                      ///< the one before it
  std::vector<int64_t> buffer_lines;  ///< of each link but the last

  Walk(const std::vector<ChainLink>& links, const Blocks& blocks) : buffer_lines(links.size() - 1) {
    std::vector<int64_t> kept(links.size() - 1);
    std::vector<LinkLines> walking(links.size());
    const auto visit = [&](Lines block, std::vector<LinkLines>& lines) {
      take_block(links, block, lines.data());
      int64_t work = 0;
      for (size_t i = 0; i < links.size(); ++i) {
        work += std::max<int64_t>(0, lines[i].todo.size()) *
                (links[i].flops / 2 / std::max<int64_t>(1, lines_of(links[i].result)));
        if (i + 1 == links.size()) break;
        buffer_lines[i] = std::max(buffer_lines[i], lines[i].held.size());
        kept[i] = std::max(kept[i], lines[i].kept);
      }
      return work + std::ssize(links) * kCallCost;
    };
    for (int64_t i = 0; i < blocks.count; ++i) {
      next.push_back(visit(blocks.block(i), walking));
      std::vector<LinkLines> fresh(links.size());
      first.push_back(visit(blocks.block(i), fresh));
    }
    // Lines are kept where they are until the buffer ends.
    for (size_t i = 0; i < buffer_lines.size(); ++i)
      if (kept[i] > 0) buffer_lines[i] *= 2;
  }

  /// Multiply-adds of the worker that has most of them, and `again` for each block but its first.
  int64_t longest_share(int64_t samples, int64_t again, int threads) const {
    const int64_t blocks = std::ssize(next), items = samples * blocks;
    int64_t longest = 0;
    for (int64_t s = 0; s < threads; ++s) {
      const Range share = even_part(s, threads, items);
      int64_t work = 0;
      for (int64_t i = share.begin; i < share.end; ++i)
        work += i == share.begin ? first[static_cast<size_t>(i % blocks)]
                                 : next[static_cast<size_t>(i % blocks)] + again;
      longest = std::max(longest, work);
    }
    return longest;
  }
};

/// Bytes of a link's buffer.
int64_t buffer_bytes(const ChainLink& link, int64_t lines) {
  return round_up(lines * line_bytes(link.result), 64);
}

/// Multiply-adds in the time in which each further block fetches again what all of them read.
int64_t cost_again(const std::vector<ChainLink>& links) {
  int64_t sum = 0;
  for (const ChainLink& link : links)
    sum += link.fixed_bytes * (link.fixed_bytes > kKeptBytes ? kByteCost : kKeptByteCost);
  return sum;
}

class Chain final : public Kernel {
 public:
  Chain(std::vector<std::unique_ptr<Kernel>> kernels, std::vector<ChainLink> links,
        std::vector<size_t> operands, int64_t blocks)
      : kernels_(std::move(kernels)),
        links_(std::move(links)),
        operands_(std::move(operands)),
        blocks_(links_, blocks),
        buffer_lines_(Walk(links_, blocks_).buffer_lines) {
    links_at_ = round_up(std::ssize(links_) * int64_t{sizeof(LinkLines)}, 64);
    int64_t of_links = 0;
    for (const ChainLink& link : links_)
      of_links = std::max(of_links, round_up(link.lines->line_scratch_bytes(), 64));
    worker_bytes_ = links_at_ + of_links;
    for (size_t i = 0; i < buffer_lines_.size(); ++i) {
      buffers_.push_back(worker_bytes_);
      worker_bytes_ += buffer_bytes(links_[i], buffer_lines_[i]);
    }
  }

  int64_t scratch_bytes() const override { return worker_bytes_; }

  void run(const Call& call) const noexcept override {
    for (int worker = 0; worker < call.pool->threads(); ++worker)
      std::uninitialized_fill_n(lines_of_worker(call, worker), links_.size(), LinkLines{});
    call.pool->run(links_.back().result.shape[0] * blocks_.count, [&](int64_t item, int worker) {
      const int64_t top = item / blocks_.count * blocks_.height;
      const Lines lines = blocks_.block(item % blocks_.count);
      block(call, {top + lines.begin, top + lines.end}, worker);
    });
  }

 private:
  static LinkLines* lines_of_worker(const Call& call, int worker) {
    return reinterpret_cast<LinkLines*>(call.scratch_of(worker));
  }

  /// The buffer of a link's lines, as if it had all of them; there is room for those of the block.
  View buffer(std::byte* memory, size_t i, LinkLines& lines) const {
    const TensorType& type = links_[i].result;
    std::byte* begin = memory + buffers_[i];
    const int64_t bytes = line_bytes(type);
    if (lines.held.begin < lines.base || lines.held.end > lines.base + buffer_lines_[i]) {
      std::memmove(begin, begin + (lines.held.begin - lines.base) * bytes,
                   static_cast<size_t>(lines.kept * bytes));
      lines.base = lines.held.begin;
    }
    return {begin - lines.base * bytes, &type};
  }

  void block(const Call& call, Lines block, int worker) const {
    std::byte* memory = call.scratch_of(worker);
    LinkLines* lines = lines_of_worker(call, worker);
    take_block(links_, block, lines);
    View previous = call.operands[0];
    size_t next = 1;  // operand
    for (size_t i = 0; i < links_.size(); ++i) {
      std::array<View, kMaxLinkOperands> operands;
      operands[0] = previous;
      for (size_t j = 1; j < operands_[i]; ++j) operands[j] = call.operands[next++];
      View result = i + 1 < links_.size() ? buffer(memory, i, lines[i]) : call.results[0];
      if (!is_empty(lines[i].todo))
        links_[i].lines->run_lines({{operands.data(), operands_[i]},
                                    {&result, 1},
                                    nullptr,
                                    call.pool,
                                    memory + links_at_,
                                    0},
                                   lines[i].todo);
      previous = result;
    }
  }

  std::vector<std::unique_ptr<Kernel>> kernels_;
  std::vector<ChainLink> links_;
  std::vector<size_t> operands_;  // of each link
  Blocks blocks_;
  std::vector<int64_t> buffer_lines_;  // of each link but the last
  // A worker's memory: which lines it has, the links' scratch, a buffer for each link but the last.
  int64_t links_at_ = 0, worker_bytes_ = 0;
  std::vector<int64_t> buffers_;
};

}  // namespace

// Of the blocks that fit, those of the greatest gain: fewer cost less, but must go round the
// threads.
ChainCut cut_chain(const std::vector<ChainLink>& links, int threads) {
  const int64_t samples = links.back().result.shape[0];
  int64_t saved = threads > 1 ? (std::ssize(links) - 1) * kJoinCost : 0;
  int64_t work = 0;
  for (const ChainLink& link : links) work += link.flops / 2;
  for (size_t i = 0; i + 1 < links.size(); ++i) {
    const int64_t bytes = lines_of(links[i].result) * line_bytes(links[i].result);
    if (bytes >= kLeastBytes) saved += 2 * bytes * kByteCost;
  }
  const int64_t again = cost_again(links);
  const int64_t units = Blocks(links, 1).units();
  ChainCut best{1, -1};
  int64_t tried = 0;
  for (int64_t size = units; size > 0 && tried < kMostTries; --size) {
    const int64_t count = ceil_div(units, size);
    if (size < units && count == ceil_div(units, size + 1)) continue;
    const Walk walk(links, Blocks(links, count));
    int64_t bytes = 0;
    for (size_t i = 0; i + 1 < links.size(); ++i)
      bytes += buffer_bytes(links[i], walk.buffer_lines[i]);
    if (bytes > kScratch) continue;
    ++tried;
    const int64_t longest = walk.longest_share(samples, again, threads) * threads;
    if (saved + work - longest > best.gain) best = {count, saved + work - longest};
  }
  return best;
}

std::unique_ptr<Kernel> make_chain(std::vector<std::unique_ptr<Kernel>> kernels,
                                   const std::vector<ChainLink>& links,
                                   const std::vector<size_t>& operands, int64_t blocks) {
  for (size_t count : operands)
    invariant(count <= kMaxLinkOperands, "a chain's kernel has {} operands", count);
  return std::make_unique<Chain>(std::move(kernels), links, operands, blocks);
}

}  // namespace hone::kernels
