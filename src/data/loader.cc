// The loader: one thread fills a small ring of buffers, the consumer holds one at a time. Batches
// that are only copied are made by the consumer, which takes less time than handing them over; the
// threads that will read them may share in it.
#include <hone/data.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <span>
#include <thread>

#include "base/error.h"
#include "base/thread_pool.h"
#include "data/augment.h"
#include "kernels/blocks.h"

namespace hone::data {
namespace {

std::vector<int64_t> order_of(const LoaderOptions& options, int64_t samples, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(samples));
  std::iota(order.begin(), order.end(), int64_t{0});
  if (!options.shuffle) return order;
  const uint64_t key = mix(mix(options.seed, static_cast<uint64_t>(epoch)), key_of("shuffle"));
  for (size_t i = order.size(); i-- > 1;) std::swap(order[i], order[uniform_below(key, i, i + 1)]);
  return order;
}

constexpr int64_t kLeastCopied = 16 << 10;  // bytes that pay for another thread

/// Copies rows of `bytes` each to places one after another.
void gather(const std::byte* from, int64_t bytes, std::span<const int64_t> rows, std::byte* to) {
  for (const int64_t row : rows) {
    std::memcpy(to, from + row * bytes, static_cast<size_t>(bytes));
    to += bytes;
  }
}

/// The same by all threads of a pool.
void gather_on(ThreadPool& pool, const std::byte* from, int64_t bytes,
               std::span<const int64_t> rows, std::byte* to) {
  const int64_t count = std::ssize(rows);
  const int64_t parts = std::min<int64_t>(pool.threads(), count * bytes / kLeastCopied);
  if (parts <= 1) return gather(from, bytes, rows, to);
  pool.run(parts, [&](int64_t i, int) {
    const kernels::Range part = kernels::even_part(i, parts, count);
    gather(from, bytes,
           rows.subspan(static_cast<size_t>(part.begin), static_cast<size_t>(part.size())),
           to + part.begin * bytes);
  });
}

}  // namespace

struct Loader::Impl {
  Impl(Dataset data, LoaderOptions choices, ThreadPool* sharing);
  ~Impl();
  void work();
  void fill(Batch& buffer, Batch& batch, int64_t epoch, int64_t index);
  void release_held();

  const Dataset dataset;
  const LoaderOptions options;
  const bool threaded;     // there is more to do than to copy
  ThreadPool* const pool;  // whose threads copy; null: who fills a batch does
  int64_t batches = 0;
  std::vector<Batch> buffers;  // of whole batches

  // Only who makes batches reads these.
  std::vector<int64_t> order;
  int64_t order_epoch = -1;

  std::mutex mutex;  // guards all below
  std::condition_variable to_thread, to_consumer;
  bool stop = false;
  int64_t run = 0;  // counts calls of start: what an older run made is dropped
  int64_t epoch = 0;
  int64_t to_make, to_give;  // the next batch to make and to give; batches means none
  std::vector<size_t> free;
  std::deque<std::pair<size_t, Batch>> ready;
  std::optional<size_t> held;  // the buffer that the consumer reads
  std::exception_ptr error;

  std::thread thread;
};

Loader::Impl::Impl(Dataset data, LoaderOptions choices, ThreadPool* sharing)
    : dataset(std::move(data)),
      options(std::move(choices)),
      threaded(options.augment.any() || options.transform),
      pool(threaded ? nullptr : sharing) {
  dataset.check();
  require(options.batch >= 1 && options.batch <= dataset.size(),
          "batch {}: expected 1 to {}, the size of data set '{}'", options.batch, dataset.size(),
          dataset.name);
  require(options.prefetch >= 1, "prefetch {}: expected at least 1", options.prefetch);
  require(!options.augment.any() || dataset.images.shape().rank() == 4,
          "augmentation: expected images [count,C,H,W], found {}", dataset.images.type());
  const Shape& images = dataset.images.shape();
  const int64_t side = options.augment.any() ? std::min(images[2], images[3]) : 1;
  require(options.augment.crop_pad >= 0 && options.augment.crop_pad < side,
          "crop_pad {}: expected 0 to {}, less than the images' side", options.augment.crop_pad,
          side - 1);
  const int64_t rounding = options.drop_last ? 0 : options.batch - 1;
  batches = (dataset.size() + rounding) / options.batch;
  to_make = to_give = batches;
  Shape shape = dataset.images.shape();
  shape[0] = options.batch;
  Shape label_shape = dataset.labels.shape();
  label_shape[0] = options.batch;
  const int ahead = threaded ? options.prefetch : 0;
  for (int i = 0; i <= ahead; ++i) {  // one more: the consumer's
    buffers.push_back(
        {Tensor(dataset.images.dtype(), shape), Tensor(dataset.labels.dtype(), label_shape)});
    free.push_back(static_cast<size_t>(i));
  }
  if (threaded) thread = std::thread([this] { work(); });
}

