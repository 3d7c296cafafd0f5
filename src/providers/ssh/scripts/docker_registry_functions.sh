#!/bin/sh
# registry_why: sets $why to the cause in $said, the output of a docker command that has contacted a registry.
registry_why() {
    last=${said##*
}
    last=${last#Error response from daemon: }
    case $said in
    *'verification failed'*|*'failed commit on ref'*) why="the content that the registry sent does not have its digest" ;;
    *'signed by unknown authority'*) why="the certificate of the registry is not trusted" ;;
    *'x509: '*|*'tls: '*) why="the certificate of the registry is not valid" ;;
    *'HTTP response to HTTPS client'*) why="the registry does not use TLS" ;;
    *nauthorized*|*'no basic auth credentials'*|*'access denied'*|*'access to the resource is denied'*|*'403 Forbidden'*)
        why="the registry refuses the access" ;;
    *'not found'*|*' unknown'*|*'not known to registry'*) why="the registry does not have it" ;;
    *'dial tcp'*|*'no such host'*|*'i/o timeout'*|*'Client.Timeout'*|*'connection re'*|*EOF*) why="the registry cannot be reached" ;;
    *) why=$last; return ;;
    esac
    why="$why: $last"
}
need_docker() {
    docker_up || { echo "hadeploy: Docker does not run on the host; start it (systemctl start docker)" >&2; exit 1; }
}
pull_image() {
    said=$(docker pull --quiet "$1" 2>&1 >/dev/null </dev/null) && return
    printf '%s\n' "$said" >&2
    registry_why
    echo "hadeploy: the image $1 cannot be pulled: $why" >&2
    exit 1
}
