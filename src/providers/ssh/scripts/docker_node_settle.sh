#!/bin/sh
# On the node: waits until it is a working member again; reads the output of kStillListed.
# Sometimes a daemon never reconnects to a healthy swarm (moby/swarmkit 1360, 2868), so it is
# restarted once. Variables: role (wanted), marker.
listed=
while read -r word rest; do
    case $word in
    refuse) echo "$rest" >&2; exit 1;;
    listed) listed=1;;
    gone)
        docker swarm leave --force >/dev/null
        rm -f "$marker"
        echo "the swarm had removed this node from its list, so the node has left; apply again to rejoin" >&2
        exit 1;;
    esac
done
began=$(seconds) restarted=
while :; do
    docker_up || { echo "Docker does not run; start it (systemctl start docker)" >&2; exit 1; }
    state=$(docker_get /info) why="it is not an active member"
    case $state in *'"LocalNodeState":"active"'*)
        manager=
        case $state in *'"ControlAvailable":true'*) manager=1;; esac
        why="it has not become a $role"
        if [ "$role" = worker ] && [ -z "$manager" ]; then exit 0; fi
        if [ "$role" = manager ] && [ -n "$manager" ]; then
            id=${state#*'"NodeID":"'}
            id=${id%%'"'*}
            entry=$(docker_get "/nodes/$id")
            case $entry in
            "reply 200 "*'"State":"ready"'*) exit 0;;
            "reply 200 "*) why="the swarm does not report it as ready; apply again, and if that does not help see journalctl -u docker on the node";;
            *) why="the swarm has lost its quorum; start the other managers. If they are lost for good: docker swarm init --force-new-cluster on this node"
                [ -z "$listed" ] || why="the other managers have a quorum, but this one does not connect to them; check that it can reach their port 2377, and see journalctl -u docker on the node";;
            esac
        fi;;
    esac
    ! late "$began" 120 || { echo "waited for two minutes: $why" >&2; exit 1; }
    if [ -n "$listed" ] && [ -z "$restarted" ] && late "$began" 45; then
        restarted=1
        systemctl restart docker
    fi
    sleep 1
done
