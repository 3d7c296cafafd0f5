#include "providers/ssh/ssh_config.h"

#include "core/did_you_mean.h"
#include "core/error.h"
#include "core/text.h"
#include "provider_api/schema.h"
#include "providers/ssh/host_keys.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace hadeploy::ssh {

namespace {
/// These settings are not supported. Without them, a login may fail or reach a different host, so
/// they are an error if they apply to the host.
constexpr std::string_view kUnsupported[]{
    "proxycommand",         "proxyusefdpass",  "bindaddress",     "bindinterface",
    "canonicalizehostname", "certificatefile", "pkcs11provider",  "knownhostscommand",
    "securitykeyprovider",  "revokedhostkeys", "refuseconnection"};

/// The settings in HostConfig.
constexpr std::string_view kOurs[]{"hostname",
                                   "user",
                                   "proxyjump",
                                   "hostkeyalias",
                                   "identityagent",
                                   "identityfile",
                                   "port",
                                   "identitiesonly",
                                   "userknownhostsfile",
                                   "globalknownhostsfile",
                                   "addressfamily",
                                   "hostkeyalgorithms",
                                   "pubkeyauthentication"};

/// Settings of OpenSSH 10 that have no effect here. Host keys are always verified, whatever
/// StrictHostKeyChecking is; libssh2 chooses the algorithms.
constexpr std::string_view kIgnored[]{"addkeystoagent",
                                      "batchmode",
                                      "canonicaldomains",
                                      "canonicalizefallbacklocal",
                                      "canonicalizemaxdots",
                                      "canonicalizepermittedcnames",
                                      "casignaturealgorithms",
                                      "challengeresponseauthentication",
                                      "channeltimeout",
                                      "checkhostip",
                                      "cipher",
                                      "ciphers",
                                      "clearallforwardings",
                                      "compression",
                                      "compressionlevel",
                                      "connectionattempts",
                                      "connecttimeout",
                                      "controlmaster",
                                      "controlpath",
                                      "controlpersist",
                                      "dynamicforward",
                                      "enableescapecommandline",
                                      "enablesshkeysign",
                                      "escapechar",
                                      "exitonforwardfailure",
                                      "fingerprinthash",
                                      "forkafterauthentication",
                                      "forwardagent",
                                      "forwardx11",
                                      "forwardx11timeout",
                                      "forwardx11trusted",
                                      "gatewayports",
                                      "gssapiauthentication",
                                      "gssapidelegatecredentials",
                                      "hashknownhosts",
                                      "hostbasedacceptedalgorithms",
                                      "hostbasedauthentication",
                                      "hostbasedkeytypes",
                                      "ipqos",
                                      "kbdinteractiveauthentication",
                                      "kbdinteractivedevices",
                                      "kexalgorithms",
                                      "localcommand",
                                      "localforward",
                                      "loglevel",
                                      "logverbose",
                                      "macs",
                                      "nohostauthenticationforlocalhost",
                                      "numberofpasswordprompts",
                                      "obscurekeystroketiming",
                                      "passwordauthentication",
                                      "permitlocalcommand",
                                      "permitremoteopen",
                                      "preferredauthentications",
                                      "protocol",
                                      "pubkeyacceptedalgorithms",
                                      "pubkeyacceptedkeytypes",
                                      "rekeylimit",
                                      "remotecommand",
                                      "remoteforward",
                                      "requesttty",
                                      "requiredrsasize",
                                      "sendenv",
                                      "serveralivecountmax",
                                      "serveraliveinterval",
                                      "sessiontype",
                                      "setenv",
                                      "stdinnull",
                                      "streamlocalbindmask",
                                      "streamlocalbindunlink",
                                      "stricthostkeychecking",
                                      "syslogfacility",
                                      "tag",
                                      "tcpkeepalive",
                                      "tunnel",
                                      "tunneldevice",
                                      "updatehostkeys",
                                      "useprivilegedport",
                                      "verifyhostkeydns",
                                      "versionaddendum",
                                      "visualhostkey",
                                      "warnweakcrypto",
                                      "xauthlocation"};

constexpr int kDeepestInclude = 16; // as in OpenSSH

bool among(const auto& names, std::string_view name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// Splits a line into words; a quoted word may contain spaces. # starts a comment.
/// @return false if a quote is not closed
bool split_words(std::string_view line, std::vector<std::string>& words) {
    constexpr std::string_view blanks = " \t\r\f";
    for (;;) {
        line.remove_prefix(std::min(line.size(), line.find_first_not_of(blanks)));
        if (line.empty() || line.front() == '#') return true;
        std::string word;
        bool quoted = false;
        std::size_t at = 0;
        for (; at < line.size(); ++at) {
            const char c = line[at];
            if (c == '"')
                quoted = !quoted;
            else if (!quoted && blanks.find(c) != std::string_view::npos)
                break;
            else
                word += c;
        }
        if (quoted) return false;
        words.push_back(std::move(word));
        line.remove_prefix(at);
    }
}

/// Whether a name matches one of the patterns and no negated one.
bool fits_one(std::string_view name, const std::vector<std::string>& patterns) {
    bool found = false;
    for (const std::string& pattern : patterns) {
        const bool negated = pattern.starts_with('!');
        if (!fits_pattern(name, std::string_view(pattern).substr(negated ? 1 : 0))) continue;
        if (negated) return false;
        found = true;
    }
    return found;
}

std::vector<std::string> split_list(std::string_view list) {
    std::vector<std::string> out;
    while (!list.empty()) {
        out.emplace_back(list.substr(0, list.find(',')));
        list.remove_prefix(std::min(list.size(), out.back().size() + 1));
    }
    return out;
}

class ConfigReader {
  public:
    ConfigReader(const ConfigQuery& query, const Include& include)
        : query_(query), include_(include) {}
    void read(const std::vector<ConfigFile>& files);
    HostConfig result();

  private:
    using Words = std::vector<std::string>;
    void read(const ConfigFile& file, int depth);
    void line(std::string_view text, int depth);
    bool match(const Words& words);
    bool match_one(const std::string& criterion, const std::string& patterns);
    void include(const Words& patterns, int depth);
    void set(const std::string& keyword, const Words& values);
    bool set_text(const std::string& keyword, const std::string& value);
    void set_port(const std::string& value);
    void refuse(const std::string& keyword, const Words& values) const;
    [[nodiscard]] std::string host_name() const;
    [[nodiscard]] const std::string& user() const;
    std::string expand(std::string_view text) const;
    [[nodiscard]] Error error(std::string message) const;

    const ConfigQuery& query_;
    const Include& include_;
    HostConfig found_;
    std::string file_;
    std::string written_;                     ///< the keyword as written
    int number_ = 0;                          ///< line number
    bool applies_ = true;                     ///< the current block matches
    bool again_ = false, asks_again_ = false; ///< `Match final` requires a second pass
    std::vector<std::string> ignored_;        ///< patterns of IgnoreUnknown
};

Error ConfigReader::error(std::string message) const {
    return Error(ErrorKind::spec, fmt::format("{}:{}: {}", file_, number_, message));
}

std::string ConfigReader::host_name() const {
    return found_.host_name.empty() ? query_.host : expand(found_.host_name);
}

/// The login user, if known at this point.
const std::string& ConfigReader::user() const {
    if (!query_.user.empty()) return query_.user;
    return found_.user.empty() ? query_.default_user : found_.user;
}

/// Expands the tokens of ssh_config(5) that are known here, ~ and ${VARIABLE}.
std::string ConfigReader::expand(std::string_view text) const {
    std::string out;
    if (text == "~" || text.starts_with("~/")) {
        out = query_.home;
        text.remove_prefix(1);
    }
    while (!text.empty()) {
        const char c = text.front();
        if (c == '$' && text.starts_with("${") && text.find('}') != std::string_view::npos) {
            const std::string name(text.substr(2, text.find('}') - 2));
            const char* value = std::getenv(name.c_str());
            if (!value)
                throw error(fmt::format("the environment variable {} is not set", in_quotes(name)));
            out += value;
            text.remove_prefix(name.size() + 3);
            continue;
        }
        if (c != '%' || text.size() < 2) {
            out += c;
            text.remove_prefix(1);
            continue;
        }
        switch (text[1]) {
        case '%': out += '%'; break;
        case 'd': out += query_.home; break;
        case 'h':
            out += found_.host_name.find('%') == std::string::npos && !found_.host_name.empty()
                       ? found_.host_name
                       : query_.host;
            break;
        case 'k': out += found_.host_key_alias.empty() ? query_.host : found_.host_key_alias; break;
        case 'n': out += query_.host; break;
        case 'p': out += std::to_string(found_.port.value_or(22)); break;
        case 'r': out += user(); break;
        case 'u': out += query_.local_user; break;
        default:
            throw error(fmt::format("the token {} is not supported", in_quotes(text.substr(0, 2))));
        }
        text.remove_prefix(2);
    }
    return out;
}

void ConfigReader::read(const std::vector<ConfigFile>& files) {
    for (const ConfigFile& file : files) read(file, 0);
    if (!asks_again_) return;
    again_ = true;
    for (const ConfigFile& file : files) read(file, 0);
}

void ConfigReader::read(const ConfigFile& file, int depth) {
    const std::string outer_file = std::exchange(file_, file.path);
    const int outer_number = std::exchange(number_, 0);
    const bool outer = std::exchange(applies_, true);
    std::string_view rest = file.text;
    while (!rest.empty()) {
        const std::string_view text = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), text.size() + 1));
        ++number_;
        line(text, depth);
    }
    file_ = outer_file;
    number_ = outer_number;
    applies_ = outer;
}

