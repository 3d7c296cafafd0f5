#!/bin/sh
# Waits until every service runs the deployed version: the desired number of its tasks have run for
# five seconds, as in `docker service update`. (A task with a health check runs only when the check
# has succeeded.) A job, or a task that is not restarted, must have ended successfully. Fails
# immediately if the swarm has paused or rolled back an update.
#
# The swarm rolls back an update whose tasks fail, but a task that never becomes healthy can keep
# the swarm waiting forever. So after the time limit, this program rolls back updates with
# `failure_action: rollback`, and waits once more until that is complete. Variables: seconds.
perl -e "$docker_perl"'
    my ($stack, $seconds) = @ARGV;
    my $label = "%22com.docker.stack.namespace=$stack%22";
    my $own = "filters=%7B%22label%22:%5B$label%5D";
    my %names;
    my $label_of = sub { # "web.2 on node1"
        my ($service, $task) = @_;
        my $node = $task->{NodeID} // "";
        if ($node ne "" && !$names{$node}) { $names{$node} = eval { get("/nodes/$node")->{Description}{Hostname} } // $node }
        my $where = $node eq "" ? "no node" : $names{$node};
        my $slot = $task->{Slot} ? ".$task->{Slot}" : "";
        return "$service->{Spec}{Name}$slot on $where";
    };
    # A task that neither runs nor fails, and what it is waiting for; "" if there is none.
    my $waiting = sub {
        my ($service, $tasks) = @_;
        my $check = $service->{Spec}{TaskTemplate}{ContainerSpec}{Healthcheck};
        my %waits_for = (
            pending => "no node has been chosen",
            preparing => "its image or its volumes are not ready",
            starting => $check ? "its health check has not succeeded"
                : "its container does not run, or the health check of its image has not succeeded");
        for my $task (@$tasks) {
            my $state = $task->{Status}{State};
            next if $task->{ServiceID} ne $service->{ID} || $task->{DesiredState} ne "running";
            next if ($task->{Status}{Err} // "") ne ""; # reported as an error
            next unless $state =~ /^(new|pending|assigned|accepted|preparing|ready|starting)$/;
            return $label_of->($service, $task) . " is $state: " . ($waits_for{$state} // "its node has not started it");
        }
        return "";
    };
    my $errors = sub { # the errors of a service, newest first, each once with one of its tasks
        my ($service) = @_;
        my (%seen, @said);
        for my $task (sort { $b->{Status}{Timestamp} cmp $a->{Status}{Timestamp} } @{get("/tasks?$own%7D")}) {
            my $error = $task->{Status}{Err} // "";
            next if $task->{ServiceID} ne $service->{ID} || $error eq "" || $seen{$error}++;
            push @said, $label_of->($service, $task) . ": $task->{Status}{State}: $error";
            last if @said == 4;
        }
        return @said;
    };
    my $give_up = sub {
        my ($service, $text) = @_;
        my @said = eval { $errors->($service) };
        print STDERR map { "$_\n" } @said;
        print STDERR "hadeploy: $text", (@said ? ($text =~ / is \w+: / ? "; " : ": ") . $said[0] : ""), "\n";
        exit 1;
    };
    # What a service is still waiting for; "" if it is complete.
    my $missing = sub {
        my ($service, $tasks) = @_;
        my $mode = $service->{Spec}{Mode};
        my $status = $service->{ServiceStatus} // {};
        my $name = $service->{Spec}{Name};
        if (my $job = $mode->{ReplicatedJob}) {
            my $total = $job->{TotalCompletions} // $job->{MaxConcurrent} // 1;
            my $done = $status->{CompletedTasks} // 0;
            return $done >= $total ? "" : "$name: $done of $total tasks have succeeded";
        }
        if ($mode->{GlobalJob}) {
            my $left = $status->{DesiredTasks} // 0;
            return $left == 0 ? "" : "$name: $left tasks have not ended yet";
        }
        my $restart = $service->{Spec}{TaskTemplate}{RestartPolicy}{Condition} // "any";
        my (%good, %wanted);
        for my $task (@$tasks) {
            next if $task->{ServiceID} ne $service->{ID};
            my $place = $task->{Slot} || $task->{NodeID} || $task->{ID};
            my $state = $task->{Status}{State};
            my $running = $task->{DesiredState} eq "running";
            $wanted{$place} = 1 if $running;
            $good{$place} = 1 if $state eq "running" && $running || $state eq "complete" && $restart ne "any";
            $give_up->($service, "$name: a task that is not restarted has failed")
                if $restart eq "none" && ($state eq "failed" || $state eq "rejected");
        }
        my $total = $mode->{Replicated} ? $mode->{Replicated}{Replicas} // 1 : scalar(keys %wanted);
        my $done = scalar(grep { $mode->{Replicated} || $wanted{$_} } keys %good);
        return $done >= $total ? "" : "$name: $done of $total tasks run";
    };
    # Rolls back the updates that are not complete. Returns whether any is being rolled back.
    my $roll_back = sub {
        return grep {
            my $state = ($_->{UpdateStatus} // {})->{State} // "";
            my $action = ($_->{Spec}{UpdateConfig} // {})->{FailureAction} // "";
            $state eq "rollback_started" || $state eq "updating" && $action eq "rollback"
                && system("docker", "service", "rollback", "--detach", "--quiet", $_->{Spec}{Name}) == 0
        } @_;
    };
    my (%cause, $late); # why an update was rolled back; what was missing when the time was up
    my $began = time;
    my $good_since = 0;
    while (1) {
        my ($behind, $why) = (undef, "");
        my $services = eval { get("/services?status=true&$own%7D") };
        my $tasks = eval { get("/tasks?$own,%22_up-to-date%22:%5B%22true%22%5D%7D") };
        $why = $@ unless $services && $tasks;
        for my $service (@{$why eq "" ? $services : []}) {
            my $update = $service->{UpdateStatus} // {};
            my $state = $update->{State} // "";
            my $name = $service->{Spec}{Name};
            my $said = $update->{Message} ? " ($update->{Message})" : "";
            $said = " (not complete in time: $late)" if $late && $state =~ /^rollback_/;
            $cause{$name} //= $said if $state eq "rollback_started";
            $give_up->($service, "the update of $name was rolled back" . ($cause{$name} // $said))
                if $state eq "rollback_completed";
            $give_up->($service, "the swarm stopped rolling back $name$said") if $state eq "rollback_paused";
            $give_up->($service, "the swarm paused the update of $name$said") if $state eq "paused";
            my $lack = $missing->($service, $tasks);
            $lack = "$name: its update is not complete" if $lack eq "" && $state eq "updating";
            $lack = "$name: it is being rolled back$said" if $state eq "rollback_started";
            ($behind, $why) = ($service, $lack) if $lack ne "" && !$behind;
        }
        my $now = time;
        if ($why eq "") {
            $good_since ||= $now;
            exit 0 if $now - $good_since >= 5;
        } else {
            $good_since = 0;
            chomp $why;
            if ($now - $began >= $seconds) {
                my $waited = $now - $began;
                $why .= " after $waited s";
                my $stuck = $behind ? $waiting->($behind, $tasks) : "";
                $why .= ": $stuck" if $stuck ne "";
                if (!$late && $roll_back->(@{$services // []})) {
                    ($late, $began) = ($why, $now);
                    next;
                }
                $give_up->($behind, $why) if $behind;
                print STDERR "hadeploy: $why\n";
                exit 1;
            }
        }
        # Queries less often after a while, because on a slow manager each query takes time that the
        # tasks need.
        sleep($now - $began < 15 ? 1 : 4);
    }' "$stack" "$seconds"
