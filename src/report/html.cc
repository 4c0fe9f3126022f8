// Building and escaping.
#include "report/html.h"

#include "base/error.h"

namespace hone::report {

std::string escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

void Html::tag(std::string_view name, Attributes attributes) {
  out_ += '<';
  out_ += name;
  for (const Attribute& a : attributes)
    out_ += fmt::format(" {}=\"{}\"", a.first, escape(a.second));
}

Html& Html::open(std::string_view name, Attributes attributes) {
  tag(name, attributes);
  out_ += '>';
  open_.emplace_back(name);
  return *this;
}

Html& Html::close() {
  invariant(!open_.empty(), "no element is open");
  out_ += fmt::format("</{}>", open_.back());
  open_.pop_back();
  // Lines keep the source legible; inside a paragraph they would be spaces.
  if (open_.empty() || open_.back() != "p") out_ += '\n';
  return *this;
}

Html& Html::empty(std::string_view name, Attributes attributes) {
  tag(name, attributes);
  out_ += "/>";
  return *this;
}

Html& Html::leaf(std::string_view name, Attributes attributes, std::string_view contents) {
  return open(name, attributes).text(contents).close();
}

Html& Html::text(std::string_view contents) {
  out_ += escape(contents);
  return *this;
}

Html& Html::append(const Html& fragment) {
  out_ += fragment.str();
  return *this;
}

Html& Html::style(std::string_view css) {
  out_ += fmt::format("<style>\n{}</style>\n", css);
  return *this;
}

const std::string& Html::str() const {
  invariant(open_.empty(), "element '{}' is not closed", open_.empty() ? "" : open_.back());
  return out_;
}

}  // namespace hone::report
