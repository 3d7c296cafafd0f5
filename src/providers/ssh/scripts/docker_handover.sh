#!/bin/sh
# A swarm stops the tasks of a drained node before it starts others. With these functions, services
# whose tasks may overlap (those that are updated start-first) start the new tasks first: a
# constraint keeps them off the node, and the swarm replaces only the tasks that violate it, each
# after its successor is healthy. A label of the service, which restarts nothing, marks the
# constraint, so that every manager can remove it, even after an interruption. Variables: node,
# patience (seconds).
handover_id() {
    docker node inspect "$node" --format '{{.ID}}'
}
hand_over() {
    id=$(handover_id) || return 1
    names=$(docker node ps "$node" --filter desired-state=running --format '{{.Name}}') || return 1
    moving=
    for service in $(printf '%s\n' "$names" | sed 's/\.[^.]*$//' | sort -u); do
        order=$(docker service inspect "$service" --format '{{if .Spec.Mode.Replicated}}{{with .Spec.UpdateConfig}}{{.Order}}{{end}}{{end}}') || return 1
        [ "$order" = start-first ] || continue
        docker_again docker service update --detach --label-add "hadeploy.handover.$id=1" --constraint-add "node.id!=$id" "$service" || return 1
        moving="$moving${moving:+,}%22$service%22"
    done
    [ -n "$moving" ] || return 0
    began=$(seconds)
    until case $(docker_get "/tasks?filters=%7B%22node%22%3A%5B%22$id%22%5D%2C%22service%22%3A%5B$moving%5D%2C%22desired-state%22%3A%5B%22running%22%5D%7D") in
        "reply 200 "*'"ID":'*) false;; "reply 200 "*) ;; *) false;; esac; do
        ! late "$began" "$patience" || { echo "the tasks of $(echo "$moving" | sed 's/%22//g; s/,/, /g') could not move within $patience s: look at \`docker service ps\`" >&2; return 1; }
        sleep 2
    done
}
hand_back() {
    id=$(handover_id) || return 1
    services=$(docker service ls --filter "label=hadeploy.handover.$id" --format '{{.Name}}') || return 1
    for service in $services; do
        docker_again docker service update --detach --label-rm "hadeploy.handover.$id" --constraint-rm "node.id!=$id" "$service" || return 1
    done
}