/// "Keyword value ...", or "Keyword=value".
void ConfigReader::line(std::string_view text, int depth) {
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t")));
    const std::size_t end = std::min(text.find_first_of(" \t=\r"), text.size());
    written_ = text.substr(0, end);
    const std::string keyword = lower_case(written_);
    if (keyword.empty() || keyword.front() == '#') return;
    std::string_view rest = text.substr(end);
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(" \t")));
    if (rest.starts_with('=')) rest.remove_prefix(1);
    Words words;
    if (!split_words(rest, words)) throw error("a quote is not closed");
    if (words.empty()) throw error(fmt::format("{} has no value", in_quotes(written_)));
    if (keyword == "host")
        applies_ = fits_one(query_.host, words);
    else if (keyword == "match")
        applies_ = match(words);
    else if (keyword == "include")
        include(words, depth);
    else if (keyword == "ignoreunknown")
        for (const std::string& pattern : split_list(words.front())) ignored_.push_back(pattern);
    else
        set(keyword, words);
}

/// All criteria must match; criteria after one that does not are not evaluated.
bool ConfigReader::match(const Words& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string criterion = lower_case(words[i]);
        const bool negated = criterion.starts_with('!');
        if (negated) criterion.erase(0, 1);
        if (criterion == "all") {
            if (negated) return false;
            continue;
        }
        if (criterion == "canonical") { // names are not canonicalized
            if (negated) continue;
            return false;
        }
        if (criterion == "final") {
            asks_again_ = true;
            if (again_ == negated) return false;
            continue;
        }
        std::string patterns;
        if (const std::size_t sign = criterion.find('='); sign != std::string::npos) {
            patterns = words[i].substr(sign + (negated ? 2 : 1));
            criterion.resize(sign);
        } else if (++i < words.size()) {
            patterns = words[i];
        } else {
            throw error(fmt::format("{} has no value", in_quotes(criterion)));
        }
        if (match_one(criterion, patterns) == negated) return false;
    }
    return true;
}

