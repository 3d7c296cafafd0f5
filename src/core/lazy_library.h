#pragma once

#include <atomic>

/// Libraries that are loaded when one of their functions is first called. Starting a process pays
/// for all that it is linked to: libvirt brings 38 others and takes some 11 ms, which `hadeploy
/// --version` and `validate` have no use for. And a machine without libvirt can do all the rest.
namespace hadeploy {

/// @param soname  as the dynamic linker knows it, "libvirt.so.0"
/// @param package what to install when it is missing, "libvirt0"
struct LateLibrary {
    const char* soname;
    const char* package;
    /// The address of a function. @throws Error (failed) where the library or the function is
    /// missing
    void* find(const char* function) const;
};

/// A function of such a library. Called like the function itself:
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

/// Deleter of an object of one of these libraries: `Freed<archive_read_free>`.
template<const auto& Free>
struct Freed {
    template<class T>
    void operator()(T* object) const {
        Free(object);
    }
};

} // namespace hadeploy
