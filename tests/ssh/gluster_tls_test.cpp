#include "cluster_fixture.h"
#include "embedded/scripts.h"

#include "core/file.h"
#include "planner/plan/decide.h"
#include "planner/plan/plan.h"
#include "providers/ssh/gluster_tls.h"
#include "providers/ssh/place.h"
#include "server.h"

using namespace hadeploy;
using namespace hadeploy::test;

namespace {

const ssh::SshType& volume() {
    return cluster_type("gluster.volume");
}

Value config_with(const Value& more) {
    Value config = Value::map({{"hosts", three_hosts()}, {"name", "vol0"}, {"brick", "/b/vol0"}});
    for (const Entry& e : more.as_map()) config = config.with(e.key, e.value);
    return normal(volume(), config);
}

const Value kPlain = Value::map({});
const Value kSecure = Value::map({{"tls", true}});

const std::string kTls = "client.ssl=on\nserver.ssl=on\nauth.ssl-allow=node1,node2,node3\n"
                         "ssl.own-cert=/etc/ssl/glusterfs.pem\nssl.private-key=/etc/ssl/"
                         "glusterfs.key\nssl.ca-list=/etc/ssl/glusterfs.ca\n";
/// The value of an option in the words for gluster.
const std::string kTlsWords =
    " client.ssl '\\''on'\\'' server.ssl '\\''on'\\'' ssl.own-cert '\\''/etc/ssl/glusterfs.pem'\\''"
    " ssl.private-key '\\''/etc/ssl/glusterfs.key'\\'' ssl.ca-list '\\''/etc/ssl/glusterfs.ca'\\''"
    " auth.ssl-allow '\\''node1,node2,node3'\\''";

/// The output of the probe for a volume with these options in addition to the default ones.
std::string volume_info(const Value& config, const std::string& more) {
    std::string out = "== info\ntype=2\ncount=3\nstatus=1\nreplica_count=3\nvolume-id=1\n"
                      "auth.allow=10.77.0.11,10.77.0.12,10.77.0.13,127.0.0.1,node1,node2,node3\n"
                      "user.hadeploy.identity=" +
                      std::string(kIdentity) + "\n" + more;
    for (const Entry& e : config["options"].as_map())
        out += e.key + "=" + e.value.as_string() + "\n";
    return out + "brick-0=node1:-b-vol0\nbrick-1=node2:-b-vol0\nbrick-2=node3:-b-vol0\n";
}

std::optional<Action> action(const Value& more, const std::string& options) {
    const Value config = config_with(more);
    const RecordedResource known = record_of(config);
    const Observation seen = volume().parse(request_for(volume(), config, &known),
                                            {0, volume_info(config, options), ""});
    return decide(volume(), config, &known, {}, seen).action;
}

} // namespace

TEST_CASE("gluster.volume: the TLS options are set before the volume is started") {
    const Value config = config_with(kSecure);
    CHECK(config["certificates"] == Value::list({"node1", "node2", "node3"}));
    const auto create = volume().commands(change_of(volume(), Change::Kind::create, {}, config));
    REQUIRE(create.size() == 4);
    for (int i = 0; i < 3; ++i) CHECK(contains(create[i].script, "$certificates.key"));
    CHECK(contains(create[3].script, kTlsWords + "'\n"));
    check_syntax(create);

    const auto open =
        volume().commands(change_of(volume(), Change::Kind::create, {}, config_with(kPlain)));
    for (const ssh::Command& command : open) {
        CHECK_FALSE(contains(command.script, "certificates"));
        CHECK_FALSE(contains(command.script, ".ssl"));
    }
}

