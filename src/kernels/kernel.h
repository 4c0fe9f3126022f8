// What a kernel is: a row of a table, and the object that the row makes for one node of a plan.
//
// A row claims nodes of one op at certain ISA levels, or says why it refuses one. `make` reads the
// node's attributes once, at plan time; `run` only computes. A row's numerics id names the bits
// that it gives: every row of one id equals the op's scalar reference bit for bit
// (docs/numerics.md).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "ir/graph.h"
#include "ir/panels.h"

namespace hone::kernels {

/// A typed pointer into the arena, a state or a constant.
struct View {
  std::byte* data = nullptr;
  const TensorType* type = nullptr;

  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }
  const Shape& shape() const { return type->shape; }
};

/// What a kernel is made for: a node whose operands and results have static shapes.
struct Problem {
  const ir::Node* node;
  std::vector<TensorType> operands;
  std::vector<TensorType> results;
  Isa isa = Isa::scalar;
  int threads = 1;
  /// How operand 1, of whose type `operands` tells as ever, lies packed, if it does.
  std::optional<ir::PanelFormat> panels = {};
  /// Operand 0, an image whose type is that of NHWC, lies in planes of one channel: as NCHW.
  bool planes = false;

  const ir::Attrs& attrs() const { return node->attrs; }
};

/// What a kernel gets when it runs.
struct Call {
  std::span<const View> operands;
  std::span<const View> results;
  std::byte* workspace;  ///< `workspace_bytes()` bytes, aligned to 64
  ThreadPool* pool;      ///< has at most `Problem::threads` threads
  std::byte* scratch;    ///< `scratch_bytes()` bytes for worker 0, aligned to 64...
  int64_t scratch_step;  ///< ... and so many bytes on for each next one

  std::byte* scratch_of(int worker) const { return scratch + worker * scratch_step; }
};

class LineKernel;

class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void run(const Call& call) const noexcept = 0;
  /// Memory for the time of a run that all workers share, beside operands and results.
  virtual int64_t workspace_bytes() const { return 0; }
  /// And what each worker has of its own, at one place in all steps of a program if that can be:
  /// where another core has just written, a line costs more to write than to compute.
  virtual int64_t scratch_bytes() const { return 0; }
  /// This kernel, if it can compute some lines of its result on their own; else null.
  virtual const LineKernel* lines() const { return nullptr; }
};

struct KernelRow {
  const ir::OpSpec* op;
  std::string_view name;      ///< "gemm.packed"
  std::string_view numerics;  ///< "direct"
  Isa lowest;                 ///< the lowest level at which it runs
  int priority;               ///< the heuristic: the highest row that claims the node is chosen
  /// Empty if the row takes the node; otherwise the reason why not.
  std::string (*refuse)(const Problem&);
  std::unique_ptr<Kernel> (*make)(const Problem&);
  /// True if result i may share memory with operand j (same type and extent).
  bool (*in_place)(const Problem&, int result, int operand) = nullptr;
  /// How the row's kernel would have operand 1 packed, if that is a constant of this type; none
  /// where it would not. It depends on nothing else, so that all programs share one packing.
  std::optional<ir::PanelFormat> (*panels)(const ir::Node&, const TensorType& weight,
                                           Isa) = nullptr;
  /// True if the row's kernel can read operand 0 in planes.
  bool (*planes)(const Problem&) = nullptr;
};

/// Every row, of all families (kernels/table.cc lists the families).
std::span<const KernelRow> kernel_rows();

}  // namespace hone::kernels
