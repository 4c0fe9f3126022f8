// Attributes as a small sorted vector.
#include "ir/attrs.h"

#include <algorithm>

#include "base/error.h"

namespace hone::ir {

Attrs::Attrs(std::initializer_list<Entry> entries) {
  for (const Entry& e : entries) set(e.first, e.second);
}

void Attrs::set(std::string_view name, Attr value) {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), name,
                                   [](const Entry& e, std::string_view n) { return e.first < n; });
  if (at != entries_.end() && at->first == name) at->second = std::move(value);
  else entries_.insert(at, {std::string(name), std::move(value)});
}

void Attrs::erase(std::string_view name) {
  std::erase_if(entries_, [&](const Entry& e) { return e.first == name; });
}

const Attr* Attrs::find(std::string_view name) const {
  for (const Entry& e : entries_)
    if (e.first == name) return &e.second;
  return nullptr;
}

template <class T>
const T& Attrs::get(std::string_view name) const {
  const Attr* attr = find(name);
  invariant(attr != nullptr, "attribute '{}' is missing", name);
  const T* value = std::get_if<T>(attr);
  invariant(value != nullptr, "attribute '{}' has another type", name);
  return *value;
}

template const int64_t& Attrs::get<int64_t>(std::string_view) const;
template const double& Attrs::get<double>(std::string_view) const;
template const std::string& Attrs::get<std::string>(std::string_view) const;
template const Ints& Attrs::get<Ints>(std::string_view) const;
template const Tensor& Attrs::get<Tensor>(std::string_view) const;
template const Region& Attrs::get<Region>(std::string_view) const;

}  // namespace hone::ir
