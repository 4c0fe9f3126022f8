// The import row of Einsum: axes that one operand alone has and the result lacks are summed; two
// operands meet in a batch of matrix products; a transpose puts the result's axes in order.
#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "io/onnx_rows.h"

namespace hone::io {
namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

/// A tensor whose axes have letters.
struct Term {
  Expr x;
  std::string letters;

  int64_t extent(char c) const { return x.shape()[static_cast<int>(letters.find(c))]; }
  bool has(char c) const { return letters.find(c) != std::string::npos; }
};

// The axes of "..." get letters of their own, counted from the last.
std::string expand(const std::string& term, int rank) {
  const size_t dots = term.find("...");
  const int named = static_cast<int>(term.size()) - (dots == std::string::npos ? 0 : 3);
  require(dots == std::string::npos ? named == rank : named <= rank,
          "'{}' does not fit {} dimensions", term, rank);
  if (dots == std::string::npos) return term;
  std::string hidden;
  for (int i = rank - named; i-- > 0;) hidden += static_cast<char>('0' + i);
  return term.substr(0, dots) + hidden + term.substr(dots + 3);
}

Term ordered(const Term& t, const std::string& letters) {
  Ints perm;
  for (char c : letters) perm.push_back(static_cast<int64_t>(t.letters.find(c)));
  const bool same = std::is_sorted(perm.begin(), perm.end());
  return {same ? t.x : ir::transpose(t.x, perm), letters};
}

Term summed(const Term& t, const std::string& kept) {
  Ints gone;
  std::string left;
  for (size_t i = 0; i < t.letters.size(); ++i) {
    if (kept.find(t.letters[i]) == std::string::npos) gone.push_back(static_cast<int64_t>(i));
    else left += t.letters[i];
  }
  return {gone.empty() ? t.x : ir::reduce_sum(t.x, gone), left};
}

Ints extents(const Term& t, const std::string& letters) {
  Ints out;
  for (char c : letters) out.push_back(t.extent(c));
  return out;
}
int64_t product(const Ints& v) {
  return std::accumulate(v.begin(), v.end(), int64_t{1}, std::multiplies<>());
}

// Letters of both and the result are a batch, of both alone contracted, of one its rows or columns.
Term multiply(const Term& a, const Term& b, const std::string& result) {
  std::string batch, inner, rows, columns;
  for (char c : a.letters) {
    if (!b.has(c)) rows += c;
    else if (result.find(c) != std::string::npos) batch += c;
    else inner += c;
    require(!b.has(c) || a.extent(c) == b.extent(c), "'{}' is {} and {}", c, a.extent(c),
            b.has(c) ? b.extent(c) : 0);
  }
  for (char c : b.letters)
    if (!a.has(c)) columns += c;
  const Ints batches = extents(a, batch);
  const int64_t n = product(batches);
  const int64_t k = product(extents(a, inner));
  Ints out = batches;
  for (int64_t d : extents(a, rows)) out.push_back(d);
  for (int64_t d : extents(b, columns)) out.push_back(d);
  const Expr left =
      ir::reshape(ordered(a, batch + rows + inner).x, {n, product(extents(a, rows)), k});
  const Expr right =
      ir::reshape(ordered(b, batch + inner + columns).x, {n, k, product(extents(b, columns))});
  return {ir::reshape(ir::matmul(left, right), Shape(out)), batch + rows + columns};
}

void einsum(OnnxImporter& in, const Node& n) {
  std::string equation = string_of(n, "equation", "");
  std::erase(equation, ' ');
  const size_t arrow = equation.find("->");
  std::string left = equation.substr(0, arrow);
  std::vector<Term> terms;
  for (int i = 0; i < n.input_size(); ++i) {
    const size_t comma = left.find(',');
    const Expr x = in.expr(n, i);
    if (!x.shape().is_static())
      fail(ErrorKind::Unsupported, "{} holds the symbolic batch: give its extent",
           x.shape().to_string());
    terms.push_back({x, expand(left.substr(0, comma), x.rank())});
    left = comma == std::string::npos ? "" : left.substr(comma + 1);
  }
  if (terms.empty() || terms.size() > 2)
    fail(ErrorKind::Unsupported, "{} operands are not supported", terms.size());
  std::string all;
  for (const Term& t : terms)
    for (char c : t.letters) {
      if (std::count(t.letters.begin(), t.letters.end(), c) > 1)
        fail(ErrorKind::Unsupported, "'{}' twice in one operand is not supported", c);
      if (all.find(c) == std::string::npos) all += c;
    }
  std::string result;
  if (arrow == std::string::npos) {
    std::sort(all.begin(), all.end());  // the axes of "..." come first
    for (char c : all) {
      int times = 0;
      for (const Term& t : terms) times += t.has(c);
      if (times == 1 || (c >= '0' && c <= '9')) result += c;
    }
  } else {
    const auto hidden = std::count_if(all.begin(), all.end(), [](char c) { return c <= '9'; });
    const std::string wanted = equation.substr(arrow + 2);
    const bool dots = wanted.find("...") != std::string::npos;
    result = expand(wanted, static_cast<int>(wanted.size()) - (dots ? 3 : 0) +
                                (dots ? static_cast<int>(hidden) : 0));
  }
  for (char c : result)
    require(all.find(c) != std::string::npos && std::count(result.begin(), result.end(), c) == 1,
            "'{}' of the result is no axis of an operand", c);
  Term value = summed(terms[0], terms.size() == 2 ? terms[1].letters + result : result);
  if (terms.size() == 2) value = multiply(value, summed(terms[1], value.letters + result), result);
  in.bind(n, ordered(value, result).x);
}

}  // namespace

std::vector<OnnxImportRow> onnx_einsum_rows() { return {{"Einsum", einsum}}; }

}  // namespace hone::io
