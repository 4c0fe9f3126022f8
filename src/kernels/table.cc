// The kernel families, and their rows as one table.
#include <vector>

#include "base/error.h"
#include "base/fp_state.h"
#include "kernels/families.h"
#include "kernels/kernel.h"
#include "kernels/reference.h"

namespace hone::kernels {
namespace {

template <class Row>
std::vector<Row> gather(std::initializer_list<std::span<const Row>> families) {
  std::vector<Row> rows;
  for (std::span<const Row> family : families)
    rows.insert(rows.end(), family.begin(), family.end());
  return rows;
}

}  // namespace

std::span<const KernelRow> kernel_rows() {
  static const std::vector<KernelRow> rows = gather<KernelRow>({
#define HONE_FAMILY(family) family##_kernels(),
      HONE_FAMILIES
#undef HONE_FAMILY
  });
  return rows;
}

std::span<const ReferenceRow> reference_rows() {
  static const std::vector<ReferenceRow> rows = gather<ReferenceRow>({
#define HONE_FAMILY(family) family##_reference(),
      HONE_FAMILIES
#undef HONE_FAMILY
  });
  return rows;
}

const ReferenceRow* find_reference(const ir::OpSpec& op) {
  for (const ReferenceRow& row : reference_rows())
    if (row.op == &op) return &row;
  return nullptr;
}

void run_reference(const RefCall& call, bool in_double) {
  const ReferenceRow* row = find_reference(*call.node->op);
  invariant(row != nullptr, "op '{}' has no reference", call.node->op->name);
  const FpState fp;
  // What gives f64 has no other reference than the oracle's.
  if (in_double || call.results[0].type->dtype == DType::f64)
    (has_fma() ? row->f64_fma : row->f64)(call);
  else (has_fma() ? row->f32_fma : row->f32)(call);
}

}  // namespace hone::kernels
