// The keys that a host may show: from `host_key` and from known_hosts.
#include "core/error.h"
#include "core/file.h"
#include "core/process.h"
#include "core/ssh_key.h"
#include "providers/ssh/host_keys.h"
#include "ssh/server.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace hadeploy;
using namespace hadeploy::ssh;
using hadeploy::test::TempDir;

namespace {
const std::string kKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const std::string kOther =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGDal6ux/hOwPEjbeRlYH8t99PSHuatIJvoLbSAs8FnB";

HostKeys look_up(const std::string& text, const std::string& host, int port = 22) {
    HostKeys keys;
    look_up_host(text, host, port, keys);
    return keys;
}

std::string host_keys_error(const std::string& host_key) {
    try {
        parse_host_keys(host_key);
    } catch (const Error& error) {
        return error.message;
    }
    return "";
}
} // namespace

TEST_CASE("host_key: a key, or lines of ssh-keyscan and known_hosts") {
    const PublicKey key = parse_public_key(kKey), other = parse_public_key(kOther);
    CHECK(parse_host_keys(kKey).accepts(key));
    CHECK(parse_host_keys(kKey + " root@node1\n").accepts(key));
    CHECK(parse_host_keys("[10.0.0.1]:2222 " + kKey).accepts(key));
    CHECK(parse_host_keys("|1|ZGlk|bm90== " + kKey).accepts(key));
    const HostKeys scan = parse_host_keys("# 10.0.0.1:22 SSH-2.0-OpenSSH_9.2p1\n10.0.0.1 " + kKey +
                                          "\r\n\n  # again\n10.0.0.1 " + kOther + "\n");
    CHECK(scan.accepts(key));
    CHECK(scan.accepts(other));
    CHECK(parse_host_keys(scan.text()).text() == scan.text());
    CHECK(parse_host_keys("# nothing\n").empty());
    const HostKeys revoked = parse_host_keys(kKey + "\n@revoked " + kKey + "\n" + kOther);
    CHECK(!revoked.accepts(key));
    CHECK(revoked.revokes(key));
    CHECK(revoked.accepts(other));
    CHECK(parse_host_keys(revoked.text()).revokes(key));
}

TEST_CASE("host_key: errors name the cause") {
    CHECK(host_keys_error("@other " + kKey).find("is not a host key") != std::string::npos);
    CHECK(host_keys_error("SHA256:abc") == "\"SHA256:abc\" is not a host key");
    CHECK(host_keys_error("ssh-ed25519") == "the host key \"ssh-ed25519 \" is truncated or has a "
                                            "typing error");
    for (const std::string& wrong :
         {kKey.substr(0, 40), kKey.substr(0, kKey.size() - 4), "ssh-rsa" + kKey.substr(11),
          std::string("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI...")})
        CHECK(host_keys_error(wrong).find("truncated or has a typing error") != std::string::npos);
    CHECK(host_keys_error("@cert-authority *.example.com " + kKey).find("not supported") !=
          std::string::npos);
}

TEST_CASE("host_key: lines that were joined") {
    const std::string comment = "# 10.0.0.1:22 SSH-2.0-OpenSSH_9.2p1";
    const std::string joined =
        "several lines were joined into one, so only the first key would be used";
    CHECK(host_keys_error("10.0.0.1 " + kKey + " 10.0.0.1 " + kOther) == joined);
    CHECK(host_keys_error(comment + " 10.0.0.1 " + kKey) == joined);
    CHECK(host_keys_error(kKey + " instead of an ssh-rsa one").empty());
    CHECK(host_keys_error(comment + "\n" + kKey + "\n# " + kOther).empty());
}

TEST_CASE("host_key: lines of another host") {
    const std::vector<std::string> hosts{"web", "10.0.0.1"};
    const auto others = [&](const std::string& text, int port = 22) {
        return fmt::format("{}", fmt::join(names_of_others(text, hosts, port), " "));
    };
    CHECK(others(kKey) == "");
    CHECK(others("10.0.0.1 " + kKey + "\nWEB,10.0.0.9 " + kOther) == "");
    CHECK(others("[10.0.0.1]:2222 " + kKey, 2222) == "");
    CHECK(others("10.0.0.1 " + kKey, 2222) == "");
    CHECK(others("[10.0.0.1]:2222 " + kKey) == "[10.0.0.1]:2222");
    CHECK(others("10.0.0.2 " + kKey + "\n@revoked db " + kOther) == "10.0.0.2 db");
    CHECK(others("* " + kKey) == "");
}

