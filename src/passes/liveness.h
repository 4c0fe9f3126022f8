// How much memory a graph takes while its nodes run in order, before anything is planned.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace hone::passes {

/// Of a graph of static shapes: which values are in memory when. A reshape is the value that it
/// reads. Inputs, states, constants, outputs and next values of states have memory of their own and
/// count nothing here, nor does what kernels work in.
class Liveness {
 public:
  explicit Liveness(const ir::Graph& graph);

  /// The most bytes that are in use at one node.
  int64_t peak() const { return peak_; }
  /// The first node at which that is so, and at how many it is.
  ir::NodeId peak_at() const { return peak_at_; }
  int peaks() const { return peaks_; }

  int64_t bytes(ir::ValueId v) const { return span(v).bytes; }
  /// True if the value is in memory when node `at` runs, or has memory of its own.
  bool is_there(ir::ValueId v, ir::NodeId at) const {
    const Span& s = span(v);
    return s.is_source || (s.first <= at && at <= s.last);
  }
  /// The nodes that read the value, in order.
  const std::vector<ir::NodeId>& readers(ir::ValueId v) const { return span(v).readers; }

 private:
  struct Span {
    ir::NodeId first = 0, last = 0;  // the nodes that write it and read it last
    int64_t bytes = 0;
    bool is_source = false;
    std::vector<ir::NodeId> readers;
  };
  const Span& span(ir::ValueId v) const {
    return spans_[static_cast<size_t>(base_[static_cast<size_t>(v)])];
  }
  int64_t taken_over(const ir::Graph& graph, ir::NodeId id) const;
  void add_up(const ir::Graph& graph);

  std::vector<ir::ValueId> base_;  // by value: whose memory it lies in
  std::vector<Span> spans_;
  int64_t peak_ = 0;
  ir::NodeId peak_at_ = 0;
  int peaks_ = 0;
};

}  // namespace hone::passes
