// A builder of HTML and SVG that cannot be broken by what it is given: every text and attribute is
// escaped, and elements close in the order in which they opened.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::report {

/// `text` with the characters that HTML gives a meaning written as entities.
std::string escape(std::string_view text);

class Html {
 public:
  using Attribute = std::pair<std::string_view, std::string>;
  using Attributes = std::initializer_list<Attribute>;

  /// Opens an element; what follows goes into it until `close`.
  Html& open(std::string_view tag, Attributes attributes = {});
  Html& close();
  /// An element without contents: <img>, <path>, ...
  Html& empty(std::string_view tag, Attributes attributes = {});
  /// An element with nothing but text in it.
  Html& leaf(std::string_view tag, Attributes attributes, std::string_view text);
  Html& leaf(std::string_view tag, std::string_view text) { return leaf(tag, {}, text); }
  Html& text(std::string_view text);
  /// What another builder has built.
  Html& append(const Html& fragment);
  /// A style sheet of our own: the only text that is not escaped.
  Html& style(std::string_view css);

  /// Everything, once each element is closed.
  const std::string& str() const;

 private:
  void tag(std::string_view name, Attributes attributes);

  std::string out_;
  std::vector<std::string> open_;
};

}  // namespace hone::report
