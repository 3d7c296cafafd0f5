#pragma once

#include <atomic>

/// Libraries that are loaded on the first call of one of their functions. A linked library takes
/// time at every start: libvirt loads 38 other libraries, which takes about 11 ms, although
/// `hadeploy --version` and `validate` do not need it. Besides, everything that does not use
/// libvirt works on a machine without it.
namespace hadeploy {

/// @param soname  the library's name for the dynamic linker, "libvirt.so.0"
/// @param package the Debian package that provides it, "libvirt0"
struct LateLibrary {
    const char* soname;
    const char* package;
    /// The address of a function.
    /// @throws Error(failed) when the library or the function is missing
    void* find(const char* function) const;
};

/// A function of a lazily loaded library. It is called like the original function:
///
///     inline constexpr LateLibrary library{"libvirt.so.0", "libvirt0"};
///     inline const Late<library, decltype(::virInitialize)> virInitialize{"virInitialize"};
template<const LateLibrary& library, class Function>
class Late {
  public:
    explicit constexpr Late(const char* name) : name_(name) {}

    template<class... Arguments>
    auto operator()(Arguments... arguments) const {
        void* address = address_.load(std::memory_order_acquire);
        if (address == nullptr) address_.store(address = library.find(name_));
        return reinterpret_cast<Function*>(address)(arguments...);
    }

  private:
    const char* name_;
    mutable std::atomic<void*> address_ = nullptr;
};

/// Deleter for an object of one of these libraries: `Freed<archive_read_free>`.
template<const auto& Free>
struct Freed {
    template<class T>
    void operator()(T* object) const {
        Free(object);
    }
};

} // namespace hadeploy
