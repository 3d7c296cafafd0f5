#pragma once

#include "core/loc.h"

#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::ssh {

/// A public key: the type, e.g. "ssh-ed25519", and the base64 of its bytes, without the comment.
struct PublicKey {
    std::string type, base64;
    friend bool operator==(const PublicKey&, const PublicKey&) = default;
};
/// The first two words of a line, without checks.
PublicKey parse_public_key(std::string_view line);
/// Whether the key is complete: its bytes start with its type, and its length-prefixed fields fill
/// them exactly. (Not valid for certificates.)
bool is_whole(const PublicKey& key);
/// The fingerprint in the format of OpenSSH: "SHA256:...".
std::string fingerprint(const PublicKey& key);

/// The keys that a host may present. Text form, as in `host_key`: one key per line, "ssh-ed25519
/// AAAA...", with `@revoked` before a key that the host must not present.
struct HostKeys {
    std::vector<PublicKey> accepted, revoked;
    /// known_hosts trusts a certificate authority for the host (`@cert-authority`), which libssh2
    /// does not support.
    bool authority = false;

    [[nodiscard]] bool empty() const { return accepted.empty(); }
    [[nodiscard]] bool accepts(const PublicKey& key) const;
    [[nodiscard]] bool revokes(const PublicKey& key) const;
    /// The inverse of parse_host_keys().
    [[nodiscard]] std::string text() const;
};

/// Parses `host_key`: public keys, or lines of ssh-keyscan and known_hosts, which start with host
/// names. Comments and empty lines are skipped; a string with nothing else has no keys.
/// @throws Error(spec) for a line that is not a host key, with the expected form in the hint
HostKeys parse_host_keys(std::string_view text, Loc loc = {});

/// The host name fields in a `host_key` that match none of these hosts, for example
/// "[10.0.0.1]:2222".
std::vector<std::string> names_of_others(std::string_view text,
                                         const std::vector<std::string>& hosts, int port);

/// Adds the keys of a host in a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): plain and
/// hashed names, patterns, negations, `[host]:port`, markers. Invalid lines are skipped, as in
/// OpenSSH. If there is no entry for the port, the entry for the host without a port is used.
void look_up_host(std::string_view known_hosts, std::string_view host, int port, HostKeys& into);

/// Filters and orders the accepted keys by `HostKeyAlgorithms` of ssh_config(5): a list of
/// algorithm patterns. With `-`, the keys of these algorithms are removed; with `^`, they are
/// preferred. With `+`, the algorithms are added, which changes nothing here.
void order_host_keys(std::string_view algorithms, HostKeys& keys);

/// Whether a name matches an OpenSSH pattern with `*` and `?` (ssh_config(5), PATTERNS), ignoring
/// case.
bool fits_pattern(std::string_view name, std::string_view pattern);

} // namespace hadeploy::ssh
