#!/bin/sh
# What an instructor would write in place of `k8s-tutor check lab2 --no-disrupt`: the same facts, with kubectl.
# Usage: check_lab2.sh WORKSPACE, with KUBECONFIG set and, where pod addresses need it, K8S_TUTOR_NETNS.
set -eu
work=$1
answer() { sed -n "s/^$1: *['\"]\{0,1\}\(.*[^'\"]\)['\"]\{0,1\}\$/\1/p" "$work/answers.yaml"; }
claim() { [ "$2" = "$3" ] || { echo "FAIL $1: expected $3, found $2"; exit 1; }; echo "ok $1"; }
on_node() { if [ -n "${K8S_TUTOR_NETNS:-}" ]; then nsenter --net="$K8S_TUTOR_NETNS" "$@"; else "$@"; fi; }

# 2.1 the file
file=$(kubectl apply --dry-run=server --validate=strict -f "$work/nginx-deploy.yaml" \
    -o jsonpath='{.kind} {.metadata.name} {.spec.selector.matchLabels.app} {.spec.template.metadata.labels.app}')
claim file "$file" "Deployment nginx-deployment nginx nginx"
# 2.2, 2.3, 2.6 the Deployment: ten ready, its strategy
set -- $(kubectl get deployment nginx-deployment -o jsonpath='{.spec.replicas} {.status.readyReplicas} {.spec.strategy.type} {.spec.template.spec.containers[?(@.name=="web")].image}')
claim replicas "$1" 10
claim ready "$2" 10
claim strategy "$(answer strategy)" "$3"
claim image "$4" nginx
# 2.6 three pods are older than the other seven, all of one ReplicaSet
set -- $(kubectl get pods -l app=nginx --sort-by=.metadata.creationTimestamp -o jsonpath='{range .items[*]}{.metadata.creationTimestamp}{" "}{end}')
[ $# = 10 ] && [ "$3" \< "$4" ] || { echo "FAIL three older, seven new"; exit 1; }
claim owners "$(kubectl get pods -l app=nginx -o jsonpath='{range .items[*]}{.metadata.ownerReferences[0].name}{"\n"}{end}' | sort -u | wc -l)" 1
# 2.4, 2.5 what happened: a pod of the Deployment was ended; the bare pod stopped and has not come back
kubectl get events --field-selector reason=Killing -o name | grep -q event/nginx-deployment- || { echo "FAIL pod-replaced"; exit 1; }
kubectl get events --field-selector reason=Killing,involvedObject.name=nginx-pod -o name | grep -q . || { echo "FAIL bare pod"; exit 1; }
! kubectl get pod nginx-pod >/dev/null 2>&1 || { echo "FAIL bare pod is there"; exit 1; }
# 2.7 the Service and its endpoints
set -- $(kubectl get service nginx-service -o jsonpath='{.spec.type} {.spec.clusterIP} {.spec.ports[0].port}')
claim type "$1" ClusterIP
ip=$2
claim endpoints "$(kubectl get endpointslices -l kubernetes.io/service-name=nginx-service -o jsonpath='{range .items[*].endpoints[*]}{.targetRef.name}{"\n"}{end}' | sort)" \
    "$(kubectl get pods -l app=nginx -o jsonpath='{range .items[*]}{.metadata.name}{"\n"}{end}' | sort)"
# 2.8 every pod answers: new connections, found again in the pods' logs, until all ten were seen or 153 were sent
nonce=bench-$$-$(date +%s%N)
sent=0
while :; do
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        on_node curl -s -o /dev/null --max-time 2 "http://$ip/?$nonce"
    done
    sent=$((sent + 15))
    seen=$(kubectl logs -l app=nginx --prefix --tail=60 --max-log-requests=10 | grep "$nonce" | cut -d] -f1 | sort -u | wc -l)
    [ "$seen" -lt 10 ] || break
    [ "$sent" -lt 153 ] || { echo "FAIL only $seen of 10 answered"; exit 1; }
done
echo "all facts hold"
