// The planner. Values are gathered into buffers (a reshape is a view of its operand's buffer; a
// result that a kernel can compute over a dying operand joins it), buffers get lifetimes, lifetimes
// get offsets.
#include "plan/plan.h"

#include <algorithm>

#include "base/error.h"
#include "ir/cost.h"
#include "kernels/run_node.h"
#include "plan/choose.h"
#include "plan/memory.h"
#include "plan/step_plan.h"

namespace hone::plan {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

// So much scratch memory of a worker has one place in all steps: about what a core's cache holds.
// Under a limit of memory none has, as that may be worth more.
constexpr int64_t kKeptScratch = 2 << 20;

/// Memory that one or more values occupy.
struct Buffer {
  int64_t bytes = 0;
  int first = 0;   // the step that writes it; -1 for what exists before the program runs
  int last = 0;    // the last step that reads it; steps.size() if it must outlive the program
  int region = 0;  // 0: the arena
  int next = -1;   // the buffer that takes over its memory, if any
  int kept = -1;   // the buffer that a source is copied to when all steps have run, if any
};

class Planner {
 public:
  Planner(const Graph& graph, const PlanOptions& options) : graph_(graph), options_(options) {}

  Program run() {
    program_.name = graph_.name();
    program_.threads = options_.threads;
    bind_sources();
    make_steps();
    mark_reads();
    keep_sources();
    place_outputs();
    place_updates();
    share_in_place();
    lay_out();
    return std::move(program_);
  }

 private:
  Buffer& buffer(ValueId v) {
    return buffers_[static_cast<size_t>(buffer_of_[static_cast<size_t>(v)])];
  }
  int& buffer_of(ValueId v) { return buffer_of_[static_cast<size_t>(v)]; }

  void add_buffer(ValueId v, int first, int region) {
    buffer_of(v) = static_cast<int>(buffers_.size());
    buffers_.push_back({graph_.type(v).bytes(), first, first, region});
  }

  void bind_sources() {
    buffer_of_.assign(graph_.values().size(), -1);
    int region = 1;
    const auto bind = [&](const ir::OpSpec& op, auto&& record) {
      for (const Node& node : graph_.nodes()) {
        if (!node.is(op)) continue;
        require(graph_.shape(node.results[0]).is_static(), "{} '{}': cannot plan shape {}", op.name,
                node.name, graph_.shape(node.results[0]).to_string());
        record(node, Location{region, 0});
        add_buffer(node.results[0], -1, region++);
      }
    };
    bind(ir::op::input, [&](const Node& n, Location at) {
      program_.inputs.push_back({n.name, graph_.type(n.results[0]), at});
    });
    bind(ir::op::state, [&](const Node& n, Location at) {
      program_.states.push_back({n.name, graph_.type(n.results[0]), at});
    });
    bind(ir::op::constant, [&](const Node& n, Location) {
      program_.constants.push_back(n.attrs.get<Tensor>("value"));
    });
    for (const ir::Output& o : graph_.outputs())
      program_.outputs.push_back({o.name, graph_.type(o.value), {region++, 0}});
  }

  // What a node is computed from.
  StepPlan draft(const Node& node) {
    StepPlan step{&node, node.name, node.operands, {&node, {}, {}, options_.isa, options_.threads},
                  {},    0};
    for (ValueId v : node.operands) step.problem.operands.push_back(graph_.type(v));
    for (ValueId v : node.results) step.problem.results.push_back(graph_.type(v));
    read_planes(step);
    read_panels(step);
    return step;
  }

  // An image that is only turned from NCHW may be read as it is.
  void read_planes(StepPlan& step) {
    if (step.operands.empty() || !graph_.produced_by(step.operands[0], ir::op::transpose)) return;
    const Node& turn = graph_.producer(step.operands[0]);
    if (turn.attrs.ints("perm") != ir::Ints{0, 2, 3, 1}) return;
    step.problem.planes = true;
    if (kernels::best_row(step.problem) != nullptr) step.operands[0] = turn.operands[0];
    else step.problem.planes = false;
  }

