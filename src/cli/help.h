// Help that fits its terminal: descriptions are wrapped beside their options, and below them where
// there is no room beside.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace hone::cli {

/// The text's lines in at most `width` columns, broken at spaces. All but the first begin with
/// `indent` spaces; what was broken goes on as far in as it began. A word that is too long stays
/// whole.
std::string wrapped(const std::string& text, size_t width, size_t indent);

class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(size_t width) : width_(width) {}
  std::string make_description(const CLI::App* app) const override;
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_subcommand(const CLI::App* verb) const override;
  std::string make_footer(const CLI::App* app) const override;

 private:
  std::string entry(const std::string& name, const std::string& description) const;

  size_t width_;
};

}  // namespace hone::cli
