// The door between JavaScript and the kernels: src/native.ts is its other side.
#include <node_api.h>
#include <omp.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "allocator.h"
#include "arguments.h"
#include "instruction_set.h"
#include "kernels.h"
#include "primitives.h"

namespace bag {
namespace {

constexpr size_t frameLength = 16384;

struct Kernel {
  const char* name;
  void (*run)(Arguments&);
};

const Kernel kernels[] = {
#define BAG_ENTRY(name) {#name, name},
    BAG_KERNELS(BAG_ENTRY)
#undef BAG_ENTRY
};
constexpr size_t kernelCount = sizeof(kernels) / sizeof(kernels[0]);

/** How many threads compute, whichever thread of Node asks: OpenMP's own setting is one for each of those. */
int& threadCount() {
  static int count = omp_get_max_threads();
  return count;
}

/** All memory is shared between Node's threads; one of them computes at a time. */
std::mutex& gate() {
  static auto* mutex = new std::mutex();
  return *mutex;
}

/** What belongs to one thread of Node. */
struct Instance {
  double frame[frameLength];
  /** Arrays that JavaScript sees a block by; they are emptied when the block is freed. */
  std::unordered_map<BlockId, napi_ref> views;
  std::unordered_set<uint32_t> owners;
};

/** A call that failed on JavaScript's side: an exception is pending there. */
struct Pending {};

void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) {
    const napi_extended_error_info* info;
    napi_get_last_error_info(env, &info);
    napi_throw_type_error(env, "ERR_BAG_ARGUMENT", info->error_message ? info->error_message : "a call failed");
  }
  throw Pending();
}

Instance& instance(napi_env env) {
  void* data;
  check(env, napi_get_instance_data(env, &data));
  return *static_cast<Instance*>(data);
}

template <size_t count>
void argumentsOf(napi_env env, napi_callback_info info, napi_value (&values)[count]) {
  size_t given = count;
  check(env, napi_get_cb_info(env, info, &given, values, nullptr, nullptr));
  if (given < count) throw BadArgument("expected " + std::to_string(count) + " arguments");
}

double numberOf(napi_env env, napi_value value) {
  double number;
  check(env, napi_get_value_double(env, value, &number));
  return number;
}

napi_value number(napi_env env, double value) {
  napi_value result;
  check(env, napi_create_double(env, value, &result));
  return result;
}

BlockId blockOf(napi_env env, napi_value value) {
  const double id = numberOf(env, value);
  if (!(id >= 1 && id <= 9007199254740992.0)) throw Disposed("tensor is disposed");
  return static_cast<BlockId>(id);
}

void throwError(napi_env env, napi_status (*raise)(napi_env, const char*, const char*), const char* code,
                const std::string& message) {
  raise(env, code, message.c_str());
}

/** Runs a function of this file; what it throws becomes a JavaScript error with a code. */
template <napi_value (*function)(napi_env, napi_callback_info)>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    const std::lock_guard<std::mutex> lock(gate());
    return function(env, info);
  } catch (const Pending&) {
  } catch (const BadArgument& error) {
    throwError(env, napi_throw_type_error, error.code, error.what());
  } catch (const OutOfMemory& error) {
    throwError(env, napi_throw_range_error, error.code, error.what());
  } catch (const Error& error) {
    throwError(env, napi_throw_error, error.code, error.what());
  } catch (const std::bad_alloc&) {
    throwError(env, napi_throw_range_error, "ERR_BAG_MEMORY", "out of memory");
  } catch (const dnnl::error& error) {
    throwError(env, napi_throw_error, "ERR_BAG_ONEDNN",
               std::string("oneDNN: ") + error.message + " (status " + std::to_string(error.status) + ")");
  } catch (const std::exception& error) {
    throwError(env, napi_throw_error, "ERR_BAG", error.what());
  }
  return nullptr;
}

