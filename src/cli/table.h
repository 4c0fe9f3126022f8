// Tables on a terminal, as wide as it is, and in a pipe, as wide as they need.
#pragma once

#include <string>
#include <vector>

namespace hone::cli {

/// Columns of the terminal that `descriptor` is, or 0 where it is none.
int terminal_columns(int descriptor);

class Table {
 public:
  struct Column {
    std::string title;
    bool is_number = false;  ///< to the right
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<std::string> cells);
  /// All lines, the titles first. Where they would be wider than `columns` (0: no limit), the first
  /// column gives way, and of a name that is too long for it the end is shown. Where that is not
  /// enough, each row is a list: a line for each cell that is not empty, its title before it.
  std::string to_text(int columns) const;

 private:
  std::string to_list() const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace hone::cli