  void read_panels(StepPlan& step) {
    const Node& node = *step.node;
    if (node.operands.size() < 2 || !graph_.produced_by(node.operands[1], ir::op::unpack)) return;
    const Node& unpack = graph_.producer(node.operands[1]);
    step.problem.panels = ir::PanelFormat::from(unpack.attrs);
    if (kernels::best_row(step.problem) != nullptr) step.operands[1] = unpack.operands[0];
    else step.problem.panels.reset();
  }

  // In order, but for what all read in another layout: nobody computes that.
  void make_steps() {
    std::vector<StepPlan> drafts;
    std::vector<bool> read(graph_.values().size(), false);
    for (const ir::Output& o : graph_.outputs()) read[static_cast<size_t>(o.value)] = true;
    for (const ir::Update& u : graph_.updates()) read[static_cast<size_t>(u.value)] = true;
    for (const Node& node : graph_.nodes()) {
      if (node.op->op_class == ir::OpClass::source) continue;
      drafts.push_back(draft(node));
      for (ValueId v : drafts.back().operands) read[static_cast<size_t>(v)] = true;
    }
    for (StepPlan& step : drafts) {
      const Node& node = *step.node;
      if ((node.is(ir::op::unpack) || node.is(ir::op::transpose)) &&
          !read[static_cast<size_t>(node.results[0])])
        continue;
      if (node.is(ir::op::reshape)) continue;
      step.choice = choose_kernel(step.problem);
      step.flops = ir::flops(graph_, node);
      steps_.push_back(std::move(step));
    }
    steps_ = chain_steps(graph_, std::move(steps_), options_.threads);
    for (size_t s = 0; s < steps_.size(); ++s)
      for (ValueId v : steps_[s].node->results) add_buffer(v, static_cast<int>(s), 0);
    for (const Node& node : graph_.nodes())
      if (node.is(ir::op::reshape)) buffer_of(node.results[0]) = buffer_of(node.operands[0]);
  }

  void mark_reads() {
    const int end = static_cast<int>(steps_.size());
    for (int s = 0; s < end; ++s)
      for (ValueId v : steps_[static_cast<size_t>(s)].operands) buffer(v).last = s;
    for (const ir::Output& o : graph_.outputs()) buffer(o.value).last = end;
    for (const ir::Update& u : graph_.updates())
      if (buffer(u.value).region != 0 && buffer_of(u.value) != buffer_of(u.state))
        buffer(u.value).last = end;
  }

  // A source that is an output or a state's next value is copied before any state changes: the
  // caller may change its memory, and another copy may write over it.
  void keep_sources() {
    const int end = static_cast<int>(steps_.size());
    for (size_t i = 0, n = buffers_.size(); i < n; ++i) {
      if (buffers_[i].first >= 0 || buffers_[i].last < end) continue;
      buffers_[i].kept = static_cast<int>(buffers_.size());
      buffers_.push_back({buffers_[i].bytes, end, end});
    }
  }

  // An output is computed where it must be in the end. A buffer that is an output already is copied
  // to the others.
  void place_outputs() {
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      const Buffer& value = buffer(graph_.outputs()[i].value);
      Buffer& result = value.kept < 0 ? buffer(graph_.outputs()[i].value)
                                      : buffers_[static_cast<size_t>(value.kept)];
      const Location to = program_.outputs[i].at;
      if (result.region == 0) result.region = to.region;
      else repeated_.push_back({{result.region, 0}, to, result.bytes});
    }
  }

  // A next value goes straight into its state's memory if nobody reads the old value after it is
  // written; by the step that writes it, only a kernel that allows it may. Otherwise it is copied,
  // as is one that is an output too.
  void place_updates() {
    const int end = static_cast<int>(steps_.size());
    for (const ir::Update& u : graph_.updates()) {
      if (buffer_of(u.value) == buffer_of(u.state)) continue;  // it stays as it is
      const Buffer& state = buffer(u.state);
      Buffer& next = buffer(u.value);
      if (next.region == 0 && next.last < end && state.last <= next.first &&
          (state.last < next.first || writes_over(next, buffer_of(u.state)))) {
        next.region = state.region;
        continue;
      }
      next.last = end;
      late_.push_back(u);
    }
  }

