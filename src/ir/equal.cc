// Floats compare by their bits, so that -0 is not +0 and a NaN equals itself.
#include "ir/equal.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace hone::ir {
namespace {

bool same(int64_t a, int64_t b) { return a == b; }
bool same(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }
bool same(const std::string& a, const std::string& b) { return a == b; }
bool same(const Ints& a, const Ints& b) { return a == b; }
bool same(const Tensor& a, const Tensor& b) {
  return a.defined() && b.defined() ? a.raw() == b.raw() ? a.type() == b.type() : a.same_bits(b)
                                    : a.defined() == b.defined();
}
bool same(const Region& a, const Region& b) {
  return a == b || (a != nullptr && b != nullptr && equal(*a, *b));
}

bool same_node(const Node& a, const Node& b) {
  return a.op == b.op && a.operands == b.operands && a.results == b.results && a.name == b.name &&
         equal(a.attrs, b.attrs);
}

size_t combine(size_t seed, size_t value) {
  return seed ^ (value + 0x9E3779B97F4A7C15u + (seed << 6) + (seed >> 2));
}

size_t hash(int64_t v) { return std::hash<int64_t>{}(v); }
size_t hash(double v) { return std::hash<uint64_t>{}(std::bit_cast<uint64_t>(v)); }
size_t hash(const std::string& v) { return std::hash<std::string>{}(v); }
size_t hash(const Ints& v) {
  size_t h = v.size();
  for (int64_t i : v) h = combine(h, hash(i));
  return h;
}
size_t hash(const Tensor& v) {
  // The first bytes tell apart what is worth telling apart: equality looks at all of them.
  constexpr int64_t kLooked = 256;
  if (!v.defined()) return 0;
  const auto bytes = static_cast<size_t>(std::min(kLooked, v.bytes()));
  const size_t h = std::hash<std::string_view>{}({reinterpret_cast<const char*>(v.raw()), bytes});
  return combine(h, hash(v.shape().dims()));
}
size_t hash(const Region& v) { return v == nullptr ? 0 : v->nodes().size(); }

}  // namespace

bool equal(const Attr& a, const Attr& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& value) { return same(value, std::get<std::decay_t<decltype(value)>>(b)); },
      a);
}

bool equal(const Attrs& a, const Attrs& b) {
  return std::equal(a.entries().begin(), a.entries().end(), b.entries().begin(), b.entries().end(),
                    [](const Attrs::Entry& x, const Attrs::Entry& y) {
                      return x.first == y.first && equal(x.second, y.second);
                    });
}

bool equal(const Graph& a, const Graph& b) {
  const auto all = [](const auto& x, const auto& y, auto&& same_item) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), same_item);
  };
  return a.name() == b.name() && all(a.nodes(), b.nodes(), same_node) &&
         all(a.values(), b.values(),
             [](const Value& x, const Value& y) { return x.type == y.type; }) &&
         all(a.outputs(), b.outputs(),
             [](const Output& x, const Output& y) {
               return x.name == y.name && x.value == y.value;
             }) &&
         all(a.updates(), b.updates(), [](const Update& x, const Update& y) {
           return x.state == y.state && x.value == y.value;
         });
}

size_t hash_of(const Node& node) {
  size_t h = std::hash<const OpSpec*>{}(node.op);
  for (ValueId v : node.operands) h = combine(h, hash(int64_t{v}));
  for (const auto& [name, value] : node.attrs.entries()) {
    h = combine(h, hash(name));
    h = combine(h, std::visit([](const auto& v) { return hash(v); }, value));
  }
  return h;
}

}  // namespace hone::ir
