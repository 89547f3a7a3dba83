#pragma once

#include <stdexcept>
#include <string>

namespace bag {

/** What JavaScript sees as an Error with this `code`. */
class Error : public std::runtime_error {
 public:
  Error(const char* code, const std::string& message) : std::runtime_error(message), code(code) {}
  const char* const code;
};

/** An argument that does not fit: a TypeError. */
class BadArgument : public Error {
 public:
  explicit BadArgument(const std::string& message) : Error("ERR_BAG_ARGUMENT", message) {}
};

/** A tensor that is gone, or never was. */
class Disposed : public Error {
 public:
  explicit Disposed(const std::string& message) : Error("ERR_BAG_DISPOSED", message) {}
};

/** More memory than there is. */
class OutOfMemory : public Error {
 public:
  explicit OutOfMemory(const std::string& message) : Error("ERR_BAG_MEMORY", message) {}
};

inline void require(bool condition, const char* message) {
  if (!condition) throw BadArgument(message);
}

}  // namespace bag