void release(napi_env env, BlockId id) {
  auto& views = instance(env).views;
  const auto found = views.find(id);
  if (found != views.end()) {
    napi_value view;
    if (napi_get_reference_value(env, found->second, &view) == napi_ok && view != nullptr) {
      napi_detach_arraybuffer(env, view);
    }
    napi_delete_reference(env, found->second);
    views.erase(found);
  }
  dropLayouts(id);
  allocator().free(id);
}

/** allocate(bytes, owner) → block */
napi_value allocate(napi_env env, napi_callback_info info) {
  napi_value values[2];
  argumentsOf(env, info, values);
  const double bytes = numberOf(env, values[0]);
  if (!(bytes >= 0)) throw BadArgument("expected a size in bytes");
  if (bytes > 9007199254740992.0) throw OutOfMemory("cannot allocate " + std::to_string(bytes) + " bytes");
  const auto owner = static_cast<uint32_t>(numberOf(env, values[1]));
  return number(env, static_cast<double>(allocator().allocate(static_cast<size_t>(bytes), owner)));
}

/** free(block) */
napi_value freeBlock(napi_env env, napi_callback_info info) {
  napi_value values[1];
  argumentsOf(env, info, values);
  release(env, blockOf(env, values[0]));
  return nullptr;
}

/** newOwner() → owner; freeOwned(owner) frees all its blocks. */
napi_value newOwner(napi_env env, napi_callback_info) {
  static uint32_t next = 0;
  instance(env).owners.insert(++next);
  return number(env, next);
}

napi_value freeOwned(napi_env env, napi_callback_info info) {
  napi_value values[1];
  argumentsOf(env, info, values);
  const auto owner = static_cast<uint32_t>(numberOf(env, values[0]));
  for (const BlockId id : allocator().blocksOf(owner)) release(env, id);
  instance(env).owners.erase(owner);
  return nullptr;
}

struct Array {
  void* data;
  size_t bytes;
};

Array arrayOf(napi_env env, napi_value value) {
  bool isArray = false;
  check(env, napi_is_typedarray(env, value, &isArray));
  if (!isArray) throw BadArgument("expected a typed array");
  napi_typedarray_type type;
  size_t length;
  void* data;
  check(env, napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr));
  size_t width = 4;
  if (type == napi_int8_array || type == napi_uint8_array || type == napi_uint8_clamped_array) width = 1;
  if (type == napi_int16_array || type == napi_uint16_array) width = 2;
  if (type == napi_float64_array || type == napi_bigint64_array || type == napi_biguint64_array) width = 8;
  return {data, length * width};
}

/** write(block, typedArray) and read(block, typedArray) copy the array's length. */
napi_value copy(napi_env env, napi_callback_info info, bool write) {
  napi_value values[2];
  argumentsOf(env, info, values);
  const BlockId id = blockOf(env, values[0]);
  const Array array = arrayOf(env, values[1]);
  if (array.bytes > allocator().size(id)) throw BadArgument("an array is longer than the tensor's memory");
  void* data = allocator().data(id);
  if (array.bytes > 0) std::memcpy(write ? data : array.data, write ? array.data : data, array.bytes);
  return nullptr;
}
napi_value writeBlock(napi_env env, napi_callback_info info) { return copy(env, info, true); }
napi_value readBlock(napi_env env, napi_callback_info info) { return copy(env, info, false); }

/** view(block) → ArrayBuffer over its memory, emptied when the block is freed. */
napi_value view(napi_env env, napi_callback_info info) {
  napi_value values[1];
  argumentsOf(env, info, values);
  const BlockId id = blockOf(env, values[0]);
  auto& views = instance(env).views;
  napi_value result;
  const auto found = views.find(id);
  if (found != views.end()) {
    check(env, napi_get_reference_value(env, found->second, &result));
    return result;
  }
  const size_t bytes = allocator().size(id);
  void* data = allocator().data(id);
  const auto nothing = [](napi_env, void*, void*) {};
  if (bytes == 0 || napi_create_external_arraybuffer(env, data, bytes, nothing, nullptr, &result) != napi_ok) {
    // Some hosts of Node allow no arrays over foreign memory.
    void* copied;
    check(env, napi_create_arraybuffer(env, bytes, &copied, &result));
    if (bytes > 0) std::memcpy(copied, data, bytes);
    return result;
  }
  napi_ref reference;
  check(env, napi_create_reference(env, result, 1, &reference));
  views[id] = reference;
  return result;
}

