#include "support.h"

#include <doctest/doctest.h>

using namespace hadeploy::svc;
using namespace hadeploy::svc::test;

TEST_CASE("hello: a greeting, a page for checks, and the version") {
    Service service("hello", {{"VERSION", "v2"}});
    const auto get = [&](const std::string& path, const std::string& method = "GET") {
        return converse(service.port(),
                        method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    };
    const std::string root = get("/");
    CHECK(root.find("200 OK") != std::string::npos);
    CHECK(root.find("X-Version: v2\r\n") != std::string::npos);
    CHECK(root.ends_with("\r\n\r\nhello world\n"));
    CHECK(get("/ping").ends_with("\r\n\r\npong\n"));
    CHECK(get("/other").find(" 404 ") != std::string::npos);
    CHECK(get("/", "DELETE").find(" 405 ") != std::string::npos);
    CHECK(service.stop() == 0);
}
