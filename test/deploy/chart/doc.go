// Package chart checks the Helm chart, and writes what is made of it with -update: k8s/,
// the chart's README and its values.schema.json.
//
// Manifests are judged by the schemas of Kubernetes (kubectl-validate), configurations by the
// gateway's own check, and Redis' by a real redis-server. What a cluster does with all of it is
// for test/k8s.
package chart
