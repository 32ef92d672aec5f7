// Package dashboard checks the dashboards as files: what Grafana, Prometheus and a person who
// reads them would stumble over. Whether every expression answers with data is for the live
// test of monitoring; whether the files are what tools/dashboards describes is for its own tests.
package dashboard
