#include "lab.h"

#include <cctype>

using namespace hadeploy;

namespace {
std::string keys(const std::string& attributes) {
    return "name: t\nresources: {k: {type: tls.private_key, " + attributes + "}}\n";
}

constexpr const char* kChain = R"(
name: t
variables: {early: {type: duration, default: 1d}}
resources:
  ca_key: {type: tls.private_key, algorithm: ED25519}
  ca:
    type: tls.self_signed_cert
    private_key_pem: ${ca_key.private_key_pem}
    subject: {common_name: "The, authority", country: CZ}
    is_ca_certificate: true
    validity: 10d
  key: {type: tls.private_key, algorithm: RSA, rsa_bits: 2048}
  request:
    type: tls.cert_request
    private_key_pem: ${key.private_key_pem}
    subject: {common_name: host}
    dns_names: [host, "*.example.org"]
    ip_addresses: [10.0.0.1, "::1"]
  cert:
    type: tls.locally_signed_cert
    cert_request_pem: ${request.cert_request_pem}
    ca_private_key_pem: ${ca_key.private_key_pem}
    ca_cert_pem: ${ca.cert_pem}
    validity: 2d
    early_renewal: ${var.early}
    allowed_uses: [digital_signature, client_auth]
)";

std::string pem_with(std::string text, const std::string& what, const std::string& by) {
    const auto at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}
} // namespace

