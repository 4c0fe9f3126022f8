// One file, imported as often as shapes come.
#include <set>

#include "base/error.h"
#include "io/onnx_file.h"
#include "io/onnx_import.h"

namespace hone::io {
namespace {

template <class Infos>
OnnxSource::Ports declared(const Infos& infos, const std::map<std::string, int64_t>& extents,
                           const std::set<std::string>& without = {}) {
  OnnxSource::Ports out;
  for (const auto& info : infos) {
    if (without.contains(info.name())) continue;
    const auto& tensor = info.type().tensor_type();
    out.push_back(
        {info.name(),
         {dtype_from_onnx(tensor.elem_type()), Shape(declared_extents(tensor, extents))}});
  }
  return out;
}

}  // namespace

OnnxSource::OnnxSource(std::string path, std::unique_ptr<OnnxFile> file)
    : path_(std::move(path)), file_(std::move(file)) {}
OnnxSource::~OnnxSource() = default;
OnnxSource::OnnxSource(OnnxSource&&) noexcept = default;
OnnxSource& OnnxSource::operator=(OnnxSource&&) noexcept = default;

OnnxSource OnnxSource::open(const std::string& path) {
  return {path, std::make_unique<OnnxFile>(OnnxFile::open(path))};
}

OnnxModel OnnxSource::import(const ImportOptions& options) const {
  return import_onnx(*file_, path_, options);
}

std::string OnnxSource::name() const {
  const std::string& given = file_->proto().graph().name();
  return given.empty() ? path_ : given;
}

OnnxSource::Ports OnnxSource::inputs(const std::map<std::string, int64_t>& dims) const {
  std::set<std::string> initialised;
  for (const auto& t : file_->proto().graph().initializer()) initialised.insert(t.name());
  return declared(file_->proto().graph().input(), dims, initialised);
}

OnnxSource::Ports OnnxSource::outputs(const std::map<std::string, int64_t>& dims) const {
  return declared(file_->proto().graph().output(), dims);
}

}  // namespace hone::io
