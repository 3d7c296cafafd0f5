#!/bin/sh
# On a manager: restarts the tasks of services of which a task here is missing in the service
# discovery, one after the other, as in an update. Variables: node (ID), patience (seconds).
docker_up || exit 1
lost=$(perl -e "$docker_perl"' print "$_\n" for undiscovered(@ARGV)' "$node")
for service in $lost; do
    docker_again timeout "$patience" docker service update --quiet --force "$service" ||
        { echo "$service: its tasks did not restart within $patience s: look at \`docker service ps $service\`" >&2; exit 1; }
done
