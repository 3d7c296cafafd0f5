#include "hello/app.h"

namespace hadeploy::svc {

HttpResponse hello(const HttpRequest& request, const std::string& version) {
    if (request.method != "GET" && request.method != "HEAD")
        return HttpResponse::text(405, "only GET is allowed\n");
    HttpResponse response = request.path == "/"       ? HttpResponse::text(200, "hello world\n")
                            : request.path == "/ping" ? HttpResponse::text(200, "pong\n")
                                                      : HttpResponse::text(404, "not found\n");
    if (!version.empty()) response.headers["X-Version"] = version;
    return response;
}

} // namespace hadeploy::svc
