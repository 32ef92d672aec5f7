// Package k8s tests what an operator installs against a real control plane: etcd,
// kube-apiserver, kube-scheduler and kube-controller-manager, built from their modules
// and run on loopback, a new cluster for each test. kubectl, helm and
// scripts/deploy-k8s.sh are run as an operator runs them, and a warning of the API
// server is a failure. The Pod Security level of every namespace is restricted.
//
// There are no machines below it: kwok says of nodes that they are there, of pods that
// they are ready, and of volumes that they are bound. No container starts. So a pod
// here is ready although its Secret is missing, and a Service answers to nobody. The
// tests of this package therefore look at what a machine would look at: that what pods
// refer to exists, and that what selects pods or ports finds them.
package k8s
