#!/usr/bin/env bash
# Checks the shell scripts of the project, and those that are embedded in hadeploy and run on hosts:
# with shellcheck, and with the parsers of dash and BusyBox. Exit status 77: shellcheck is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

mapfile -t own < <(grep -rlE '^#!.*\b(ba)?sh' scripts .ci .githooks tests/e2e tests/lint src/providers src/provider_api)
embedded=(src/providers/ssh/scripts/*.sh)
((${#own[@]} > 10 && ${#embedded[@]} > 50)) || { echo "the scripts were not found" >&2; exit 1; }

failed=0
complain() {
    echo "$*" >&2
    failed=1
}
for file in "${embedded[@]}"; do
    name=${file##*/}
    grep -rqw "scripts::${name%.sh}" src || complain "$file is not used"
    for shell in dash "busybox ash"; do
        # the words of $shell
        # shellcheck disable=SC2086
        ! command -v ${shell%% *} >/dev/null || $shell -n "$file" || complain "$file: $shell cannot read it"
    done
done
if grep -rn 'R"sh(' src/providers; then
    complain "scripts for hosts are files in src/providers/ssh/scripts"
fi

command -v shellcheck >/dev/null || { ((failed)) || exit 77; exit 1; }
shellcheck "${own[@]}" || failed=1
((failed == 0)) || exit 1
echo "${#own[@]} scripts, ${#embedded[@]} of them embedded"
