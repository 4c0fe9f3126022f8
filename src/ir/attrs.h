// A node's attributes: few, named, sorted by name so that equal nodes print and hash alike.
#pragma once

#include <hone/tensor.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hone::ir {

class Graph;
using Ints = std::vector<int64_t>;
using Region = std::shared_ptr<const Graph>;
using Attr = std::variant<int64_t, double, std::string, Ints, Tensor, Region>;

class Attrs {
 public:
  using Entry = std::pair<std::string, Attr>;

  Attrs() = default;
  Attrs(std::initializer_list<Entry> entries);

  void set(std::string_view name, Attr value);
  void erase(std::string_view name);
  const Attr* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }

  /// The attribute as `T`; throws Internal if it is missing or of another type.
  template <class T>
  const T& get(std::string_view name) const;
  /// The attribute as `T`, or `fallback` where it is missing.
  template <class T>
  T get_or(std::string_view name, T fallback) const {
    return has(name) ? get<T>(name) : std::move(fallback);
  }
  int64_t integer(std::string_view name, int64_t fallback = 0) const {
    return get_or<int64_t>(name, fallback);
  }
  bool flag(std::string_view name) const { return integer(name, 0) != 0; }
  const Ints& ints(std::string_view name) const { return get<Ints>(name); }

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace hone::ir
