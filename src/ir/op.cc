// The op table made from ops.inc, and the registry of users' ops.
#include "ir/op.h"

#include <mutex>

#include "base/error.h"
#include "ir/infer.h"

namespace hone::ir {

namespace op {
#define HONE_OP(name, min_operands, max_operands, op_class, attributes, infer)     \
  const OpSpec name{#name,      min_operands,     max_operands, OpClass::op_class, \
                    attributes, ::hone::ir::infer};
#include "ir/ops.inc"
#undef HONE_OP
}  // namespace op

namespace {

std::mutex registry_mutex;

// Users' ops.
std::vector<const OpSpec*>& registry() {
  static std::vector<const OpSpec*> ops;
  return ops;
}

}  // namespace

std::span<const OpSpec* const> builtin_ops() {
  static constexpr const OpSpec* ops[] = {
#define HONE_OP(name, min_operands, max_operands, op_class, attributes, infer) &op::name,
#include "ir/ops.inc"
#undef HONE_OP
  };
  return ops;
}

const OpSpec* find_op(std::string_view name) {
  for (const OpSpec* spec : builtin_ops())
    if (spec->name == name) return spec;
  std::lock_guard lock(registry_mutex);
  for (const OpSpec* spec : registry())
    if (spec->name == name) return spec;
  return nullptr;
}

void register_op(const OpSpec* spec) {
  require(find_op(spec->name) == nullptr, "op '{}' exists already", spec->name);
  std::lock_guard lock(registry_mutex);
  registry().push_back(spec);
}

}  // namespace hone::ir
