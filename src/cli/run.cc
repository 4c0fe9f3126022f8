// hone run MODEL.onnx --input NAME=FILE.npy... --output-dir DIR: arrays in, arrays out.
#include <fmt/format.h>
#include <hone/session.h>

#include <array>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "cli/command.h"
#include "cli/dims.h"
#include "io/file.h"
#include "io/npy.h"
#include "io/tensor_bytes.h"

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

struct RunArgs {
  std::string model;
  std::vector<std::string> inputs;
  std::string output_dir;
  Dims dims;
};

std::string listed(const std::vector<Port>& ports) {
  std::string out;
  for (const Port& p : ports)
    out += fmt::format("{}'{}' {}", out.empty() ? "" : ", ", p.name, p.type.to_string());
  return out.empty() ? "none" : out;
}

/// The input that "NAME=FILE" or, where there is only one, "FILE" is for, and the file. A name may
/// have a '=' in it: the longest that fits is meant.
std::pair<std::string, std::string> split_input(const std::string& text, const Session& session) {
  const Port* best = nullptr;
  for (const Port& p : session.inputs())
    if (text.starts_with(p.name + "=") && (best == nullptr || p.name.size() > best->name.size()))
      best = &p;
  if (best != nullptr) return {best->name, text.substr(best->name.size() + 1)};
  std::error_code error;
  const bool is_file = text.find('=') == std::string::npos || fs::exists(text, error);
  require(is_file, "--input {}: no input '{}': expected {}", text, text.substr(0, text.find('=')),
          listed(session.inputs()));
  require(session.inputs().size() == 1, "--input {}: expected NAME={}, with a NAME of {}", text,
          text, listed(session.inputs()));
  return {session.inputs()[0].name, text};
}

Tensors read_inputs(const RunArgs& args, const Session& session) {
  Tensors out;
  for (const std::string& text : args.inputs) {
    const auto [name, file] = split_input(text, session);
    require(!out.contains(name), "--input {}: input '{}' is given twice", text, name);
    out.emplace(name, io::load_npy(file));
  }
  for (const Port& p : session.inputs())
    require(out.contains(p.name), "input '{}' is missing: expected --input {}=FILE.npy with {}",
            p.name, p.name, p.type);
  return out;
}

/// A file for each output: its name, with '_' for what a file's name cannot hold.
std::map<std::string, std::string> output_files(const Session& session) {
  std::map<std::string, std::string> out;
  std::map<std::string, std::string> owner;
  for (const Port& p : session.outputs()) {
    std::string file = p.name + ".npy";
    for (char& c : file)
      if (c == '/' || c == '\0') c = '_';
    const auto [other, is_new] = owner.emplace(file, p.name);
    require(is_new, "outputs '{}' and '{}' would both be written to '{}'", other->second, p.name,
            file);
    out.emplace(p.name, std::move(file));
  }
  return out;
}

/// A folder for files that are all there in the end, or none of them; and it goes again, if it was
/// made for them.
class OutputFolder {
 public:
  explicit OutputFolder(const std::string& path) : path_(path) {
    std::error_code error;
    is_new_ = fs::create_directories(path_, error);
    if (error)
      fail(ErrorKind::Io, "cannot write to the output folder '{}': {}", path, error.message());
  }
  ~OutputFolder() {
    std::error_code error;
    if (is_new_) fs::remove(path_, error);  // only if nothing came into it
  }
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  void write(const std::map<std::string, std::string>& files, const Tensors& outputs) const {
    io::FileTransaction transaction;
    for (const auto& [name, file] : files) {
      const std::string header = io::npy_header(outputs.at(name).type());
      const std::array pieces = {std::string_view(header), io::bytes_of(outputs.at(name))};
      transaction.write((path_ / file).string(), pieces);
    }
    transaction.commit();
  }

 private:
  fs::path path_;
  bool is_new_ = false;
};

void run(const RunArgs& args, const Common& common) {
  const Session session = Session::load(args.model, {.threads = common.threads, .dims = args.dims});
  const Tensors inputs = read_inputs(args, session);
  const std::map<std::string, std::string> files = output_files(session);
  const Tensors outputs = session.run(inputs);
  watch_for_interrupts();  // what follows is short, and is not left half done
  OutputFolder(args.output_dir).write(files, outputs);

  nlohmann::json rows = nlohmann::json::array();
  for (const Port& p : session.outputs()) {
    const TensorType& type = outputs.at(p.name).type();
    const std::string path = (fs::path(args.output_dir) / files.at(p.name)).string();
    say(common, fmt::format("{}  {}  {}", p.name, type.to_string(), path));
    rows.push_back({{"name", p.name},
                    {"file", path},
                    {"dtype", name_of(type.dtype)},
                    {"shape", type.shape.dims()}});
  }
  say_json(common, {{"outputs", rows}});
}

}  // namespace

void add_run(CLI::App& app, Common& common) {
  auto args = std::make_shared<RunArgs>();
  CLI::App* c = add_command(app, "run", "Run a model on arrays", common,
                            [args, &common] { run(*args, common); });
  c->add_option("MODEL", args->model, "ONNX file")->required();
  c->add_option("--input", args->inputs, "An .npy file for each input; of one input only the file")
      ->type_name("NAME=FILE")
      ->take_all();
  c->add_option("--output-dir", args->output_dir,
                "Folder for the outputs, each as NAME.npy; made if need be")
      ->type_name("DIR")
      ->required();
  add_dim_option(*c, args->dims);
}

}  // namespace hone::cli
