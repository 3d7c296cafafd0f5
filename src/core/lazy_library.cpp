#include "core/lazy_library.h"

#include "core/error.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace hadeploy {

void* LateLibrary::find(const char* function) const {
    // Never closed, as pointers into the library live until exit. Returns the same handle later.
    void* library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
        throw Error(ErrorKind::failed, fmt::format("cannot load {}: {}", soname, dlerror()))
            .with_hint(fmt::format("install it: apt-get install {}", package));
    void* address = dlsym(library, function);
    if (address == nullptr)
        throw Error(ErrorKind::failed, fmt::format("{} is too old: it lacks {}", soname, function))
            .with_hint(fmt::format("install a newer {}", package));
    return address;
}

} // namespace hadeploy
