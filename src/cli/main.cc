// The tool: parses the command line, runs one verb, and turns errors into one line and an exit
// code: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 143 terminated.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <new>

#include "base/error.h"
#include "base/printable.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/table.h"
#include "cli/usage.h"

int main(int argc, char** argv) {
  using namespace hone::cli;
  exit_on_interrupt();
  CLI::App app{"hone takes a neural network from data to production.", "hone"};
  const int columns = terminal_columns(STDOUT_FILENO);
  app.formatter(std::make_shared<HelpFormatter>(columns > 0 ? std::min(columns, 100) : 80));
  app.require_subcommand(1);
  app.set_version_flag("--version", "hone " HONE_VERSION);
  app.footer(
      "'hone VERB --help' explains a verb. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 "
      "interrupted (Ctrl-C), 143 terminated (SIGTERM).");
  Common common;
  add_train(app, common, command_line(argc, argv));
  add_new(app, common);
  add_eval(app, common);
  add_predict(app, common);
  add_run(app, common);
  add_inspect(app, common);
  add_bench(app, common);
  add_profile(app, common);
  add_weights(app, common);
  add_doctor(app, common);
  try {
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& e) {  // --help and --version
      app.exit(e);
    }
    if (std::fflush(stdout) != 0 || !std::cout.flush())
      hone::fail(hone::ErrorKind::Io, "cannot write to the standard output");
    return 0;
  } catch (const CLI::ParseError& e) {
    fmt::print(stderr, "hone: error: {}\n", hone::printable(explain(app, e)));
    return 2;
  } catch (const hone::Error& e) {
    const bool cancelled = e.kind() == hone::ErrorKind::Cancelled;
    fmt::print(stderr, "hone: {}{}\n", cancelled ? "" : "error: ", e.what());
    return cancelled ? interrupted_exit_code() : 1;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "hone: error: out of memory\n");
    return 1;
  } catch (const std::exception& e) {
    fmt::print(stderr, "hone: error: {}\n", e.what());
    return 1;
  }
}