/** run(kernel, count): the first `count` numbers of the frame are its arguments. */
napi_value run(napi_env env, napi_callback_info info) {
  napi_value values[2];
  argumentsOf(env, info, values);
  const double kernel = numberOf(env, values[0]), count = numberOf(env, values[1]);
  if (!(kernel >= 0 && kernel < kernelCount)) throw BadArgument("no such kernel");
  if (!(count >= 0 && count <= frameLength)) throw BadArgument("too many arguments for a kernel");
  if (omp_get_max_threads() != threadCount()) omp_set_num_threads(threadCount());
  Arguments arguments(instance(env).frame, static_cast<size_t>(count));
  const auto& chosen = kernels[static_cast<size_t>(kernel)];
  try {
    chosen.run(arguments);
  } catch (const BadArgument& error) {
    throw BadArgument(std::string(chosen.name) + ": " + error.what());
  } catch (const Disposed& error) {
    throw Disposed(std::string(chosen.name) + ": " + error.what());
  } catch (const OutOfMemory& error) {
    throw OutOfMemory(std::string(chosen.name) + ": " + error.what());
  }
  return nullptr;
}

void set(napi_env env, napi_value object, const char* key, double value) {
  check(env, napi_set_named_property(env, object, key, number(env, value)));
}

/** memory() → what the allocator holds, in bytes. */
napi_value memory(napi_env env, napi_callback_info) {
  napi_value result;
  check(env, napi_create_object(env, &result));
  const auto statistics = allocator().statistics();
  set(env, result, "bytesInUse", static_cast<double>(statistics.bytesInUse));
  set(env, result, "blocksInUse", static_cast<double>(statistics.blocksInUse));
  set(env, result, "bytesResident", static_cast<double>(statistics.bytesResident));
  set(env, result, "peakBytesInUse", static_cast<double>(statistics.peakBytesInUse));
  set(env, result, "limit", static_cast<double>(statistics.limit));
  return result;
}

napi_value resetPeak(napi_env, napi_callback_info) {
  allocator().resetPeak();
  return nullptr;
}

napi_value trim(napi_env, napi_callback_info) {
  allocator().trim();
  return nullptr;
}

/** A size in bytes, `otherwise` where it is undefined. */
size_t sizeOr(napi_env env, napi_value value, size_t otherwise) {
  napi_valuetype type;
  check(env, napi_typeof(env, value, &type));
  if (type == napi_undefined) return otherwise;
  const double bytes = numberOf(env, value);
  if (!(bytes >= 0)) throw BadArgument("expected a size in bytes");
  return static_cast<size_t>(std::min(bytes, 9007199254740992.0));
}

/** setLimits(bytesInUse, freeBytesKept); one that is undefined stays what it is. */
napi_value setLimits(napi_env env, napi_callback_info info) {
  napi_value values[2];
  argumentsOf(env, info, values);
  const size_t inUse = sizeOr(env, values[0], allocator().limit());
  const size_t kept = sizeOr(env, values[1], allocator().cacheLimit());
  allocator().setLimit(inUse);
  allocator().setCacheLimit(kept);
  return nullptr;
}

napi_value threads(napi_env env, napi_callback_info) { return number(env, threadCount()); }

napi_value setThreads(napi_env env, napi_callback_info info) {
  napi_value values[1];
  argumentsOf(env, info, values);
  const double count = numberOf(env, values[0]);
  if (!(count >= 1 && count <= 1024)) throw BadArgument("expected a number of threads from 1 to 1024");
  threadCount() = static_cast<int>(count);
  return nullptr;
}

