// What the subcommands share: common options, the streams' manners, and errors.
#pragma once

#include <hone/model.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace hone::cli {

/// Options that every verb takes.
struct Common {
  bool json = false;   ///< one JSON object on stdout, nothing else there
  bool quiet = false;  ///< no progress
  int threads = 0;
  uint64_t seed = 0;
};

/// Adds a verb; `run` is called if it was chosen. `common` outlives the app.
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& what,
                      Common& common, std::function<void()> run);

/// Prints to stdout, for a person; nothing with --json.
void say(const Common& common, const std::string& line);
/// Prints the JSON object, if it was asked for.
void say_json(const Common& common, const nlohmann::json& object);
/// NaN as null.
nlohmann::json number(double x);

/// From here on Ctrl-C ends the process at once with exit code 130 (SIGTERM: 143).
void exit_on_interrupt();
/// From here on the first Ctrl-C (or SIGTERM) only makes `interrupted` true, so that the verb can
/// end in good order; a second one ends the process at once.
void watch_for_interrupts();
bool interrupted();
/// What a shell reports for a process that the signal seen ended: 130 after Ctrl-C, 143 after
/// SIGTERM.
int interrupted_exit_code();

/// The command line as it can be pasted into a shell.
std::string command_line(int argc, char** argv);
/// "1 h 02 min", "3 min 05 s", "12 s"
std::string duration(double seconds);
/// 1234567 as "1,234,567"
std::string grouped(int64_t n);

/// Throws InvalidInput, naming the file, unless its model takes this data set's images and has its
/// classes.
void check_fits(const std::string& file, const Model& model, const data::Dataset& data);

// One file for each of these.
void add_train(CLI::App& app, Common& common, const std::string& command);
void add_new(CLI::App& app, Common& common);
void add_eval(CLI::App& app, Common& common);
void add_predict(CLI::App& app, Common& common);
void add_run(CLI::App& app, Common& common);
void add_inspect(CLI::App& app, Common& common);
void add_bench(CLI::App& app, Common& common);
void add_profile(CLI::App& app, Common& common);
void add_weights(CLI::App& app, Common& common);
void add_doctor(CLI::App& app, Common& common);

}  // namespace hone::cli
