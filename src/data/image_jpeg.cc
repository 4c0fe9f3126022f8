// JPEG through libjpeg-turbo. A warning of its (a file that ends early, codes that make no sense)
// is a damaged file here: half of a picture is no picture.
#include <turbojpeg.h>

#include <memory>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "data/image_codecs.h"

namespace hone::data {
namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};

}  // namespace

Tensor decode_jpeg(std::string_view bytes) {
  const std::unique_ptr<std::remove_pointer_t<tjhandle>, Destroy> jpeg(tjInitDecompress());
  if (jpeg == nullptr) throw std::bad_alloc();
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto check = [&](int status) {
    require(status == 0, "damaged JPEG: {}", tjGetErrorStr2(jpeg.get()));
  };
  int width = 0;
  int height = 0;
  int sampling = 0;
  int colours = 0;
  check(tjDecompressHeader3(jpeg.get(), data, bytes.size(), &width, &height, &sampling, &colours));
  check_extent(width, height);
  if (colours == TJCS_CMYK || colours == TJCS_YCCK)
    fail(ErrorKind::Unsupported, "expected a grey or RGB JPEG, found CMYK");
  const bool grey = colours == TJCS_GRAY;
  const int channels = grey ? 1 : 3;
  std::vector<unsigned char> pixels(static_cast<size_t>(width) * static_cast<size_t>(height) *
                                    static_cast<size_t>(channels));
  check(tjDecompress2(jpeg.get(), data, bytes.size(), pixels.data(), width, 0, height,
                      grey ? TJPF_GRAY : TJPF_RGB,
                      TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS));
  return planar(pixels.data(), channels, height, width);
}

}  // namespace hone::data
