#!/bin/sh
# Variables: files (a function that writes the project into the current directory), keep ("yes": the
# previous version is started again if the new one fails). The program first checks the files in a separate
# directory.
enter_project make
if [ -f ./.hadeploy ]; then grep -qx "owner $id" ./.hadeploy || hadeploy_refuse "hadeploy: the files in $directory belong to another project"
else ! hadeploy_holds . || hadeploy_refuse "hadeploy: $directory is not empty"; fi
umask 077
chmod 0700 .
[ -f ./.hadeploy ] || printf 'owner %s\n' "$id" >./.hadeploy
rm -rf -- ./.new
mkdir ./.new
(cd ./.new && files && compose -f compose.yml config -q) || {
    rm -rf -- ./.new
    hadeploy_refuse "hadeploy: docker compose does not accept the file; nothing was changed"
}
if [ -n "$keep" ]; then keep_version; else rm -rf -- ./.old; fi
printf 'owner %s\n' "$id" >./.hadeploy
remove_files
for entry in ./.new/* ./.new/.[!.]*; do [ ! -e "$entry" ] || mv -- "$entry" .; done
rmdir ./.new
umask 022
start_containers || give_up