TEST_CASE("keys of every kind, as read by openssl and ssh-keygen") {
    struct Kind {
        const char* attributes;
        const char* openssl; ///< expected in `openssl pkey -text`
        const char* openssh; ///< expected in `ssh-keygen -l`
    };
    for (const Kind& kind :
         {Kind{"algorithm: ED25519", "ED25519 Private-Key", "256 "},
          Kind{"ecdsa_curve: P256", "Private-Key: (256 bit)", "256 "},
          Kind{"ecdsa_curve: P384", "Private-Key: (384 bit)", "384 "},
          Kind{"ecdsa_curve: P521", "Private-Key: (521 bit)", "521 "},
          Kind{"algorithm: RSA, rsa_bits: 2048", "Private-Key: (2048 bit", "2048 "}}) {
        CAPTURE(kind.attributes);
        Lab lab;
        REQUIRE(lab.apply(keys(kind.attributes)).ok());
        const Value key = lab.recorded("k");
        CHECK(key["private_key_pem"].secret());
        CHECK_FALSE(key["public_key_pem"].secret());
        const std::string pem = key.text("private_key_pem");
        CHECK(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        CHECK(output_of({"openssl", "pkey", "-text", "-noout"}, pem).find(kind.openssl) !=
              std::string::npos);
        CHECK(output_of({"openssl", "pkey", "-pubout"}, pem) == key.text("public_key_pem"));
        const std::string line = key.text("public_key_openssh");
        CHECK(output_of({"ssh-keygen", "-l", "-f", "-"}, line + "\n").starts_with(kind.openssh));
        // both public forms are of the same key
        lab.write("pub", key.text("public_key_pem"));
        if (line.starts_with("ssh-rsa") || line.starts_with("ecdsa"))
            CHECK(output_of({"ssh-keygen", "-i", "-m", "PKCS8", "-f", lab.path("pub")}) ==
                  line + "\n");
        CHECK(lab.plan(keys(kind.attributes)).plan == "");
    }
}

TEST_CASE("a certificate signed by an authority of the spec") {
    Lab lab;
    const Lab::Run run = lab.apply(kChain);
    REQUIRE_MESSAGE(run.ok(), errors_of(run));
    CHECK_FALSE(lab.recorded("cert")["cert_pem"].secret());
    CHECK(lab.recorded("cert")["ca_private_key_pem"].secret());
    lab.write("ca", lab.recorded("ca").text("cert_pem"));
    lab.write("cert", lab.recorded("cert").text("cert_pem"));
    output_of({"openssl", "verify", "-x509_strict", "-CAfile", lab.path("ca"), "-purpose",
               "sslclient", lab.path("cert")});
    output_of({"openssl", "req", "-verify", "-noout"},
              lab.recorded("request").text("cert_request_pem"));
    const std::string text = output_of(
        {"openssl", "x509", "-noout", "-text", "-nameopt", "oneline", "-in", lab.path("cert")});
    for (const char* words :
         {"DNS:host, DNS:*.example.org", "IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1",
          "TLS Web Client Authentication", "CA:FALSE", "Version: 3", "Subject: CN = host\n"})
        CHECK_MESSAGE(text.find(words) != std::string::npos, words);
    CHECK(text.find("Server Authentication") == std::string::npos);
    const std::string authority = output_of(
        {"openssl", "x509", "-noout", "-text", "-nameopt", "oneline", "-in", lab.path("ca")});
    for (const char* words : {"CN = \"The, authority\"", "CA:TRUE", "Certificate Sign, CRL Sign"})
        CHECK_MESSAGE(authority.find(words) != std::string::npos, words);
    CHECK(lab.plan(kChain).plan == "");
    CHECK(lab.destroy(kChain).ok());
    CHECK(lab.rows.empty());
}

TEST_CASE("a new authority replaces its certificates") {
    Lab lab;
    REQUIRE(lab.apply(kChain).ok());
    const std::string other = pem_with(kChain, "The, authority", "Another");
    CHECK(lab.apply(other).plan == "replace ca (subject); replace cert (ca_cert_pem)");
    CHECK(lab.plan(other).plan == "");
}

TEST_CASE("a certificate is replaced near its end, and the plan says so") {
    Lab lab;
    REQUIRE(lab.apply(kChain).ok());
    CHECK(lab.plan(pem_with(kChain, "default: 1d", "default: 1d 23h")).plan == "");
    // two days less a second before its end: due at once, or nearly so
    const std::string now = pem_with(kChain, "default: 1d", "default: 47h 59m 59s");
    Lab::Run run = lab.plan(now);
    for (int i = 0; i < 10'000 && run.plan.empty(); ++i) run = lab.plan(now);
    CHECK(run.plan == "replace cert");
    const std::string reason = run.step("cert").reason;
    CHECK(reason.starts_with("it expires at 20"));
    CHECK(reason.ends_with("Z, and early_renewal is 1d 23h 59m 59s"));
    const std::string before = lab.recorded("cert").text("cert_pem");
    CHECK(lab.apply(now).ok());
    CHECK(lab.recorded("cert").text("cert_pem") != before);
    CHECK(lab.plan(kChain).plan == "");
}

TEST_CASE("invalid certificate configurations") {
    Lab lab;
    const auto error = [&](const char* what, const char* by) {
        const Lab::Run run = lab.apply(pem_with(kChain, what, by));
        return run.plan.ends_with("; ") ? run.plan : errors_of(run);
    };
    CHECK(error("default: 1d", "default: 2d") == "early_renewal has to be shorter than validity, "
                                                 "or every plan would replace the certificate; ");
    CHECK(error("[host, \"*.example.org\"]", "[\"a b\"]") ==
          "dns_names: \"a b\" is not a host name; ");
    CHECK(error("[10.0.0.1, \"::1\"]", "[10.0.0.256]") ==
          "ip_addresses: \"10.0.0.256\" is not an IP address; ");
    CHECK(error("subject: {common_name: \"The, authority\", country: CZ}", "dns_names: [a]") ==
          "an authority needs a name: subject: {common_name: ...}; ");
    CHECK(error("client_auth]", "client_aut]").find("is not one of") != std::string::npos);
    CHECK(error("country: CZ", "country: Czechia").find("is not a valid country") !=
          std::string::npos);
    CHECK(error("ca_private_key_pem: ${ca_key", "ca_private_key_pem: ${key")
              .starts_with("cert: ca_private_key_pem is not the key of ca_cert_pem"));
    CHECK(error("ca_cert_pem: ${ca.cert_pem}", "ca_cert_pem: nonsense")
              .starts_with("cert: ca_cert_pem is not a certificate in PEM"));
    const std::string secret =
        error("private_key_pem: ${key.private_key_pem}", "private_key_pem: very-secret-nonsense");
    CHECK(secret.starts_with("request: private_key_pem is not a private key without a passphrase"));
    CHECK(secret.find("nonsense") == std::string::npos);
}