napi_value string(napi_env env, const std::string& text) {
  napi_value result;
  check(env, napi_create_string_utf8(env, text.c_str(), text.size(), &result));
  return result;
}

/** The only argument, as a set of instructions. */
int setOf(napi_env env, napi_callback_info info) {
  napi_value values[1];
  argumentsOf(env, info, values);
  const double set = numberOf(env, values[0]);
  if (!(set >= 0 && set < 0x1p31)) throw BadArgument("expected a set of instructions as oneDNN's bits");
  return static_cast<int>(set);
}

/** instructionSetName(set) */
napi_value instructionSetName(napi_env env, napi_callback_info info) {
  return string(env, bag::instructionSetName(setOf(env, info)));
}

/** bfloat16Instructions(set): empty where there are none. */
napi_value bfloat16Instructions(napi_env env, napi_callback_info info) {
  const char* name = bag::bfloat16Instructions(setOf(env, info));
  return string(env, name ? name : "");
}

/** Called by Node when one of its threads ends: its tensors go with it. */
void end(napi_env, void* data, void*) {
  const std::lock_guard<std::mutex> lock(gate());
  auto* one = static_cast<Instance*>(data);
  for (const uint32_t owner : one->owners) {
    for (const BlockId id : allocator().blocksOf(owner)) {
      dropLayouts(id);
      allocator().free(id);
    }
  }
  delete one;
}

void method(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function));
  check(env, napi_set_named_property(env, exports, name, function));
}

napi_value start(napi_env env, napi_value exports) {
  auto* one = new Instance();
  check(env, napi_set_instance_data(env, one, end, nullptr));

  napi_value buffer, frame, names;
  check(env, napi_create_external_arraybuffer(
                 env, one->frame, sizeof(one->frame), [](napi_env, void*, void*) {}, nullptr, &buffer));
  check(env, napi_create_typedarray(env, napi_float64_array, frameLength, buffer, 0, &frame));
  check(env, napi_set_named_property(env, exports, "frame", frame));
  check(env, napi_create_array_with_length(env, kernelCount, &names));
  for (size_t i = 0; i < kernelCount; i++) {
    check(env, napi_set_element(env, names, static_cast<uint32_t>(i), string(env, kernels[i].name)));
  }
  check(env, napi_set_named_property(env, exports, "kernels", names));

  const auto* version = dnnl::version();
  check(env, napi_set_named_property(env, exports, "oneDnnVersion",
                                     string(env, std::to_string(version->major) + "." +
                                                     std::to_string(version->minor) + "." +
                                                     std::to_string(version->patch))));
  check(env, napi_set_named_property(env, exports, "instructionSet", number(env, bag::instructionSet())));

  method(env, exports, "instructionSetName", guarded<instructionSetName>);
  method(env, exports, "bfloat16Instructions", guarded<bfloat16Instructions>);
  method(env, exports, "allocate", guarded<allocate>);
  method(env, exports, "free", guarded<freeBlock>);
  method(env, exports, "newOwner", guarded<newOwner>);
  method(env, exports, "freeOwned", guarded<freeOwned>);
  method(env, exports, "write", guarded<writeBlock>);
  method(env, exports, "read", guarded<readBlock>);
  method(env, exports, "view", guarded<view>);
  method(env, exports, "run", guarded<run>);
  method(env, exports, "memory", guarded<memory>);
  method(env, exports, "resetPeak", guarded<resetPeak>);
  method(env, exports, "trim", guarded<trim>);
  method(env, exports, "setLimits", guarded<setLimits>);
  method(env, exports, "threads", guarded<threads>);
  method(env, exports, "setThreads", guarded<setThreads>);
  return exports;
}

}  // namespace
}  // namespace bag

NAPI_MODULE_INIT() {
  try {
    return bag::start(env, exports);
  } catch (const bag::Pending&) {
    return nullptr;
  } catch (const std::exception& error) {
    napi_throw_error(env, "ERR_BAG", error.what());
    return nullptr;
  }
}