Loader::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex);
    stop = true;
  }
  to_thread.notify_one();
  if (threaded) thread.join();
}

void Loader::Impl::fill(Batch& buffer, Batch& batch, int64_t of_epoch, int64_t index) {
  if (order_epoch != of_epoch) {
    order = order_of(options, dataset.size(), of_epoch);
    order_epoch = of_epoch;
  }
  batch.index = index;
  batch.first = index * options.batch;
  const int64_t samples = std::min(options.batch, dataset.size() - batch.first);
  batch.images = buffer.images.rows(0, samples);
  batch.labels = buffer.labels.rows(0, samples);
  const std::span<const int64_t> rows(order.data() + batch.first, static_cast<size_t>(samples));
  gather(dataset.labels.raw(), dataset.labels.bytes() / dataset.size(), rows, batch.labels.raw());
  const int64_t bytes = dataset.images.bytes() / dataset.size();
  if (options.augment.any()) {
    std::byte* to = batch.images.raw();
    for (const int64_t row : rows) {
      change_image(draw_change(options.augment, options.seed, of_epoch, row),
                   dataset.images.shape(), size_of(dataset.images.dtype()),
                   dataset.images.raw() + row * bytes, to);
      to += bytes;
    }
  } else if (pool != nullptr) {
    gather_on(*pool, dataset.images.raw(), bytes, rows, batch.images.raw());
  } else {
    gather(dataset.images.raw(), bytes, rows, batch.images.raw());
  }
  if (options.transform) options.transform(batch);
}

void Loader::Impl::work() {
  std::unique_lock lock(mutex);
  for (;;) {
    to_thread.wait(lock, [&] { return stop || (to_make < batches && !free.empty()); });
    if (stop) return;
    const size_t slot = free.back();
    free.pop_back();
    const int64_t index = to_make++, of_epoch = epoch, of_run = run;
    lock.unlock();
    Batch batch;
    std::exception_ptr failure;
    try {
      fill(buffers[slot], batch, of_epoch, index);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (of_run != run || failure) free.push_back(slot);
    else ready.emplace_back(slot, std::move(batch));
    if (of_run == run && failure) {
      error = failure;
      to_make = batches;
    }
    to_consumer.notify_one();
  }
}

void Loader::Impl::release_held() {
  if (held) free.push_back(*held);
  held.reset();
}

Loader::Loader(Dataset dataset, LoaderOptions options, ThreadPool* pool)
    : impl_(std::make_unique<Impl>(std::move(dataset), std::move(options), pool)) {}
Loader::~Loader() = default;

void Loader::start(int64_t epoch, int64_t first_batch) {
  Impl& l = *impl_;
  require(epoch >= 0, "epoch {}: expected at least 0", epoch);
  require(first_batch >= 0 && first_batch <= l.batches, "batch {} of an epoch: expected 0 to {}",
          first_batch, l.batches);
  {
    const std::lock_guard lock(l.mutex);
    ++l.run;
    l.epoch = epoch;
    l.to_make = l.to_give = first_batch;
    l.release_held();
    for (const auto& [slot, batch] : l.ready) l.free.push_back(slot);
    l.ready.clear();
    l.error = nullptr;
  }
  l.to_thread.notify_one();
}

std::optional<Batch> Loader::next() {
  Impl& l = *impl_;
  if (!l.threaded) {
    if (l.to_give == l.batches) return std::nullopt;
    Batch batch;
    l.fill(l.buffers[0], batch, l.epoch, l.to_give++);
    return batch;
  }
  std::unique_lock lock(l.mutex);
  l.release_held();
  l.to_thread.notify_one();
  if (l.to_give == l.batches) return std::nullopt;
  l.to_consumer.wait(lock, [&] { return !l.ready.empty() || l.error; });
  if (l.ready.empty()) std::rethrow_exception(l.error);
  Batch batch = std::move(l.ready.front().second);
  l.held = l.ready.front().first;
  l.ready.pop_front();
  ++l.to_give;
  return batch;
}

int64_t Loader::batches() const { return impl_->batches; }
const Dataset& Loader::dataset() const { return impl_->dataset; }

}  // namespace hone::data