  // True if the step that writes `result` may write it over buffer `operand`, which it reads.
  bool writes_over(const Buffer& result, int operand) {
    const StepPlan& step = steps_[static_cast<size_t>(result.first)];
    if (step.choice.in_place == nullptr) return false;
    int r = -1;
    for (size_t i = 0; i < step.node->results.size(); ++i)
      if (&buffer(step.node->results[i]) == &result) r = static_cast<int>(i);
    for (size_t j = 0; j < step.operands.size(); ++j)
      if (buffer_of(step.operands[j]) == operand &&
          !step.choice.in_place(step.problem, r, static_cast<int>(j))) {
        return false;
      }
    return true;
  }

  // An arena operand that dies at a step gives its memory to a result of that step; before an
  // output, it takes the output's.
  void share_in_place() {
    for (int s = static_cast<int>(steps_.size()); s-- > 0;) {
      for (ValueId out : steps_[static_cast<size_t>(s)].node->results) {
        const Buffer& result = buffer(out);
        if (result.region < program_.outputs_from()) continue;
        for (ValueId in : steps_[static_cast<size_t>(s)].operands) {
          Buffer& operand = buffer(in);
          if (operand.region == 0 && operand.last == s && operand.bytes == result.bytes &&
              writes_over(result, buffer_of(in))) {
            operand.region = result.region;
            break;
          }
        }
      }
    }
    for (int s = 0; s < static_cast<int>(steps_.size()); ++s) {
      const StepPlan& step = steps_[static_cast<size_t>(s)];
      for (ValueId out : step.node->results) {
        Buffer& result = buffer(out);
        if (result.region != 0) continue;
        for (ValueId in : step.operands) {
          Buffer& operand = buffer(in);
          if (operand.region == 0 && operand.last == s && operand.next < 0 &&
              operand.bytes >= result.bytes && writes_over(result, buffer_of(in))) {
            operand.next = buffer_of(out);
            break;
          }
        }
      }
    }
  }

