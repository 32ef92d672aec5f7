// Package monitoring_test holds monitoring/ to what it is for. Rules are judged by Prometheus' own
// tools, and each alert is seen to fire and to stay silent. A real Prometheus scrapes real gateways
// under a load that fails in every way there is, and every expression that anything in monitoring/
// asks is answered there with data. What Alertmanager sends is received by a real mail server and
// a real webhook of the test's.
package monitoring_test
