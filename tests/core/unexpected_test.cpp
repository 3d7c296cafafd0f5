#include "core/unexpected.h"

#include <doctest/doctest.h>
#include <filesystem>
#include <new>
#include <stdexcept>

using namespace hadeploy;

TEST_CASE("each exception of a library becomes an error with a next step") {
    const Error own = as_error(Error(ErrorKind::locked, "m").with_hint("h"));
    CHECK(own.kind == ErrorKind::locked);
    CHECK(own.hint == "h");
    CHECK(as_error(std::bad_alloc()).message == "there is not enough memory");
    const auto denied = std::make_error_code(std::errc::permission_denied);
    CHECK(as_error(std::filesystem::filesystem_error("x", "/a", denied)).message ==
          "cannot use \"/a\": Permission denied");
    const Error other = as_error(std::runtime_error("[json.exception.type_error.302]"));
    CHECK(other.message == "unexpected: [json.exception.type_error.302]");
    CHECK(other.hint.find("--log-level debug") != std::string::npos);
}
