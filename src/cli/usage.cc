// Edit distance over what the parser knows, and checks with readable errors.
#include "cli/usage.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "io/onnx_export.h"

namespace hone::cli {
namespace {

// Insertions, deletions, replacements, and swaps of neighbours.
size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      const size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::vector<std::string> verbs_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands({})) names.push_back(verb->get_name());
  return names;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string best = nearest(word, candidates);
  return best.empty() ? "" : fmt::format(": did you mean '{}'?", best);
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

template <class T>
std::optional<T> parsed(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> parsed_size(const std::string& text) {
  static const std::map<std::string_view, int> powers = {
      {"", 0},    {"B", 0},   {"K", 10},  {"M", 20},   {"G", 30},   {"T", 40},   {"KB", 10},
      {"MB", 20}, {"GB", 30}, {"TB", 40}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
  const size_t unit = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto power = powers.find(std::string_view(text).substr(unit));
  const std::optional<double> number = parsed<double>(text.substr(0, unit));
  if (power == powers.end() || !number) return std::nullopt;
  const double bytes = std::ldexp(*number, power->second);
  if (!(bytes >= 1 && bytes < 0x1p62)) return std::nullopt;
  return static_cast<int64_t>(bytes);
}

// CLI11 prints a validator's description as part of an option's type: an empty one keeps help
// short.
CLI::Validator check(std::string expected, std::function<bool(const std::string&)> ok) {
  return CLI::Validator(
      [expected = std::move(expected), ok = std::move(ok)](std::string& text) {
        return ok(text) ? "" : fmt::format("expected {}, found '{}'", expected, text);
      },
      "");
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t fewest = word.size() / 2 + 1;
  for (const std::string& candidate : candidates) {
    const size_t needed = edits(word, candidate);
    if (needed < fewest) {
      fewest = needed;
      best = candidate;
    }
  }
  return best;
}

std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const CLI::App& verb = chosen.empty() ? app : *chosen.front();
  const std::string help = chosen.empty() ? "hone --help" : "hone " + verb.get_name() + " --help";
  const std::vector<std::string> unknown = app.remaining(true);
  std::string text = error.what();
  const auto option = std::find_if(unknown.begin(), unknown.end(), [](const std::string& word) {
    return word.size() > 1 && word[0] == '-';
  });
  if (option != unknown.end()) {
    const std::string word = option->substr(0, option->find('='));
    text = fmt::format("unknown option '{}'{}", word, did_you_mean(word, options_of(verb)));
  } else if (chosen.empty()) {
    text = unknown.empty() ? fmt::format("expected a verb, one of {}", joined(verbs_of(app)))
                           : fmt::format("unknown verb '{}'{}", unknown.front(),
                                         did_you_mean(unknown.front(), verbs_of(app)));
  } else if (!unknown.empty()) {
    text = fmt::format("unexpected argument '{}'", unknown.front());
  }
  return fmt::format("{} (see '{}')", text, help);
}

void add_opset_option(CLI::App& command, int64_t& opset) {
  command
      .add_option("--opset", opset,
                  fmt::format("ONNX's version in that file, from {} to {} (default: {})",
                              io::kLowestWrittenOpset, io::kHighestWrittenOpset, io::kOnnxOpset))
      ->type_name("N")
      ->check(whole_number(io::kLowestWrittenOpset, io::kHighestWrittenOpset));
}

CLI::Validator whole_number(int64_t lowest, int64_t highest) {
  const auto is_within = [](const std::string& text, int64_t from, int64_t to) {
    const std::optional<int64_t> n = parsed<int64_t>(text);
    return n && *n >= from && *n <= to;
  };
  if (highest < INT32_MAX)
    return check(fmt::format("a whole number from {} to {}", lowest, highest),
                 [=](const std::string& text) { return is_within(text, lowest, highest); });
  // Only who exceeds a limit that is the machine's hears of it.
  return check(fmt::format("a whole number of at least {}", lowest),
               [=](const std::string& text) { return is_within(text, lowest, INT64_MAX); }) &
         check(fmt::format("a whole number of at most {}", highest), [=](const std::string& text) {
           return highest == INT64_MAX || !is_within(text, highest + 1, INT64_MAX);
         });
}

CLI::Validator number_from(double lowest, double highest) {
  return check(std::isinf(highest) ? fmt::format("a number of at least {}", lowest)
                                   : fmt::format("a number from {} to {}", lowest, highest),
               [=](const std::string& text) {
                 const std::optional<double> x = parsed<double>(text);
                 return x && std::isfinite(*x) && *x >= lowest && *x <= highest;
               });
}

CLI::Validator positive_number() {
  return check("a number above 0", [](const std::string& text) {
    const std::optional<double> x = parsed<double>(text);
    return x && std::isfinite(*x) && *x > 0;
  });
}

CLI::Validator memory_size() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        const std::optional<int64_t> bytes = parsed_size(text);
        if (!bytes) return fmt::format("expected a size such as 512M or 2GiB, found '{}'", text);
        text = std::to_string(*bytes);
        return "";
      },
      "");
}

}  // namespace hone::cli
