#pragma once

#include "core/error.h"
#include "core/value.h"

#include <map>
#include <string>
#include <string_view>

/// TLS between a Gluster volume's bricks and its clients: gluster.volume's `tls`.
namespace hadeploy::ssh::gluster {

/// Where a host has its certificate (.pem), key (.key) and authority (.ca). Without options that
/// say so Gluster looks in OpenSSL's own directory, which is another one on each distribution.
inline constexpr std::string_view kCertificates = "/etc/ssl/glusterfs";

/// Options that `tls` sets by itself stand in `options`.
void check_tls(const Value& config, Diagnostics& diagnostics);
/// The names in certificates that may mount the volume: those of the hosts, unless `options` say
/// otherwise (auth.ssl-allow). None without TLS.
Value tls_names(const Value& config);
/// The options that `tls` sets, as words for `gluster volume set`; "" without TLS.
std::string tls_settings(const Value& config);
/// The options that go when TLS is turned off, as words.
std::string tls_options();
/// Whether glusterd's file of the volume has TLS as we set it. Options of the spec that turn it on
/// themselves leave `tls` as it is.
bool seen_tls(const std::map<std::string, std::string>& info, const Value& config);

/// On a host with a brick: without its files a brick runs, and nobody can use it.
/// Variables: certificates (kCertificates).
inline constexpr std::string_view kNeedCertificates = R"sh(read -r name </proc/sys/kernel/hostname
for file in pem key ca; do
    [ -s "$certificates.$file" ] || {
        echo "there is no $certificates.$file on $name; with \`tls\` each host needs its certificate (.pem), key (.key) and authority (.ca) there: write them with host.file" >&2
        exit 1
    }
done
if [ -n "$(find -L "$certificates.key" -perm /077)" ]; then
    echo "others can read $certificates.key on $name; give it the mode 0600" >&2
    exit 1
fi
)sh";

} // namespace hadeploy::ssh::gluster