TEST_CASE("gluster.volume: TLS is on only if all its options are set") {
    CHECK_FALSE(action(kPlain, "").has_value());
    CHECK_FALSE(action(kSecure, kTls).has_value());
    CHECK(action(kSecure, "") == Action::update);
    CHECK(action(kPlain, kTls) == Action::update);
    for (const char* one : {"client.ssl=on\n", "server.ssl=on\n", "ssl.ca-list=/etc/ssl/gl",
                            "auth.ssl-allow=node1,node2,node3\n"}) {
        std::string other = kTls;
        const std::size_t at = other.find(one);
        other.erase(at, other.find('\n', at) + 1 - at);
        CHECK(action(kSecure, other) == Action::update);
    }
    // Somebody else has allowed another name.
    std::string wider = kTls;
    wider.replace(wider.find("node1,"), 6, "*,");
    CHECK(action(kSecure, wider) == Action::update);
    const Value named =
        Value::map({{"tls", true}, {"options", Value::map({{"auth.ssl-allow", "a,b"}})}});
    CHECK(config_with(named)["certificates"] == Value::list({"a", "b"}));
    // Options of the spec that turn it on are left alone.
    const Value own =
        Value::map({{"options", Value::map({{"client.ssl", "on"}, {"server.ssl", "on"}})}});
    CHECK_FALSE(action(own, "").has_value());
}

TEST_CASE("gluster.volume: turning TLS on or off stops the volume for a moment") {
    const Value plain = config_with(kPlain), secure = config_with(kSecure);
    const auto on = volume().commands(
        change_of(volume(), Change::Kind::update, plain, secure, {"tls", "certificates"}));
    REQUIRE(on.size() == 4); // every host is checked for its certificate
    CHECK(contains(on[0].script, "$certificates.key"));
    CHECK(contains(on[3].script, "stop='1'\n"));
    CHECK(contains(on[3].script, "start='start'\n"));
    CHECK(contains(on[3].script, "settings='" + kTlsWords + "'\n"));
    check_syntax(on);

    const auto off = volume().commands(
        change_of(volume(), Change::Kind::update, secure, plain, {"tls", "certificates"}));
    REQUIRE(off.size() == 1);
    CHECK(contains(off[0].script, "stop='1'\n"));
    CHECK(contains(off[0].script, "unset=' client.ssl server.ssl ssl.own-cert ssl.private-key "
                                  "ssl.ca-list auth.ssl-allow'\n"));
    CHECK(contains(off[0].script, "settings=''\n"));

    const Value wider = secure.with("certificates", Value::list({"*"}));
    const auto names = volume().commands(
        change_of(volume(), Change::Kind::update, wider, secure, {"certificates"}));
    REQUIRE(names.size() == 1);
    CHECK(contains(names[0].script, "stop=''\n"));
    CHECK(contains(names[0].script, "auth.ssl-allow '\\''node1,node2,node3'\\''"));
}

TEST_CASE("gluster.volume: a missing certificate is detected before the volume is created") {
    const TempDir dir;
    const std::string at = (dir.path / "glusterfs").string();
    const auto look = [&] {
        return run_process({.argv = {"sh", "-c",
                                     "set -eu\ncertificates=" + at + "\n" +
                                         std::string(ssh::scripts::gluster_tls_files)}});
    };
    for (const char* ending : {".pem", ".key", ".ca"}) {
        const ProcessResult result = look();
        CHECK(result.status == 1);
        CHECK(contains(result.err, at + ending + " is missing on "));
        write_file(at + ending, "x");
        std::filesystem::permissions(at + ending, std::filesystem::perms(0600));
    }
    CHECK(look().status == 0);
    std::filesystem::permissions(at + ".key", std::filesystem::perms(0640));
    CHECK(contains(look().err, "other users can read " + at + ".key on "));
    std::filesystem::resize_file(at + ".ca", 0);
    CHECK(contains(look().err, at + ".ca is missing on "));
}

TEST_CASE("gluster.volume: options that `tls` sets are rejected") {
    const Value twice =
        Value::map({{"tls", true}, {"options", Value::map({{"client.ssl", "off"}})}});
    const auto all = complaints(volume(), config_with(twice));
    REQUIRE(all.size() == 1);
    CHECK(all[0] == "the option client.ssl is set by `tls`");
    CHECK(complaints(volume(), config_with(kSecure)).empty());
}
