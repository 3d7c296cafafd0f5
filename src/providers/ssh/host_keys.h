#pragma once

#include "core/loc.h"

#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::ssh {

/// A public key as it travels: "ssh-ed25519" and the base64 of its bytes, without the comment.
struct PublicKey {
    std::string type, base64;
    friend bool operator==(const PublicKey&, const PublicKey&) = default;
};
/// The first two words of a line, whatever they are.
PublicKey parse_public_key(std::string_view line);
/// Whether the bytes of a key are all there: they begin with its type, and its parts have their
/// length in front. (Not so of certificates.)
bool is_whole(const PublicKey& key);
/// The form that OpenSSH shows: "SHA256:...".
std::string fingerprint(const PublicKey& key);

/// The keys that a host may show, one a line: "ssh-ed25519 AAAA...", with `@revoked` in front of
/// one that it must not show. It is also what `host_key` holds.
struct HostKeys {
    std::vector<PublicKey> accepted, revoked;
    /// known_hosts trusts a certificate authority for the host (`@cert-authority`), which libssh2
    /// knows nothing of.
    bool authority = false;

    [[nodiscard]] bool empty() const { return accepted.empty(); }
    [[nodiscard]] bool accepts(const PublicKey& key) const;
    [[nodiscard]] bool revokes(const PublicKey& key) const;
    /// The way back of parse_host_keys().
    [[nodiscard]] std::string text() const;
};

/// Reads `host_key`: public keys, or the lines of ssh-keyscan and known_hosts, which have the
/// host's names in front. Comments and empty lines are skipped. None in a text of only these.
/// @throws Error(spec) for a line that is no host key, with the form that is wanted as the hint
HostKeys parse_host_keys(std::string_view text, Loc loc = {});

/// The host fields in a `host_key` that name none of these hosts, such as "[10.0.0.1]:2222".
std::vector<std::string> names_of_others(std::string_view text,
                                         const std::vector<std::string>& hosts, int port);

/// Adds what a known_hosts file says of a host (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): plain and
/// hashed names, patterns, negations, `[host]:port`, markers. Lines that are no such are skipped,
/// as OpenSSH does. Without an entry for the port one for the host alone counts.
void look_up_host(std::string_view known_hosts, std::string_view host, int port, HostKeys& into);

/// Leaves of the accepted keys those that `HostKeyAlgorithms` of ssh_config(5) allows, in its
/// order: a list of algorithms with patterns; after `-` those to leave out, after `^` those to
/// prefer, after `+` those to add, which changes nothing here.
void order_host_keys(std::string_view algorithms, HostKeys& keys);

/// Whether a name fits an OpenSSH pattern: `*` and `?` (ssh_config(5), PATTERNS), without regard to
/// case.
bool fits_pattern(std::string_view name, std::string_view pattern);

} // namespace hadeploy::ssh
