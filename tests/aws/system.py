"""A complete web system in two zones, for the sweep and the benchmark: a load balancer, two machines, an autoscaling
group, a shared file system, a disk and an address.

CHANGED differs from SYSTEM in everything that can change in place or be replaced.
"""
from project import NETWORK

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8xQ0eSxQ3bWcG0yPzO0S1k3bqTzv7m2m0wq1lQm1Xr"

SYSTEM = NETWORK + """
  login: {type: aws.key_pair, name: demo, public_key: "%s me@here"}
  nfs:
    type: aws.security_group
    name: nfs
    vpc: ${network.id}
    ingress: [{ports: "2049", peers: ["${web.id}"]}]
  files:
    type: aws.efs
    subnets: ["${subnet[\\"a\\"].id}", "${subnet[\\"b\\"].id}"]
    security_groups: ["${nfs.id}"]
  node:
    type: aws.instance
    for_each: [a, b]
    image: ami-12c6146b
    instance_type: t3.micro
    subnet: ${subnet[each.key].id}
    security_groups: ["${web.id}"]
    key: ${login.name}
    tags: {Name: "node-${each.key}"}
  disk: {type: aws.volume, availability_zone: eu-central-1a, size: 5 GiB, instance: "${node[\\"a\\"].id}", device: /dev/sdf}
  address: {type: aws.eip, instance: "${node[\\"b\\"].id}"}
  group:
    type: aws.target_group
    name: web
    port: 80
    vpc: ${network.id}
    health_check: {path: /ping, interval: 5s, timeout: 2s}
    deregistration_delay: 30s
  front:
    type: aws.load_balancer
    name: front
    subnets: ["${subnet[\\"a\\"].id}", "${subnet[\\"b\\"].id}"]
    security_groups: ["${web.id}"]
    listeners:
      - {port: 80, protocol: HTTP, target_group: "${group.id}"}
      - {port: 8080, protocol: HTTP, redirect: {}}
    depends_on: [internet]
  target:
    type: aws.target
    for_each: [a, b]
    target_group: ${group.id}
    target: ${node[each.key].id}
    port: 80
    depends_on: [front]
  template:
    type: aws.launch_template
    name: web
    image: ami-12c6146b
    instance_type: t3.micro
    security_groups: ["${web.id}"]
  fleet:
    type: aws.autoscaling_group
    name: fleet
    launch_template: ${template.id}
    version: ${template.version}
    subnets: ["${subnet[\\"a\\"].id}", "${subnet[\\"b\\"].id}"]
    min: 2
    max: 4
    suspended: [AZRebalance]
""" % KEY

CHANGES = {
    "dns_hostnames: true, tags: {Name: demo}": "tags: {Name: other}",
    "public_ip: true": "public_ip: false",
    "routes: {0.0.0.0/0: \"${internet.id}\"}": "routes: {0.0.0.0/1: \"${internet.id}\"}",
    '- {ports: "80", peers: [0.0.0.0/0]}': '- {ports: "443", peers: [0.0.0.0/0]}',
    "    security_groups: [\"${nfs.id}\"]\n": "    security_groups: [\"${web.id}\"]\n    throughput_mode: elastic\n",
    "t3.micro": "t3.small",
    "size: 5 GiB": "size: 7 GiB",
    "instance: \"${node[\\\"b\\\"].id}\"}": "instance: \"${node[\\\"a\\\"].id}\"}",
    "path: /ping, ": "path: /health, ",
    "deregistration_delay: 30s": "deregistration_delay: 10s",
    "port: 8080, protocol: HTTP, redirect: {}": "port: 8081, protocol: HTTP, redirect: {}",
    "for_each: [a, b]\n    target_group": "for_each: [b]\n    target_group",
    "    max: 4\n    suspended: [AZRebalance]": "    max: 5\n    target_groups: [\"${group.id}\"]\n    suspended: [HealthCheck]",
}
CHANGED = SYSTEM
for old, new in CHANGES.items():
    assert old in CHANGED, old
    CHANGED = CHANGED.replace(old, new)
