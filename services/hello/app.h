#pragma once

#include "common/http.h"

namespace hadeploy::svc {

/// The app of modules/ha-web: `hello world` on / and `pong` on /ping.
/// @param version  for the header X-Version; "" for none
HttpResponse hello(const HttpRequest& request, const std::string& version);

} // namespace hadeploy::svc
