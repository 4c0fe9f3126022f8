// NAME=N, as often as there are names.
#include "cli/dims.h"

#include <fmt/core.h>

#include "cli/usage.h"

namespace hone::cli {

void add_dim_option(CLI::App& command, Dims& dims) {
  const auto read = [&dims](const std::vector<std::string>& all) {
    for (const std::string& text : all) {
      const size_t equals = text.rfind('=');
      std::string extent = equals == std::string::npos ? text : text.substr(equals + 1);
      if (equals == std::string::npos || equals == 0)
        throw CLI::ValidationError("--dim", fmt::format("expected NAME=N, found '{}'", text));
      if (const std::string wrong = whole_number(1, INT32_MAX)(extent); !wrong.empty())
        throw CLI::ValidationError("--dim " + text, wrong);
      const std::string name = text.substr(0, equals);
      if (!dims.emplace(name, std::stoll(extent)).second)
        throw CLI::ValidationError("--dim", fmt::format("'{}' is given twice", name));
    }
  };
  command
      .add_option_function<std::vector<std::string>>(
          "--dim", read, "The extent of a dimension that the file leaves open")
      ->take_all()
      ->type_name("NAME=N");
}

}  // namespace hone::cli
