#include <algorithm>
#include <cstring>

#include "copy_box.h"
#include "half.h"
#include "kernels.h"

namespace bag {

namespace {

/** Elements of a border from which on threads share its work. */
constexpr int64_t thick = 1 << 18;

/** Where x lies in y. */
struct Interior {
  std::array<int64_t, maxRank> begin{}, strides{};

  Interior(const Tensor& x, const Tensor& y, const std::vector<int64_t>& before) : strides(stridesOf(y)) {
    require(y.rank == x.rank && static_cast<int>(before.size()) == x.rank, "expected a padding for each axis");
    for (int i = 0; i < x.rank; i++) {
      require(before[i] >= 0 && before[i] <= y.shape[i] - x.shape[i], "the output does not hold the padded tensor");
      begin[i] = before[i];
    }
  }
};

void copyInterior(const Tensor& x, const Tensor& y, const Interior& inner) {
  const auto from = stridesOf(x);
  Box box;
  int64_t first = 0;
  for (int i = 0; i < x.rank; i++) {
    first += inner.begin[i] * inner.strides[i];
    box.add(x.shape[i], from[i], inner.strides[i]);
  }
  copyBox(box, x.data, at(y, first), x.dtype);
}

/**
 * A slab of y's border: `size` indices of `axis` from `begin` on, of the axes before it only those where x lies, of the
 * ones after it all. Its elements come from y itself, at `source` and backwards along the axis, or are one value.
 */
void copySlab(const Tensor& x, const Tensor& y, const Interior& inner, int axis, int64_t begin, int64_t size,
              int64_t source, const void* value) {
  const auto& strides = inner.strides;
  const int64_t walk = value == nullptr ? 1 : 0;
  Box box;
  int64_t first = 0;
  for (int i = 0; i < axis; i++) {
    first += inner.begin[i] * strides[i];
    box.add(x.shape[i], walk * strides[i], strides[i]);
  }
  box.add(size, -walk * strides[axis], strides[axis]);
  for (int i = axis + 1; i < y.rank; i++) box.add(y.shape[i], walk * strides[i], strides[i]);
  if (box.elements() == 0) return;
  const void* from = value == nullptr ? at(y, first + source * strides[axis]) : value;
  void* to = at(y, first + begin * strides[axis]);
  // Most borders are thin: not worth another start of all threads.
  if (box.elements() < thick) copyBoxHere(box, from, to, y.dtype);
  else copyBox(box, from, to, y.dtype);
}

}  // namespace

void PadV2(Arguments& in) {
  const Tensor x = in.any(), y = in.tensor(x.dtype);
  const Interior inner(x, y, in.integers());
  const double number = in.number();
  uint32_t value = 0;
  if (seen(x.dtype) == DType::float32) {
    withStorage(x.dtype, [&](auto type) {
      put(&type, static_cast<float>(number));
      std::memcpy(&value, &type, sizeof type);
    });
  } else {
    require(number >= -2147483648.0 && number < 4294967296.0, "the value does not fit an integer");
    const auto integer = static_cast<uint32_t>(static_cast<int64_t>(number));
    if (x.dtype == DType::boolean) *reinterpret_cast<uint8_t*>(&value) = static_cast<uint8_t>(integer);
    else value = integer;
  }
  copyInterior(x, y, inner);
  for (int i = 0; i < x.rank; i++) {
    const int64_t end = inner.begin[i] + x.shape[i];
    copySlab(x, y, inner, i, 0, inner.begin[i], 0, &value);
    copySlab(x, y, inner, i, end, y.shape[i] - end, 0, &value);
  }
}

/** With `edges`, the mirror lies beyond the outermost elements and repeats them; else it lies on them. */
void MirrorPad(Arguments& in) {
  const Tensor x = in.any(), y = in.tensor(x.dtype);
  const Interior inner(x, y, in.integers());
  const int64_t skipped = in.flag() ? 0 : 1;
  copyInterior(x, y, inner);
  for (int i = x.rank; i-- > 0;) {
    const int64_t begin = inner.begin[i], end = begin + x.shape[i], after = y.shape[i] - end;
    require(std::max(begin, after) <= std::max<int64_t>(0, x.shape[i] - skipped), "a padding is wider than what it mirrors");
    copySlab(x, y, inner, i, 0, begin, 2 * begin - 1 + skipped, nullptr);
    copySlab(x, y, inner, i, end, after, end - 1 - skipped, nullptr);
  }
}

}  // namespace bag
