#!/bin/sh
# usage: start ha|app
# The processes of this container, as services of s6: the program, the agent of Serf, and for each of them
# a process that forwards its output to the logs.
set -eu
services=/run/services
# Lines of standard input become the program of a service.
service() {
    mkdir -p "$services/$1/log"
    { printf '#!/bin/sh\nexec 2>&1\n'; cat; } >"$services/$1/run"
    printf '#!/bin/sh\nexec forward "%s.%s"\n' "$TASK" "$1" >"$services/$1/log/run"
    chmod 755 "$services/$1/run" "$services/$1/log/run"
}
address=$(hostname -i)
address=${address%% *}
case $1 in
ha)
    members none # until the first member is known
    service haproxy <<END
exec haproxy -W -db -f /run/haproxy.cfg
END
    handlers='"members"';;
app)
    # what the app reports shows which container has answered
    service app <<END
export PORT=8000 VERSION="$TASK" NODE_NAME="$(hostname)"
exec app
END
    handlers=;;
esac
# A container that vanished is noticed by the others within seconds.
cat >/run/serf.json <<END
{"node_name": "$(hostname)", "bind": "$address:7946", "rpc_addr": "127.0.0.1:7373", "leave_on_terminate": true,
 "log_level": "warn", "tags": {"role": "$1", "task": "$TASK"}, "event_handlers": [$handlers]}
END
service serf <<END
exec serf agent -config-file=/run/serf.json
END
# Again and again, because the order in which containers start does not matter: two that start at the same time do
# not find each other at first.
service join <<END
while :; do
    serf join $PEERS >/dev/null
    sleep 5
done
END
# A container that is stopped leaves first, and its program ends when HAProxy no longer knows it.
mkdir -p "$services/.s6-svscan"
cat >"$services/.s6-svscan/SIGTERM" <<END
#!/bin/sh
s6-svc -d $services/join
s6-svc -d $services/serf
sleep 3
s6-svscanctl -t $services
END
chmod 755 "$services/.s6-svscan/SIGTERM"
exec s6-svscan "$services"
