// Several kernels as one: each takes the result of the one before it, a few lines at a time, so
// that what lies between them never leaves a core's L2 cache. From block to block a thread keeps
// the lines that both read; only those where two threads meet are computed twice. The bits are
// those of the kernels one after another.
#pragma once

#include <memory>
#include <vector>

#include "kernels/line_kernel.h"

namespace hone::kernels {

/// The most operands of a kernel in a chain.
inline constexpr size_t kMaxLinkOperands = 16;

/// One kernel of a chain.
struct ChainLink {
  const LineKernel* lines;
  TensorType result;    ///< in NHWC
  int64_t flops;        ///< of the whole result
  int64_t fixed_bytes;  ///< of its operands that every block reads, above all its weights
};

/// How a chain is cut into blocks, and what it is worth.
struct ChainCut {
  int64_t blocks;  ///< of a sample
  /// Multiply-adds that are saved, taking memory traffic for what could be computed meanwhile; less
  /// than 0 where a chain is slower.
  int64_t gain;
};
ChainCut cut_chain(const std::vector<ChainLink>& links, int threads);

/// The kernel, in blocks as `cut_chain` cut them. Its operands are those of the first, and of each
/// further one all but the first.
std::unique_ptr<Kernel> make_chain(std::vector<std::unique_ptr<Kernel>> kernels,
                                   const std::vector<ChainLink>& links,
                                   const std::vector<size_t>& operands, int64_t blocks);

}  // namespace hone::kernels
