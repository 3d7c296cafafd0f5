#pragma once

#include "core/lazy_library.h"

#include <curl/curl.h>

/// libcurl's functions under their own names. The library is loaded on the first call.
namespace hadeploy {

inline constexpr LateLibrary libcurl{"libcurl.so.4", "libcurl4"};

#define HADEPLOY_CURL(name) inline const Late<libcurl, decltype(::name)> name{#name};
HADEPLOY_CURL(curl_easy_cleanup)
HADEPLOY_CURL(curl_easy_getinfo)
HADEPLOY_CURL(curl_easy_init)
HADEPLOY_CURL(curl_easy_perform)
HADEPLOY_CURL(curl_easy_setopt)
HADEPLOY_CURL(curl_easy_strerror)
HADEPLOY_CURL(curl_global_init)
HADEPLOY_CURL(curl_multi_add_handle)
HADEPLOY_CURL(curl_multi_cleanup)
HADEPLOY_CURL(curl_multi_info_read)
HADEPLOY_CURL(curl_multi_init)
HADEPLOY_CURL(curl_multi_perform)
HADEPLOY_CURL(curl_multi_poll)
HADEPLOY_CURL(curl_multi_remove_handle)
HADEPLOY_CURL(curl_multi_wakeup)
HADEPLOY_CURL(curl_slist_append)
HADEPLOY_CURL(curl_slist_free_all)
#undef HADEPLOY_CURL

} // namespace hadeploy
