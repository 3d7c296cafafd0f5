/* Preloaded, it has every directory on a file system of the kind whose number (statfs(2)) is in
   HADEPLOY_TEST_DISK: no test can count on a network file system of its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/vfs.h>

int statfs(const char* path, struct statfs* info) {
    int (*real)(const char*, struct statfs*);
    *(void**)&real = dlsym(RTLD_NEXT, "statfs"); /* as POSIX has it */
    const int result = real(path, info);
    const char* kind = getenv("HADEPLOY_TEST_DISK");
    if (kind != NULL) info->f_type = strtol(kind, NULL, 16);
    return result;
}
