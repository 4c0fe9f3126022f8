// Tensor, Shape and DType: the plain parts of the public header.
#include <hone/tensor.h>

#include <cstring>
#include <iterator>

#include "base/dtype.h"
#include "base/error.h"
#include "base/memory.h"

namespace hone {
namespace {

struct Row {
  DType dtype;
  int64_t bytes;
  std::string_view name;
};
constexpr Row kRows[] = {
    {DType::f32, 4, "f32"},  {DType::f64, 8, "f64"}, {DType::i32, 4, "i32"},
    {DType::i64, 8, "i64"},  {DType::u8, 1, "u8"},   {DType::boolean, 1, "bool"},
    {DType::i8, 1, "i8"},    {DType::i16, 2, "i16"}, {DType::u16, 2, "u16"},
    {DType::u32, 4, "u32"},  {DType::u64, 8, "u64"}, {DType::f16, 2, "f16"},
    {DType::bf16, 2, "bf16"}};
static_assert(std::size(kRows) == kDTypes);

}  // namespace

int64_t size_of(DType dtype) { return kRows[static_cast<size_t>(dtype)].bytes; }
std::string_view name_of(DType dtype) { return kRows[static_cast<size_t>(dtype)].name; }

DType dtype_from_name(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return row.dtype;
  std::string known;
  for (const Row& row : kRows) known += (known.empty() ? "" : ", ") + std::string(row.name);
  fail(ErrorKind::InvalidInput, "unknown dtype '{}': expected one of {}", name, known);
}

int64_t Shape::elements() const {
  int64_t n = 1;
  for (int64_t d : dims_) {
    if (d < 0) fail(ErrorKind::Internal, "shape {} is not static", to_string());
    n *= d;
  }
  return n;
}

bool Shape::is_static() const {
  for (int64_t d : dims_)
    if (d < 0) return false;
  return true;
}

std::vector<int64_t> Shape::strides() const {
  std::vector<int64_t> out(dims_.size());
  int64_t step = 1;
  for (size_t i = dims_.size(); i-- > 0;) {
    out[i] = step;
    step *= dims_[i];
  }
  return out;
}

std::string Shape::to_string() const {
  std::string out = "[";
  for (size_t i = 0; i < dims_.size(); ++i) {
    if (i > 0) out += ',';
    out += dims_[i] == kBatch ? "N" : std::to_string(dims_[i]);
  }
  return out + "]";
}

std::string TensorType::to_string() const {
  return std::string(name_of(dtype)) + shape.to_string();
}

Tensor::Tensor(DType dtype, Shape shape)
    : type_{dtype, std::move(shape)}, storage_(allocate_zeros(type_.bytes())) {}

Tensor::Tensor(DType dtype, Shape shape, std::shared_ptr<std::byte> memory)
    : type_{dtype, std::move(shape)}, storage_(std::move(memory)) {
  require(reinterpret_cast<uintptr_t>(storage_.get()) % kTensorAlignment == 0,
          "tensor {}: its memory is not aligned to 64 bytes", type_);
}

template <class T>
Tensor Tensor::from(Shape shape, const std::vector<T>& values) {
  Tensor out(dtype_of<T>(), std::move(shape));
  require(out.elements() == static_cast<int64_t>(values.size()),
          "tensor {}: expected {} values, found {}", out.type(), out.elements(), values.size());
  if (!values.empty()) std::memcpy(out.raw(), values.data(), values.size() * sizeof(T));
  return out;
}

Tensor Tensor::scalar(float value) { return from<float>({}, {value}); }
Tensor Tensor::scalar_i64(int64_t value) { return from<int64_t>({}, {value}); }

template <class T>
T* Tensor::data() {
  require(dtype() == dtype_of<T>(), "tensor is {}, read as {}", type_, name_of(dtype_of<T>()));
  return reinterpret_cast<T*>(storage_.get());
}
template <class T>
const T* Tensor::data() const {
  return const_cast<Tensor*>(this)->data<T>();
}

Tensor Tensor::clone() const {
  if (!defined()) return {};
  Tensor out(dtype(), shape());
  std::memcpy(out.raw(), raw(), static_cast<size_t>(bytes()));
  return out;
}

Tensor Tensor::reshaped(Shape shape) const {
  require(shape.elements() == elements(), "cannot reshape {} to {}", type_, shape);
  Tensor out = *this;
  out.type_.shape = std::move(shape);
  return out;
}

Tensor Tensor::rows(int64_t begin, int64_t end) const {
  require(shape().rank() > 0 && 0 <= begin && begin <= end && end <= shape()[0],
          "rows [{}, {}) of a tensor {}", begin, end, type_);
  Tensor out = *this;
  const int64_t stride = shape()[0] == 0 ? 0 : bytes() / shape()[0];
  out.type_.shape[0] = end - begin;
  out.storage_ = std::shared_ptr<std::byte>(storage_, storage_.get() + begin * stride);
  return out;
}

Tensor Tensor::cast(DType to) const {
  Tensor out(to, shape());
  const int64_t n = elements();
  visit(dtype(), [&](auto from_tag) {
    using From = decltype(from_tag);
    visit(to, [&](auto to_tag) {
      using To = decltype(to_tag);
      const From* in = data<From>();
      To* result = out.data<To>();
      for (int64_t i = 0; i < n; ++i) result[i] = convert<To>(in[i]);
    });
  });
  return out;
}

bool Tensor::same_bits(const Tensor& other) const {
  if (!(type_ == other.type_)) return false;
  return !defined() || std::memcmp(raw(), other.raw(), static_cast<size_t>(bytes())) == 0;
}

#define HONE_INSTANTIATE(T)                                      \
  template Tensor Tensor::from<T>(Shape, const std::vector<T>&); \
  template T* Tensor::data<T>();                                 \
  template const T* Tensor::data<T>() const;
HONE_INSTANTIATE(float)
HONE_INSTANTIATE(double)
HONE_INSTANTIATE(int32_t)
HONE_INSTANTIATE(int64_t)
HONE_INSTANTIATE(uint8_t)
HONE_INSTANTIATE(int8_t)
HONE_INSTANTIATE(int16_t)
HONE_INSTANTIATE(uint16_t)
HONE_INSTANTIATE(uint32_t)
HONE_INSTANTIATE(uint64_t)
HONE_INSTANTIATE(Float16)
HONE_INSTANTIATE(BFloat16)
#undef HONE_INSTANTIATE

// std::vector<bool> has no data(), so bool is spelled out.
template <>
Tensor Tensor::from<bool>(Shape shape, const std::vector<bool>& values) {
  Tensor out(DType::boolean, std::move(shape));
  require(out.elements() == static_cast<int64_t>(values.size()),
          "tensor {}: expected {} values, found {}", out.type(), out.elements(), values.size());
  for (size_t i = 0; i < values.size(); ++i) out.data<bool>()[i] = values[i];
  return out;
}
template bool* Tensor::data<bool>();
template const bool* Tensor::data<bool>() const;

}  // namespace hone
