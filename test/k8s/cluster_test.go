package k8s

import (
	"os"
	"path/filepath"
	"testing"
)

// cluster is a control plane with nodes, for one test.
type cluster struct {
	t          *testing.T
	folder     string // certificates, data, logs, and the home of what is run
	work       string // where programs are run: the repository, or a copy
	kubeconfig string // of an administrator
}

// restricted makes it the level of every namespace that says nothing else.
const restricted = `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults: {enforce: restricted, audit: restricted, warn: restricted}
`

// newCluster starts a cluster, empty but for its nodes and a default class of volumes,
// until the end of the test.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, folder: t.TempDir(), work: root}
	ports := freePorts(t, 5)
	etcd, server := "http://127.0.0.1:"+ports[0], "https://127.0.0.1:"+ports[2]
	certs := newAuthority(t, c.folder)
	certs.server("apiserver", "localhost", "kubernetes.default.svc")
	certs.server("controller-manager")
	certs.server("scheduler")
	certs.server("accounts") // its key signs the tokens of service accounts
	c.kubeconfig = certs.client(server, "admin", "system:masters")

	start(t, c.folder, tools["etcd"]+"/etcd", "--data-dir=etcd", "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls=http://127.0.0.1:"+ports[1], "--initial-advertise-peer-urls=http://127.0.0.1:"+ports[1],
		"--initial-cluster=default=http://127.0.0.1:"+ports[1])
	apiserver := start(t, c.folder, tools["kubernetes"]+"/kube-apiserver", "--etcd-servers="+etcd,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+ports[2],
		// A loopback address may not be an endpoint of the service `kubernetes`.
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=apiserver.crt", "--tls-private-key-file=apiserver.key", "--client-ca-file=ca.crt",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=accounts.key",
		"--service-account-signing-key-file=accounts.key", "--service-cluster-ip-range=10.96.0.0/16",
		"--authorization-mode=RBAC", "--admission-control-config-file="+c.write("admission.yaml", restricted),
		// As the clouds have it: who asks for GPUs tolerates the taint of nodes with GPUs.
		"--enable-admission-plugins=ExtendedResourceToleration")
	apiserver.await(t, func() bool { return c.try("kubectl", "get", "--raw=/readyz").err == nil })

	user := "system:kube-controller-manager"
	start(t, c.folder, tools["kubernetes"]+"/kube-controller-manager", "--kubeconfig="+certs.client(server, user, user),
		"--bind-address=127.0.0.1", "--secure-port="+ports[3], "--leader-elect=false",
		"--tls-cert-file=controller-manager.crt", "--tls-private-key-file=controller-manager.key",
		"--service-account-private-key-file=accounts.key", "--root-ca-file=ca.crt", "--use-service-account-credentials",
		"--kube-api-qps=200", "--kube-api-burst=400", "--horizontal-pod-autoscaler-sync-period=2s")
	user = "system:kube-scheduler"
	start(t, c.folder, tools["kubernetes"]+"/kube-scheduler", "--kubeconfig="+certs.client(server, user, user),
		"--bind-address=127.0.0.1", "--secure-port="+ports[4], "--leader-elect=false",
		"--tls-cert-file=scheduler.crt", "--tls-private-key-file=scheduler.key")
	c.startNodes()
	return c
}

// startNodes gives the cluster its nodes and what plays them.
func (c *cluster) startNodes() {
	stages := filepath.Join(moduleFolder(c.t, "kwok", "sigs.k8s.io/kwok"), "kustomize/stage")
	args := []string{"--kubeconfig=" + c.kubeconfig, "--manage-all-nodes", "--node-ip=127.0.0.1", "--node-lease-duration-seconds=40"}
	for _, glob := range []string{stages + "/node/fast/node-*", stages + "/pod/fast/pod-*", stages + "/volume/fast/pv*"} {
		files, err := filepath.Glob(glob)
		if err != nil || len(files) == 0 {
			c.t.Fatalf("kwok has no %s (%v)", glob, err)
		}
		for _, f := range files {
			args = append(args, "--config="+f)
		}
	}
	args = append(args, "--config="+filepath.Join(root, "test/k8s/testdata/helm-test.yaml"))
	start(c.t, c.folder, tools["kwok"]+"/kwok", args...)
	c.kubectl("apply", "-f", filepath.Join(root, "test/k8s/testdata/nodes.yaml"), "-f", stages+"/volume/fast/storage-class.yaml")
	c.kubectl("wait", "node", "--all", "--for=condition=Ready", "--timeout="+patience.String())
	// The controller makes it, and without it no pod may be created.
	eventually(c.t, func() string {
		return c.try("kubectl", "get", "serviceaccount", "default").stderr
	})
}

// in returns the cluster for a subtest.
func (c *cluster) in(t *testing.T) *cluster {
	part := *c
	part.t = t
	return &part
}

// write writes a file into the folder of the cluster and returns its path.
func (c *cluster) write(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}