  void lay_out() {
    // A chain of buffers that hand their memory on is one interval.
    std::vector<int> interval_of(buffers_.size(), -1);
    std::vector<bool> heir(buffers_.size(), false);
    for (const Buffer& b : buffers_)
      if (b.next >= 0) heir[static_cast<size_t>(b.next)] = true;
    std::vector<Interval> intervals;
    for (size_t i = 0; i < buffers_.size(); ++i) {
      if (buffers_[i].region != 0 || heir[i]) continue;
      Interval interval{buffers_[i].bytes, buffers_[i].first, buffers_[i].last};
      for (int b = static_cast<int>(i); b >= 0; b = buffers_[static_cast<size_t>(b)].next) {
        interval_of[static_cast<size_t>(b)] = static_cast<int>(intervals.size());
        interval.last = std::max(interval.last, buffers_[static_cast<size_t>(b)].last);
      }
      intervals.push_back(interval);
    }
    // Two for each step, and then one for all.
    const size_t first_workspace = intervals.size();
    const int64_t most_kept = options_.memory_limit > 0 ? 0 : kKeptScratch;
    int64_t kept = 0;
    for (size_t s = 0; s < steps_.size(); ++s) {
      const kernels::Kernel& kernel = *steps_[s].choice.kernel;
      const int64_t bytes = kernel.workspace_bytes(), scratch = aligned(kernel.scratch_bytes());
      const int step = static_cast<int>(s);
      intervals.push_back({bytes, step, step});
      intervals.push_back({scratch > most_kept ? program_.threads * scratch : 0, step, step});
      if (scratch <= most_kept) kept = std::max(kept, scratch);
      program_.naive_bytes += aligned(bytes) + program_.threads * scratch;
    }
    intervals.push_back({program_.threads * kept, 0, static_cast<int>(steps_.size()) - 1});
    for (const Buffer& b : buffers_)
      if (b.region == 0) program_.naive_bytes += aligned(b.bytes);
    program_.arena_bytes = pack(intervals);

    const auto place = [&](int b) {
      const Buffer& buf = buffers_[static_cast<size_t>(b)];
      const int interval = interval_of[static_cast<size_t>(b)];
      return buf.region != 0 ? Location{buf.region, 0}
                             : Location{0, intervals[static_cast<size_t>(interval)].offset};
    };
    const auto locate = [&](ValueId v) { return place(buffer_of(v)); };
    // Where a value is when all steps have run and sources are kept.
    const auto locate_at_end = [&](ValueId v) {
      const int kept = buffer(v).kept;
      return kept < 0 ? locate(v) : place(kept);
    };
    for (size_t s = 0; s < steps_.size(); ++s) {
      StepPlan& from = steps_[s];
      Step step;
      step.kernel = std::move(from.choice.kernel);
      step.kernel_name = from.choice.name;
      step.op = from.node->op->name;
      step.name = from.name;
      step.flops = from.flops;
      for (ValueId v : from.operands) step.operands.push_back(locate(v));
      for (ValueId v : from.node->results) step.results.push_back(locate(v));
      step.operand_types = std::move(from.problem.operands);
      step.result_types = std::move(from.problem.results);
      step.workspace = intervals[first_workspace + 2 * s].offset;
      const int64_t scratch = aligned(step.kernel->scratch_bytes());
      const bool is_kept = scratch <= most_kept;
      step.scratch = (is_kept ? intervals.back() : intervals[first_workspace + 2 * s + 1]).offset;
      step.scratch_step = is_kept ? kept : scratch;
      program_.steps.push_back(std::move(step));
    }
    for (const Buffer& b : buffers_)
      if (b.kept >= 0) program_.copies.push_back({{b.region, 0}, place(b.kept), b.bytes});
    program_.copies.insert(program_.copies.end(), repeated_.begin(), repeated_.end());
    for (const ir::Update& u : late_)
      program_.copies.push_back(
          {locate_at_end(u.value), locate(u.state), graph_.type(u.state).bytes()});
  }

  const Graph& graph_;
  const PlanOptions& options_;
  Program program_;
  std::vector<Buffer> buffers_;
  std::vector<int> buffer_of_;
  std::vector<StepPlan> steps_;
  std::vector<Copy> repeated_;
  std::vector<ir::Update> late_;
};

}  // namespace

Program plan(const Graph& graph, const PlanOptions& options) {
  return Planner(graph, options).run();
}

std::string Program::to_text() const {
  const auto place = [&](Location l) {
    if (l.region == 0) return fmt::format("@{}", l.offset);
    size_t i = static_cast<size_t>(l.region) - 1;
    if (i < inputs.size()) return "input " + inputs[i].name;
    i -= inputs.size();
    if (i < states.size()) return "state " + states[i].name;
    i -= states.size();
    if (i < constants.size()) return fmt::format("constant {}", i);
    return "output " + outputs[i - constants.size()].name;
  };
  std::string out = fmt::format("program {}\n", name);
  for (const Step& s : steps) {
    out += fmt::format("  {:<20} {:<24}", s.kernel_name, shown_name(s.name, s.op));
    for (size_t i = 0; i < s.results.size(); ++i)
      out += fmt::format(" {} {}", s.result_types[i].to_string(), place(s.results[i]));
    out += " <-";
    for (Location l : s.operands) out += " " + place(l) + ",";
    if (out.back() == ',') out.pop_back();
    out += '\n';
  }
  out += fmt::format("  {} copies; arena {} bytes ({} without reuse)\n", copies.size(), arena_bytes,
                     naive_bytes);
  return out;
}

}  // namespace hone::plan