TEST_CASE("HostKeyAlgorithms: which keys count, and in what order") {
    const PublicKey key = parse_public_key(kKey);
    const PublicKey rsa{"ssh-rsa", "AAAA"}, ecdsa{"ecdsa-sha2-nistp256", "AAAA"};
    const auto ordered = [&](std::string_view algorithms) {
        HostKeys keys{.accepted = {ecdsa, key, rsa}};
        order_host_keys(algorithms, keys);
        std::string types;
        for (const PublicKey& k : keys.accepted) types += k.type + " ";
        return types;
    };
    CHECK(ordered("rsa-sha2-512,ssh-ed25519") == "ssh-rsa ssh-ed25519 ");
    CHECK(ordered("ecdsa-*") == "ecdsa-sha2-nistp256 ");
    CHECK(ordered("-ecdsa-*,ssh-rsa") == "ssh-ed25519 ");
    CHECK(ordered("^ssh-ed25519") == "ssh-ed25519 ecdsa-sha2-nistp256 ssh-rsa ");
    CHECK(ordered("+ssh-dss") == "ecdsa-sha2-nistp256 ssh-ed25519 ssh-rsa ");
    CHECK(ordered("ssh-dss") == "");
}

TEST_CASE("known_hosts: names, patterns, ports, markers") {
    const std::string text = "# comment\n"
                             "node1,10.0.0.1 " +
                             kKey +
                             " a comment\n"
                             "*.example.com,!bad.example.com " +
                             kKey +
                             "\n"
                             "[node1]:2222 " +
                             kOther +
                             "\n"
                             "this is no line of known_hosts\n"
                             "cut ssh-ed25519 AAAA\n"
                             "@revoked * " +
                             kOther +
                             "\n"
                             "@cert-authority *.ca " +
                             kKey + "\n";
    const PublicKey key = parse_public_key(kKey), other = parse_public_key(kOther);
    CHECK(look_up(text, "node1").accepts(key));
    CHECK(look_up(text, "NODE1").accepts(key));
    CHECK(look_up(text, "10.0.0.1").accepts(key));
    CHECK(look_up(text, "10.0.0.1", 2200).accepts(key)); // no entry for the port
    CHECK(look_up(text, "a.example.com").accepts(key));
    CHECK(look_up(text, "bad.example.com").empty());
    CHECK(look_up(text, "node10").empty());
    CHECK(look_up(text, "cut").empty());
    // the entry for the port has a revoked key
    CHECK(look_up(text, "node1", 2222).empty());
    CHECK(look_up(text, "node1", 2222).revokes(other));
    CHECK(look_up(text, "x.ca").authority);
    CHECK(look_up(text, "x.ca").empty());
    CHECK(!look_up(text, "node1").authority);
}

TEST_CASE("known_hosts: the lines that ssh-keygen has hashed") {
    const TempDir dir;
    const std::string file = dir.path / "known_hosts";
    write_file(file, "node1 " + kKey + "\n[node1]:2222 " + kOther + "\n");
    run_checked({.argv = {"ssh-keygen", "-q", "-H", "-f", file}});
    const std::string text = read_file(file);
    REQUIRE(text.find("node1") == std::string::npos);
    CHECK(look_up(text, "node1").accepts(parse_public_key(kKey)));
    CHECK(look_up(text, "node1", 2222).accepts(parse_public_key(kOther)));
    CHECK(!look_up(text, "node1", 2222).accepts(parse_public_key(kKey)));
    CHECK(look_up(text, "node2").empty());
}

TEST_CASE("patterns of OpenSSH") {
    CHECK(fits_pattern("node1", "node?"));
    CHECK(fits_pattern("node1", "NODE*"));
    CHECK(fits_pattern("node1", "*"));
    CHECK(fits_pattern("abcabd", "*ab?"));
    CHECK(fits_pattern("", "*"));
    CHECK(!fits_pattern("node1", "node"));
    CHECK(!fits_pattern("node", "node?"));
    CHECK(!fits_pattern("", "?"));
}