bool ConfigReader::match_one(const std::string& criterion, const std::string& patterns) {
    const std::vector<std::string> list = split_list(patterns);
    if (criterion == "host") return fits_one(host_name(), list);
    if (criterion == "originalhost") return fits_one(query_.host, list);
    if (criterion == "localuser") return fits_one(query_.local_user, list);
    if (criterion == "user") return fits_one(user(), list);
    throw error(fmt::format("`Match {}` is not supported", criterion))
        .with_hint("use `Host`, or `Match` with host, originalhost, user, localuser or all; or "
                   "set a different `config_file` on the ssh.host (`/dev/null`: none)");
}

void ConfigReader::include(const Words& patterns, int depth) {
    if (depth == kDeepestInclude) throw error("too many nested Include directives");
    // Nothing in the file can apply if the block does not match, but it might contain errors.
    if (!applies_) return;
    for (const std::string& pattern : patterns)
        for (const ConfigFile& file : include_(expand(pattern))) read(file, depth + 1);
}

bool ConfigReader::set_text(const std::string& keyword, const std::string& value) {
    std::string* text = keyword == "hostname"            ? &found_.host_name
                        : keyword == "user"              ? &found_.user
                        : keyword == "proxyjump"         ? &found_.proxy_jump
                        : keyword == "hostkeyalias"      ? &found_.host_key_alias
                        : keyword == "identityagent"     ? &found_.identity_agent
                        : keyword == "addressfamily"     ? &found_.address_family
                        : keyword == "hostkeyalgorithms" ? &found_.host_key_algorithms
                                                         : nullptr;
    if (text && text->empty()) *text = value;
    return text != nullptr;
}

