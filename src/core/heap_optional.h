#pragma once

#include <memory>
#include <optional>
#include <utility>

namespace hadeploy {

/// An optional value that takes only the size of a pointer when it is empty, for large values that
/// are rarely present. Copies are deep.
template<class T>
class HeapOptional {
  public:
    HeapOptional() = default;
    HeapOptional(std::nullopt_t) {}
    HeapOptional(T value) : value_(std::make_unique<T>(std::move(value))) {}
    HeapOptional(const std::optional<T>& value)
        : value_(value ? std::make_unique<T>(*value) : nullptr) {}
    HeapOptional(const HeapOptional& other)
        : value_(other ? std::make_unique<T>(*other) : nullptr) {}
    HeapOptional(HeapOptional&&) noexcept = default;
    HeapOptional& operator=(HeapOptional other) noexcept {
        value_ = std::move(other.value_);
        return *this;
    }

    explicit operator bool() const { return value_ != nullptr; }
    [[nodiscard]] bool has_value() const { return value_ != nullptr; }
    const T& operator*() const { return *value_; }
    T& operator*() { return *value_; }
    [[nodiscard]] const T* get() const { return value_.get(); } ///< nullptr when empty
    const T* operator->() const { return value_.get(); }
    T* operator->() { return value_.get(); }
    [[nodiscard]] T value_or(T default_value) const {
        return value_ ? *value_ : std::move(default_value);
    }
    operator std::optional<T>() const { return value_ ? std::optional<T>(*value_) : std::nullopt; }

  private:
    std::unique_ptr<T> value_;
};

} // namespace hadeploy
