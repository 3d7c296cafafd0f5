#include "providers/ssh/login.h"

#include "core/secrecy.h"
#include "providers/ssh/connection.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
std::string login_place(const Login& login) {
    const bool v6 = login.address.find(':') != std::string::npos;
    return fmt::format("{}@{}{}{}:{}", login.user, v6 ? "[" : "", login.address, v6 ? "]" : "",
                       login.port);
}
} // namespace

std::string Login::name() const {
    return redacted(login_place(*this));
}

std::string Login::route() const {
    return jump ? fmt::format("{} via {}", login_place(*this), jump->route()) : login_place(*this);
}

Login login_from(const Value& connection) {
    Login login;
    for (const char* field : {"address", "port", "user"})
        login.hidden = login.hidden || connection.secret() || connection[field].secret();
    login.address = without_brackets(connection.text("address"));
    login.port = static_cast<int>(connection.integer("port", 22));
    login.user = connection.text("user", "root");
    login.private_key_file = connection.text("private_key_file");
    login.public_key = connection.text("public_key");
    if (const Value& files = connection["identity_files"]; files.is_list())
        for (const Value& file : files.as_list())
            if (file.is_string()) login.identity_files.push_back(file.as_string());
    login.address_family = connection.text("address_family");
    login.identities_only = connection.flag("identities_only");
    login.agent = connection.text("agent");
    login.become_password = connection.text("become_password");
    login.host_key = connection.text("host_key");
    login.trust_on_first_use = connection.flag("trust_on_first_use");
    login.timeout =
        std::chrono::milliseconds(connection.integer("connect_timeout", login.timeout.count()));
    login.silence = std::max(login.silence, login.timeout);
    if (const Value& jump = connection["jump_host"]; jump.is_map()) {
        Login before = login_from(jump);
        before.timeout = login.timeout;
        before.silence = login.silence;
        login.jump = std::make_shared<const Login>(std::move(before));
    }
    return login;
}

} // namespace hadeploy::ssh