void ConfigReader::set_port(const std::string& value) {
    int port = 0;
    const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), port);
    if (wrong != std::errc() || end != value.data() + value.size() || port < 1 || port > 65535)
        throw error(fmt::format("{} is not a port", in_quotes(value)));
    if (!found_.port) found_.port = port;
}

/// Handles a setting that is not supported. It is an error only if it applies to this host and is
/// not switched off.
void ConfigReader::refuse(const std::string& keyword, const Words& values) const {
    if (among(kUnsupported, keyword)) {
        const std::string value = lower_case(values.front());
        if (value == "none" || value == "no" || !applies_) return;
        throw error(fmt::format("{} is not supported", written_))
            .with_hint(keyword == "proxycommand"
                           ? "use ProxyJump, or the attribute `jump_host`; or set a different "
                             "`config_file` on the ssh.host (`/dev/null`: none)"
                           : "remove this setting for the host, or set a different `config_file` "
                             "on the ssh.host (`/dev/null`: none)");
    }
    if (among(kIgnored, keyword) || fits_one(keyword, ignored_)) return;
    static const std::vector<std::string> ours(std::begin(kOurs), std::end(kOurs));
    const auto meant = did_you_mean(keyword, ours);
    if (!meant) return; // an obsolete setting, or a setting of a different client
    throw error(fmt::format("OpenSSH has no setting {}", in_quotes(written_)))
        .with_hint(fmt::format("did you mean {}? Otherwise add its name to IgnoreUnknown", *meant));
}

void ConfigReader::set(const std::string& keyword, const Words& values) {
    if (!among(kOurs, keyword)) return refuse(keyword, values);
    if (!applies_) return;
    if (keyword != "identityagent" && keyword != "proxyjump")
        for (const std::string& value : values) expand(value); // reports errors at this line
    if (set_text(keyword, values.front())) return;
    if (keyword == "port")
        set_port(values.front());
    else if (keyword == "identityfile") {
        if (!among(found_.identity_files, values.front()))
            found_.identity_files.push_back(values.front());
    } else if (keyword == "identitiesonly") {
        if (!found_.identities_only) found_.identities_only = lower_case(values.front()) == "yes";
    } else if (keyword == "pubkeyauthentication") {
        if (!found_.public_key_authentication)
            found_.public_key_authentication = lower_case(values.front()) != "no";
    } else {
        auto& files =
            keyword == "userknownhostsfile" ? found_.user_known_hosts : found_.global_known_hosts;
        if (files.empty()) files = values;
    }
}

/// Tokens are expanded at the end, when all their values are known.
HostConfig ConfigReader::result() {
    HostConfig out = found_;
    out.host_name = found_.host_name.empty() ? "" : expand(found_.host_name);
    found_.host_name = out.host_name;
    for (auto* files : {&out.identity_files, &out.user_known_hosts, &out.global_known_hosts})
        for (std::string& file : *files)
            if (lower_case(file) != "none") file = expand(file);
    if (lower_case(out.identity_agent) != "none" && !out.identity_agent.starts_with('$'))
        out.identity_agent = expand(out.identity_agent);
    if (out.host_key_alias.find('%') != std::string::npos)
        out.host_key_alias = expand(out.host_key_alias);
    return out;
}
} // namespace

HostConfig read_ssh_config(const std::vector<ConfigFile>& files, const ConfigQuery& query,
                           const Include& include) {
    ConfigReader reader(query, include);
    reader.read(files);
    return reader.result();
}

} // namespace hadeploy::ssh
