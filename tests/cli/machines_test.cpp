// The machines that ssh and exec log in to.
#include "cli/machines.h"

#include <doctest/doctest.h>

using namespace hadeploy;
using namespace hadeploy::cli;

namespace {
Value at(const std::string& address, const std::string& gate = "") {
    const Value connection = Value::map({{"address", address}, {"user", "ops"}});
    return gate.empty() ? connection : connection.with("jump_host", at(gate));
}

RecordedResource host(const std::string& address, const Value& connection) {
    RecordedResource row;
    row.address = address;
    row.type = "ssh.host";
    row.attributes = Value::map({{"connection", connection}});
    return row;
}
} // namespace

TEST_CASE("machines: the same address behind two jump hosts is two machines") {
    CHECK(same_place(at("10.0.0.5"), at("10.0.0.5").with("port", 22)));
    CHECK_FALSE(same_place(at("10.0.0.5"), at("10.0.0.5").with("port", 23)));
    CHECK(same_place(at("10.0.0.5", "gate-a"), at("10.0.0.5", "gate-a")));
    CHECK_FALSE(same_place(at("10.0.0.5", "gate-a"), at("10.0.0.5", "gate-b")));
    CHECK_FALSE(same_place(at("10.0.0.5", "gate-a"), at("10.0.0.5")));

    const std::vector<RecordedResource> rows{host("site_a", at("10.0.0.5", "gate-a"))};
    const std::vector<Machine> known =
        recorded_machines(rows, "/project", {{"", {"", at("10.0.0.5", "gate-a")}}});
    CHECK(known.size() == 1);
    const std::vector<Machine> other =
        recorded_machines(rows, "/project", {{"other", {"", at("10.0.0.5", "gate-b")}}});
    REQUIRE(other.size() == 2);
    CHECK(other[1].login.connection["jump_host"].text("address") == "gate-b");
}
