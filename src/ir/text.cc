// The printer.
#include "ir/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <set>

#include "base/dtype.h"

namespace hone::ir {
namespace {

bool is_word(std::string_view s) {
  if (s.empty() || !(std::isalpha(static_cast<unsigned char>(s[0])) || s[0] == '_')) return false;
  return std::all_of(s.begin(), s.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '/' ||
           c == '-';
  });
}

std::string quoted(std::string_view s) {
  std::string out = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\') out += fmt::format("\\{}", c);
    else if (c == '\n') out += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else out += c;
  }
  return out + '"';
}

// The shortest text that gives the same bits; a NaN that is not the usual one shows its bits.
template <class T>
std::string number(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    const auto bits = std::bit_cast<Bits>(value);
    if (std::isnan(value) && bits != std::bit_cast<Bits>(std::numeric_limits<T>::quiet_NaN()))
      return fmt::format("nan.{:x}", bits);
    return fmt::format("{}", value);
  } else if constexpr (is_half<T>) {
    const float wide = to_float(value);
    return std::isnan(wide) ? fmt::format("nan.{:x}", value.bits) : number(wide);
  } else if constexpr (std::is_same_v<T, uint64_t>) {
    return fmt::format("{}", value);
  } else {
    return fmt::format("{}", static_cast<int64_t>(value));
  }
}

class Printer {
 public:
  Printer(const TextOptions& options, int depth) : options_(options), indent_(2 * depth, ' ') {}

  std::string print(const Graph& graph) {
    name_values(graph);
    std::string out =
        fmt::format("graph {} {{\n", is_word(graph.name()) ? graph.name() : quoted(graph.name()));
    for (const Node& node : graph.nodes()) out += indent_ + "  " + line(graph, node) + '\n';
    for (const Output& o : graph.outputs())
      out += fmt::format("{}  output {} = {}\n", indent_, quoted(o.name), value(o.value));
    for (const Update& u : graph.updates())
      out += fmt::format("{}  update {} = {}\n", indent_, value(u.state), value(u.value));
    return out + indent_ + "}";
  }

 private:
  void name_values(const Graph& graph) {
    std::set<std::string_view> taken;
    for (size_t i = 0; i < graph.values().size(); ++i) {
      const Node& node = graph.producer(static_cast<ValueId>(i));
      const bool named = node.op->op_class == OpClass::source && is_word(node.name) &&
                         taken.insert(node.name).second;
      names_.push_back(named ? node.name : fmt::format("{}", i));
    }
  }

  std::string value(ValueId v) const { return "%" + names_[static_cast<size_t>(v)]; }

  std::string values(const std::vector<ValueId>& ids) const {
    std::string out;
    for (ValueId v : ids)
      out.append(out.empty() ? "%" : ", %").append(names_[static_cast<size_t>(v)]);
    return out;
  }

  std::string line(const Graph& graph, const Node& node) {
    std::string out = fmt::format("{} = {}", values(node.results), node.op->name);
    const bool source = node.op->op_class == OpClass::source;
    if (!source) out += fmt::format("({})", values(node.operands));
    Attrs rest = node.attrs;  // what the line does not show in another way
    if (source) {
      if (!node.name.empty()) out.append(" ").append(quoted(node.name));
      if (node.is(op::constant)) out.append(" ").append(elements(node.attrs.get<Tensor>("value")));
      if (node.attrs.has("trainable") && node.attrs.integer("trainable") == 1) {
        out += " trainable";
        rest.erase("trainable");
      }
      for (std::string_view shown : {"dtype", "shape", "value"}) rest.erase(shown);
    }
    if (!rest.entries().empty()) out.append(" ").append(attributes(rest));
    if (!source && !node.name.empty()) out.append(" ").append(quoted(node.name));
    std::string types;
    for (ValueId v : node.results) types += (types.empty() ? "" : ", ") + graph.type(v).to_string();
    return out + " : " + types;
  }

  // Regions, which take lines of their own, come last.
  std::string attributes(const Attrs& attrs) {
    std::string plain, regions;
    for (const auto& [name, value] : attrs.entries()) {
      std::string& out = std::holds_alternative<Region>(value) ? regions : plain;
      out +=
          fmt::format(", {}={}", name, std::visit([&](const auto& v) { return text(v); }, value));
    }
    return "{" + (plain + regions).substr(2) + "}";
  }

  std::string text(int64_t v) { return fmt::format("{}", v); }
  std::string text(double v) {
    const std::string out = number(v);
    return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;
  }
  std::string text(const std::string& v) { return quoted(v); }
  std::string text(const Ints& v) { return fmt::format("[{}]", fmt::join(v, ", ")); }
  std::string text(const Tensor& v) { return v.type().to_string() + " " + elements(v); }
  std::string text(const Region& v) {
    return Printer(options_, static_cast<int>(indent_.size()) / 2 + 1).print(*v);
  }

  std::string elements(const Tensor& tensor) const {
    if (tensor.elements() > options_.max_constant_elements) return "...";
    return visit(tensor.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* data = tensor.data<T>();
      if (tensor.shape().rank() == 0) return number(data[0]);
      std::string out;
      for (int64_t i = 0; i < tensor.elements(); ++i)
        out.append(i ? ", " : "").append(number(data[i]));
      return "[" + out + "]";
    });
  }

  const TextOptions& options_;
  std::string indent_;
  std::vector<std::string> names_;
};

}  // namespace

std::string to_text(const Graph& graph, const TextOptions& options) {
  return Printer(options, 0).print(graph) + '\n';
}

}  // namespace hone::ir
