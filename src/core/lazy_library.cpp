#include "core/lazy_library.h"

#include "core/error.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace hadeploy {

void* LateLibrary::find(const char* function) const {
    // never closed: the process may have pointers into it until its end; opened once, then found
    void* library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
        throw Error(ErrorKind::failed, fmt::format("{} can't be loaded: {}", soname, dlerror()))
            .with_hint(fmt::format("install it: apt-get install {}", package));
    void* address = dlsym(library, function);
    if (address == nullptr)
        throw Error(ErrorKind::failed, fmt::format("{} is too old: it has no {}", soname, function))
            .with_hint(fmt::format("install a newer {}", package));
    return address;
}

} // namespace hadeploy
