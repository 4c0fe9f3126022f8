// Uses the library from outside its source tree: nothing but the installed headers is in reach.
#include <hone/error.h>
#include <hone/tensor.h>

#include <cstdio>

int main() {
  const hone::Tensor t = hone::Tensor::from<float>({2, 2}, {1, 2, 3, 4});
  try {
    static_cast<void>(t.data<int64_t>());
  } catch (const hone::Error& error) {
    std::printf("%s: %s\n", t.type().to_string().c_str(), error.what());
    return error.kind() == hone::ErrorKind::InvalidInput && t.rows(1, 2).data<float>()[1] == 4 ? 0
                                                                                               : 1;
  }
  return 1;
}
