#!/bin/sh
# What an instructor would write in place of `k8s-tutor check lab1`: the same facts, asserted with kubectl.
# Usage: check_lab1.sh WORKSPACE, with KUBECONFIG set. Says nothing of why; exits 1 at the first false claim.
set -eu
work=$1
answer() { sed -n "s/^$1: *['\"]\{0,1\}\(.*[^'\"]\)['\"]\{0,1\}\$/\1/p" "$work/answers.yaml"; }
claim() { [ "$2" = "$3" ] || { echo "FAIL $1: expected $3, found $2"; exit 1; }; echo "ok $1"; }

# 1.1 the file describes the pod (the server reads it, nothing is stored)
file=$(kubectl apply --dry-run=server --validate=strict -f "$work/nginx-pod.yaml" \
    -o jsonpath='{.kind} {.metadata.name} {.metadata.labels.app} {.spec.containers[?(@.name=="web")].ports[0].containerPort}')
claim file "$file" "Pod nginx-pod nginx 80"
# 1.2 the required field
kubectl explain pod.spec.containers | grep -q -- "^  $(answer required-field).*-required-" || { echo "FAIL required-field"; exit 1; }
# 1.3 to 1.9 the pod: ready, its container, the image that runs, addresses and times
set -- $(kubectl get pod nginx-pod -o jsonpath='{.status.podIP} {.status.conditions[?(@.type=="Ready")].status} {.spec.containers[?(@.name=="web")].image} {.status.containerStatuses[?(@.name=="web")].restartCount} {.status.startTime} {.status.containerStatuses[?(@.name=="web")].state.running.startedAt}')
claim ready "$2" True
claim image "$3" nginx:1.20.1
claim pod-ip "$(answer pod-ip)" "$1"
claim container-name "$(answer container-name)" web
[ "$4" -ge 1 ] || { echo "FAIL same pod: no new container"; exit 1; }
gap=$(($(date -d "$6" +%s) - $(date -d "$5" +%s)))
said=$(answer age-gap); said=${said%s}
[ $((said - gap)) -le 1 ] && [ $((gap - said)) -le 1 ] || { echo "FAIL age-gap: $said, $gap"; exit 1; }
# 1.5 an event's reason
kubectl get events --field-selector involvedObject.name=nginx-pod -o jsonpath='{.items[*].reason}' |
    grep -qw "$(answer pod-event)" || { echo "FAIL pod-event"; exit 1; }
# 1.7 the learner's own request, in the log of the container before or of this one
{ kubectl logs nginx-pod -c web --previous; kubectl logs nginx-pod -c web; } |
    grep -v 'k8s-tutor' | grep -q '"GET / HTTP/1.1" 200' || { echo "FAIL page-fetched"; exit 1; }
echo "all facts hold"
