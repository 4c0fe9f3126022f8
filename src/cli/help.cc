// CLI11 lays help out in two columns and leaves long lines to the terminal.
#include "cli/help.h"

#include <fmt/core.h>

#include <algorithm>
#include <sstream>

namespace hone::cli {
namespace {

constexpr size_t kNames = 26;        // columns of the names, with the space around them
constexpr size_t kLeastBeside = 30;  // fewer columns than this for the text: it goes below

}  // namespace

std::string wrapped(const std::string& text, size_t width, size_t indent) {
  const std::string margin(indent, ' ');
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::string own(std::min(line.find_first_not_of(' '), line.size()), ' ');
    if (!out.empty()) out += "\n" + margin;
    out += own;
    size_t column = indent + own.size();
    bool first = true;
    std::istringstream words(line);
    for (std::string word; words >> word; first = false) {
      if (!first && column + 1 + word.size() > width) {
        out += fmt::format("\n{}{}", margin, own);
        column = indent + own.size();
      } else if (!first) {
        out += ' ';
        ++column;
      }
      out += word;
      column += word.size();
    }
  }
  return out;
}

std::string HelpFormatter::entry(const std::string& name, const std::string& description) const {
  const bool beside = width_ >= kNames + kLeastBeside;
  const size_t indent = beside ? kNames : 6;
  std::string out = "  " + name;
  if (beside && out.size() + 2 <= indent) out.append(indent - out.size(), ' ');
  else out += "\n" + std::string(indent, ' ');
  return out + wrapped(description, width_, indent) + "\n";
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return wrapped(app->get_description(), width_, 0) + "\n";
}

// One empty line between groups, where CLI11 has two.
std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode mode) const {
  std::string out = CLI::Formatter::make_help(app, std::move(name), mode);
  for (size_t at = 0; (at = out.find("\n\n\n", at)) != std::string::npos;) out.erase(at, 1);
  return out;
}

// What else CLI11 says there, that an option is required or excludes another, breaks the lines;
// what is missing or too much is told when it is.
std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  const std::string type = option->get_type_name();
  return option->get_type_size() == 0 || option->get_positional() || type.empty() ? "" : " " + type;
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  return entry(make_option_name(option, is_positional) + make_option_opts(option),
               make_option_desc(option));
}

std::string HelpFormatter::make_subcommand(const CLI::App* verb) const {
  return entry(verb->get_name(), verb->get_description());
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  return wrapped(app->get_footer(), width_, 0) + "\n";
}

}  // namespace hone::cli
