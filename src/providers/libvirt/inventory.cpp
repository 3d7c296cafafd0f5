#include "providers/libvirt/inventory.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <set>

namespace hadeploy::libvirt {

namespace {
template<class T>
const T* by_name(const std::vector<T>& items, std::string_view name) {
    const auto found =
        std::find_if(items.begin(), items.end(), [&](const T& t) { return t.name == name; });
    return found == items.end() ? nullptr : &*found;
}

struct Stats {
    int state = VIR_DOMAIN_NOSTATE;
    std::optional<std::int64_t> memory_kib, vcpus;
};

Stats stats_of(const virDomainStatsRecord& record) {
    Stats out;
    for (int i = 0; i < record.nparams; ++i) {
        const virTypedParameter& p = record.params[i];
        if (std::strcmp(p.field, "state.state") == 0)
            out.state = p.value.i;
        else if (std::strcmp(p.field, "balloon.current") == 0)
            out.memory_kib = static_cast<std::int64_t>(p.value.ul);
        else if (std::strcmp(p.field, "vcpu.current") == 0)
            out.vcpus = static_cast<std::int64_t>(p.value.ui);
    }
    return out;
}

/// For drivers without complete bulk statistics, such as the test driver: one call for each domain.
void fill_one_by_one(Inventory::Domain& domain) {
    virDomainInfo info = {};
    call(fmt::format("read the domain '{}'", domain.name),
         [&] { return virDomainGetInfo(domain.handle.get(), &info); });
    domain.state = info.state;
    domain.memory_kib = static_cast<std::int64_t>(info.memory);
    domain.vcpus = info.nrVirtCpu;
}

std::map<std::string, Stats> all_stats(virConnectPtr connection) {
    std::map<std::string, Stats> out;
    virDomainStatsRecordPtr* records = nullptr;
    const int count = call("read the domains' statistics", {VIR_ERR_NO_SUPPORT}, [&] {
        return virConnectGetAllDomainStats(
            connection, VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_BALLOON | VIR_DOMAIN_STATS_VCPU,
            &records, VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
    });
    for (int i = 0; i < count; ++i) out[uuid_of(records[i]->dom)] = stats_of(*records[i]);
    virDomainStatsRecordListFree(records);
    return out;
}
} // namespace

const std::vector<Inventory::Domain>& Inventory::domains() {
    if (domains_) return *domains_;
    const virConnectPtr c = connection_.get();
    std::vector<Domain> out;
    const auto stats = all_stats(c);
    std::set<std::string> autostarting;
    for (const auto& d : list<DomainHandle>("list the domains", [&](virDomainPtr** items) {
             return virConnectListAllDomains(c, items, VIR_CONNECT_LIST_DOMAINS_AUTOSTART);
         }))
        autostarting.insert(uuid_of(d.get()));
    for (auto& handle : list<DomainHandle>("list the domains", [&](virDomainPtr** items) {
             return virConnectListAllDomains(c, items, 0);
         })) {
        Domain domain;
        domain.name = virDomainGetName(handle.get());
        domain.uuid = uuid_of(handle.get());
        domain.autostart = autostarting.contains(domain.uuid);
        domain.handle = std::move(handle);
        const auto found = stats.find(domain.uuid);
        if (found != stats.end() && found->second.memory_kib && found->second.vcpus) {
            domain.state = found->second.state;
            domain.memory_kib = *found->second.memory_kib;
            domain.vcpus = *found->second.vcpus;
        } else {
            fill_one_by_one(domain);
        }
        out.push_back(std::move(domain));
    }
    return domains_.emplace(std::move(out));
}

const std::vector<Inventory::Network>& Inventory::networks() {
    if (networks_) return *networks_;
    const virConnectPtr c = connection_.get();
    std::set<std::string> active;
    for (const auto& n : list<NetworkHandle>("list the networks", [&](virNetworkPtr** items) {
             return virConnectListAllNetworks(c, items, VIR_CONNECT_LIST_NETWORKS_ACTIVE);
         }))
        active.insert(uuid_of(n.get()));
    std::vector<Network> out;
    for (auto& n : list<NetworkHandle>("list the networks", [&](virNetworkPtr** items) {
             return virConnectListAllNetworks(c, items, 0);
         })) {
        std::string uuid = uuid_of(n.get());
        const bool is_active = active.contains(uuid);
        out.push_back({virNetworkGetName(n.get()), std::move(uuid), is_active, std::move(n)});
    }
    return networks_.emplace(std::move(out));
}

const std::vector<Inventory::Pool>& Inventory::pools() {
    if (pools_) return *pools_;
    const virConnectPtr c = connection_.get();
    std::set<std::string> active;
    for (const auto& p : list<PoolHandle>("list the storage pools", [&](virStoragePoolPtr** items) {
             return virConnectListAllStoragePools(c, items, VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE);
         }))
        active.insert(uuid_of(p.get()));
    std::vector<Pool> out;
    for (auto& p : list<PoolHandle>("list the storage pools", [&](virStoragePoolPtr** items) {
             return virConnectListAllStoragePools(c, items, 0);
         })) {
        std::string uuid = uuid_of(p.get());
        const bool is_active = active.contains(uuid);
        out.push_back({virStoragePoolGetName(p.get()), std::move(uuid), is_active, std::move(p)});
    }
    return pools_.emplace(std::move(out));
}

const Inventory::Domain* Inventory::domain(std::string_view name) {
    return by_name(domains(), name);
}
const Inventory::Network* Inventory::network(std::string_view name) {
    return by_name(networks(), name);
}
const Inventory::Pool* Inventory::pool(std::string_view name) {
    return by_name(pools(), name);
}

const std::vector<std::string>* Inventory::volumes(const std::string& pool_name) {
    const auto [entry, is_new] = volumes_.try_emplace(pool_name);
    std::optional<std::vector<std::string>>& names = entry->second;
    if (is_new) {
        pools();
        const auto found = std::find_if(pools_->begin(), pools_->end(),
                                        [&](const Pool& p) { return p.name == pool_name; });
        if (found != pools_->end() && found->active) {
            found->active = refresh(found->handle.get(), pool_name);
            if (found->active) names = volume_names(found->handle.get(), pool_name);
        }
    }
    return names ? &*names : nullptr;
}

const std::string& Inventory::network_xml(const Network& network) {
    const auto [entry, is_new] = network_xml_.try_emplace(network.uuid);
    if (is_new)
        entry->second = taken(call(fmt::format("read the network '{}'", network.name),
                                   [&] { return virNetworkGetXMLDesc(network.handle.get(), 0); }));
    return entry->second;
}

bool refresh(virStoragePoolPtr pool, std::string_view name) {
    // Internal error: libvirt refuses a refresh while a volume is being created. Its last result is
    // then good enough.
    const int result = call(fmt::format("refresh the storage pool '{}'", name),
                            {VIR_ERR_INTERNAL_ERROR, VIR_ERR_SYSTEM_ERROR, VIR_ERR_NO_SUPPORT},
                            [&] { return virStoragePoolRefresh(pool, 0); });
    return result == 0 || virGetLastErrorCode() != VIR_ERR_SYSTEM_ERROR;
}

std::vector<std::string> volume_names(virStoragePoolPtr pool, std::string_view name) {
    std::vector<std::string> out;
    for (const auto& v : list<VolumeHandle>(fmt::format("list the volumes of the pool '{}'", name),
                                            [&](virStorageVolPtr** items) {
                                                return virStoragePoolListAllVolumes(pool, items, 0);
                                            }))
        out.emplace_back(virStorageVolGetName(v.get()));
    return out;
}

std::string own_file(std::string_view name, std::string_view identity, std::string_view suffix) {
    return fmt::format("{}-{}{}", name, identity.substr(0, 8), suffix);
}

bool is_own_file(std::string_view file, std::string_view name, std::string_view identity) {
    return file.starts_with(own_file(name, identity, "."));
}

} // namespace hadeploy::libvirt
