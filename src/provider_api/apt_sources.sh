#!/usr/bin/env bash
# Functions of scripts that install packages into a directory, with this machine's own sources.
# apt_sources expects $host_suite, the release of this machine, and $suite, the release to install.

# The distribution's own sources in the one-line format, as apt reads them from this machine's
# configuration (one-line lists, deb822 files, mirror lists). Third-party repositories are left out:
# the guest does not have their keys.
# shellcheck disable=SC2154 # host_suite, suite
apt_sources() {
    local uri release component signed_by options
    # apt prints the literal name of a field without a value.
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)' \
        'Created-By: Packages' | sort -u |
        while IFS='|' read -r uri release component signed_by; do
            case $release in
            "$host_suite" | "$host_suite-updates" | "$host_suite-security") ;;
            *) continue ;;
            esac
            case $component in main | universe) ;; *) continue ;; esac
            # A mirror list is a file on this machine, so the guest gets its first entry.
            if [[ $uri == mirror+file:* ]]; then
                uri=$(awk '!/^#/ && NF {print $1; exit}' "${uri#mirror+file:}")
            fi
            options=
            [[ $signed_by == /* ]] && options="[signed-by=$signed_by] "
            echo "deb $options$uri ${release/#$host_suite/$suite} $component"
        done
}

# Removes user:password@ from URIs.
without_credentials() { sed -E 's#(://)[^/@ "]*@#\1#g'; }

# Settings that this machine's apt needs to reach its sources (proxy, clock checks of frozen mirrors).
apt_options() {
    apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-(Valid-Until|Date)|ForceIPv[46]) ' || true
}
