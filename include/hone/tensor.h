// Tensors: a dtype, a shape and shared, aligned, row-major memory. Copying a tensor shares its
// memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

/// Element types. Networks are trained in `f32`; `f64` exists for the oracle. `f16` and `bf16` are
/// for storage: elementwise ops compute with them as f32 and round. Operators on integers of any
/// width wrap around.
enum class DType : uint8_t { f32, f64, i32, i64, u8, boolean, i8, i16, u16, u32, u64, f16, bf16 };

/// An element of `f16` (IEEE binary16) as it lies in memory; `Tensor::cast` converts it.
struct Float16 {
  uint16_t bits = 0;
};
/// An element of `bf16`: the upper half of an `f32`.
struct BFloat16 {
  uint16_t bits = 0;
};

/// Bytes of one element.
int64_t size_of(DType dtype);
/// "f32", "bool", ...
std::string_view name_of(DType dtype);
/// The inverse of `name_of`; throws InvalidInput for an unknown name.
DType dtype_from_name(std::string_view name);

/// A dimension that is known only when a batch arrives (printed as N).
inline constexpr int64_t kBatch = -1;

/// The extents of a tensor, outermost first. In a graph that is not yet bound to a batch, the first
/// dimension may be `kBatch`.
class Shape {
 public:
  /// A scalar's: no dimension.
  Shape() = default;
  /// From the extents, outermost first.
  Shape(std::initializer_list<int64_t> dims) : dims_(dims) {}
  explicit Shape(std::vector<int64_t> dims) : dims_(std::move(dims)) {}

  /// How many dimensions there are.
  int rank() const { return static_cast<int>(dims_.size()); }
  /// The extent of an axis in [0, rank()).
  int64_t operator[](int axis) const { return dims_[static_cast<size_t>(axis)]; }
  int64_t& operator[](int axis) { return dims_[static_cast<size_t>(axis)]; }
  /// All extents.
  const std::vector<int64_t>& dims() const { return dims_; }
  /// The product of all dimensions; 1 for a scalar. Needs a static shape.
  int64_t elements() const;
  /// True if no dimension is `kBatch`.
  bool is_static() const;
  /// Row-major strides, in elements.
  std::vector<int64_t> strides() const;
  /// "[N,3,32,32]"
  std::string to_string() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::vector<int64_t> dims_;
};

/// A dtype with a shape, "f32[N,10]".
struct TensorType {
  DType dtype = DType::f32;  ///< of each element
  Shape shape;               ///< the extents
  /// Of all elements. Needs a static shape.
  int64_t bytes() const { return size_of(dtype) * shape.elements(); }
  /// "f32[N,10]"
  std::string to_string() const;
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

/// A dense row-major array. A default-constructed tensor is empty (`defined()` is false).
class Tensor {
 public:
  /// An empty tensor, without a type or memory.
  Tensor() = default;
  /// Zero-filled memory, aligned to 64 bytes. The shape must be static.
  Tensor(DType dtype, Shape shape);
  /// A tensor over memory of someone else's, which lives as long as the tensor and its copies. It
  /// must be aligned to 64 bytes, and the 64 bytes behind it must be readable.
  Tensor(DType dtype, Shape shape, std::shared_ptr<std::byte> memory);
  /// A tensor holding a copy of `values`, whose count must equal the shape's elements.
  template <class T>
  static Tensor from(Shape shape, const std::vector<T>& values);
  /// An f32 scalar (rank 0).
  static Tensor scalar(float value);
  /// An i64 scalar (rank 0).
  static Tensor scalar_i64(int64_t value);

  /// False for an empty tensor.
  bool defined() const { return storage_ != nullptr; }
  /// Dtype and shape.
  const TensorType& type() const { return type_; }
  /// Of each element.
  DType dtype() const { return type_.dtype; }
  /// The extents.
  const Shape& shape() const { return type_.shape; }
  /// How many elements there are; 1 for a scalar.
  int64_t elements() const { return type_.shape.elements(); }
  /// Of all elements.
  int64_t bytes() const { return type_.bytes(); }

  /// The memory, or null.
  std::byte* raw() { return storage_.get(); }
  const std::byte* raw() const { return storage_.get(); }
  /// The elements as `T`; throws InvalidInput if `T` is not the dtype.
  template <class T>
  T* data();
  template <class T>
  const T* data() const;

  /// A tensor of its own memory with the same contents.
  Tensor clone() const;
  /// The same memory under another shape with as many elements.
  Tensor reshaped(Shape shape) const;
  /// Rows [begin, end) of the first dimension, sharing memory.
  Tensor rows(int64_t begin, int64_t end) const;
  /// A converted copy (numeric conversion, element by element).
  Tensor cast(DType dtype) const;
  /// True if dtype, shape and every bit agree.
  bool same_bits(const Tensor& other) const;

 private:
  TensorType type_;
  std::shared_ptr<std::byte> storage_;
};

}  // namespace hone
